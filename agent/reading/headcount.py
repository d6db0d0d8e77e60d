"""For how many: 'solo', 'for two', 'up to 6 players' over columns that say how many an item is for."""

from __future__ import annotations

from collections.abc import Mapping

from convrec.agent.reading.grammar import Grammar, phrases
from convrec.agent.reading.numbers import Quantity
from convrec.agent.reading.ranges import Bounds
from convrec.agent.reading.text import Chart, key_of
from convrec.retrieval.schema import Attribute

ENDS = frozenset(["min", "max", "minimum", "maximum"])


class Headcount:
    """The attributes that count people, alone or as the two ends of one range ('min_players', 'max_players')."""

    def __init__(self, numeric: tuple[Attribute, ...], words: Mapping[str, frozenset[str]], grammar: Grammar) -> None:
        self.grammar = grammar
        self.pairs = range_pairs(numeric)
        heads = {key_of(word) for word in grammar.measures.get("headcount", ())}
        room = {key_of(word) for word in grammar.headcount.room}
        counted = [a for a in numeric if a.role is None and a.unit is None and words[a.name] & heads]
        # What falls to one person counts no people.
        counted = [a for a in counted if "per" not in a.label.split()]
        self._room = frozenset(a.name for a in counted if _named(a) & room or _end(a) == "max")
        # 'persons' counts people by its name, 'capacity' only where nothing else does.
        self.attributes = tuple(sorted(counted, key=lambda a: a.name in self._room and not _end(a)))
        self._alone = phrases(tuple(grammar.headcount.alone))
        self._before = phrases(grammar.headcount.before)
        self._after = phrases(grammar.headcount.after)

    def alone(self, chart: Chart, position: int) -> Quantity | None:
        """'solo', 'for a couple': a number of people in a word."""
        if not self.attributes:
            return None
        length = chart.phrase_at(position, self._alone)
        number = self.grammar.headcount.alone.get(chart.norms(position, position + length))
        return None if number is None else Quantity(float(number), "", (), position, position + length)

    def of_people(self, chart: Chart, quantity: Quantity) -> Attribute | None:
        """The attribute of a bare number that can only count people: 'for two', 'a group of 6', 'there are 4 of us'."""
        if not self.attributes or quantity.dimensions or quantity.unit:
            return None
        end = quantity.end
        if chart.phrase_at(end, self._after):
            return self.attributes[0]
        closed = end >= len(chart) or chart.breaks(end, ".,;!?\n") or chart.tokens[end].norm in self.grammar.plain_words
        start = quantity.start - (1 if chart.norms(quantity.start - 1, quantity.start) == "the" else 0)
        cued = any(chart.norms(max(0, start - n), start) in self._before for n in (1, 2))
        return self.attributes[0] if closed and cued else None

    def lead(self, chart: Chart, start: int) -> int:
        """Where the words begin that a number of people belongs to: 'a group of' is no kind of item."""
        for length in (2, 1):
            before = max(0, start - length)
            if chart.norms(before, start) in self._before and chart.free(before, start):
                return before
        return start

    def fits(self, attribute: Attribute, value: float) -> tuple[tuple[Attribute, Bounds], ...]:
        """What makes an item fit so many people; () for an attribute that states one number of them."""
        pair = self.pairs.get(attribute.name)
        if pair is not None:
            return (pair[1], Bounds(minimum=value)), (pair[0], Bounds(maximum=value))
        if attribute.name in self._room:
            return ((attribute, Bounds(minimum=value)),)
        return (
            ((attribute, Bounds(maximum=value)),) if attribute in self.attributes and _end(attribute) == "min" else ()
        )


def range_pairs(attributes: tuple[Attribute, ...]) -> dict[str, tuple[Attribute, Attribute]]:
    """Attributes that are the two ends of one range ('min_players', 'max_players'), by the name of either."""
    ends: dict[str, dict[str, Attribute]] = {}
    for attribute in attributes:
        rest = attribute.name.casefold().replace("_", " ").partition(" ")[2]
        if _end(attribute) and rest:
            ends.setdefault(rest, {})[_end(attribute)] = attribute
    pairs = [(own["min"], own["max"]) for own in ends.values() if len(own) == 2]
    return {end.name: pair for pair in pairs for end in pair}


def _named(attribute: Attribute) -> set[str]:
    return set(key_of(f"{attribute.label} {attribute.name.replace('_', ' ')}").split())


def _end(attribute: Attribute) -> str:
    """'min' or 'max' where the name of an attribute begins so."""
    first = attribute.name.casefold().replace("_", " ").partition(" ")[0]
    return first[:3] if first in ENDS else ""
