"""Comparative words: 'shorter', 'less violent', 'more romantic', 'darker'."""

from __future__ import annotations

from dataclasses import dataclass

from convrec.agent.reading_grammar import Comparative, Grammar
from convrec.agent.reading_text import Chart


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparative word; `entries` move a bound, `plain` goes to the description; `less`: the other way."""

    entries: tuple[Comparative, ...]
    plain: str
    less: bool = False


class ComparativeReader:
    """Puts 'compare' spans into a chart."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar

    def find(self, chart: Chart) -> None:
        """'shorter', 'less violent', 'more romantic', 'darker'."""
        for start in range(len(chart)):
            if chart.owner[start] is not None:
                continue
            length = chart.phrase_at(start, self.grammar.comparative_phrases)
            if length:
                chart.put(
                    start,
                    start + length,
                    "compare",
                    Compared(self.grammar.comparatives[chart.norms(start, start + length)], ""),
                )
                continue
            plain = self.grammar.comparisons.get(chart.tokens[start].norm)
            if plain is not None:
                chart.put(start, start + 1, "compare", Compared((), plain))
            elif chart.tokens[start].norm in ("more", "less", "fewer") and start + 1 < len(chart):
                if chart.phrase_at(start, self.grammar.adjective_phrases) > 1:
                    continue
                self._more_or_less(chart, start)

    def _more_or_less(self, chart: Chart, start: int) -> None:
        end = start + 1
        if chart.tokens[end].norm in ("of", "with", "on"):
            end += 1
        begin = end
        while end < len(chart) and end - begin < 2 and chart.free(end, end + 1) and not chart.breaks(end, ".,;!?\n"):
            word = chart.tokens[end].norm
            if word in self.grammar.plain_words:
                break
            end += 1
        if end == begin or chart.tokens[begin].text[:1].isdigit():
            return
        less = chart.tokens[start].norm != "more"
        chart.put(start, end, "compare", Compared((), chart.words(begin, end), less))
