"""The smallest loosening, counted right; what was forbidden or demanded stays."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convrec.agent.relaxation import contradictions, find_relaxations
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filter_compile import mask
from convrec.retrieval.filters import Contains, Filter, In, Range
from convrec.retrieval.request import Constraint, Request, RequestEdit, Strength, apply_edit, apply_edits
from tests.agent.small_catalogues import FILM_SCHEMA, FILMS, build, films, tools

FILM_CATALOGUE = films()


def asked(*constraints: Constraint | Filter) -> Request:
    request = Request()
    for entry in constraints:
        part = entry if isinstance(entry, Constraint) else Constraint(filter=entry)
        request = apply_edit(request, RequestEdit(op="add", part=part))
    return request


def nothing_excluded(catalogue: Catalogue) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.zeros(len(catalogue), dtype=bool)


def test_a_bound_moves_by_the_least_that_lets_something_in() -> None:
    request = asked(Contains(field="genres", values=("Comedy",)), Range(field="runtime", maximum=85))
    found = find_relaxations(request, FILM_CATALOGUE, nothing_excluded(FILM_CATALOGUE), 1)
    first = found[0]
    assert (first.before, first.after) == ("≤ 1 h 25", "≤ 1 h 30")
    assert (first.fits_before, first.gained) == (0, 1)
    assert apply_edits(request, first.edits).hard_filter() is not None
    kept = np.flatnonzero(mask(apply_edits(request, first.edits).hard_filter(), FILM_CATALOGUE))
    assert [FILM_CATALOGUE.titles[row] for row in kept] == ["Airplane!"]


def test_a_decade_is_widened_on_the_side_where_items_are() -> None:
    request = asked(Contains(field="genres", values=("Horror",)), Range(field="year", minimum=1970, maximum=1978))
    first = find_relaxations(request, FILM_CATALOGUE, nothing_excluded(FILM_CATALOGUE), 2)[0]
    assert first.after == "year 1970–1980"
    assert first.gained == 2


def test_a_conjunction_becomes_a_disjunction_and_a_value_a_preference() -> None:
    both = asked(Contains(field="genres", values=("Comedy", "Horror"), mode="all"))
    first = find_relaxations(both, FILM_CATALOGUE, nothing_excluded(FILM_CATALOGUE), 5)[0]
    assert first.after == "Comedy or Horror"
    lone = asked(In(field="language", values=("fr",)), Contains(field="genres", values=("Horror",)))
    found = find_relaxations(lone, FILM_CATALOGUE, nothing_excluded(FILM_CATALOGUE), 5)
    assert {(f.after, f.gained) for f in found} == {("ideally in French", 3), ("ideally Horror", 2)}


def test_two_constraints_together_only_where_no_single_one_helps() -> None:
    request = asked(
        In(field="language", values=("ja",)),
        Contains(field="genres", values=("Comedy",)),
        Range(field="runtime", maximum=100),
    )
    found = find_relaxations(request, FILM_CATALOGUE, nothing_excluded(FILM_CATALOGUE), 3)
    assert [len(f.loosened) for f in found] == [1]
    assert found[0].after == "ideally in Japanese"
    hopeless = asked(
        In(field="language", values=("ja",)),
        Contains(field="genres", values=("Horror",)),
        Range(field="runtime", maximum=60),
    )
    assert all(
        len(f.loosened) == 2 for f in find_relaxations(hopeless, FILM_CATALOGUE, nothing_excluded(FILM_CATALOGUE), 3)
    )


def test_excluded_rows_are_never_counted() -> None:
    request = asked(Contains(field="genres", values=("Comedy",)), Range(field="runtime", maximum=85))
    excluded = nothing_excluded(FILM_CATALOGUE)
    excluded[FILM_CATALOGUE.row("f12")] = True
    first = find_relaxations(request, FILM_CATALOGUE, excluded, 1)[0]
    assert first.after == "≤ 1 h 35"
    assert find_relaxations(request, FILM_CATALOGUE, ~nothing_excluded(FILM_CATALOGUE), 1) == ()


def test_prices_and_missing_values() -> None:
    catalogue = tools()
    request = asked(Range(field="price", maximum=5.0), In(field="washable", values=(True,)))
    first = find_relaxations(request, catalogue, nothing_excluded(catalogue), 2)[0]
    assert first.before == "≤ 5 €"
    assert first.gained >= 1
    assert first.after in ("≤ 7 €", "≤ 8 €")


FILTERS = st.one_of(
    st.builds(
        lambda value, mode: Contains(field="genres", values=value, mode=mode),
        st.lists(st.sampled_from(["Comedy", "Horror", "Drama", "Western"]), min_size=1, max_size=2, unique=True).map(
            tuple
        ),
        st.sampled_from(["any", "all", "none"]),
    ),
    st.builds(
        lambda low, width: Range(field="year", minimum=float(low), maximum=float(low + width)),
        st.integers(1940, 2030),
        st.integers(0, 30),
    ),
    st.builds(lambda high: Range(field="runtime", maximum=float(high), maximum_open=True), st.integers(30, 220)),
    st.builds(lambda low: Range(field="rating", minimum=low), st.floats(1, 10).map(lambda x: round(x, 1))),
    st.builds(lambda code: In(field="language", values=(code,)), st.sampled_from(["en", "fr", "ko", "xx"])),
)
CONSTRAINTS = st.builds(
    lambda node, strength, negated: Constraint(filter=node, strength=strength, negated=negated),
    FILTERS,
    st.sampled_from([Strength.HARD, Strength.HARD, Strength.MUST, Strength.SOFT]),
    st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(CONSTRAINTS, min_size=1, max_size=5),
    st.integers(1, 10),
    st.sets(st.integers(0, len(FILMS) - 1), max_size=6),
)
def test_what_is_promised_is_what_comes(constraints: list[Constraint], wanted: int, left_out: set[int]) -> None:
    request = asked(*constraints)
    excluded = nothing_excluded(FILM_CATALOGUE)
    excluded[list(left_out)] = True
    before = mask(request.hard_filter(), FILM_CATALOGUE) & ~excluded
    by_id = {c.id: c for c in request.constraints}
    for loosening in find_relaxations(request, FILM_CATALOGUE, excluded, wanted):
        after = mask(apply_edits(request, loosening.edits).hard_filter(), FILM_CATALOGUE) & ~excluded
        assert loosening.fits_before == int(before.sum())
        assert loosening.gained == int(after.sum()) - int(before.sum()) > 0
        assert (after | ~before).all()
        assert all(by_id[c.id].loosenable for c in loosening.loosened)
        assert loosening.before != loosening.after


def test_contradictions_name_the_smallest_conflict() -> None:
    old = Range(field="year", maximum=1960)
    new = Range(field="year", minimum=2015)
    comedy = Contains(field="genres", values=("Comedy",))
    request = asked(comedy, old, new)
    assert [[c.filter for c in group] for group in contradictions(request, FILM_CATALOGUE)] == [
        [comedy, old],
        [old, new],
    ]
    western = asked(comedy, Contains(field="genres", values=("Western",)))
    assert [c.id for (c,) in contradictions(western, FILM_CATALOGUE)] == ["c2"]
    assert contradictions(asked(comedy), FILM_CATALOGUE) == ()
    assert contradictions(Request(), FILM_CATALOGUE) == ()


def test_three_that_only_together_exclude_each_other() -> None:
    request = asked(
        Contains(field="genres", values=("Horror",)),
        Range(field="year", minimum=1990),
        Range(field="rating", minimum=8.0),
    )
    (group,) = contradictions(request, FILM_CATALOGUE)
    assert len(group) == 3


@pytest.mark.slow
def test_a_hundred_thousand_items_take_a_moment() -> None:
    rng = np.random.default_rng(0)
    records = [list(FILMS[k]) for k in rng.integers(0, len(FILMS), 100_000)]
    for number, record in enumerate(records):
        record[0] = f"x{number}"
        record[4] = int(rng.integers(60, 240))
    catalogue = build(FILM_SCHEMA, records)
    request = asked(
        Contains(field="genres", values=("Comedy",)),
        In(field="language", values=("ja",)),
        Range(field="runtime", maximum=90),
        Range(field="year", minimum=2010, maximum=2019),
    )
    start = time.perf_counter()
    assert find_relaxations(request, catalogue, nothing_excluded(catalogue), 10)
    assert time.perf_counter() - start < 0.5
