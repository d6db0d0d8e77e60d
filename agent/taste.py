"""What a person's history says about their taste, in a few lines: for the person, and for a prompt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convrec.agent.labels import join_words, label_value
from convrec.ranking.types import Person
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import Attribute, AttributeKind

FEWEST = 3
"""liked items that must carry a value before it is called a taste"""


@dataclass(frozen=True, slots=True)
class TasteValue:
    """A value that the person likes more often than the catalogue has it. `lift` is the ratio of the two shares."""

    attribute: str
    value: str
    items: int
    lift: float


@dataclass(frozen=True)
class Taste:
    """A person's condensed taste. Titles are those of the items liked most, latest first."""

    items: int
    liked_titles: tuple[str, ...]
    disliked_titles: tuple[str, ...]
    values: tuple[TasteValue, ...]


def taste_of(person: Person, catalogue: Catalogue, *, titles: int = 5, values: int = 6) -> Taste:
    """The taste that the liked part of a history shows against the whole catalogue."""
    weights = person.weights()
    newest = np.argsort(-np.arange(person.items.size), kind="stable")
    order = newest[np.argsort(-weights[newest], kind="stable")]
    liked = [int(person.items[i]) for i in order if weights[i] > 0]
    disliked = [*sorted(person.disliked), *(int(person.items[i]) for i in order[::-1] if weights[i] <= -0.5)]
    found: list[TasteValue] = []
    for attribute in catalogue.schema.attributes:
        if attribute.kind in (AttributeKind.CATEGORY, AttributeKind.CATEGORIES):
            found += _preferred(attribute, np.array(liked, np.int64), catalogue)
    strongest = sorted(found, key=lambda t: -t.items * np.log(t.lift))[:values]
    return Taste(
        items=int(person.items.size),
        liked_titles=tuple(catalogue.titles[row] for row in liked[:titles]),
        disliked_titles=tuple(catalogue.titles[row] for row in dict.fromkeys(disliked))[:titles],
        values=tuple(strongest),
    )


def _preferred(attribute: Attribute, liked: NDArray[np.int64], catalogue: Catalogue) -> list[TasteValue]:
    column = catalogue.categories(attribute.name)
    counts: dict[int, int] = {}
    for row in liked:
        for code in column.codes[column.indptr[row] : column.indptr[row + 1]]:
            counts[int(code)] = counts.get(int(code), 0) + 1
    found = []
    for code, own in counts.items():
        share, base = own / liked.size, float(column.counts[code]) / len(catalogue)
        if own >= FEWEST and share > 1.25 * base:
            found.append(TasteValue(attribute.name, column.vocabulary[code], own, share / base))
    return found


def describe_taste(taste: Taste, catalogue: Catalogue, preferences: tuple[str, ...] = ()) -> str:
    """What is known of a person, in plain sentences."""
    schema = catalogue.schema
    if not taste.items and not preferences and not taste.disliked_titles:
        return "Nothing yet. Tell me what you like, or mark what you have seen."
    lines = []
    if taste.items:
        noun = schema.noun if taste.items == 1 else schema.plural
        lines.append(f"Your history holds {taste.items:,} {noun}.")
    if taste.liked_titles:
        lines.append(f"You liked {join_words(list(taste.liked_titles))}.")
    if taste.values:
        shown = [label_value(schema.attribute(v.attribute), v.value) for v in taste.values]
        lines.append(f"More than others you go for {join_words(shown)}.")
    if taste.disliked_titles:
        lines.append(f"You did not like {join_words(list(taste.disliked_titles))}.")
    if preferences:
        quoted = [f"“{words}”" for words in preferences]
        lines.append(f"I keep in mind: {join_words(quoted)}. Say “forget that” to drop it.")
    return " ".join(lines)
