"""Which attribute a number is about, and on which side of it the wanted values lie."""

from __future__ import annotations

from dataclasses import replace

from convrec.agent.reading.attributes import NumericAttributes
from convrec.agent.reading.comparators import LEAD, ComparatorReader
from convrec.agent.reading.grammar import Comparator, Grammar
from convrec.agent.reading.headcount import ENDS
from convrec.agent.reading.measured import Measured, Unmeasured
from convrec.agent.reading.numbers import Quantity, number_at, quantity_at
from convrec.agent.reading.ranges import Bounds, year_bounds, year_extent
from convrec.agent.reading.text import Chart
from convrec.agent.reading.time import TimeReader, YearSpan
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import Attribute, Role

_NOT_FREE = frozenset(["of", "from", "time", "will", "spirit", "wifi", "parking"])
"""after 'free': something else than the item costs nothing"""

_CANNOT = frozenset("cant cannot mustnt shouldnt doesnt dont wont never not isnt couldnt".split())
_VERBS = frozenset("weigh weighs cost costs be take takes last lasts have has go run measure spend pay exceed".split())
"""between a denial and a comparator"""


class MeasureReader:
    """Reads numbers with comparators and units over the numeric attributes of a catalogue."""

    def __init__(self, catalogue: Catalogue, grammar: Grammar, time: TimeReader) -> None:
        self.catalogue = catalogue
        self.grammar = grammar
        self.time = time
        self.comparators = ComparatorReader(grammar)
        self.attributes = NumericAttributes(catalogue, grammar)
        own = self.attributes
        self.words, self.extent, self.headcount = own.words, own.extent, own.headcount
        self.age = next((a for a in own.all if a.role is None and "age" in own.words[a.name]), None)

    def at(self, chart: Chart, position: int) -> Measured | Unmeasured | None:
        """The range that a number at this token belongs to; its span includes the comparator."""
        years = self.time.at(chart, position)
        if years is not None and not self._counts_something(chart, years) and not self._no_year(chart, years):
            return self._years(chart, years)
        if (free := self._free(chart, position)) is not None:
            return free
        alone = self.headcount.alone(chart, position)
        if alone is not None:
            return self._for(self.headcount.attributes[0], alone.value, (alone.start, alone.end))
        quantity = quantity_at(chart, position, self.grammar)
        if quantity is None:
            return None
        if quantity.value < 0 and not quantity.dimensions and not self.attributes.below_zero:
            quantity = replace(quantity, value=-quantity.value)
        return self._range(chart, quantity) or self._single(chart, quantity)

    def _free(self, chart: Chart, position: int) -> Measured | None:
        """'free courses', 'for free', where something costs nothing; not 'gluten-free', 'free of nuts'."""
        token = chart.tokens[position]
        price = next((a for a in self.attributes.all if a.role is Role.PRICE), None)
        if token.norm != "free" or price is None or self.extent[price.name][0] > 0 or chart.owner[position] is not None:
            return None
        before = chart.tokens[position - 1].norm if position else ""
        after = chart.tokens[position + 1].norm if position + 1 < len(chart) else ""
        opens = not before or chart.breaks(position, ".,;!?\n") or before in self.grammar.plain_words
        if (
            not opens
            or "-" in chart.gap(position)
            or after in ("of", "from", "time", "will", "spirit", "wifi", "parking")
        ):
            return None
        return Measured(price, Bounds(maximum=0.0), position, position + 1)

    def _no_year(self, chart: Chart, years: YearSpan) -> bool:
        """'no more than 1900' where nothing is that old and things cost as much."""
        own, token = self.attributes.year, chart.tokens[years.start].norm
        if own is None or years.end - years.start != 1 or not token.isdigit() or years.first is None:
            return False
        before, _ = self.comparators.before(chart, years.start)
        after, _ = self.comparators.after(chart, years.end)
        low, high = year_extent(self.catalogue, own)
        if (before or after) is None or low - 5 <= years.first <= high + 5:
            return False
        others = (self.extent[a.name] for a in self.attributes.all if a.role is Role.PRICE)
        return any(least <= float(token) <= most for least, most in others)

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
        other = {word for a in self.attributes.all if a.role is not Role.YEAR for word in self.words[a.name]}
        return (following.stem in self.grammar.unit_index and following.norm != "in") or following.stem in other

    def _years(self, chart: Chart, span: YearSpan) -> Measured | Unmeasured:
        before, start = self.comparators.before(chart, span.start)
        own = self.attributes.year
        after, end = self.comparators.after(chart, span.end, self.words[own.name] if own else frozenset())
        comparator = before or after
        if after is not None and before is not None:
            end = span.end
        first, last = span.first, span.last
        start = self.comparators.lead(chart, start)
        if comparator is not None:
            first, last = _compared_years(comparator, span)
        if own is None:
            return Unmeasured("year", start, end)
        note = ""
        if span.anchored and self.time.anchor < self.time.today:
            note = f"The newest here is from {self.time.anchor}, so I counted from there."
        end = self._measure_end(chart, own, end)
        return Measured(own, year_bounds(own, first, last), start, end, note)

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
        attribute = self.attributes.choose(chart, joint, Comparator(side="max") if cued and word != "or" else None)
        if attribute is None:
            return None
        times = self._multiplier(chart, second)
        if times > 1 and low.value * times <= second.value:
            # '12 to 20k': thousands both.
            low = replace(low, value=low.value * times, dimensions=tuple((d, v * times) for d, v in low.dimensions))
        a, b = self.attributes.in_unit(attribute, low), self.attributes.in_unit(attribute, joint)
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
            self.attributes.money(attribute, joint),
        ).across(self.headcount.pairs, min(a, b), max(a, b))

    def _multiplier(self, chart: Chart, quantity: Quantity) -> int:
        """What 'k' or 'thousand' behind the digits of a number stands for."""
        first, second = (chart.tokens[p].norm if p < len(chart) else "" for p in (quantity.start, quantity.start + 1))
        return self.grammar.multipliers.get(second, 1) if first[:1].isdigit() else 1

    def _scaled(self, value: float, unit_of: Quantity) -> tuple[tuple[str, float], ...]:
        sizes = self.grammar.unit_index.get(unit_of.unit, ())
        return tuple((dimension, value * size) for dimension, size in sizes)

    def _single(self, chart: Chart, quantity: Quantity) -> Measured | Unmeasured | None:
        before, start = self._before(chart, quantity)
        after, end = self._after(chart, quantity)
        if before is None and after is None:
            before, start = self._comparator_of_label(chart, quantity)
        comparator = after if before is not None and before.side == "about" and after is not None else before or after
        if comparator is not after:
            end = quantity.end
        if comparator is None and any("+" in chart.gap(p) for p in range(quantity.start + 1, quantity.end)):
            comparator = Comparator(side="min")
        attribute = self.attributes.choose(chart, quantity, comparator)
        if attribute is None and comparator is None:
            attribute = self.headcount.of_people(chart, quantity)
            start = self.headcount.lead(chart, start)
        if attribute is None:
            if quantity.dimensions and comparator is not None:
                return Unmeasured(_dimension_word(quantity), start, end)
            return None
        if attribute.role is Role.YEAR and 0 <= quantity.value < 1000:
            # 'up to 6 years' is an age, where there is one.
            if self.age is None:
                return None
            attribute = self.age
        value = self.attributes.in_unit(attribute, quantity, chart)
        if comparator is None and quantity.implied and quantity.unit == "grand":
            return None
        if comparator is None and quantity.implied and value > self.extent[attribute.name][1]:
            return None
        end = self._measure_end(chart, attribute, end)
        start = self._measure_start(chart, attribute, start)
        side = _side(comparator or self._unsaid(attribute, value), value, attribute)
        measured = Measured(attribute, side, start, end, self.attributes.money(attribute, quantity))
        if ENDS & {t.norm for t in chart.tokens[start:end]}:
            return measured
        if comparator is None or chart.norms(start, start + 2) == "up to":
            fits = self.headcount.fits(attribute, value)
            return replace(measured, attribute=fits[0][0], bounds=fits[0][1], also=fits[1:]) if fits else measured
        high = self.headcount.pairs.get(attribute.name, (attribute, attribute))[1]
        return replace(measured, attribute=high)

    def _before(self, chart: Chart, quantity: Quantity) -> tuple[Comparator | None, int]:
        """The comparator in front of a number; 'it can't weigh more than 20 kg' is at most that."""
        before, start = self.comparators.before(chart, quantity.start)
        denied = self._denied(chart, start) if before is not None and before.side == "min" else None
        return (before, start) if denied is None else (Comparator(side="max"), denied)

    @staticmethod
    def _denied(chart: Chart, start: int) -> int | None:
        """Where a denial begins that the verb of a comparator has before it; None without one."""
        position = start - 1
        while position >= max(0, start - 3) and chart.free(position, position + 1) and not chart.breaks(position + 1):
            word = chart.tokens[position].norm
            if word in _CANNOT:
                return position
            if word not in _VERBS:
                return None
            position -= 1
        return None

    def _after(self, chart: Chart, quantity: Quantity) -> tuple[Comparator | None, int]:
        """The comparator behind a number; 'got 11 euros on me' is no '1990 on'."""
        after, end = self.comparators.after(chart, quantity.end, self.attributes.own_units)
        dated = after is not None and after.role == Role.YEAR and "currency" in dict(quantity.dimensions)
        return (None, quantity.end) if dated else (after, end)

    def _for(self, attribute: Attribute, people: float, span: tuple[int, int]) -> Measured:
        """What fits so many people."""
        fits = self.headcount.fits(attribute, people) or ((attribute, Bounds(people, people)),)
        return Measured(*fits[0], *span, also=fits[1:])

    def compared(self, chart: Chart, quantity: Quantity) -> bool:
        """Whether words beside a number say on which side of it the wanted values lie."""
        before, _ = self.comparators.before(chart, quantity.start)
        after, _ = self.comparators.after(chart, quantity.end)
        return before is not None or after is not None

    def value(self, attribute: Attribute, quantity: Quantity) -> float | None:
        """A number in the attribute's own unit; None where its unit measures something else."""
        own = self.attributes.dimension.get(attribute.name)
        if quantity.dimensions and (own is None or own[0] not in dict(quantity.dimensions)):
            return None
        return self.attributes.in_unit(attribute, quantity)

    def _comparator_of_label(self, chart: Chart, quantity: Quantity) -> tuple[Comparator | None, int]:
        """'max price 50', 'at least a rating of 7': the name of the attribute between the comparator and the number."""
        position = quantity.start
        names = {word for words in self.words.values() for word in words} - ENDS
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
        if value < 0:
            # What withstands the cold withstands less of it too.
            return Comparator(side="max")
        sides = {Role.PRICE: "max", Role.QUALITY: "min", Role.YEAR: "exact", Role.POPULARITY: "min"}
        side = sides.get(attribute.role) if attribute.role else None
        if side is None:
            exact = attribute.role is not Role.DURATION and value in self.attributes.discrete[attribute.name]
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
        tail = {*self.words[attribute.name], "long", "length", "each"}
        if (self.attributes.dimension.get(attribute.name) or ("",))[0] == "temperature":
            tail |= {"c", "celsius"}
        if (self.attributes.dimension.get(attribute.name) or ("",))[0] == "length":
            tail |= {"wide", "tall", "high", "deep", "across", "thick"}
        tail |= {"people", "ppl", "customer", "user"} if attribute.role is Role.POPULARITY else set()
        while end < len(chart) and chart.free(end, end + 1) and not chart.breaks(end, ".,;!?\n"):
            if chart.tokens[end].norm in ("er", "ers") and not chart.gap(end):
                # '29er wheels'
                end += 1
            elif chart.tokens[end].stem in tail and chart.tokens[end].stem not in self.grammar.noun_words:
                end += 1
            elif chart.norms(end, end + 2) == "out of" and number_at(chart, end + 2, self.grammar):
                end += 3
            elif "/" in chart.gap(end) and chart.tokens[end].norm in ("5", "10", "100"):
                end += 1
            else:
                break
        return end


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
