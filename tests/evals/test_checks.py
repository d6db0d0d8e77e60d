"""What the suites measure with: overlap of lists, the independent reading of claims, diversity of wording."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convrec.agent.recommender import Recommender
from convrec.agent.types import HistoryEvidence, Reason
from convrec.evals.claims_check import ClaimCheck
from convrec.evals.grounding import Audit, distinct_pairs, grounding_figures, run_grounding
from convrec.evals.request_cases import RequestCase
from convrec.evals.robustness import rank_biased_overlap, run_robustness
from tests.conftest import hashing_settings
from tests.evals.replies import reply

LISTS = st.lists(st.sampled_from("abcdefghij"), unique=True)


@pytest.fixture(scope="module")
def films(built_films: Path) -> Recommender:
    return Recommender.open(built_films, hashing_settings())


def test_overlap_by_hand() -> None:
    # Depth 1 agrees in 0 of 1, depth 2 in 2 of 2: 0.9 / (1 + 0.9).
    assert rank_biased_overlap("ab", "ba", p=0.9) == pytest.approx(0.9 / 1.9)
    # Depth 1: 1; depth 2: 1 of 2: (1 + 0.9 / 2) / 1.9.
    assert rank_biased_overlap("ab", "ac", p=0.9) == pytest.approx(1.45 / 1.9)
    assert rank_biased_overlap([], []) == 1.0
    assert rank_biased_overlap("ab", []) == 0.0


@given(LISTS, LISTS)
def test_overlap_is_symmetric_and_bounded(first: list[str], second: list[str]) -> None:
    overlap = rank_biased_overlap(first, second)
    assert 0 <= overlap <= 1
    assert overlap == rank_biased_overlap(second, first)
    assert rank_biased_overlap(first, first) == 1
    assert (overlap == 0) == (not set(first) & set(second) and bool(first or second))


@pytest.mark.parametrize(
    ("sentence", "unbacked"),
    [
        ("A science fiction film from 1979, 1 h 57, directed by Ridley Scott.", []),
        ("With Sigourney Weaver and John Hurt.", []),
        ("A comedy from 1979.", ["comedy"]),
        ("From 1986, by James Cameron.", ["james cameron", "1986"]),
        ("It runs 2 h 17.", ["2 h 17"]),
        ('Like "Moon", which you liked.', ['"Moon" was not named']),
        ('"The crew of a cargo ship wakes early to answer a signal and brings something back on board."', []),
        ("It is no comedy.", []),
    ],
)
def test_claims_about_alien(films: Recommender, sentence: str, unbacked: list[str]) -> None:
    answer = reply(films.catalogue, ["Alien"], reasons=(Reason(text=sentence),))
    _, wrong = ClaimCheck(films.catalogue).unsupported(answer.items[0], answer, ["something good"])
    assert sorted(wrong) == sorted(unbacked)


def test_titles_that_evidence_names_are_backed(films: Recommender) -> None:
    row = films.catalogue.titles.index("Moon")
    evidence = HistoryEvidence(item_id=films.catalogue.ids[row], title="Moon")
    reason = Reason(text='Like "Moon", which you liked.', evidence=(evidence,))
    answer = reply(films.catalogue, ["Alien"], reasons=(reason,))
    assert ClaimCheck(films.catalogue).unsupported(answer.items[0], answer, [])[1] == []


def test_the_audit_counts_every_fault(films: Recommender) -> None:
    case = RequestCase.model_validate(
        {"id": "c", "turns": ["a comedy"], "expect": {"every": [{"field": "genres", "any": ["Comedy"]}]}}
    )
    lie = Reason(text="A comedy from 2001.")
    answer = reply(films.catalogue, ["Alien", "Alien"], reasons=(lie,))
    audit = Audit(films)
    audit.count(case, answer)
    figures = {f.name: f for f in grounding_figures(audit.tally)}
    assert figures["items shown twice in a list"].value == 0.5
    assert figures["items against a stated condition"].value == 1
    assert figures["sentences refused by the product's verifier"].value == 1
    assert figures["claims that an independent reading does not find"].value == 0.5  # 'comedy' was said by the person
    assert figures["items explained with evidence"].value == 0
    assert figures["items outside the catalogue"].value == 0


def test_distinct_pairs_by_hand() -> None:
    assert distinct_pairs(["a b c", "a b d"]) == [3 / 4]
    assert distinct_pairs(["a b"] * 10) == [0.1]
    assert distinct_pairs(["a"]) == []


def test_suites_run_and_what_is_shown_is_true(films: Recommender) -> None:
    grounding = run_grounding(films, count=12)
    assert grounding.figure("items outside the catalogue").value == 0
    assert grounding.figure("sentences refused by the product's verifier").value == 0
    assert grounding.figure("claims that an independent reading does not find").value <= 0.01
    robustness = run_robustness(films, count=4)
    assert robustness.figure("case: overlap of lists").value == 1
