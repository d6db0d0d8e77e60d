"""Ages of people: 'for my 8 year old', 'through the eyes of a five-year-old', 'in her seventies'."""

from __future__ import annotations

import re

from convrec.agent.reading.find import Finder
from convrec.agent.reading.grammar import Grammar
from convrec.agent.reading.measured import Measured
from convrec.agent.reading.numbers import parse_digits
from convrec.agent.reading.ranges import Bounds
from convrec.agent.reading.text import Chart
from convrec.agent.reading.wanted import wanted_range
from convrec.retrieval.schema import Attribute, Role

_AND_UP = re.compile(r"\+(?!\s*\w)")
_CHILD = 12
"""years up to which somebody is a child"""
_CHILDREN = frozenset("son daughter kid boy girl child nephew niece grandson granddaughter youngest eldest".split())
_SMALL = {"newborn": 0.0, "newborns": 0.0, "baby": 1.0, "babies": 1.0, "toddler": 3.0, "toddlers": 3.0}
"""up to which age somebody is called so"""
_THEY = ("shes", "hes", "she is", "he is", "who is", "whos", "turning", "just turned", "theyre", "they are")
"""after which the age of a child that was named comes"""
_WHOSE = frozenset(["for", "my", "our"])


class AgeReader:
    """Reads whom something is for; an age of somebody in a story only describes.

    Args:
        age: the attribute that says from which age on an item suits, where there is one.
    """

    def __init__(self, grammar: Grammar, finder: Finder, age: Attribute | None) -> None:
        self.grammar = grammar
        self.finder = finder
        self.age = age

    def read(self, chart: Chart, position: int) -> bool:
        """Takes an age that begins here; whether there was one."""
        years = chart.tokens[position].norm
        short = chart.norms(position + 1, position + 2) in ("yo", "yos") and not chart.gap(position + 1)
        old = short or chart.stems(position + 1, position + 3) == "year old"
        length = 2 if short else 3 if old else 1
        if self.age is not None and years in _SMALL:
            chart.put(position, position + 1, "want", [wanted_range(self.age, Bounds(maximum=_SMALL[years]), "number")])
            return True
        if self.age is not None and years.isdigit() and (old or chart.norms(max(0, position - 1), position) == "aged"):
            wanted = wanted_range(self.age, Bounds(maximum=parse_digits(years)), "number")
            chart.put(position if old else position - 1, position + (length if old else 1), "want", [wanted])
            return True
        number = parse_digits(years) if years.isdigit() else self.grammar.numbers.get(years)
        if self.age is not None and number is not None and self._rated(chart, position, number):
            chart.put(position, position + 1, "want", [wanted_range(self.age, Bounds(minimum=number), "number")])
            return True
        if self.age is not None and number is not None and self._child_is(chart, position):
            chart.put(position, position + 1, "want", [wanted_range(self.age, Bounds(maximum=number), "number")])
            return True
        child = number is not None and self._child_is(chart, position)
        if number is None or not (old or child):
            return False
        for_whom = child or not _WHOSE.isdisjoint(token.norm for token in chart.tokens[max(0, position - 3) : position])
        hits = self.finder.values.find("for kid") if number <= _CHILD and for_whom else []
        read = self.finder.read_hits(chart, position, position + length, hits) if hits else []
        kind = "want" if read else "skip" if for_whom else "words"
        chart.put(position, position + length, kind, read or None)
        return True

    @staticmethod
    def _rated(chart: Chart, position: int, number: float) -> bool:
        """'16+': from which age on, where no unit follows."""
        return 2 <= number <= 21 and bool(_AND_UP.match(chart.message, chart.tokens[position].end))

    @staticmethod
    def _child_is(chart: Chart, position: int) -> bool:
        """'my daughter is 8'."""
        ends = position + 1 == len(chart) or not chart.tokens[position + 1].norm[0].isalpha()
        goes_on = (
            ends or chart.breaks(position + 1, ",.;!?\n") or chart.tokens[position + 1].norm in ("and", "so", "now")
        )
        before = chart.norms(max(0, position - 3), position).split()
        whose = len(before) == 3 and before[0] in ("my", "our") and before[1] in _CHILDREN and before[2] == "is"
        told = not _CHILDREN.isdisjoint(token.stem for token in chart.tokens[:position])
        return goes_on and (whose or (told and chart.norms(max(0, position - 2), position).endswith(_THEY)))

    def of_life(self, chart: Chart, found: Measured) -> bool:
        """Whether a span of years is somebody's age: 'in her seventies'."""
        owners = {*self.grammar.narrative.owners, "my", "our", "your"}
        before = [token.norm for token in chart.tokens[max(0, found.start - 3) : found.start]]
        return found.attribute.role is Role.YEAR and "in" in before and not owners.isdisjoint(before[-2:])
