"""Words that no name, synonym or concept covers: misspellings, then the nearest value by meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from convrec.agent.interpret import UnknownValue
from convrec.agent.reading.find import Finder
from convrec.agent.reading.grammar import Grammar
from convrec.agent.reading.text import Chart, key_of
from convrec.agent.reading.values import TELLING, ValueIndex, catalogue_nouns
from convrec.agent.reading.wanted import wanted_values
from convrec.agent.wording import says_look
from convrec.retrieval.request import Strength
from convrec.retrieval.schema import Attribute, AttributeKind, Role

Encode = Callable[[Sequence[str]], NDArray[np.float32]]

_COLOURS = frozenset(["color", "colors", "colour", "colours"])
SURE = 0.7
"""cosine at which a word means a value of the main topic attribute outright"""
LIKELY = 0.58
"""cosine at which a value lifts scores"""
MARGIN = 0.2
"""by which the nearest value must lead the next one to bind"""
PART_MARGIN = 0.1
"""the same for a word of the value's own name"""
RELATED = 0.4
"""cosine from which a value is offered in place of one that does not exist"""
_PHRASES = 8


def _describes(attribute: Attribute) -> bool:
    """Whether an item has several values of an attribute without a role: moods, settings; names are single."""
    several = attribute.role is None and attribute.kind is AttributeKind.CATEGORIES
    # Black is near white to an encoder.
    return several and not says_look(attribute)


class MeaningIndex:
    """Vectors of the values of small topic vocabularies."""

    def __init__(
        self,
        values: ValueIndex,
        grammar: Grammar,
        finder: Finder,
        *,
        encode: Encode | None,
        vectors: NDArray[np.float32] | None,
    ) -> None:
        self.values = values
        schema = finder.catalogue.schema
        self.labels = frozenset(key_of(a.label) for a in schema.attributes) | catalogue_nouns(finder.catalogue, grammar)
        self.grammar = grammar
        self.finder = finder
        self._encode = encode
        pairs = [
            (attribute, value)
            for attribute in values.attributes
            if values.controlled(attribute) and (attribute.role is Role.TOPIC or _describes(attribute))
            for value in values.counts[attribute.name]
        ]
        self._pairs = pairs
        told = [value for concept in grammar.concept if concept.told for value in concept.values]
        self._names = frozenset(key_of(value) for value in told) if finder.main_topic else frozenset()
        self.texts = tuple(", ".join([value, *attribute.synonyms.get(value, ())[:3]]) for attribute, value in pairs)
        self._vectors = vectors if vectors is not None and vectors.shape[0] == len(self.texts) else None

    def read(self, chart: Chart) -> list[UnknownValue]:
        """Puts 'want' spans for misspelt words and for words that mean a value; returns values that do not exist."""
        self._misspelt(chart)
        absent = self._absent(chart)
        unknown = self._colours(chart)
        scores = self._scores(chart, absent)
        wanted = [w for span in chart.spans("want") if isinstance(span.payload, list) for w in span.payload]
        named = {(w.field, value) for w in wanted for value in w.values}
        told = np.array([(attribute.name, value) in named for attribute, value in self._pairs], dtype=bool)
        for position, own in scores.items():
            if position in absent and self.finder.main_topic is not None:
                order = np.argsort(-own)[:3]
                nearest = tuple(self._pairs[int(i)][1] for i in order if own[i] >= RELATED)
                unknown.append(UnknownValue(self.finder.main_topic.name, chart.words(position, position + 1), nearest))
            else:
                # What a message names by name is not meant by another of its words: 'a robbery, but no crime'.
                self._take(chart, position, np.where(told, -1.0, own))
        return unknown

    def _absent(self, chart: Chart) -> frozenset[int]:
        """Places of common names of values ('documentary') that this catalogue does not have."""
        places = [p for p in range(len(chart)) if chart.owner[p] is None and chart.tokens[p].stem in self._names]
        places = [p for p in places if chart.tokens[p].stem not in self.labels]
        return frozenset(p for p in places if not self.values.find(chart.tokens[p].stem))

    def _colours(self, chart: Chart) -> list[UnknownValue]:
        """Colours that nothing here has."""
        looks = next((a for a in self.values.attributes if says_look(a) and _COLOURS & set(a.label.split())), None)
        unknown = []
        for position, token in enumerate(chart.tokens if looks is not None else ()):
            if token.norm in self.grammar.colours and chart.owner[position] is None and looks is not None:
                unknown.append(UnknownValue(looks.name, chart.words(position, position + 1)))
                chart.put(position, position + 1, "missing")
        return unknown

    def _misspelt(self, chart: Chart) -> None:
        for length in (2, 1):
            for start in range(len(chart) - length + 1):
                if not chart.free(start, start + length) or self._plain(chart, start, start + length):
                    continue
                key = self.values.correct(chart.stems(start, start + length))
                if key is None:
                    continue
                wanted = self.finder.read_hits(chart, start, start + length, self.values.find(key))
                said = chart.words(start, start + length)
                if wanted:
                    note = f"I read “{said}” as {wanted[0].values[0] if wanted[0].values else key}."
                    chart.put(start, start + length, "want", [replace(w, note=note) for w in wanted])

    def _plain(self, chart: Chart, start: int, end: int) -> bool:
        return any(
            t.norm in self.grammar.plain_words or t.stem in self.grammar.noun_words | self.labels | TELLING
            for t in chart.tokens[start:end]
        )

    def _scores(self, chart: Chart, absent: frozenset[int]) -> dict[int, NDArray[np.float32]]:
        """Cosines of the words that nobody has read with every value, in one batch."""
        words = [
            p
            for p in range(len(chart))
            if p in absent
            or (
                chart.owner[p] is None
                and chart.tokens[p].norm.isalpha()
                and len(chart.tokens[p].norm) > 2
                and not self._plain(chart, p, p + 1)
            )
        ][:_PHRASES]
        nothing = np.zeros(len(self.texts), dtype=np.float32)
        if not words or not self.texts or self._encode is None:
            return {p: nothing for p in words if p in absent}
        if self._vectors is None:
            self._vectors = self._encode(list(self.texts))
        vectors = self._encode([chart.tokens[p].norm for p in words])
        return dict(zip(words, vectors @ self._vectors.T, strict=True))

    def _take(self, chart: Chart, position: int, scores: NDArray[np.float32]) -> None:
        order = np.argsort(-scores)
        best = float(scores[order[0]])
        if best < LIKELY:
            return
        attribute, value = self._pairs[int(order[0])]
        runner = float(scores[order[1]]) if scores.size > 1 else 0.0
        main = self.finder.main_topic is not None and attribute.name == self.finder.main_topic.name
        wanted = wanted_values(attribute, (value,), "meaning")
        word = chart.tokens[position].stem
        sharing = self.values.parts_with(word, attribute)
        if sharing > 1 and word in key_of(value).split():
            return
        part = sharing == 1 and word in key_of(value).split()
        hard = (main and best >= SURE and best - runner >= MARGIN) or (part and best - runner >= PART_MARGIN)
        soft = replace(wanted, strength=Strength.HARD if hard else Strength.SOFT, describe=True)
        chart.put(position, position + 1, "want", [soft])
