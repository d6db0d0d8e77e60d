"""Titles in free text: whole, without their article, in part, misspelt; and which of several is meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz, process

from convrec.agent.reading.ranges import year_of
from convrec.agent.reading.text import words_of
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import Role

_YEAR = re.compile(r"\s*\((\d{4})\)\s*$")
_ALTERNATIVE = re.compile(r"\s*\(([^()]{2,80})\)")
_LAST_ARTICLE = re.compile(r"^(.*), (the|a|an|le|la|les|l'|il|el|los|las|der|die|das|un|une)$", re.IGNORECASE)
_ARTICLES = frozenset(["the", "a", "an", "le", "la", "les", "il", "el", "los", "las", "der", "die", "das", "un", "une"])
_ENDINGS = _ARTICLES | {"of", "and", "in", "to", "for", "on", "with", "at", "s", "from", "by", "my", "your", "is"}


@dataclass(frozen=True, slots=True)
class TitleHit:
    """Rows whose title was meant, the likeliest first. `clear`: the first is much likelier than the rest.

    `how`: exact, variant (without its article), partial or close (misspelt).
    """

    rows: tuple[int, ...]
    how: str
    clear: bool = True

    @property
    def row(self) -> int:
        return self.rows[0]


def title_key(title: str) -> str:
    """The words of a title, its article in front, without its year."""
    bare = _ALTERNATIVE.sub("", _YEAR.sub("", title)).strip() or title
    moved = _LAST_ARTICLE.match(bare)
    if moved:
        bare = f"{moved.group(2)} {moved.group(1)}"
    return " ".join(words_of(bare))


class TitleIndex:
    """All titles of a catalogue, ready to be found in a message."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._exact: dict[str, list[int]] = {}
        self._bare: dict[str, list[int]] = {}
        self._words: dict[str, list[int]] = {}
        keys = []
        for row, title in enumerate(catalogue.titles):
            key = title_key(title)
            keys.append(key)
            self._exact.setdefault(key, []).append(row)
            for variant in self._variants(title, key):
                self._bare.setdefault(variant, []).append(row)
            for word in set(key.split()):
                self._words.setdefault(word, []).append(row)
        self._keys = keys
        self._series = _series(catalogue.titles, keys)
        self._years = _years(catalogue)
        self._popularity = _popularity(catalogue)
        lengths = [key.count(" ") + 1 for key in (*self._exact, *self._bare)]
        self.longest = min(max(lengths, default=0), 14)
        self.firsts = frozenset(key.split(" ", 1)[0] for key in (*self._exact, *self._bare) if key)

    @staticmethod
    def _variants(title: str, key: str) -> set[str]:
        words = key.split()
        found = set()
        if len(words) > 1 and words[0] in _ARTICLES:
            found.add(" ".join(words[1:]))
        if "and" in words[1:-1]:
            found.add(" ".join(w for w in words if w != "and"))
        for other in _ALTERNATIVE.findall(_YEAR.sub("", title)):
            found.add(title_key(other.removeprefix("a.k.a. ")))
        return {v for v in found if v and v != key}

    def exact(self, key: str, year: int | None = None) -> TitleHit | None:
        """Titles of exactly these words, article or not."""
        rows = self._exact.get(key)
        if rows:
            return self._hit(rows, "exact", year)
        rows = self._bare.get(key)
        return self._hit(rows, "variant", year) if rows else None

    def series(self, key: str, year: int | None = None) -> TitleHit | None:
        """Titles that begin with these words: the parts of a series, or a title before its colon."""
        rows = self._series.get(key) or self._series.get(key.removeprefix("the "))
        return self._hit(rows, "partial", year) if rows else None

    def partial(self, key: str, year: int | None = None) -> TitleHit | None:
        """Titles that contain these words in this order, at most 40 of them."""
        words = key.split()
        while len(words) > 1 and words[0] in _ARTICLES:
            words = words[1:]
        lists = [self._words.get(w) for w in words]
        if not lists:
            return None
        if any(rows is None for rows in lists):
            return None
        rarest = min((rows for rows in lists if rows is not None), key=len)
        needle = f" {' '.join(words)} "
        rows = [row for row in rarest if needle in f" {self._keys[row]} "]
        return self._hit(rows, "partial", year) if 0 < len(rows) <= 40 else None

    def close(self, key: str, year: int | None = None, cutoff: float = 86.0) -> TitleHit | None:
        """The title that is a slip or two away from these words; short ones must be exact."""
        if len(key) < 5:
            return None
        found = process.extractOne(key, self._keys, scorer=fuzz.ratio, score_cutoff=cutoff)
        if found is None and key.split(maxsplit=1)[0] not in _ARTICLES:
            found = process.extractOne(f"the {key}", self._keys, scorer=fuzz.ratio, score_cutoff=cutoff + 3)
        if found is None:
            first, _, rest = key.partition(" ")
            return self.close(rest, year, cutoff) if first in _ARTICLES and " " in rest else None
        return self._hit(self._exact[found[0]], "close", year)

    def label(self, row: int) -> str:
        """The title, with its year where it is known and not part of it."""
        title, year = self._catalogue.titles[row], self._years[row]
        return title if year == 0 or _YEAR.search(title) else f"{title} ({year})"

    def year(self, row: int) -> int | None:
        return int(self._years[row]) or None

    def _hit(self, rows: Sequence[int], how: str, year: int | None) -> TitleHit:
        if year is not None:
            dated = [row for row in rows if self._years[row] == year]
            if dated:
                return TitleHit(tuple(dated), how)
        ranked = sorted(rows, key=lambda row: (-self._popularity[row], len(self._keys[row]), row))
        if how == "partial":
            ranked = ranked[:4]
        if len(ranked) == 1:
            return TitleHit(tuple(ranked), how)
        if how == "partial":
            return TitleHit(tuple(ranked), how)
        first, second = float(self._popularity[ranked[0]]), float(self._popularity[ranked[1]])
        return TitleHit(tuple(ranked), how, clear=first >= 2.5 * second and first > 0)


def _series(titles: Sequence[str], keys: Sequence[str]) -> dict[str, list[int]]:
    """Beginnings of titles of two words and more: before a colon or a dash, or shared by several titles."""
    found: dict[str, list[int]] = {}
    sure: set[str] = set()
    for row, (title, key) in enumerate(zip(titles, keys, strict=True)):
        words = key.split()
        while len(words) > 1 and words[0] in _ARTICLES:
            words = words[1:]
        head = title_key(re.split(r"[:–—]| - ", title, maxsplit=1)[0]) if re.search(r"[:–—]| - ", title) else ""
        while head.split()[:1] and head.split()[0] in _ARTICLES and " " in head:
            head = head.split(" ", 1)[1]
        if " " in head:
            sure.add(head)
        for length in range(2, min(6, len(words))):
            if words[length - 1] not in _ENDINGS:
                found.setdefault(" ".join(words[:length]), []).append(row)
    return {key: rows for key, rows in found.items() if key in sure or 2 <= len(rows) <= 12}


def _years(catalogue: Catalogue) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    years = np.zeros(len(catalogue), dtype=np.int64)
    dated = next((a for a in catalogue.schema.with_role(Role.YEAR) if a.numeric), None)
    if dated is not None:
        for row, value in enumerate(catalogue.number(dated.name).tolist()):
            if not np.isnan(value):
                years[row] = year_of(dated, value)
    for row, title in enumerate(catalogue.titles):
        found = _YEAR.search(title)
        if found and not years[row]:
            years[row] = int(found.group(1))
    return years


def _popularity(catalogue: Catalogue) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    known = next((a for a in catalogue.schema.with_role(Role.POPULARITY) if a.numeric), None)
    if known is None:
        return np.zeros(len(catalogue), dtype=np.float64)
    return np.nan_to_num(catalogue.number(known.name), nan=0.0)
