"""Whether a stated quantity is true of an item: units, rounding, comparators, differences and what was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from convrec.agent.claims.index import ClaimIndex, normalise, stems, unit_name
from convrec.agent.claims.lexicon import FUNCTION_WORDS
from convrec.agent.claims.numbers import Quantity, quantities
from convrec.agent.labels import currency_symbol, seconds_per_unit
from convrec.retrieval.catalogue import iso_date
from convrec.retrieval.filters import In, Range, leaves
from convrec.retrieval.request import Constraint
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role
from convrec.retrieval.types import Item

DIFFERENCE = re.compile(
    r"\b(?:longer|shorter|newer|older|later|earlier|cheaper|more|less|pricier|heavier|lighter)\b", re.IGNORECASE
)


class Measures:
    """The numbers of one item's record, as sentences state them."""

    def __init__(
        self,
        item: Item,
        schema: CatalogueSchema,
        index: ClaimIndex,
        words: str,
        constraints: tuple[Constraint, ...],
    ) -> None:
        self.item = item
        self.schema = schema
        self.index = index
        self.words = words
        self.constraints = constraints

    def number(self, name: str, item: Item | None = None) -> float | None:
        """A numeric value of the item (or another one), in the catalogue's own unit."""
        value = (item or self.item).attributes.get(name)
        return float(value) if isinstance(value, float | int) and not isinstance(value, bool) else None

    def matches(self, quantity: Quantity, pointed: frozenset[str]) -> bool:
        """Whether an attribute that the quantity can be about has that value, or meets its comparator."""
        return any(
            _agrees(quantity, value)
            for attribute in self._about(quantity, pointed)
            if (value := self._shown(attribute, quantity, self.number(attribute.name))) is not None
        )

    def _about(self, quantity: Quantity, pointed: frozenset[str]) -> Iterator[Attribute]:
        numeric = [a for a in self.schema.attributes if a.numeric]
        if quantity.unit == "plain":
            numeric = [a for a in numeric if self._may_be_plain(a, quantity, pointed)]
        for attribute in numeric:
            if _unit_fits(attribute, quantity) and (
                quantity.unit != "plain" or not pointed or attribute.name in pointed
            ):
                yield attribute

    @staticmethod
    def _may_be_plain(attribute: Attribute, quantity: Quantity, pointed: frozenset[str]) -> bool:
        if pointed:
            return attribute.name in pointed
        if attribute.role is Role.YEAR or attribute.kind is AttributeKind.DATE:
            return 1000 <= quantity.value <= 2200
        counted = quantity.word and quantity.word not in FUNCTION_WORDS
        return not counted and seconds_per_unit(attribute.unit) is None and not currency_symbol(attribute.unit)

    @staticmethod
    def _shown(attribute: Attribute, quantity: Quantity, value: float | None) -> float | None:
        """A value in the unit of the quantity."""
        if value is None:
            return None
        if attribute.kind is AttributeKind.DATE:
            return float(iso_date(value)[:4])
        if quantity.unit == "seconds":
            return value * (seconds_per_unit(attribute.unit) or 60)
        if quantity.unit == "measure" and attribute.unit:
            return value * {("kg", "g"): 1000.0, ("g", "kg"): 0.001}.get(
                (unit_name(attribute.unit), unit_name(quantity.word)), 1.0
            )
        return value

    def is_difference(self, quantity: Quantity, sentence: str) -> bool:
        """Whether the quantity is how far the item is from another one that the sentence compares it with."""
        if " than " not in sentence or not DIFFERENCE.search(sentence):
            return False
        catalogue = self.index.catalogue
        others = [catalogue.item(catalogue.row(item_id)) for item_id in self._named_in(sentence)]
        numeric = [a for a in self.schema.attributes if a.numeric]
        return any(self._gap_is(quantity, attribute, other) for other in others for attribute in numeric)

    def _named_in(self, sentence: str) -> set[str]:
        """Ids of the items whose titles occur in a sentence."""
        words = stems(sentence)
        return {
            item_id
            for start, first in enumerate(words)
            for length in range(1, min(self.index.longest(first), len(words) - start) + 1)
            for item_id in self.index.titles(words[start : start + length])
        }

    def _gap_is(self, quantity: Quantity, attribute: Attribute, other: Item) -> bool:
        mine, theirs = self.number(attribute.name), self.number(attribute.name, other)
        if mine is None or theirs is None or not (_unit_fits(attribute, quantity) or quantity.unit == "plain"):
            return False
        scale = (seconds_per_unit(attribute.unit) or 60) if quantity.unit == "seconds" else 1.0
        return _agrees(quantity, abs(mine - theirs) * scale)

    def compares(
        self, fields: Iterable[str], direction: int, item_ids: tuple[str, ...], difference: Quantity | None
    ) -> bool:
        """Whether the item stands to another one as said, by the first of the attributes that both have."""
        catalogue = self.index.catalogue
        for attribute in self._numeric(fields):
            mine = self.number(attribute.name)
            if mine is None:
                continue
            for item_id in item_ids:
                other = catalogue.item(catalogue.row(item_id)) if item_id in catalogue else None
                theirs = self.number(attribute.name, other) if other else None
                if theirs is not None and (mine - theirs) * direction > 0:
                    return difference is None or other is None or self._gap_is(difference, attribute, other)
        return False

    @cached_property
    def _said(self) -> tuple[Quantity, ...]:
        return quantities(normalise(self.words))

    def _bounds(self) -> Iterator[tuple[Attribute, float]]:
        """Numbers that the person's constraints state, by attribute."""
        for constraint in self.constraints:
            for leaf in leaves(constraint.filter):
                if leaf.field not in self.schema:
                    continue
                attribute = self.schema.attribute(leaf.field)
                stated: tuple[object, ...] = ()
                if isinstance(leaf, Range):
                    stated = (leaf.minimum, leaf.maximum)
                elif isinstance(leaf, In):
                    stated = leaf.values
                for bound in stated:
                    if isinstance(bound, float | int) and not isinstance(bound, bool):
                        yield attribute, float(bound)

    def asked(self, quantity: Quantity) -> bool:
        """Whether the person said that number, or a constraint that was understood has it as a bound."""
        for said in self._said:
            if said.unit == quantity.unit and abs(said.value - quantity.value) < 1e-6:
                return True
        for attribute, bound in self._bounds():
            shown = self._shown(attribute, quantity, bound)
            if shown is not None and _unit_fits(attribute, quantity) and _near(quantity, shown):
                return True
            high = quantity.high
            if (
                shown is not None
                and high is not None
                and attribute.role is Role.YEAR
                and shown in (quantity.value, high)
            ):
                return True
        return False

    def _numeric(self, fields: Iterable[str]) -> list[Attribute]:
        """Those numeric attributes, in the order of the schema."""
        wanted = set(fields)
        return [a for a in self.schema.attributes if a.numeric and a.name in wanted]

    def beyond_asked(self, fields: Iterable[str], direction: int) -> bool:
        """Whether the item lies beyond (in `direction`) a number that the person stated for one of the attributes."""
        compared = self._numeric(fields)
        for attribute, bound in self._bounds():
            mine = self.number(attribute.name)
            if attribute in compared and mine is not None and (mine - bound) * direction > 0:
                return True
        for attribute in compared:
            mine = self.number(attribute.name)
            for said in self._said:
                fits = _unit_fits(attribute, said) and said.unit != "plain"
                shown = self._shown(attribute, said, mine)
                if fits and shown is not None and (shown - (said.high or said.value)) * direction > 0:
                    return True
        return False


def _unit_fits(attribute: Attribute, quantity: Quantity) -> bool:
    if quantity.unit == "seconds":
        return seconds_per_unit(attribute.unit) is not None or (
            attribute.role is Role.DURATION and attribute.unit is None
        )
    if quantity.unit == "money":
        own = currency_symbol(attribute.unit)
        same = own is None or not quantity.word or own == quantity.word
        return same and (attribute.role is Role.PRICE or own is not None)
    if quantity.unit == "year":
        return attribute.role is Role.YEAR
    if quantity.unit == "ratio":
        within = attribute.maximum is None or quantity.high is None or attribute.maximum <= quantity.high
        return attribute.role is Role.QUALITY and within
    if quantity.unit == "percent":
        return (attribute.unit or "").casefold() in ("%", "percent", "per cent")
    if quantity.unit == "measure":
        own, said = unit_name(attribute.unit or attribute.label), unit_name(quantity.word)
        return own == said or {own, said} <= {"g", "kg"} or said in stems(attribute.label)
    return True


def _near(quantity: Quantity, value: float) -> bool:
    """Whether a value, rounded as the quantity is, is the quantity."""
    if quantity.unit == "seconds":
        return abs(value - quantity.value) < 31 if value >= 60 else abs(value - quantity.value) < 1
    exact = quantity.decimals == 0 and abs(value) < 20
    tolerance = 1e-6 if exact else 0.5 * 10.0**-quantity.decimals + 1e-9
    return abs(value - quantity.value) <= tolerance


def _agrees(quantity: Quantity, value: float) -> bool:
    if quantity.high is not None and quantity.unit != "ratio":
        return quantity.value <= value <= quantity.high
    if quantity.comparator == "<":
        return value < quantity.value
    if quantity.comparator == "<=":
        return value <= quantity.value
    if quantity.comparator == ">":
        return value > quantity.value
    if quantity.comparator == ">=":
        return value >= quantity.value
    if quantity.comparator == "~":
        return abs(value - quantity.value) <= 0.1 * abs(quantity.value)
    return _near(quantity, value)
