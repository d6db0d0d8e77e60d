"""What only tells of the person: 'our book club met yesterday', 'we are off to Ireland so we need'."""

from __future__ import annotations

from convrec.agent.reading_joins import Said
from convrec.agent.reading_text import Chart
from convrec.agent.reading_walk import Words

_PERSON = frozenset(["i", "im", "ive", "we", "were", "weve", "my", "our", "me"])
_ASKING = frozenset(
    "need want wanna looking searching recommend suggest find show give after fancy mood like about something".split()
)


def aside(chart: Chart, words: Words, said: list[Said]) -> bool:
    """Whether free words stand in a sentence about the person that asks for nothing, before one that does."""
    begin, end = words.start, words.end
    while begin > 0 and not _ends(chart, begin):
        begin -= 1
    while end < len(chart) and not _ends(chart, end):
        end += 1
    own = {token.norm for token in chart.tokens[begin:end]}
    if own.isdisjoint(_PERSON) or not own.isdisjoint(_ASKING):
        return False
    return not any(begin <= entry.start < end for entry in said) and any(entry.start >= end for entry in said)


def _ends(chart: Chart, position: int) -> bool:
    """Whether a sentence, or the reason for one ('… so we need'), ends before a token."""
    reason = chart.tokens[position].norm == "so" and chart.norms(position + 1, position + 2) in _PERSON
    return reason or chart.breaks(position, ".;!?\n")
