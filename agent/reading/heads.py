"""What entries are called in their titles: 'rucksack' for the kind 'Backpacks'."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

from convrec.agent.reading.english import is_word
from convrec.agent.reading.text import key_of
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import Attribute

LEAST = 3
"""titles that must end in a word"""
WHOM = frozenset("man men mens woman women womens lady kid child children junior unisex".split())
"""what stands at the end of titles for whom something is"""
PURE = 0.95
"""share of the titles with a word that must be of one kind"""
SAMPLE = 20_000
"""titles read of a large catalogue"""
PRESENT = 0.1
"""share of a kind's titles that must"""


def title_heads(catalogue: Catalogue, kinds: Attribute) -> dict[str, str]:
    """Words that titles of one kind, and of no other, end in.

    Args:
        kinds: an attribute of which an entry has one value.

    Returns:
        Folded singular words -> value. English words alone: names of models and makers are no kinds.
    """
    column = catalogue.categories(kinds.name)
    total: Counter[int] = Counter()
    ending: Counter[tuple[str, int]] = Counter()
    holding: dict[str, Counter[int]] = defaultdict(Counter)
    for row in range(0, len(catalogue), math.ceil(len(catalogue) / SAMPLE) or 1):
        start, end = column.indptr[row : row + 2]
        if start == end:
            continue
        code = int(column.codes[start])
        total[code] += 1
        words = [word for word in key_of(catalogue.titles[row]).split() if word.isalpha() and word not in WHOM]
        ending.update((word, code) for word in words[-1:])
        for word in words:
            holding[word][code] += 1
    return {
        word: column.vocabulary[code]
        for (word, code), count in ending.items()
        if count >= max(LEAST, PRESENT * total[code])
        and holding[word][code] >= PURE * holding[word].total()
        and len(word) > 2
        and is_word(word)
    }
