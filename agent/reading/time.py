"""Years, decades, centuries and spans of years."""

from __future__ import annotations

from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from convrec.agent.reading.grammar import Grammar, phrases
from convrec.agent.reading.numbers import number_at, parse_digits
from convrec.agent.reading.text import Chart

_SHORTEST = 6
"""letters of a name of a decade that may be misspelt"""
_LONG = 8


@dataclass(frozen=True, slots=True)
class YearSpan:
    """Years `first` to `last`, both included; None is open. `anchored`: counted back from the newest year."""

    first: int | None
    last: int | None
    start: int
    end: int
    anchored: bool = False


class TimeReader:
    """Reads spans of years.

    Args:
        grammar: the words of years and decades.
        extent: first and last year of the catalogue.
        today: the current year.
        ordinary: words of the catalogue's own texts, which are no misspelt decades.
    """

    def __init__(
        self, grammar: Grammar, extent: tuple[int, int], today: int, ordinary: frozenset[str] = frozenset()
    ) -> None:
        self.grammar = grammar
        self._ordinary = ordinary
        self.extent = extent
        self.anchor = min(today, extent[1]) if extent[1] < 9999 else today
        self.today = today

    def at(self, chart: Chart, position: int) -> YearSpan | None:
        """The longest span of years that starts at a token."""
        first = self._point(chart, position)
        if first is None:
            return None
        return self._joined(chart, first)

    def _joined(self, chart: Chart, first: YearSpan) -> YearSpan:
        """'1980-1989', '1980 to 1989', '70s and 80s', 'between 1990 and 1995'."""
        position = first.end
        if position >= len(chart) or first.first is None or first.last is None:
            return first
        gap = chart.gap(position)
        join = chart.tokens[position].norm
        span = self.grammar.time.range_join
        if any(sign in gap for sign in "-–—") or ("/" in gap and join[:1].isdigit()):
            second = self._point(chart, position) or self._short_year(chart, position, first)
        elif join in span and not chart.breaks(position, ".;!?\n"):
            second = self._point(chart, position + 1, joined=True)
            if second is None and join != "or":
                second = self._short_year(chart, position + 1, first)
        else:
            return first
        if second is None or second.first is None or second.last is None:
            return first
        if join in ("or", "and") and not self._ranges(chart, first.start) and not _touch(first, second):
            return first
        low, high = min(first.first, second.first), max(first.last, second.last)
        return self._joined(chart, YearSpan(low, high, first.start, second.end))

    def _ranges(self, chart: Chart, start: int) -> bool:
        """'between 1990 and 1995'."""
        before = chart.norms(start - 1, start) if start else ""
        if before == "the" and start > 1:
            before = chart.norms(start - 2, start - 1)
        return before in self.grammar.time.between

    def _short_year(self, chart: Chart, position: int, first: YearSpan) -> YearSpan | None:
        """'1980-85'."""
        if position >= len(chart) or first.first is None or not chart.free(position, position + 1):
            return None
        text = chart.tokens[position].norm
        if len(text) == 2 and text.isdigit():
            year = first.first // 100 * 100 + int(text)
            if year > first.first:
                return YearSpan(year, year, position, position + 1)
        return None

    def _point(self, chart: Chart, position: int, *, joined: bool = False) -> YearSpan | None:
        if position >= len(chart) or not chart.free(position, position + 1):
            return None
        time = self.grammar.time
        for part, words in (("early", time.early), ("mid", time.mid), ("late", time.late)):
            length = chart.phrase_at(position, phrases(words))
            if length:
                decade = self._decade(chart, self._skip_the(chart, position + length))
                if decade is None:
                    decade = self._century(chart, self._skip_the(chart, position + length))
                if decade is not None and decade.first is not None and decade.last is not None:
                    return self._part(decade, part, position)
        start = self._skip_the(chart, position) if joined else position
        found = self._relative(chart, position) or self._century(chart, start) or self._decade(chart, start)
        return found or self._year(chart, start) or self._spelled(chart, start)

    @staticmethod
    def _skip_the(chart: Chart, position: int) -> int:
        return position + 1 if position < len(chart) and chart.tokens[position].norm in ("the", "of") else position

    @staticmethod
    def _part(decade: YearSpan, part: str, start: int) -> YearSpan:
        first, last = decade.first or 0, decade.last or 0
        unit = (last - first + 1) // 10
        offsets = {"early": (0, 3), "mid": (4, 6), "late": (7, 9)}[part]
        return YearSpan(first + offsets[0] * unit, first + (offsets[1] + 1) * unit - 1, start, decade.end)

    def _decade(self, chart: Chart, position: int) -> YearSpan | None:
        if position >= len(chart) or not chart.free(position, position + 1):
            return None
        text = chart.tokens[position].norm
        if text.endswith("s") and text[:-1].isdigit() and text[-2] == "0" and len(text) in (3, 5):
            value = int(text[:-1])
            return self._decade_span(value, position, position + 1)
        for length in (2, 1):
            named = self.grammar.time.decades.get(chart.norms(position, position + length))
            if named is not None and position + length <= len(chart):
                return self._decade_span(named, position, position + length)
        named = self._misspelt(text)
        if named is not None:
            return self._decade_span(named, position, position + 1)
        if text in ("19", "nineteen", "20", "twenty") and position + 1 < len(chart):
            named = self.grammar.time.decades.get(chart.tokens[position + 1].norm)
            if named is not None and named < 100:
                century = 1900 if text in ("19", "nineteen") else 2000
                return YearSpan(century + named, century + named + 9, position, position + 2)
        return None

    def _misspelt(self, word: str) -> int | None:
        """The decade that 'eightees' or 'ninties' stands for: a slip or, in a long word, two."""
        if len(word) < _SHORTEST or word[-1] != "s" or word in self._ordinary:
            return None
        names = [n for n in self.grammar.time.decades if n[0] == word[0] and len(n) >= _SHORTEST and " " not in n]
        slips = 2 if len(word) >= _LONG else 1
        word = f"{word[:-2]}ies" if word.endswith("ys") else word
        near = process.extractOne(word, names, scorer=OSA.distance, score_cutoff=slips)
        return None if near is None else self.grammar.time.decades[near[0]]

    def _decade_span(self, value: int, start: int, end: int) -> YearSpan | None:
        if value >= 1000:
            return YearSpan(value, value + 9, start, end) if value <= 2100 else None
        if value >= 100:
            return None
        recent, old = 2000 + value, 1900 + value
        first = recent if recent <= self.extent[1] and (value < 20 or self.extent[0] > old + 9) else old
        return YearSpan(first, first + 9, start, end)

    def _century(self, chart: Chart, position: int) -> YearSpan | None:
        if position + 1 >= len(chart):
            return None
        for length in (2, 1):
            if position + length >= len(chart) or chart.tokens[position + length].stem not in self.grammar.time.century:
                continue
            words = chart.norms(position, position + length)
            number = self.grammar.time.ordinals.get(words)
            if number is None and length == 1 and words[:1].isdigit():
                parsed = parse_digits(words)
                number = int(parsed) if parsed and parsed <= 21 else None
            if number is not None and chart.free(position, position + length + 1):
                return YearSpan((number - 1) * 100, number * 100 - 1, position, position + length + 1)
        return None

    def _year(self, chart: Chart, position: int) -> YearSpan | None:
        if position >= len(chart):
            return None
        token = chart.tokens[position]
        if token.norm.isdigit() and token.norm.isascii():
            named = position > 0 and chart.tokens[position - 1].norm == "year"
            if len(token.norm) == 4 and (named or 1400 <= int(token.norm) <= 2100):
                return YearSpan(int(token.norm), int(token.norm), position, position + 1)
            if len(token.norm) == 2 and token.gap.endswith(("'", "’")):
                year = 1900 + int(token.norm)
                return YearSpan(year, year, position, position + 1)
        return None

    def _spelled(self, chart: Chart, position: int) -> YearSpan | None:
        """'nineteen ninety four'."""
        hundreds = {"nineteen": 1900, "twenty": 2000, "eighteen": 1800}.get(chart.tokens[position].norm)
        number = number_at(chart, position + 1, self.grammar) if hundreds else None
        if (
            hundreds is None
            or number is None
            or not 10 <= number[0] < 100
            or chart.tokens[position + 1].text[:1].isdigit()
        ):
            return None
        year = hundreds + int(number[0])
        return YearSpan(year, year, position, number[1])

    def _relative(self, chart: Chart, position: int) -> YearSpan | None:
        time = self.grammar.time
        fixed = (
            (time.this_century, (2000, None)),
            (time.last_century, (1900, 1999)),
            (time.this_decade, (self.anchor // 10 * 10, None)),
            (time.last_decade, (self.anchor - 9, None)),
            (time.this_year, (self.anchor, None)),
            (time.last_year, (self.anchor - 1, self.anchor - 1)),
        )
        for words, (first, last) in fixed:
            length = chart.phrase_at(position, phrases(words))
            if length:
                anchored = words not in (time.this_century, time.last_century)
                return YearSpan(first, last, position, position + length, anchored)
        if chart.tokens[position].norm in time.last_years:
            number = number_at(chart, position + 1, self.grammar)
            count, end = (int(number[0]), number[1]) if number and number[0] < 1000 else (3, position + 1)
            if number is None and end < len(chart) and chart.tokens[end].norm in ("few", "couple"):
                end += 2 if end + 1 < len(chart) and chart.tokens[end + 1].norm == "of" else 1
            if end < len(chart) and chart.tokens[end].norm in (*time.year_word, *time.decade_word):
                years = count * 10 if chart.tokens[end].norm in time.decade_word else count
                if number is None and chart.tokens[end].norm in ("year", "yr", "decade"):
                    return None
                return YearSpan(self.anchor - years + 1, None, position, end + 1, anchored=True)
        return None


def _touch(a: YearSpan, b: YearSpan) -> bool:
    """Whether no year lies between two spans: 'the 70s or the 90s' leaves the 80s out."""
    if a.first is None or a.last is None or b.first is None or b.last is None:
        return False
    return a.first <= b.last + 1 and b.first <= a.last + 1
