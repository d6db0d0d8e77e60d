"""Cards, comparisons, and why an item stands where it does."""

from __future__ import annotations

from convrec.agent.describe import compare_items, describe_item, describe_request, explain_pick
from convrec.agent.types import Reason
from convrec.retrieval.filters import Contains, In, Range
from convrec.retrieval.request import (
    Constraint,
    Description,
    Exclusion,
    Provenance,
    Reference,
    Request,
    RequestEdit,
    Strength,
    apply_edit,
)
from tests.agent.small_catalogues import FILM_SCHEMA, TOOL_SCHEMA, films, tools


def asked(*parts: Constraint | Description | Exclusion | Reference) -> Request:
    request = Request()
    for part in parts:
        request = apply_edit(request, RequestEdit(op="add", part=part))
    return request


def test_the_request_in_one_sentence() -> None:
    request = asked(
        Constraint(filter=Contains(field="genres", values=("Comedy",))),
        Constraint(filter=In(field="language", values=("fr",))),
        Constraint(filter=Range(field="year", minimum=2000, maximum=2009)),
        Constraint(filter=Contains(field="genres", values=("Horror",), mode="none"), negated=True),
        Constraint(filter=Range(field="runtime", maximum=100), strength=Strength.SOFT),
        Reference(item_id="f4", title="Amélie"),
        Description(text="lonely people"),
    )
    assert describe_request(request, FILM_SCHEMA) == (
        'You want comedy films from the 2000s in French like "Amélie" matching "lonely people", '
        "no horror, ideally at most 1 h 40."
    )


def test_a_critique_is_told_by_its_example_and_nothing_is_said_twice() -> None:
    scary = Contains(field="genres", values=("Horror",))
    request = asked(
        Reference(item_id="f3", title="Dune (2021)"),
        Constraint(filter=Range(field="runtime", maximum=155, maximum_open=True), relative_to="f3"),
        Constraint(filter=scary, provenance=Provenance(words="scary")),
        Constraint(
            filter=Contains(field="tags", values=("ghost",)),
            strength=Strength.SOFT,
            provenance=Provenance(words="scary"),
        ),
        Constraint(
            filter=Contains(field="tags", values=("police",), mode="none"),
            negated=True,
            provenance=Provenance(words="no police"),
        ),
        Description(text="police", weight=-1.0),
    )
    assert describe_request(request, FILM_SCHEMA) == 'You want horror films like "Dune" but shorter, not about police.'
    lone = asked(
        Exclusion(item_id="f3", title="Dune"),
        Constraint(filter=Range(field="year", minimum=2021, minimum_open=True), relative_to="f3"),
    )
    assert describe_request(lone, FILM_SCHEMA) == 'You want films newer than "Dune".'


def test_the_request_in_another_domain() -> None:
    request = asked(
        Constraint(filter=Range(field="price", maximum=20, maximum_open=True)),
        Constraint(filter=In(field="washable", values=(True,))),
        Constraint(filter=In(field="material", values=("Steel",))),
    )
    assert describe_request(request, TOOL_SCHEMA) == "You want steel dishwasher-safe tools under 20 €."


def test_wishes_are_said_once_and_names_by_what_they_do() -> None:
    request = asked(
        Reference(item_id="f3", title="Dune"),
        Description(text="funny"),
        Constraint(filter=Contains(field="genres", values=("Comedy",)), strength=Strength.SOFT),
        Constraint(filter=Range(field="runtime", maximum=100), strength=Strength.SOFT),
        Constraint(filter=Contains(field="stars", values=("Bill Murray",))),
        Constraint(filter=Contains(field="directors", values=("Wes Anderson",))),
        Constraint(filter=Contains(field="stars", values=("Jack Nicholson",), mode="none"), negated=True),
        Constraint(filter=Contains(field="tags", values=("hotel",))),
        Constraint(filter=Range(field="votes", minimum=1000)),
    )
    assert describe_request(request, FILM_SCHEMA) == (
        "You want films with Bill Murray directed by Wes Anderson about hotel with at least 1,000 votes "
        'like "Dune", funny, without Jack Nicholson, ideally a comedy and at most 1 h 40.'
    )


def test_nothing_asked() -> None:
    assert "your taste" in describe_request(Request(), FILM_SCHEMA)


def test_a_card_holds_every_field_that_is_known() -> None:
    card = describe_item(films(), films().row("f8"))
    assert card.splitlines() == [
        "Parasite",
        "A poor family schemes its way into a rich household.",
        "",
        "Year: 2019",
        "Genres: Thriller, Drama, Comedy",
        "Runtime: 2 h 12",
        "Language: Korean",
        "Country: South Korea",
        "Director: Bong Joon-ho",
        "Star: Song Kang-ho",
        "Tags: class, family, basement",
        "Rating: 8.5",
        "Votes: 9000",
    ]
    assert describe_item(tools(), tools().row("k13")) == "Mystery Gadget"


def test_a_comparison_names_what_is_shared_and_what_differs() -> None:
    catalogue = films()
    text = compare_items(catalogue, [catalogue.row("f5"), catalogue.row("f6")])
    lines = text.splitlines()
    assert lines[0] == '"The Grand Budapest Hotel" and "Rushmore" side by side.'
    assert "directed by Wes Anderson" in lines[1]
    assert "comedy and drama" in lines[1]
    assert any(line.split("  ")[0] == "Runtime" and line.split()[1:] == "1 h 40 1 h 33".split() for line in lines)
    assert not any(line.startswith("Director") for line in lines)
    starts = {line.index(word) for line, word in zip(lines[2:4], ("Rushmore", "1998"), strict=True)}
    assert len(starts) == 1, "values of an item stand below its title"
    unknown = compare_items(tools(), [tools().row("k1"), tools().row("k13")])
    assert any(line.startswith("Price") and line.endswith("not known") for line in unknown.splitlines())
    assert max(len(line) for line in unknown.splitlines()) <= 100


def test_the_same_item_twice_does_not_differ() -> None:
    catalogue = films()
    assert "do not differ" in compare_items(catalogue, [0, 0])
    assert "two or more" in compare_items(catalogue, [0])


def test_why_names_the_terms_and_what_would_have_moved_it() -> None:
    text = explain_pick(
        "Rushmore",
        2,
        {"request": 0.9, "taste": 0.2, "diversity": -0.1},
        (Reason(text="A comedy film, as you asked."),),
        (
            (1, "Amélie", {"request": 0.8, "taste": 0.6, "diversity": -0.05}),
            (3, "Paterson", {"request": 0.5, "taste": 0.3, "diversity": -0.1}),
        ),
    )
    assert text.splitlines() == [
        '"Rushmore" is number 2.',
        "A comedy film, as you asked.",
        "What lifted it: what you asked for (82%) and your taste (18%).",
        "What held it back: variety in the list.",
        'Number 1, "Amélie", is ahead mostly by your taste.',
        'It is ahead of number 3, "Paterson", mostly by what you asked for.',
    ]
