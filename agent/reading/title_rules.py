"""Whether words that could be a title are meant as one."""

from __future__ import annotations

from convrec.agent.reading.grammar import Grammar
from convrec.agent.reading.people import PeopleIndex
from convrec.agent.reading.text import Chart, fold
from convrec.agent.reading.values import ValueIndex

_LINKS = frozenset(["of", "the", "by", "in", "at", "on", "a", "an", "to", "for", "with"])


class TitleJudge:
    """Looks at capitals, ordinary words and values around a possible title."""

    def __init__(self, values: ValueIndex, people: PeopleIndex, grammar: Grammar) -> None:
        self.values = values
        self.people = people
        self.grammar = grammar

    def cut(self, chart: Chart, start: int, stop: int) -> bool:
        """Whether a capitalised name goes on past a stretch, or began before it: 'John' of 'John Wick'."""
        if chart.message.isupper():
            return False
        plain = self.grammar.plain_words
        if (
            stop < len(chart)
            and chart.free(stop, stop + 1)
            and chart.gap(stop).strip(" &-") == ""
            and chart.tokens[stop - 1].capital
        ):
            following = chart.tokens[stop]
            if (
                (following.capital or following.text.isdigit())
                and following.norm not in plain
                and not self.is_value(chart, stop, stop + 1)
            ):
                return True
        if start > 1 and chart.free(start - 1, start) and chart.gap(start) == " ":
            before = chart.tokens[start - 1]
            return (
                before.capital
                and before.norm not in plain
                and chart.tokens[start].norm in ("by", "of", "and", "in", "the", "at", "on")
            )
        return False

    def unknown(self, chart: Chart, start: int) -> tuple[int, int] | None:
        """A capitalised name that starts here, an article before it allowed, and is no value or ordinary word."""
        if chart.message.isupper() or chart.message.istitle():
            return None
        first = start
        while (
            first < len(chart) - 1
            and chart.tokens[first].norm in ("the", "a", "an")
            and not chart.tokens[first].capital
        ):
            first += 1
        end = first
        while end < len(chart) and chart.free(end, end + 1) and end - first < 7:
            if end > first and chart.gap(end).strip(" &-:"):
                break
            if not (chart.tokens[end].capital or (end > first and self._linking(chart, end))):
                break
            end += 1
        ordinary = self.grammar.function_words - {"the", "a", "an"} if end - first > 1 else self.grammar.plain_words
        if end == first or chart.tokens[first].norm in ordinary:
            return None
        rare = [t for t in chart.tokens[first:end] if t.norm not in self.grammar.plain_words]
        if not rare or self.is_value(chart, first, end) or self.people.full(chart.norms(first, end)):
            return None
        return first, end

    def _linking(self, chart: Chart, position: int) -> bool:
        """'by the' of 'Manchester by the Sea'."""
        for length in (1, 2):
            last = position + length
            words = chart.tokens[position:last]
            if last < len(chart) and chart.tokens[last].capital and all(t.norm in _LINKS for t in words):
                return chart.tokens[last].norm not in self.grammar.plain_words
        return False

    def is_value(self, chart: Chart, start: int, stop: int) -> bool:
        """Whether the words name values of the catalogue, each or together."""
        hits = self.values.find(chart.stems(start, stop))
        if any(self.values.controlled(h.attribute) for h in hits):
            return True
        plain = self.grammar.plain_words
        return stop - start > 1 and all(
            t.norm in plain or any(self.values.controlled(h.attribute) for h in self.values.find(t.stem))
            for t in chart.tokens[start:stop]
        )

    def is_exact_value(self, chart: Chart, start: int, stop: int) -> bool:
        """Whether the words are a value letter by letter, not only an inflection or another word for one."""
        said = chart.norms(start, stop)
        return any(said == fold(value) for hit in self.values.find(chart.stems(start, stop)) for value in hit.values)

    def weighty(self, chart: Chart, start: int, stop: int) -> bool:
        """Enough rare words that a part of a title is surely meant."""
        content = [t for t in chart.tokens[start:stop] if t.norm not in self.grammar.plain_words]
        rare = [t for t in content if t.stem not in self.values.known_words]
        return (
            len(content) >= 2
            or bool(rare)
            or (len(content) == 1 and content[0].capital and stop - start == len(content))
        )

    def phrase_end(self, chart: Chart, start: int) -> int:
        end = start + 1
        ends = {
            "but",
            "and",
            "or",
            "with",
            "that",
            "from",
            "without",
            "except",
            "please",
            "which",
            "only",
            "just",
            "in",
            "by",
            "for",
            "instead",
            "made",
            "nor",
            "if",
            "because",
            "also",
            "too",
            "so",
            "though",
        }
        while end < len(chart) and end - start < 9 and chart.free(end, end + 1):
            if (
                any(sign in chart.gap(end) for sign in ",;!?()\n")
                or chart.gap(end).startswith(". ")
                or chart.tokens[end].norm in ends
            ):
                break
            end += 1
        return end
