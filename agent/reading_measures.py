"""Which attribute a number is about, and on which side of it the wanted values lie."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from convrec.agent.reading_comparators import LEAD, ComparatorReader
from convrec.agent.reading_grammar import Comparator, Grammar
from convrec.agent.reading_numbers import Quantity, attribute_dimension, currency_of, number_at, quantity_at
from convrec.agent.reading_ranges import Bounds, year_bounds
from convrec.agent.reading_text import Chart, key_of
from convrec.agent.reading_time import TimeReader, YearSpan
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import Attribute, AttributeKind, Role

_ENDS = frozenset(["min", "max", "minimum", "maximum"])
_PLAIN = frozenset(["the", "and", "for", "per", "out", "not", "number", "count"])
"""words of a label that do not tell one attribute from another"""
_FEW = 30
"""so many values at most make a number one of a choice"""


@dataclass(frozen=True, slots=True)
class Measured:
    """A range of one numeric attribute. `note`: a sentence for the person about how it was read."""

    attribute: Attribute
    bounds: Bounds
    start: int
    end: int
    note: str = ""
    also: tuple[tuple[Attribute, Bounds], ...] = ()
    """what the same number says about other attributes"""

    def across(self, spans: dict[str, tuple[Attribute, Attribute]], low: float, high: float) -> Measured:
        """'for 4 players' lies between the fewest and the most that an item allows."""
        pair = spans.get(self.attribute.name)
        if pair is None:
            return self
        below = (pair[0], Bounds(maximum=low))
        return replace(self, attribute=pair[1], bounds=Bounds(minimum=high), also=(below,))


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A number with a unit that the catalogue has no attribute for."""

    what: str
    start: int
    end: int


class MeasureReader:
    """Reads numbers with comparators and units over the numeric attributes of a catalogue."""

    def __init__(self, catalogue: Catalogue, grammar: Grammar, time: TimeReader) -> None:
        self.grammar = grammar
        self.time = time
        self.comparators = ComparatorReader(grammar)
        self.numeric = tuple(a for a in catalogue.schema.attributes if a.numeric)
        self.year = next(iter(a for a in self.numeric if a.role is Role.YEAR), None)
        self.dimension = {a.name: attribute_dimension(a, grammar) for a in self.numeric if a.role is not Role.YEAR}
        self.extent = {a.name: _extent(catalogue, a) for a in self.numeric}
        self.discrete = {a.name: _distinct(catalogue, a) for a in self.numeric}
        self.words = {a.name: self._words(a) for a in self.numeric}
        self.spans = range_pairs(self.numeric)
        self.age = next((a for a in self.numeric if a.role is None and "age" in self.words[a.name]), None)

    def _words(self, attribute: Attribute) -> frozenset[str]:
        own = {key_of(attribute.label), key_of(attribute.name.replace("_", " "))}
        own |= {word for phrase in tuple(own) for word in phrase.split() if len(word) > 2 and word not in _PLAIN}
        heads = {key_of(word) for word in self.grammar.measures.get("headcount", ())}
        own |= heads if own & heads and attribute.role is None else set()
        return frozenset(own | {key_of(w) for w in self.grammar.measures.get(attribute.role or "", ())})

    def at(self, chart: Chart, position: int) -> Measured | Unmeasured | None:
        """The range that a number at this token belongs to; its span includes the comparator."""
        years = self.time.at(chart, position)
        if years is not None and not self._counts_something(chart, years):
            return self._years(chart, years)
        quantity = quantity_at(chart, position, self.grammar)
        if quantity is None:
            return None
        return self._range(chart, quantity) or self._single(chart, quantity)

    def _counts_something(self, chart: Chart, years: YearSpan) -> bool:
        """'2000 votes', 'under 2000 grams': a number, not a year."""
        if years.end - years.start != 1 or not chart.tokens[years.start].norm.isdigit():
            return False
        if (
            chart.tokens[years.start - 1].text in self.grammar.units["currency"]
            and years.start
            and not chart.tokens[years.start - 1].text.isalpha()
        ):
            return True
        following = chart.tokens[years.end] if years.end < len(chart) and not chart.breaks(years.end, ".,;") else None
        if following is None:
            return False
        other = {word for a in self.numeric if a.role is not Role.YEAR for word in self.words[a.name]}
        return (following.stem in self.grammar.unit_index and following.norm != "in") or following.stem in other

    def _years(self, chart: Chart, span: YearSpan) -> Measured | Unmeasured:
        before, start = self.comparators.before(chart, span.start)
        after, end = self.comparators.after(chart, span.end)
        comparator = before or after
        if after is not None and before is not None:
            end = span.end
        first, last = span.first, span.last
        start = self.comparators.lead(chart, start)
        if comparator is not None:
            first, last = _compared_years(comparator, span)
        if self.year is None:
            return Unmeasured("year", start, end)
        note = ""
        if span.anchored and self.time.anchor < self.time.today:
            note = f"The newest here is from {self.time.anchor}, so I counted from there."
        return Measured(self.year, year_bounds(self.year, first, last), start, end, note)

    def _range(self, chart: Chart, first: Quantity) -> Measured | None:
        """'30 to 50 bucks', 'between 1 and 2 kg', '90-120 minutes'."""
        position = first.end
        if position >= len(chart):
            return None
        word = chart.tokens[position].norm
        before = chart.tokens[first.start - 1].norm if first.start else ""
        dashed = any(sign in chart.gap(position) for sign in "-–—") and not first.unit.isalpha()
        joined = (
            word in ("to", "through")
            or (word == "and" and before == "between")
            or (word == "or" and not first.dimensions)
        )
        if not (dashed or joined):
            return None
        second = quantity_at(chart, position if dashed else position + 1, self.grammar)
        if second is None or (second.value < first.value and not first.dimensions):
            return None
        low = (
            first
            if first.dimensions
            else Quantity(first.value, second.unit, self._scaled(first.value, second), first.start, first.end)
        )
        joint = Quantity(
            second.value,
            second.unit,
            second.dimensions or (first.dimensions and self._scaled(second.value, first)),
            first.start,
            second.end,
        )
        cued = dashed or before in self.grammar.time.range_start
        attribute = self._attribute(chart, joint, Comparator(side="max") if cued and word != "or" else None)
        if attribute is None:
            return None
        a, b = self._in_unit(attribute, low), self._in_unit(attribute, joint)
        start = (
            first.start - 1
            if before in self.grammar.time.range_start and chart.free(first.start - 1, first.start)
            else first.start
        )
        return Measured(
            attribute,
            Bounds(min(a, b), max(a, b)),
            start,
            self._measure_end(chart, attribute, joint.end),
            self._money(attribute, joint),
        ).across(self.spans, min(a, b), max(a, b))

    def _scaled(self, value: float, unit_of: Quantity) -> tuple[tuple[str, float], ...]:
        sizes = self.grammar.unit_index.get(unit_of.unit, ())
        return tuple((dimension, value * size) for dimension, size in sizes)

    def _single(self, chart: Chart, quantity: Quantity) -> Measured | Unmeasured | None:
        before, start = self.comparators.before(chart, quantity.start)
        after, end = self.comparators.after(chart, quantity.end)
        if before is None and after is None:
            before, start = self._comparator_of_label(chart, quantity)
        comparator = after if before is not None and before.side == "about" and after is not None else before or after
        if comparator is not after:
            end = quantity.end
        if comparator is None and any("+" in chart.gap(p) for p in range(quantity.start + 1, quantity.end)):
            comparator = Comparator(side="min")
        attribute = self._attribute(chart, quantity, comparator)
        if attribute is None:
            if quantity.dimensions and comparator is not None:
                return Unmeasured(_dimension_word(quantity), start, end)
            return None
        value = self._in_unit(attribute, quantity, chart)
        end = self._measure_end(chart, attribute, end)
        start = self._measure_start(chart, attribute, start)
        side = _side(comparator or self._unsaid(attribute, value), value, attribute)
        measured = Measured(attribute, side, start, end, self._money(attribute, quantity))
        if comparator is None and not _ENDS & {t.norm for t in chart.tokens[start:end]}:
            return measured.across(self.spans, value, value)
        high = self.spans.get(attribute.name, (attribute, attribute))[1]
        named = comparator is None or _ENDS & {t.norm for t in chart.tokens[start:end]}
        return measured if named else replace(measured, attribute=high)

    def compared(self, chart: Chart, quantity: Quantity) -> bool:
        """Whether words beside a number say on which side of it the wanted values lie."""
        before, _ = self.comparators.before(chart, quantity.start)
        after, _ = self.comparators.after(chart, quantity.end)
        return before is not None or after is not None

    def value(self, attribute: Attribute, quantity: Quantity) -> float | None:
        """A number in the attribute's own unit; None where its unit measures something else."""
        own = self.dimension.get(attribute.name)
        if quantity.dimensions and (own is None or own[0] not in dict(quantity.dimensions)):
            return None
        return self._in_unit(attribute, quantity)

    def _comparator_of_label(self, chart: Chart, quantity: Quantity) -> tuple[Comparator | None, int]:
        """'max price 50', 'at least a rating of 7': the name of the attribute between the comparator and the number."""
        position = quantity.start
        names = {word for words in self.words.values() for word in words} - _ENDS
        while position > 0 and quantity.start - position < 4 and chart.free(position - 1, position):
            if chart.breaks(position, ".,;!?\n"):
                break
            if chart.tokens[position - 1].stem not in names and chart.tokens[position - 1].norm not in LEAD:
                break
            position -= 1
            comparator, start = self.comparators.before(chart, position)
            if comparator is not None:
                return comparator, start
        if position == quantity.start and position and chart.tokens[position - 1].norm == "than":
            return self._split_comparator(chart, position - 1, names)
        return None, quantity.start

    def _split_comparator(self, chart: Chart, than: int, names: set[str]) -> tuple[Comparator | None, int]:
        """'more pages than 400': the name of the attribute within the comparator."""
        position = than
        while position > max(0, than - 3) and chart.tokens[position - 1].stem in names:
            position -= 1
        if position in (0, than) or not chart.free(position - 1, than + 1):
            return None, than + 1
        comparator = self.grammar.comparators_before.get(f"{chart.tokens[position - 1].norm} than")
        return comparator, than + 1 if comparator is None else position - 1

    def _unsaid(self, attribute: Attribute, value: float) -> Comparator:
        """What a number without a comparator means: one of few values that occur is meant exactly."""
        sides = {Role.PRICE: "max", Role.QUALITY: "min", Role.YEAR: "exact", Role.POPULARITY: "min"}
        side = sides.get(attribute.role) if attribute.role else None
        if side is None:
            exact = attribute.role is not Role.DURATION and value in self.discrete[attribute.name]
            side = "exact" if exact else "about"
        return Comparator.model_validate({"side": side})

    def _measure_start(self, chart: Chart, attribute: Attribute, start: int) -> int:
        """Takes 'a rating of', 'price' along."""
        position = start
        while (
            position > 0
            and chart.free(position - 1, position)
            and not chart.breaks(position, ".,;!?\n")
            and start - position < 4
        ):
            position -= 1
            if chart.tokens[position].stem in self.words[attribute.name]:
                return position
            if chart.tokens[position].norm not in LEAD:
                break
        return start

    def _measure_end(self, chart: Chart, attribute: Attribute, end: int) -> int:
        """Takes 'stars', 'rating', 'long', 'out of 10' along."""
        tail = {*self.words[attribute.name], "long", "in", "length", "each"} - {"in"}
        while end < len(chart) and chart.free(end, end + 1) and not chart.breaks(end, ".,;!?\n"):
            if chart.tokens[end].stem in tail and chart.tokens[end].stem not in self.grammar.noun_words:
                end += 1
            elif chart.norms(end, end + 2) == "out of" and number_at(chart, end + 2, self.grammar):
                end += 3
            elif "/" in chart.gap(end) and chart.tokens[end].norm in ("5", "10", "100"):
                end += 1
            else:
                break
        return end

    def _attribute(self, chart: Chart, quantity: Quantity, comparator: Comparator | None) -> Attribute | None:
        pool = list(self.numeric)
        if quantity.dimensions:
            named = dict(quantity.dimensions)
            pool = [a for a in pool if (self.dimension.get(a.name) or ("",))[0] in named]
            if comparator is not None and comparator.role:
                pool = [a for a in pool if a.role == comparator.role] or pool
            near = self._nearest(chart, pool, quantity)
            return near or next(iter(self._holding(self._own_currency(pool, quantity), quantity)), None)
        if comparator is not None and comparator.role:
            same = self._holding([a for a in pool if a.role == comparator.role], quantity)
            return self._nearest(chart, same, quantity) or next(iter(same), None)
        if comparator is not None and comparator.dimension:
            return next((a for a in pool if (self.dimension.get(a.name) or ("",))[0] == comparator.dimension), None)
        near = self._nearest(chart, [a for a in pool if self._on_it(a, quantity.value)], quantity)
        if near is not None:
            return near
        if "/" in chart.gap(quantity.end) or quantity.unit == "%":
            return next((a for a in pool if a.role is Role.QUALITY), None)
        if comparator is None or comparator.side in ("about", "exact"):
            return None
        return self._plausible(quantity.value)

    def _holding(self, pool: list[Attribute], quantity: Quantity) -> list[Attribute]:
        """Those whose values the number lies among, where there are any."""
        among = []
        for attribute in pool:
            low, high = self.extent[attribute.name]
            if low <= self._in_unit(attribute, quantity) <= high:
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
            *range(quantity.end, min(len(chart), quantity.end + 3)),
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

    def _plausible(self, value: float) -> Attribute | None:
        """The attribute that a bare number with a comparator fits: first a score, then a price, then any unique one."""
        fitting = []
        for attribute in self.numeric:
            low, high = self.extent[attribute.name]
            if low <= value <= high and attribute.role is not Role.POPULARITY:
                fitting.append(attribute)
        for role in (Role.QUALITY, Role.PRICE, Role.DURATION):
            for attribute in fitting:
                if attribute.role is role and attribute.kind is AttributeKind.NUMBER:
                    return attribute
        return fitting[0] if len(fitting) == 1 else None

    def _in_unit(self, attribute: Attribute, quantity: Quantity, chart: Chart | None = None) -> float:
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

    def _money(self, attribute: Attribute, quantity: Quantity) -> str:
        said = currency_of(quantity.unit, self.grammar) if quantity.unit else None
        own = currency_of(attribute.unit, self.grammar) if attribute.unit else None
        if said is None or own is None or said == own or attribute.role is not Role.PRICE:
            return ""
        return f"Prices here are in {own}; I took your {said} amount as {own}."


def range_pairs(attributes: tuple[Attribute, ...]) -> dict[str, tuple[Attribute, Attribute]]:
    """Attributes that are the two ends of one range ('min_players', 'max_players'), by the name of either."""
    ends: dict[str, dict[str, Attribute]] = {}
    for attribute in attributes:
        first, _, rest = attribute.name.casefold().replace("_", " ").partition(" ")
        if first in _ENDS and rest:
            ends.setdefault(rest, {})[first[:3]] = attribute
    pairs = [(own["min"], own["max"]) for own in ends.values() if len(own) == 2]
    return {end.name: pair for pair in pairs for end in pair}


def _distinct(catalogue: Catalogue, attribute: Attribute) -> frozenset[float]:
    """The values of an attribute that has few."""
    values = catalogue.number(attribute.name)
    known = np.unique(values[~np.isnan(values)])
    return frozenset(known.tolist()) if known.size <= _FEW else frozenset()


def _extent(catalogue: Catalogue, attribute: Attribute) -> tuple[float, float]:
    values = catalogue.number(attribute.name)
    known = values[~np.isnan(values)]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)


def _compared_years(comparator: Comparator, span: YearSpan) -> tuple[int | None, int | None]:
    """'before the 90s' ends in 1989; 'since the 90s' starts in 1990; 'around 1999' is two years wide."""
    first, last = span.first, span.last
    if comparator.side == "max":
        bound = first if comparator.open else last
        return None, None if bound is None else bound - 1 if comparator.open else bound
    if comparator.side == "min":
        bound = last if comparator.open and last is not None else first
        return None if bound is None else bound + 1 if comparator.open and last is not None else bound, None
    if comparator.side == "about" and first is not None and first == last:
        return first - 2, first + 2
    return first, last


def _side(comparator: Comparator, value: float, attribute: Attribute) -> Bounds:
    if comparator.side == "max":
        return Bounds(maximum=value, maximum_open=comparator.open)
    if comparator.side == "min":
        return Bounds(minimum=value, minimum_open=comparator.open)
    if comparator.side == "exact":
        return Bounds(value, value)
    slack = 0.2 if attribute.role is Role.PRICE else 0.1
    return Bounds(value - abs(value) * slack, value + abs(value) * slack)


def _dimension_word(quantity: Quantity) -> str:
    names = {"time": "duration", "mass": "weight", "currency": "price", "pages": "page count"}
    return names.get(quantity.dimensions[0][0], quantity.dimensions[0][0])
