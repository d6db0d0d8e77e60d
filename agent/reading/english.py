"""How common a word is in English: a real word is no misspelling, and in lower case hardly a surname."""

from __future__ import annotations

from functools import cache

from convrec.agent.reading.text import fold

REAL = 100
"""occurrences in the counted texts from which on a string of letters is a word"""
COMMON = 5000
"""those from which on a lower-case word is no name"""


@cache
def _occurrences() -> dict[str, int]:
    from spellchecker import SpellChecker

    counted = SpellChecker(language="en").word_frequency.dictionary
    return {fold(word): count for word, count in counted.items() if count >= REAL}


def is_word(norm: str) -> bool:
    """Whether a folded word is English (counted by pyspellchecker in subtitles of films)."""
    return norm in _occurrences()


def is_common(norm: str) -> bool:
    """Whether a folded English word is too frequent to be taken for a name where nothing else says so."""
    return _occurrences().get(norm, 0) >= COMMON
