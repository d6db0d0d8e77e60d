"""What only tells of the person: 'our book club met yesterday', 'we are off to Ireland so we need'."""

from __future__ import annotations

from convrec.agent.reading.joins import Said
from convrec.agent.reading.text import Chart
from convrec.agent.reading.walk import Words

_PERSON = frozenset(["i", "im", "ive", "we", "were", "weve", "my", "our", "me"])
_ASKING = frozenset(
    "need want wanna looking searching recommend suggest find show give after fancy mood like about something".split()
)


def aside(chart: Chart, words: Words, said: list[Said]) -> bool:
    """Whether free words stand in a sentence about the person that asks for nothing, before one that does."""
    begin, end = _around(chart, words, ".;!?\n")
    if _of_person(chart, begin, end) and not any(begin <= entry.start < end for entry in said):
        return any(entry.start >= end for entry in said)
    # 'my backpack broke, need a new one': it is known what, not why.
    begin, end = _around(chart, words, ",.;!?\n")
    asks = not _ASKING.isdisjoint(token.norm for token in chart.tokens[end:])
    return asks and _of_person(chart, begin, end) and any(begin <= entry.start < end for entry in said)


def _around(chart: Chart, words: Words, signs: str) -> tuple[int, int]:
    """The sentence or clause that some words stand in; the reason for one ends it too ('… so we need')."""
    begin, end = words.start, words.end
    while begin > 0 and not _ends(chart, begin, signs):
        begin -= 1
    while end < len(chart) and not _ends(chart, end, signs):
        end += 1
    return begin, end


def _of_person(chart: Chart, begin: int, end: int) -> bool:
    """Whether it is about the person and asks for nothing."""
    own = {token.norm for token in chart.tokens[begin:end]}
    return not own.isdisjoint(_PERSON) and own.isdisjoint(_ASKING)


def _ends(chart: Chart, position: int, signs: str) -> bool:
    reason = chart.tokens[position].norm == "so" and chart.norms(position + 1, position + 2) in _PERSON
    return reason or chart.breaks(position, signs)
