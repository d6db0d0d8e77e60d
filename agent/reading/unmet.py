"""What was asked for and does not exist."""

from __future__ import annotations

from dataclasses import dataclass

from convrec.agent.reading.grammar import Grammar, phrases
from convrec.agent.reading.text import Chart
from convrec.agent.reading.walk import Words
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import Attribute

_THING = 2
"""words of a thing that is asked after"""


@dataclass(frozen=True, slots=True)
class Unmet:
    """Words that name a value which no item has; `field` is empty for a thing that no text speaks of."""

    field: str
    words: str
    nearest: tuple[str, ...]


class UnknownKinds:
    """'got any bathtubs?': a thing that no item is and that none of their texts speaks of.

    Args:
        kinds: the attribute that names the kinds of items, where there is one.
    """

    def __init__(self, catalogue: Catalogue, grammar: Grammar, kinds: Attribute | None) -> None:
        self.catalogue = catalogue
        self.grammar = grammar
        self.kinds = kinds
        self._cues = phrases(grammar.asked_after)

    def read(self, chart: Chart, words: list[Words]) -> Unmet | None:
        """The thing, where the message asks whether there is one and says nothing else."""
        if self.kinds is None or len(words) != 1 or words[0].negated:
            return None
        stop = words[0].end
        cues = ((p, chart.phrase_at(p, self._cues)) for p in range(stop))
        start = max((p + length for p, length in cues if length), default=stop)
        start = max(start, words[0].start)
        while stop > start and chart.tokens[stop - 1].norm in self.grammar.function_words:
            stop -= 1
        while start < stop and chart.tokens[start].norm in self.grammar.function_words:
            start += 1
        own = chart.tokens[start:stop]
        if not 0 < len(own) <= _THING:
            return None
        if any(token.capital or self.catalogue.mentioning(token.stem).any() for token in own):
            return None
        return Unmet("", chart.words(start, stop), ())
