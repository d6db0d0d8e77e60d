"""Public dialogues: their form, the converter, and recall whose value is plain to see."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convrec.agent.cli import run
from convrec.agent.recommender import Recommender
from convrec.evals.crs import TitleIndex, ranks, run_crs
from convrec.evals.crs_cases import DialogueCase, convert_redial, read_dialogues, write_dialogues
from convrec.evals.errors import EvaluationError
from tests.conftest import hashing_settings

RAW = {
    "conversationId": "9",
    "initiatorWorkerId": 1,
    "movieMentions": {"10": "Alien  (1979)", "11": "Moon (2009)", "12": "Aliens (1986)"},
    "messages": [
        {"senderWorkerId": 1, "text": "I am looking for something like @10"},
        {"senderWorkerId": 2, "text": "Try @11 or @12"},
        {"senderWorkerId": 1, "text": "I know @11 , thanks"},
        {"senderWorkerId": 2, "text": "Then @12 it is, and @10 again"},
    ],
}


@pytest.fixture(scope="module")
def films(built_films: Path) -> Recommender:
    return Recommender.open(built_films, hashing_settings())


def test_redial_becomes_a_case_a_recommending_message(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw.jsonl", tmp_path / "cases.jsonl"
    silent = {**RAW, "conversationId": "10", "movieMentions": [], "messages": [{"senderWorkerId": 1, "text": "hi"}]}
    raw.write_text(json.dumps(RAW) + "\n" + json.dumps(silent) + "\n", "utf-8")
    first, second = convert_redial(raw)
    assert first.context == ("I am looking for something like Alien (1979)",)
    assert first.targets == ("Moon (2009)", "Aliens (1986)")
    assert first.mentioned == ("Alien (1979)",)
    assert second.targets == ("Aliens (1986)", "Alien (1979)")
    assert second.mentioned == ("Alien (1979)", "Moon (2009)", "Aliens (1986)")
    assert run(["eval", "redial", str(raw), str(out)]) == 0
    assert read_dialogues(out) == [first, second]
    raw.write_text('{"a": 1}\n', "utf-8")
    for read in (convert_redial, read_dialogues):
        with pytest.raises(EvaluationError, match="Line 1"):
            read(raw)


def test_titles_are_found_with_their_year(films: Recommender) -> None:
    index = TitleIndex(films.catalogue)
    row = films.catalogue.titles.index("Alien")
    assert index.row("Alien (1979)") == index.row("alien") == index.row("Alien (1980)") == row
    assert index.row("Alien (1999)") is None
    assert index.row("No Such Film") is None


def test_ranks_in_both_conditions_by_hand() -> None:
    case = DialogueCase(id="a", context=("hi",), targets=("A", "B", "C"), mentioned=("A",))
    # The catalogue has A as 0, B as 1 and not C; the context named A.
    found = ranks(case, [0, 1, None], [0, 5, 1], {0})
    assert found == {"all items": {0: 1, 1: 3, 2: None}, "new items": {1: 2, 2: None}}


def test_recall_over_a_workspace(films: Recommender, tmp_path: Path) -> None:
    case = DialogueCase(
        id="a",
        context=("a science fiction film with Sigourney Weaver please",),
        targets=("Alien (1979)", "Nowhere (1990)"),
    )
    result = run_crs(films, [case])
    assert result.figure("targets in the catalogue").value == 0.5
    # All 36 films are ranked, so the one that exists is among the best 50, and the one that does not is missed.
    assert result.figure("convrec: recall@50, all items").value == 0.5
    assert result.figure("convrec: recall@50, new items").n == 2
    only = run_crs(films, [case], candidates=["Alien"])
    assert only.figure("convrec: recall@1, all items").value == 0.5
    with pytest.raises(EvaluationError, match="No target"):
        run_crs(films, [case.model_copy(update={"targets": ("Nowhere (1990)",)})])
    write_dialogues([case], tmp_path / "cases.jsonl")
    assert read_dialogues(tmp_path / "cases.jsonl") == [case]
