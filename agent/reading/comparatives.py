"""Comparative words: 'shorter', 'less violent', 'more romantic', 'darker'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from convrec.agent.reading.grammar import Comparative, Grammar
from convrec.agent.reading.text import Chart

_LONG = frozenset(["longer", "shorter"])
_SHORTEST = 4
"""letters of a noun that an adjective is made of"""


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparative word; `entries` move a bound, `plain` goes to the description; `less`: the other way.

    `attribute`: the name of the numeric attribute, where it was said: 'more pages'. `negated`: 'not longer than'.
    """

    entries: tuple[Comparative, ...]
    plain: str
    less: bool = False
    attribute: str | None = None
    negated: bool = False


class ComparativeReader:
    """Puts 'compare' spans into a chart."""

    def __init__(
        self, grammar: Grammar, numeric: Mapping[str, frozenset[str]], lasting: frozenset[str] = frozenset()
    ) -> None:
        """`numeric`: the words for each numeric attribute, by its name; `lasting`: those that measure time."""
        self.grammar = grammar
        self._numeric: dict[str, str] = {}
        self._adjectives = {w: name for name, words in numeric.items() for word in words for w in adjectives_of(word)}
        # Of the two ends of a range, the upper one says how much an item has.
        for name in sorted(numeric, key=lambda n: n.casefold().startswith("min")):
            for word in sorted(numeric[name], key=lambda w: w not in name):
                self._numeric.setdefault(word, name)
        self._lasting = {word: name for name in sorted(lasting) for word in numeric[name]}

    def find(self, chart: Chart) -> None:
        """'shorter', 'less violent', 'more romantic', 'darker'."""
        for start in range(len(chart)):
            if chart.owner[start] is not None:
                continue
            length = chart.phrase_at(start, self.grammar.comparative_phrases)
            if self._of_number(chart, start):
                continue
            if length:
                entries = self.grammar.comparatives[chart.norms(start, start + length)]
                self._put(chart, start, start + length, Compared(entries, ""))
                continue
            plain = self.grammar.comparisons.get(chart.tokens[start].norm)
            if plain is not None:
                self._put(chart, start, start + 1, self._shift(plain, plain))
            elif chart.tokens[start].norm in ("more", "less", "fewer") and start + 1 < len(chart):
                denied = start > 0 and chart.tokens[start - 1].norm in ("no", "any") and not chart.breaks(start)
                if denied or chart.phrase_at(start, self.grammar.adjective_phrases) > 1:
                    continue
                self._more_or_less(chart, start)

    def _of_number(self, chart: Chart, start: int) -> bool:
        """'more pages', 'a lower price'."""
        side = next((s for s, words in self.grammar.comparisons_of.items() if chart.tokens[start].norm in words), None)
        if side is None:
            return False
        for end in (start + 3, start + 2):
            said = chart.stems(start + 1, end) if end <= len(chart) else ""
            name = self._numeric.get(said)
            if chart.tokens[start].norm in _LONG:
                # 'shorter episodes' have fewer minutes; 'fewer episodes' are fewer.
                name = self._lasting.get(said, name)
            if name is not None and chart.free(start, end) and not chart.breaks(start + 1, ".,;!?\n"):
                entry = Comparative(words=(chart.words(start, end),), side=side)
                self._put(chart, start, end, Compared((entry,), "", attribute=name))
                return True
        return False

    @staticmethod
    def _put(chart: Chart, start: int, end: int, compared: Compared) -> None:
        """With the 'not' of 'not longer than', which only a comparison with something takes along."""
        denied = start > 0 and chart.tokens[start - 1].norm in ("no", "not", "nothing") and chart.free(start - 1, start)
        if denied and chart.norms(end, end + 1) == "than" and not chart.breaks(start):
            start, compared = start - 1, replace(compared, negated=True)
        chart.put(start, end, "compare", compared)

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
        chart.put(start, end, "compare", self._shift(chart.words(begin, end), chart.words(start, end), less=less))

    def _shift(self, plain: str, words: str, *, less: bool = False) -> Compared:
        """'spicier', 'less spicy': a bound where the catalogue counts it, else a shift of the description."""
        name = self._adjectives.get(plain.casefold())
        if name is None:
            return Compared((), plain, less)
        return Compared((Comparative(words=(words,), side="low" if less else "high"),), plain, less, attribute=name)


def adjectives_of(noun: str) -> tuple[str, ...]:
    """The adjectives that a noun for a quantity may stem from or lead to: spice, spicy; sweetness, sweet."""
    if len(noun) < _SHORTEST:
        return ()
    for ending in ("iness", "ness", "ity"):
        if noun.endswith(ending):
            return (noun.removesuffix(ending) + ("y" if ending == "iness" else ""),)
    return (f"{noun.removesuffix('e')}y", noun.removesuffix("y")) if noun.endswith(("e", "ty")) else (f"{noun}y",)
