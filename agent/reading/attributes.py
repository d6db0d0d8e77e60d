"""Which attribute a number is about, and what it is in the attribute's own unit."""

from __future__ import annotations

import numpy as np

from convrec.agent.reading.grammar import Comparator, Grammar
from convrec.agent.reading.headcount import Headcount
from convrec.agent.reading.numbers import Quantity, attribute_dimension, currency_of
from convrec.agent.reading.text import Chart, key_of
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import Attribute, AttributeKind, Role

_PLAIN = frozenset(["the", "and", "for", "per", "out", "not", "number", "count"])
"""words of a label that do not tell one attribute from another"""
_NEAR = 7
"""tokens between two bounds of one number"""
_FEW = 30
"""so many values at most make a number one of a choice"""


class NumericAttributes:
    """The numeric attributes of a catalogue: their words, units and extents."""

    def __init__(self, catalogue: Catalogue, grammar: Grammar) -> None:
        self.grammar = grammar
        self.all = tuple(a for a in catalogue.schema.attributes if a.numeric)
        self.year = next(iter(a for a in self.all if a.role is Role.YEAR), None)
        self.dimension = {a.name: attribute_dimension(a, grammar) for a in self.all if a.role is not Role.YEAR}
        self.lasting = frozenset(name for name, own in self.dimension.items() if own is not None and own[0] == "time")
        self.extent = {a.name: _extent(catalogue, a) for a in self.all}
        self.discrete = {a.name: _distinct(catalogue, a) for a in self.all}
        self.words = {a.name: self._words(a) for a in self.all}
        shown = (a.unit.casefold() for a in self.all if a.unit is not None)
        self.own_units = frozenset(unit for unit in shown if unit not in grammar.unit_index)
        """units that the grammar does not know: mAh"""
        self.below_zero = frozenset(a.name for a in self.all if self.extent[a.name][0] < 0)
        """attributes some values of which are negative"""
        self.headcount = Headcount(self.all, self.words, grammar)

    def choose(self, chart: Chart, quantity: Quantity, comparator: Comparator | None) -> Attribute | None:
        pool = list(self.all)
        if quantity.dimensions:
            named = dict(quantity.dimensions)
            pool = [a for a in pool if (self.dimension.get(a.name) or ("",))[0] in named]
            if comparator is not None and comparator.role:
                pool = [a for a in pool if a.role == comparator.role] or pool
            near = self._nearest(chart, pool, quantity)
            return near or next(iter(self._holding(self._own_currency(pool, quantity), quantity)), None)
        if quantity.value < 0:
            pool = [a for a in pool if a.name in self.below_zero]
            near = self._nearest(chart, pool, quantity)
            return near or (pool[0] if len(pool) == 1 else None)
        if comparator is not None and comparator.role:
            same = self._holding([a for a in pool if a.role == comparator.role], quantity)
            return self._nearest(chart, same, quantity) or next(iter(same), None)
        if comparator is not None and comparator.dimension:
            return next((a for a in pool if (self.dimension.get(a.name) or ("",))[0] == comparator.dimension), None)
        voters = [a for a in pool if a.role is Role.POPULARITY and a.kind is AttributeKind.NUMBER]
        limited = comparator is not None and comparator.side in ("min", "max")
        if voters and limited and not self.headcount.attributes and self._of_people(chart, quantity):
            return voters[0]
        near = self._nearest(chart, [a for a in pool if self._on_it(a, quantity.value)], quantity)
        if near is not None:
            return near
        if quantity.unit == "%" and (shares := [a for a in pool if a.unit in ("%", "percent")]):
            return shares[0]
        if "/" in chart.gap(quantity.end) or quantity.unit == "%":
            return next((a for a in pool if a.role is Role.QUALITY), None)
        if comparator is None or comparator.side in ("about", "exact"):
            return None
        return self._bounded(chart, quantity, comparator) or self._plausible(quantity.value)

    def _bounded(self, chart: Chart, quantity: Quantity, comparator: Comparator) -> Attribute | None:
        """'fewer than 200 votes and at least 50': the other bound of what was limited just before."""
        for position in range(quantity.start - 1, max(-1, quantity.start - _NEAR), -1):
            if chart.breaks(position + 1):
                return None
            span = chart.owner[position]
            if span is None or span.kind != "want" or not isinstance(span.payload, list):
                continue
            wanted = span.payload[0]
            attribute = next((a for a in self.all if a.name == wanted.field), None)
            if attribute is None or wanted.how != "number" or wanted.bounds is None:
                return None
            low, high = wanted.bounds.minimum, wanted.bounds.maximum
            least, most = self.extent[attribute.name]
            between = {chart.tokens[p].norm for p in range(position + 1, quantity.start)}
            linked = not between.isdisjoint(["and", "but"]) or any(
                "," in chart.gap(p) for p in range(position + 1, quantity.start)
            )
            if not linked or not least <= quantity.value <= most:
                return None
            other = (low is None and high is not None and comparator.side == "min" and quantity.value <= high) or (
                high is None and low is not None and comparator.side == "max" and quantity.value >= low
            )
            return attribute if other else None
        return None

    def in_unit(self, attribute: Attribute, quantity: Quantity, chart: Chart | None = None) -> float:
        """The number in the attribute's own unit."""
        own = self.dimension.get(attribute.name)
        if own is not None:
            said = dict(quantity.dimensions).get(own[0])
            if said is not None:
                value = said / own[1]
                return float(round(value)) if abs(value - round(value)) < 1e-6 else value
        if attribute.role is Role.QUALITY and chart is not None:
            return self._on_scale(attribute, quantity, chart)
        return quantity.value

    def money(self, attribute: Attribute, quantity: Quantity) -> str:
        said = currency_of(quantity.unit, self.grammar) if quantity.unit else None
        own = currency_of(attribute.unit, self.grammar) if attribute.unit else None
        if said is None or own is None or said == own or attribute.role is not Role.PRICE:
            return ""
        return f"Prices here are in {own}; I took your {said} amount as {own}."

    def _words(self, attribute: Attribute) -> frozenset[str]:
        own = {key_of(attribute.label), key_of(attribute.name.replace("_", " "))}
        own |= {word for phrase in tuple(own) for word in phrase.split() if len(word) > 2 and word not in _PLAIN}
        if attribute.unit is not None and (unit := attribute.unit.casefold()) not in self.grammar.unit_index:
            own.add(unit)
        heads = {key_of(word) for word in self.grammar.measures.get("headcount", ())}
        own |= heads if own & heads and attribute.role is None and attribute.unit is None else set()
        return frozenset(own | {key_of(w) for w in self.grammar.measures.get(attribute.role or "", ())})

    def _holding(self, pool: list[Attribute], quantity: Quantity) -> list[Attribute]:
        """Those whose values the number lies among, where there are any."""
        among = []
        for attribute in pool:
            low, high = self.extent[attribute.name]
            if low <= self.in_unit(attribute, quantity) <= high:
                among.append(attribute)
        return among or pool

    def _own_currency(self, pool: list[Attribute], quantity: Quantity) -> list[Attribute]:
        """A word that is both money and something else is money only where prices are in it."""
        if len(quantity.dimensions) < 2:
            return pool
        said = currency_of(quantity.unit, self.grammar)
        other = [a for a in pool if (self.dimension.get(a.name) or ("",))[0] != "currency"]
        same = [a for a in pool if a not in other and a.unit and currency_of(a.unit, self.grammar) == said]
        return same or other or pool

    def _on_it(self, attribute: Attribute, value: float) -> bool:
        """Whether a bare number can be a score: 40 is none out of 5."""
        return attribute.role is not Role.QUALITY or value <= max(10.0, self.extent[attribute.name][1])

    def _nearest(self, chart: Chart, pool: list[Attribute], quantity: Quantity) -> Attribute | None:
        """The attribute of which most words stand around a number; of several, the one whose words stand closest."""
        around = [(self._around(chart, attribute, quantity), attribute) for attribute in pool]
        named = [(len(places), -places[0], attribute) for places, attribute in around if places]
        return max(named, key=lambda entry: entry[:2])[2] if named else None

    def _around(self, chart: Chart, attribute: Attribute, quantity: Quantity) -> list[int]:
        """How far from a number the words of an attribute stand within its clause, the closest first."""
        words = self.words[attribute.name]
        found = []
        for position in (
            *range(quantity.start - 1, max(-1, quantity.start - 6), -1),
            *range(quantity.end, min(len(chart), quantity.end + (5 if self._of_people(chart, quantity) else 3))),
        ):
            if chart.owner[position] is not None:
                continue
            inside = range(min(position, quantity.end) + 1, max(position, quantity.start) + 1)
            if any(chart.breaks(p, ".,;!?\n") for p in inside if p not in range(quantity.start + 1, quantity.end)):
                continue
            if chart.tokens[position].stem in words:
                before = position < quantity.start
                found.append(2 * (quantity.start - position) + 1 if before else 2 * (position - quantity.end))
        return sorted(found)

    @staticmethod
    def _of_people(chart: Chart, quantity: Quantity) -> bool:
        """'50 people to have reviewed it'."""
        return chart.norms(quantity.end, quantity.end + 1) in ("people", "ppl", "persons", "customers", "users")

    def _plausible(self, value: float) -> Attribute | None:
        """The attribute that a bare number with a comparator fits: first a score, then a price, then any unique one."""
        fitting = []
        for attribute in self.all:
            low, high = self.extent[attribute.name]
            if low <= value <= high and attribute.role is not Role.POPULARITY:
                fitting.append(attribute)
        for role in (Role.QUALITY, Role.PRICE, Role.DURATION):
            for attribute in fitting:
                if attribute.role is role and attribute.kind is AttributeKind.NUMBER:
                    return attribute
        return fitting[0] if len(fitting) == 1 else None

    def _on_scale(self, attribute: Attribute, quantity: Quantity, chart: Chart) -> float:
        """'8/10', '80 %' and '4 stars' on the attribute's own scale."""
        top = self.extent[attribute.name][1]
        scale = next((s for s in (1.0, 5.0, 10.0, 100.0) if top <= s), top)
        said = None
        following = chart.tokens[quantity.end : quantity.end + 3]
        if following and "/" in chart.gap(quantity.end):
            said = {"5": 5.0, "10": 10.0, "100": 100.0}.get(following[0].norm)
        elif [t.norm for t in following[:2]] == ["out", "of"] and len(following) == 3:
            said = {"5": 5.0, "five": 5.0, "10": 10.0, "ten": 10.0, "100": 100.0}.get(following[2].norm)
        elif quantity.unit == "%":
            said = 100.0
        elif following and following[0].stem == "star" and quantity.value <= 5:
            said = 5.0
        return quantity.value if said is None else quantity.value / said * scale


def _distinct(catalogue: Catalogue, attribute: Attribute) -> frozenset[float]:
    """The values of an attribute that has few."""
    values = catalogue.number(attribute.name)
    known = np.unique(values[~np.isnan(values)])
    return frozenset(known.tolist()) if known.size <= _FEW else frozenset()


def _extent(catalogue: Catalogue, attribute: Attribute) -> tuple[float, float]:
    values = catalogue.number(attribute.name)
    known = values[~np.isnan(values)]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
