"""The judge on answers whose verdict is plain to see."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from convrec.agent.types import Recommendation
from convrec.evals.errors import EvaluationError
from convrec.evals.request_cases import Condition, RequestCase, read_cases, write_cases
from convrec.evals.request_judge import Verdict, judge, list_ndcg, meets, plain_title
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.generation import Generation
from tests.evals.replies import reply


@pytest.fixture(scope="module")
def films(built_films: Path) -> Catalogue:
    return Generation.open(built_films / "generations" / (built_films / "CURRENT").read_text().strip()).catalogue


def case(turns: int = 1, **expect: Any) -> RequestCase:
    return RequestCase.model_validate({"id": "c1", "turns": ["…"] * turns, "expect": expect})


SCIFI_70S = [{"field": "genres", "any": ["science fiction"]}, {"field": "year", "min": 1970, "max": 1979}]


def test_conditions_hold_for_every_item(films: Catalogue) -> None:
    fine = judge(case(at_least=1, every=SCIFI_70S), reply(films, ["Alien"]), [], films)
    assert fine.passed
    assert (fine.shown, fine.satisfying) == (1, 1)
    broken = judge(case(at_least=1, every=SCIFI_70S), reply(films, ["Alien", "Aliens"]), [], films)
    assert not broken.passed
    assert (broken.shown, broken.satisfying) == (2, 1)
    assert "Aliens" in broken.faults[0]


@pytest.mark.parametrize(
    ("condition", "value", "holds"),
    [
        ({"any": ["comedy"]}, ("Comedy", "Drama"), True),
        ({"any": ["Com"]}, ("Comedy",), False),
        ({"all": ["Comedy", "Drama"]}, ("Comedy", "Drama"), True),
        ({"all": ["Comedy", "War"]}, ("Comedy", "Drama"), False),
        ({"none": ["Drama"]}, ("Comedy", "Drama"), False),
        ({"none": ["War"]}, ("Comedy",), True),
        ({"min": 90, "max": 100}, 90.0, True),
        ({"min": 90, "max": 100}, 100.5, False),
        ({"contains": "ali"}, "The Alien", True),
        ({"not_contains": "ali"}, "The Alien", False),
        ({"any": [True]}, True, True),
        ({"any": ["Comedy"]}, None, False),
        ({"min": 1}, None, False),
        ({"contains": "a"}, None, False),
        ({"none": ["Comedy"]}, None, True),
        ({"not_contains": "a"}, None, True),
    ],
)
def test_conditions_by_hand(condition: dict[str, Any], value: Any, holds: bool) -> None:
    assert meets(Condition.model_validate({"field": "f", **condition}), value) is holds


def test_titles_compare_without_articles_years_and_accents() -> None:
    assert plain_title("Amélie (2001)") == plain_title("amelie")
    assert plain_title("Godfather, The") == plain_title("The Godfather")
    assert plain_title("Alien") != plain_title("Aliens")


def test_what_must_and_must_not_be_shown(films: Catalogue) -> None:
    shown = reply(films, ["Alien", "Moon"])
    assert judge(case(include_any_titles=["Moon", "Amélie"]), shown, [], films).passed
    assert not judge(case(include_any_titles=["Amélie"]), shown, [], films).passed
    assert not judge(case(exclude_titles=["moon"]), shown, [], films).passed
    assert not judge(case(exclude_history=True), shown, [], films, ["f1"]).passed
    assert judge(case(exclude_history=True), shown, [], films, ["f3"]).passed
    assert not judge(case(at_least=3), shown, [], films).passed


def test_what_was_shown_before(films: Catalogue) -> None:
    shown = reply(films, ["Alien"])
    assert not judge(case(turns=2, exclude_previous="all"), shown, [["f9", "f1"]], films).passed
    assert judge(case(turns=2, exclude_previous="all"), shown, [["f9"]], films).passed
    entry = {"turn": 1, "rank": 2}
    assert not judge(case(turns=2, exclude_previous=entry), shown, [["f9", "f1"]], films).passed
    assert judge(case(turns=2, exclude_previous=entry), shown, [["f1", "f9"]], films).passed
    # A rank that was never shown excludes nothing.
    assert judge(case(turns=2, exclude_previous=entry), shown, [["f1"]], films).passed


def verdict_of(films: Catalogue, expect: dict[str, Any], **answer: Any) -> Verdict:
    return judge(case(**expect), reply(films, **answer), [], films)


def test_questions_refusals_and_the_impossible(films: Catalogue) -> None:
    question, item = "Which one?", ["Alien"]
    assert verdict_of(films, {"clarify": True}, question=question).passed
    assert not verdict_of(films, {"clarify": True}, question=question, titles=item).passed
    assert not verdict_of(films, {"clarify": True}).passed
    either = {"clarify": "either", "at_least": 1}
    assert verdict_of(films, either, question=question).passed
    assert verdict_of(films, either, titles=item).passed
    assert not verdict_of(films, either).passed
    assert verdict_of(films, {"no_items": True}).passed
    assert not verdict_of(films, {"no_items": True}, titles=item).passed
    impossible = {"impossible": True, "every": SCIFI_70S}
    assert verdict_of(films, impossible).passed
    assert verdict_of(films, impossible, titles=["Aliens"], loosened=True).passed
    assert not verdict_of(films, impossible, titles=["Aliens"]).passed


def test_items_of_no_catalogue_are_counted(films: Catalogue) -> None:
    made_up = Recommendation(rank=1, id="nowhere", title="Nowhere", score=0.0, breakdown={})
    verdict = judge(case(), reply(films).model_copy(update={"items": (made_up,)}), [], films)
    assert verdict.outside == 1
    assert not verdict.passed


def test_unknown_fields_are_said_and_not_fatal(films: Catalogue) -> None:
    verdict = judge(case(every=[{"field": "colour", "any": ["red"]}]), reply(films, ["Alien"]), [], films)
    assert verdict.passed
    assert "colour" in verdict.notes[0]


def test_ndcg_by_hand() -> None:
    # Relevant at ranks 1 and 3 of two: (1 + 1/2) / (1 + 1/log2(3)).
    assert list_ndcg(["a", "x", "b"], {"a", "b"}) == pytest.approx(1.5 / (1 + 1 / math.log2(3)))
    assert list_ndcg(["a", "b"], {"a", "b"}) == pytest.approx(1.0)
    assert list_ndcg(["x", "y"], {"a"}) == 0.0
    # More relevant items than places: a full list of them is perfect.
    assert list_ndcg([str(n) for n in range(10)], {str(n) for n in range(30)}) == pytest.approx(1.0)


def test_cases_are_read_with_what_is_wrong_of_them(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text(
        '{"id": 7, "turns": ["hi"], "expect": {"no_items": true, "colour": 1}}\n\n{broken\n{"id": "a", "turns": []}\n',
        "utf-8",
    )
    cases, problems = read_cases(file)
    assert [c.id for c in cases] == ["7"]
    assert cases[0].expect.no_items
    assert ["colour" in p or "line 3" in p or "line 4" in p for p in problems] == [True, True, True]
    write_cases(cases, tmp_path / "again.jsonl")
    assert read_cases(tmp_path / "again.jsonl")[0] == cases
    file.write_text("", "utf-8")
    with pytest.raises(EvaluationError, match="no request case"):
        read_cases(file)
