"""Generated cases: the answer is known, the words are many, and nothing is asked that cannot be had."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from convrec.agent.recommender import Recommender
from convrec.evals.errors import EvaluationError
from convrec.evals.generator_facts import FEWEST, Facts, rows_of
from convrec.evals.generator_words import INJECTION, reword, with_typo
from convrec.evals.request_generator import SHARES, fitting_rows, generate
from convrec.evals.request_judge import field_value, meets
from convrec.evals.request_suite import run_requests
from convrec.retrieval.catalogue import Catalogue
from tests.conftest import hashing_settings


@pytest.fixture(scope="module", params=["films", "tools"])
def recommender(request: pytest.FixtureRequest) -> Recommender:
    return Recommender.open(request.getfixturevalue(f"built_{request.param}"), hashing_settings())


def test_every_case_can_be_met(recommender: Recommender) -> None:
    catalogue = recommender.catalogue
    cases = generate(catalogue, 80)
    assert len(cases) == 80
    assert len({case.turns for case in cases}) == len({case.id for case in cases}) == 80
    for case in cases:
        fitting = set(fitting_rows(case, catalogue))
        by_judge = {
            row
            for row in range(len(catalogue))
            if all(meets(c, field_value(catalogue, catalogue.ids[row], c.field)) for c in case.expect.every)
        }
        assert fitting == by_judge
        titles = set(case.expect.exclude_titles)
        assert titles <= set(catalogue.titles)
        left = [row for row in fitting if catalogue.titles[row] not in titles]
        assert len(left) >= (case.expect.at_least or 0)


def test_the_seed_decides(recommender: Recommender) -> None:
    first, again, other = (generate(recommender.catalogue, 30, seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_kinds_are_spread(recommender: Recommender) -> None:
    kinds = Counter(case.tags[0] for case in generate(recommender.catalogue, 80))
    # Only what the catalogue cannot offer is missing: no large vocabulary of topics, no years of kitchen tools.
    assert set(SHARES) - set(kinds) <= {"theme", "year", "replace", "drop"}
    assert max(kinds.values()) <= 25


def test_conditions_tell_items_apart(recommender: Recommender) -> None:
    size = len(recommender.catalogue)
    for case in generate(recommender.catalogue, 60):
        if case.tags[0] in ("value", "number", "conjunction", "negation"):
            assert FEWEST <= rows_of(case.expect.every, recommender.catalogue).sum() <= max(FEWEST, 0.6 * size)


def test_convrec_understands_what_plain_retrieval_does_not(recommender: Recommender) -> None:
    cases = generate(recommender.catalogue, 30)
    result, verdicts = run_requests(recommender, cases)
    ours = result.figure("cases passed")
    assert len(verdicts) == 30
    assert ours.value > result.figure("plain Chroma: cases passed").high  # type: ignore[operator]
    assert ours.value > result.figure("BM25: cases passed").high  # type: ignore[operator]
    # The best known items, whatever is asked, pass hardly anything by construction.
    assert result.figure("popularity: cases passed").value <= 0.2
    assert result.figure("items outside the catalogue").value == 0
    assert set(ours.samples) == {case.id for case in cases}


def test_a_catalogue_without_attributes_is_refused(built_films: Path) -> None:
    films = Recommender.open(built_films, hashing_settings()).catalogue
    bare = Catalogue(films.schema.model_copy(update={"attributes": ()}), films.ids, films.titles, films.texts, {})
    with pytest.raises(EvaluationError, match="no attribute"):
        generate(bare, 10)


def test_rewording_keeps_the_wish(built_films: Path) -> None:
    facts = Facts(Recommender.open(built_films, hashing_settings()).catalogue)
    draw = random.Random(1)
    ways = dict(reword("comedy films from the 80s?", draw, facts.schema.plural))
    assert ways["case"] == "COMEDY FILMS FROM THE 80S?"
    assert ways["word order"] == "from the 80s, comedy films"
    assert ways["injection"].endswith(INJECTION)
    assert "comedy films from the 80s" in ways["paraphrase"]
    assert sorted(ways["typo"]) != sorted(ways["case"])
    assert with_typo("war up", draw) is None
    for _ in range(50):
        wrong = with_typo("comedy", draw)
        assert wrong is not None
        assert wrong != "comedy"
        assert abs(len(wrong) - len("comedy")) <= 1
