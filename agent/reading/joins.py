"""Alternatives and conjunctions: which neighbouring wishes are one wish."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from convrec.agent.reading.grammar import Grammar
from convrec.agent.reading.text import Chart
from convrec.agent.reading.wanted import Wanted, either
from convrec.retrieval.filters import Contains
from convrec.retrieval.request import Strength

_BETWEEN = frozenset(
    "a an the some maybe even else perhaps either from in by of something anything nice good great proper".split()
)


@dataclass(frozen=True, slots=True)
class Said:
    """A wish as it was said.

    `instead`: it replaces earlier ones of its attribute; `also`: it joins them; `allowed`: it will do beside them;
    `too`: said as 'too X'.
    """

    wanted: Wanted
    start: int
    end: int
    negated: bool = False
    strength: Strength | None = None
    instead: bool = False
    also: bool = False
    allowed: bool = False
    too: bool = False


def joined(grammar: Grammar, chart: Chart, said: list[Said]) -> list[Said]:
    """Alternatives become one wish; what only stands side by side stays apart."""
    links = [_link(grammar, chart, a, b) for a, b in itertools.pairwise(said)]
    result: list[Said] = []
    position = 0
    while position < len(said):
        stop = position
        while stop < len(links) and links[stop] in ("or", "comma") and "or" in links[stop : _run(links, stop)]:
            if _apart(said, links, stop):
                break
            stop += 1
        current = said[position]
        for other in said[position + 1 : stop + 1]:
            if current.negated:
                result.append(current)
                current = other
            else:
                current = replace(current, wanted=either(current.wanted, other.wanted), end=other.end)
        result.append(current)
        position = stop + 1
    return result


def _run(links: list[str], start: int) -> int:
    """The end of a run of commas that an 'or' may close."""
    end = start
    while end < len(links) and links[end] in ("or", "comma"):
        end += 1
    return end


def _apart(said: list[Said], links: list[str], at: int) -> bool:
    """'an estate, petrol or hybrid': what the 'or' joins is of one kind, and what stands before the comma is not."""
    run = links[at : _run(links, at)]
    closing = at + len(run) - 1 - run[::-1].index("or")
    last, before = said[closing + 1].wanted.field, said[closing].wanted.field
    return links[at] == "comma" and last == before != said[at].wanted.field


def _link(grammar: Grammar, chart: Chart, a: Said, b: Said) -> str:
    """How two neighbours are joined: or, and, comma, or ''."""
    if a.negated != b.negated or a.end > b.start or a.start == b.start:
        return ""
    kind = ""
    for position in range(a.end, b.start + 1):
        gap = chart.gap(position)
        if chart.breaks(position):
            return ""
        if "/" in gap:
            kind = "and" if _mixes(a, gap) else "or"
        elif "," in gap and not kind:
            kind = "comma"
        if position == b.start:
            break
        own = chart.owner[position]
        word = chart.tokens[position].norm
        if own is not None and own.kind not in ("cue", "join"):
            return ""
        if word in ("or", "nor"):
            kind = "or"
        elif word in ("and", "but", "with", "plus"):
            kind = "or" if _exclusive(a.wanted, b.wanted) else "and"
        elif word not in _BETWEEN and chart.tokens[position].stem not in grammar.noun_words:
            return ""
    return kind


def _exclusive(a: Wanted, b: Wanted) -> bool:
    """'French and Italian', 'the 70s and the 90s': no item is both, so that either is meant."""
    if a.how == b.how == "nation":
        return True
    spans = [own.bounds for own in (a, b) if own.how == "time" and own.bounds is not None]
    closed = len(spans) == 2 and all(None not in (own.minimum, own.maximum) for own in spans)
    return closed and not spans[0].meet(spans[1]).possible


def _mixes(a: Said, gap: str) -> bool:
    """'action/comedy' is both in one; 'French/Italian' and 'drama / comedy' are alternatives."""
    return isinstance(a.wanted.filter, Contains) and a.wanted.how not in ("nation", "person") and gap == "/"
