"""Words beside a number that say on which side of it the wanted values lie."""

from __future__ import annotations

from convrec.agent.reading.grammar import Comparator, Grammar, phrase_key
from convrec.agent.reading.text import Chart

LEAD = frozenset(
    ["a", "an", "the", "is", "are", "be", "of", "for", "it", "its", "that", "thats", "in", "with", "and", "by"]
)


class ComparatorReader:
    """Finds 'under', 'at least', 'or more', '<=' around a number."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar

    def before(self, chart: Chart, start: int) -> tuple[Comparator | None, int]:
        """The comparator in front of a number, articles between allowed, and where it begins."""
        position = start
        while (
            position > 0
            and chart.tokens[position - 1].norm in LEAD
            and chart.free(position - 1, position)
            and start - position < 3
        ):
            if self._ending(chart, position) is not None:
                break
            position -= 1
        for end in dict.fromkeys((start, position)):
            found = self._ending(chart, end)
            if found is not None:
                return found
        for end in range(start - 1, position, -1):
            found = self._ending(chart, end)
            if found is not None:
                return found
        return None, start

    def _ending(self, chart: Chart, end: int) -> tuple[Comparator, int] | None:
        signs = chart.gap(end) if 0 < end < len(chart) else ""
        for length in range(min(5, end), 0, -1):
            start = end - length
            if not chart.free(start, end) or any(chart.breaks(p, ".;!?\n") for p in range(start + 1, end + 1)):
                continue
            found = self.grammar.comparators_before.get(chart.norms(start, end))
            if found is not None:
                return found, start
        for sign, side, is_open in (
            ("<=", "max", False),
            ("≤", "max", False),
            (">=", "min", False),
            ("≥", "min", False),
            ("<", "max", True),
            (">", "min", True),
            ("~", "about", False),
        ):
            if sign in signs:
                return Comparator.model_validate({"side": side, "open": is_open}), end
        return None

    def after(self, chart: Chart, end: int, names: frozenset[str] = frozenset()) -> tuple[Comparator | None, int]:
        """The comparator behind a number, a noun or a word of its attribute between allowed, and where it ends."""
        nouns = self.grammar.noun_words | names
        if end < len(chart) and "+" in chart.gap(end):
            return Comparator(side="min"), end
        if end == len(chart) and chart.message[chart.tokens[end - 1].end :].lstrip().startswith("+"):
            return Comparator(side="min"), end
        for skip in (0, 1):
            for length in range(4, 0, -1):
                if end + skip + length > len(chart) or not chart.free(end, end + skip + length):
                    continue
                if any(chart.breaks(p, ".;!?\n") for p in range(end, end + skip + length)):
                    continue
                found = self.grammar.comparators_after.get(chart.norms(end + skip, end + skip + length))
                if found is not None and self._of_next(chart, end + skip, end + skip + length):
                    continue
                if found is not None and (skip == 0 or chart.tokens[end].stem in nouns):
                    return found, end + skip + length
            if end >= len(chart) or chart.tokens[end].stem not in nouns:
                break
        return None, end

    @staticmethod
    def _of_next(chart: Chart, start: int, end: int) -> bool:
        """'one, max 160 g', '2025 and less than 350': what stands there belongs to the number behind it."""
        if end >= len(chart):
            return False
        token = chart.tokens[end]
        return token.norm in ("than", "to") or ("," in chart.gap(start) and token.text[:1].isdigit())

    def lead(self, chart: Chart, start: int) -> int:
        """Takes 'from the', 'in', 'made in' along."""
        lead = {phrase_key(p) for p in self.grammar.time.lead}
        while (
            start > 0
            and chart.free(start - 1, start)
            and chart.tokens[start - 1].norm in lead
            and not chart.breaks(start)
        ):
            start -= 1
        if (
            start > 0
            and chart.norms(start - 1, start) in ("made", "released", "published", "between", "filmed")
            and chart.free(start - 1, start)
        ):
            start -= 1
        return start
