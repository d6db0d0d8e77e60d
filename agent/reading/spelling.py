"""Misspelt words that join and limit what is asked for, or name it: 'undr 1200', 'montain bike', 'whtie'."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby

from rapidfuzz import process
from rapidfuzz.distance import OSA

from convrec.agent.reading.english import is_word
from convrec.agent.reading.grammar import Grammar
from convrec.agent.reading.people import PeopleIndex
from convrec.agent.reading.text import Token, key_of, singular
from convrec.agent.reading.values import ValueIndex
from convrec.retrieval.catalogue import Catalogue

SHORTEST = 4
"""letters of a word that is corrected"""
LONG = 8
"""letters from which it may have two slips"""


class Speller:
    """Puts right what no English word, no name and no word of the catalogue is."""

    def __init__(self, catalogue: Catalogue, grammar: Grammar, values: ValueIndex, people: PeopleIndex) -> None:
        self.values = values
        self.people = people
        limits = [*grammar.comparators_before, *grammar.comparators_after, *grammar.negation.cues]
        phrases = [*limits, *grammar.unit_index, *grammar.noun_words, *values.nouns, *grammar.colours]
        named = [v for a in values.attributes if values.controlled(a) for v in values.counts[a.name]]
        labels = [a.label for a in catalogue.schema.attributes]
        words = set(_words([*phrases, *map(key_of, named), *map(key_of, labels)]))
        self._words = {first: sorted(own) for first, own in groupby(sorted(words), key=lambda word: word[0])}
        self._known = frozenset(words) | grammar.plain_words | grammar.adjectives.keys()
        self._titles = frozenset(_words(title.casefold() for title in catalogue.titles))

    def correct(self, tokens: list[Token]) -> list[Token]:
        """The tokens, misspelt ones with the word that is meant; their text stays as it was typed."""
        return [self._corrected(token) for token in tokens]

    def _corrected(self, token: Token) -> Token:
        if self._right(token):
            return token
        slips = 1 if len(token.norm) < LONG else 2
        near = self._words.get(token.norm[0], [])
        found = process.extractOne(token.norm, near, scorer=OSA.distance, score_cutoff=slips)
        if found is None:
            return token
        return replace(token, norm=found[0], stem=singular(found[0]))

    def _right(self, token: Token) -> bool:
        word = token.norm
        if len(word) < SHORTEST or not (word.isascii() and word.isalpha()) or token.capital:
            return True
        if is_word(word) or word in self._known or token.stem in self._known or word in self._titles:
            return True
        named = word in self.people.firsts or self.people.surname(word) is not None
        return named or bool(self.values.find(token.stem)) or token.stem in self.values.known_words


def _words(phrases: Iterable[str]) -> Iterable[str]:
    return (w for phrase in phrases for w in phrase.split() if len(w) >= SHORTEST and w.isascii() and w.isalpha())
