"""Filters, constraints and values as people would say them."""

from __future__ import annotations

import pytest

from convrec.agent.labels import label_constraint, label_filter, label_value
from convrec.retrieval.filters import And, Contains, Filter, In, Missing, Not, NotIn, Or, Range
from convrec.retrieval.request import Constraint, Strength
from convrec.retrieval.schema import Attribute, AttributeKind, Role
from tests.agent.small_catalogues import FILM_SCHEMA, TOOL_SCHEMA


@pytest.mark.parametrize(
    ("node", "label"),
    [
        (Range(field="year", minimum=1980, maximum=1989), "year 1980–1989"),
        (Range(field="year", minimum=1994, maximum=1994), "year 1994"),
        (Range(field="year", maximum=1990, maximum_open=True), "year before 1990"),
        (Range(field="year", minimum=2000), "year 2000 or later"),
        (Range(field="runtime", maximum=120), "≤ 2 h"),
        (Range(field="runtime", maximum=95, maximum_open=True), "< 1 h 35"),
        (Range(field="runtime", minimum=45, maximum=131), "45 min–2 h 11"),
        (Range(field="rating", minimum=7.5), "rated at least 7.5"),
        (Range(field="votes", minimum=12000, minimum_open=True), "votes > 12,000"),
        (Contains(field="genres", values=("Comedy", "Horror")), "Comedy or Horror"),
        (Contains(field="genres", values=("Comedy", "Horror"), mode="all"), "Comedy and Horror"),
        (Contains(field="genres", values=("Horror",), mode="none"), "not Horror"),
        (Not(part=Contains(field="genres", values=("Horror",))), "not Horror"),
        (NotIn(field="language", values=("en",)), "not in English"),
        (In(field="language", values=("fr", "de")), "in French or German"),
        (Contains(field="country", values=("France",)), "from France"),
        (Contains(field="directors", values=("Wes Anderson",)), "director Wes Anderson"),
        (Missing(field="rating"), "without a known rating"),
        (Not(part=Missing(field="rating")), "with a known rating"),
        (And(parts=()), "anything"),
        (
            Or(
                parts=(
                    Contains(field="genres", values=("Drama",)),
                    And(parts=(Range(field="runtime", maximum=90), In(field="language", values=("fr",)))),
                )
            ),
            "Drama or (≤ 1 h 30, in French)",
        ),
        (Range(field="nonsense", minimum=1), "nonsense (unknown)"),
    ],
)
def test_film_filters(node: Filter, label: str) -> None:
    assert label_filter(node, FILM_SCHEMA) == label


@pytest.mark.parametrize(
    ("node", "label"),
    [
        (Range(field="price", maximum=20, maximum_open=True), "< 20 €"),
        (Range(field="price", minimum=9.5, maximum=30), "9.50 €–30 €"),
        (Range(field="weight", maximum=240), "weight ≤ 240 g"),
        (In(field="material", values=("Steel",)), "material Steel"),
        (In(field="washable", values=(True,)), "dishwasher-safe"),
        (In(field="washable", values=(False,)), "not dishwasher-safe"),
        (Not(part=In(field="washable", values=(True,))), "not dishwasher-safe"),
    ],
)
def test_tool_filters(node: Filter, label: str) -> None:
    assert label_filter(node, TOOL_SCHEMA) == label


def test_a_preference_says_so() -> None:
    node = Contains(field="genres", values=("Comedy",))
    assert label_constraint(Constraint(filter=node), FILM_SCHEMA) == "Comedy"
    assert label_constraint(Constraint(filter=node, strength=Strength.SOFT), FILM_SCHEMA) == "ideally Comedy"


def test_values_carry_their_units() -> None:
    shown = {
        name: label_value(FILM_SCHEMA.attribute(name), value)
        for name, value in (("year", 1994.0), ("runtime", 131.0), ("language", "ko"), ("genres", ("Drama", "War")))
    }
    assert shown == {"year": "1994", "runtime": "2 h 11", "language": "Korean", "genres": "Drama, War"}
    dollars = Attribute(name="p", label="price", kind=AttributeKind.NUMBER, role=Role.PRICE, unit="USD")
    assert [label_value(dollars, v) for v in (20.0, 1250.5)] == ["$20", "$1,250.50"]
    day = Attribute(name="d", label="day", kind=AttributeKind.DATE)
    assert label_value(day, 0.0) == "1970-01-01"


def test_a_date_with_the_role_of_a_year_is_said_in_years_where_the_bounds_are() -> None:
    released = Attribute(name="released", label="release", kind=AttributeKind.DATE, role=Role.YEAR)
    schema = FILM_SCHEMA.model_copy(update={"attributes": (released,)})
    fresh = type(schema).model_validate(schema.model_dump())
    eighties = Range(field="released", minimum=3652.0, maximum=7304.0)
    assert label_filter(eighties, fresh) == "release 1980–1989"
