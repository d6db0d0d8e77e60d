"""Lasting preferences: 'never show me X', 'I like slow films'."""

from __future__ import annotations

from convrec.agent.reading.grammar import Grammar, phrases
from convrec.agent.reading.joins import Said
from convrec.agent.reading.text import Chart
from convrec.agent.reading.walk import Words
from convrec.agent.reading.wanted import Wanted
from convrec.retrieval.request import Constraint, Description, Strength

_REASONS = frozenset("had because cos cuz since they theyre its it i im ive gives makes had terrible bad awful".split())
LEAD = 3
"""words among which a lasting preference begins"""


class LastingReader:
    """Notices a lasting preference and says what is to be remembered."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar

    def kind(self, chart: Chart, start: int) -> str:
        """'veto', 'like' or 'dislike' when the message states a lasting preference."""
        own = self.grammar.lasting
        for kind, cues in (("veto", own.veto), ("like", own.like), ("dislike", own.dislike)):
            for position in range(start, min(start + LEAD, len(chart))):
                length = chart.phrase_at(position, phrases(cues))
                if length:
                    if kind == "veto":
                        chart.put(position, position + length, "veto")
                        self._pass_over_reason(chart, position + length)
                    return kind
        return ""

    @staticmethod
    def _pass_over_reason(chart: Chart, start: int) -> None:
        """'never show me anything from Harrow, had bad luck with them': why asks for nothing."""
        for position in range(start + 1, len(chart)):
            if chart.breaks(position):
                return
            if chart.tokens[position].norm in _REASONS and chart.breaks(position, ",-–—("):
                stop = next((p for p in range(position + 1, len(chart)) if chart.breaks(p)), len(chart))
                chart.put(position, stop, "skip")
                return

    def remembered(
        self, lasting: str, said: list[Said], words: list[Words], chart: Chart
    ) -> tuple[Constraint | Description, ...]:
        """The lasting preferences that a message states."""
        if not lasting:
            return ()
        # 'never show me news. What came out in 2024?' is lasting in its first sentence alone.
        stop = next((p for p in range(LEAD, len(chart)) if chart.breaks(p)), len(chart))
        wanted: list[Constraint | Description] = [
            self._constraint(entry, lasting) for entry in said if entry.wanted.field and entry.start < stop
        ]
        for segment in [own for own in words if own.start < stop]:
            weight = -1.0 if segment.negated or lasting != "like" else 1.0
            wanted.append(Description(text=chart.words(segment.start, segment.end), weight=weight))
        return tuple(wanted)

    @staticmethod
    def _constraint(entry: Said, lasting: str) -> Constraint:
        against = entry.negated or lasting != "like"
        own: Wanted = entry.wanted
        return Constraint(
            filter=own.negative if against else own.filter,
            strength=Strength.MUST if lasting == "veto" else Strength.SOFT,
            negated=against,
            label=own.not_label if against else own.label,
        )
