"""Finds values of the catalogue that share words with a message, for the prompt of a language model."""

from __future__ import annotations

from convrec.agent.claims.index import stems
from convrec.retrieval.catalogue import Catalogue, CategoryColumn

SHORTEST = 3
MOST = 8
"""values of one attribute"""


class ValueWords:
    """An index from the words of values to values. Built once a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._index: dict[str, dict[str, list[int]]] = {}
        for attribute in catalogue.schema.attributes:
            column = catalogue.columns[attribute.name]
            if isinstance(column, CategoryColumn):
                words: dict[str, list[int]] = {}
                for code, value in enumerate(column.vocabulary):
                    for word in set(stems(value)):
                        if len(word) >= SHORTEST:
                            words.setdefault(word, []).append(code)
                self._index[attribute.name] = words

    def near(self, message: str) -> dict[str, list[str]]:
        """By attribute: values that share a word with the message, those that share most of theirs first."""
        said = set(stems(message[:2000]))
        found: dict[str, list[str]] = {}
        for name, words in self._index.items():
            column = self.catalogue.categories(name)
            shared: dict[int, int] = {}
            for word in said & words.keys():
                for code in words[word][:200]:
                    shared[code] = shared.get(code, 0) + 1
            best = sorted(shared, key=lambda c: (-shared[c] / len(column.vocabulary[c].split()), c))[:MOST]
            if best:
                found[name] = [column.vocabulary[code] for code in best]
        return found
