"""All that a sentence about one item may rest on, and how it is looked up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from convrec.agent.claims.index import ClaimIndex, Meaning, normalise, stems
from convrec.agent.claims.quantities import Measures
from convrec.agent.labels import label_value
from convrec.retrieval.filters import Contains, In, leaves
from convrec.retrieval.request import Constraint
from convrec.retrieval.schema import CatalogueSchema, Role
from convrec.retrieval.types import AttributeValue, Item


@dataclass(frozen=True, eq=False)
class Facts:
    """All that a reason about one item may rest on.

    `history` and `references` map ids to titles: what the person saw or liked, and named in this conversation;
    `disliked` are ids of the history that they did not like. `words` are the person's words so far; `constraints`
    what was understood of them.
    """

    item: Item
    schema: CatalogueSchema
    index: ClaimIndex
    history: Mapping[str, str] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    breakdown: Mapping[str, float] = field(default_factory=dict)
    words: str = ""
    constraints: tuple[Constraint, ...] = ()
    disliked: frozenset[str] = frozenset()

    @cached_property
    def values(self) -> dict[str, frozenset[str | float | bool]]:
        """The item's values by attribute, folded."""
        return {name: folded_values(value) for name, value in self.item.attributes.items()}

    @cached_property
    def record_texts(self) -> tuple[tuple[str, ...], ...]:
        """Stems of the title, the description and every value of the item."""
        shown = [self.item.title, self.item.text]
        for name, value in self.item.attributes.items():
            if name in self.schema:
                attribute = self.schema.attribute(name)
                shown += [label_value(attribute, part) for part in (value if isinstance(value, tuple) else (value,))]
                shown += [part for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, str)]
                shown.append(attribute.label)
        return tuple(stems(text) for text in shown)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The title, the description and the texts among the item's values, as quotes are compared with them."""
        parts = [
            part
            for value in self.item.attributes.values()
            for part in (value if isinstance(value, tuple) else (value,))
        ]
        return tuple(verbatim(t) for t in (self.item.title, self.item.text, *parts) if isinstance(t, str) and t)

    @cached_property
    def named_texts(self) -> tuple[tuple[str, ...], ...]:
        """Stems of the titles that may be named."""
        return tuple(stems(title) for title in (*self.history.values(), *self.references.values()))

    @cached_property
    def liked_stems(self) -> frozenset[str]:
        """Stems of the values of what the person liked."""
        catalogue = self.index.catalogue
        found: set[str] = set()
        for item_id in self.history:
            if item_id not in self.disliked and item_id in catalogue:
                for name, value in catalogue.item(catalogue.row(item_id)).attributes.items():
                    parts = value if isinstance(value, tuple) else (value,)
                    attribute = self.schema.attribute(name)
                    found.update(s for p in parts if isinstance(p, str) for s in stems(label_value(attribute, p)))
        return frozenset(found)

    @cached_property
    def word_stems(self) -> tuple[str, ...]:
        return stems(self.words)

    @cached_property
    def measures(self) -> Measures:
        return Measures(self.item, self.schema, self.index, self.words, self.constraints)


def verbatim(text: str) -> str:
    """A text as quotes are compared: composed, folded, one space between words."""
    return " ".join(normalise(text).casefold().split())


def quotes(quote: str, whole: str) -> bool:
    """Whether a quote stands, word for word, in a text that went through `verbatim`; it may be cut at its ends."""
    piece = verbatim(quote).strip(" .…,;:!?")
    at = whole.find(piece) if piece else -1
    while at >= 0:
        end = at + len(piece)
        if not (whole[at - 1 : at].isalnum() or whole[end : end + 1].isalnum()):
            return True
        at = whole.find(piece, at + 1)
    return False


def folded_values(value: AttributeValue | None) -> frozenset[str | float | bool]:
    """The values of an attribute, folded; none where it is missing."""
    if value is None:
        return frozenset()
    parts: tuple[str | float | bool, ...] = value if isinstance(value, tuple) else (value,)
    return frozenset(p.casefold() if isinstance(p, str) else p for p in parts)


def inside(part: tuple[str, ...], whole: tuple[str, ...]) -> bool:
    """Whether words stand together, in that order, in other words."""
    size = len(part)
    return any(whole[i : i + size] == part for i in range(len(whole) - size + 1))


def holds_value(meaning: Meaning, facts: Facts) -> bool:
    """Whether the item's record has a value."""
    return meaning.value in facts.values.get(meaning.attribute, frozenset())


def in_record(phrase: tuple[str, ...], facts: Facts) -> bool:
    """Whether the item's title, text or values say a phrase."""
    return any(inside(phrase, text) for text in facts.record_texts)


def asked_value(meanings: Iterable[Meaning], facts: Facts) -> bool:
    """Whether a value is part of what was understood of the person's words."""
    wanted = {(m.attribute, m.value) for m in meanings}
    for constraint in facts.constraints:
        for leaf in leaves(constraint.filter):
            if isinstance(leaf, In | Contains) and any(
                (leaf.field, v.casefold() if isinstance(v, str) else v) in wanted for v in leaf.values
            ):
                return True
    return False


def is_demonym(word: str, facts: Facts) -> bool:
    """Whether a word looks like the adjective of one of the item's countries: 'italian' of 'Italy'."""
    for attribute in facts.schema.with_role(Role.COUNTRY):
        value = facts.item.attributes.get(attribute.name)
        for country in value if isinstance(value, tuple) else (value,):
            if isinstance(country, str):
                shown = label_value(attribute, country).casefold()
                if any(len(part) >= 4 and part[:4] == word[:4] for part in shown.split()):
                    return True
    return False


def in_liked(meanings: Iterable[Meaning], facts: Facts) -> bool:
    """Whether something that the person liked has one of the values."""
    catalogue = facts.index.catalogue
    liked = [i for i in facts.history if i not in facts.disliked and i in catalogue]
    for meaning in meanings:
        for item_id in liked:
            value = catalogue.value(catalogue.row(item_id), meaning.attribute)
            if value is not None and meaning.value in folded_values(value):
                return True
    return False
