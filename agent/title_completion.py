"""Titles by their beginning, at the end of a message that is being written, and by any part of them."""

from __future__ import annotations

import re
from bisect import bisect_left

import numpy as np

from convrec.agent.views import Completion, ItemHit
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.schema import Role

MOST_WORDS = 8
SHORTEST = 2
OFFERED = 8
FOUND = 50
_ARTICLE = re.compile(r"^(?:the|a|an)\s+")


class TitleCompleter:
    """An index of the beginnings of all titles; what many people chose comes first."""

    def __init__(self, catalogue: Catalogue, log: InteractionLog) -> None:
        self._catalogue = catalogue
        self._counts = np.bincount(log.items, minlength=len(catalogue))
        keys = []
        for row, title in enumerate(catalogue.titles):
            folded = title.casefold()
            keys.append((folded, row))
            bare = _ARTICLE.sub("", folded)
            if bare != folded:
                keys.append((bare, row))
        self._keys = sorted(keys)
        self._years = next(iter(catalogue.schema.with_role(Role.YEAR)), None)

    def complete(self, text: str) -> Completion:
        """Titles that go on with the last words of a message, the longest run of words that any title begins with."""
        starts = [match.start() for match in re.finditer(r"\S+", text)][-MOST_WORDS:]
        for start in starts:
            begin = text[start:].casefold()
            if len(begin.strip()) < SHORTEST:
                break
            rows = self._beginning(begin)
            if rows:
                ranked = sorted(rows, key=lambda row: (-self._counts[row], len(self._catalogue.titles[row]), row))
                titles = dict.fromkeys(self._catalogue.titles[row] for row in ranked)
                return Completion(start=start, titles=tuple(titles)[:OFFERED])
        return Completion(start=len(text))

    def find(self, words: str) -> tuple[ItemHit, ...]:
        """Items with all these words in their title; where there are none, titles that are spelt alike."""
        wanted = words.casefold().split()
        titles = self._catalogue.titles
        rows = [row for row, title in enumerate(titles) if all(word in title.casefold() for word in wanted)]
        if not rows:
            from rapidfuzz import fuzz, process

            near = process.extract(words, titles, scorer=fuzz.WRatio, limit=OFFERED, score_cutoff=70)
            rows = [int(place) for _, _, place in near]
        else:
            rows.sort(key=lambda row: (-self._counts[row], row))
        return tuple(
            ItemHit(id=self._catalogue.ids[row], title=titles[row], note=self._note(row)) for row in rows[:FOUND]
        )

    def _beginning(self, begin: str) -> set[int]:
        place = bisect_left(self._keys, (begin, -1))
        rows: set[int] = set()
        while place < len(self._keys) and self._keys[place][0].startswith(begin) and len(rows) < 500:
            rows.add(self._keys[place][1])
            place += 1
        return rows

    def _note(self, row: int) -> str:
        if self._years is None:
            return ""
        from convrec.agent.labels import label_value

        value = self._catalogue.value(row, self._years.name)
        return "" if value is None else label_value(self._years, value)
