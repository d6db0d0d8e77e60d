"""Titles as other services write them, matched to the catalogue: exactly, by year, and approximately."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from convrec.retrieval.catalogue import Catalogue, CategoryColumn, NumberColumn, TextColumn
from convrec.retrieval.schema import AttributeKind, Role

MatchKind = Literal["matched", "doubtful", "unknown"]

YEARS_APART = 1
"""a title may differ by this many years between sources: first showing and release, for instance"""
YEARS_APART_EXACT = 3
"""the same for a title that is spelt alike and that only one item has"""
YEARS_APART_LONG = 12
"""the same where that title has at least `LONG_TITLE` words: remakes share short names"""
LONG_TITLE = 4
FUZZY_MATCH = 90.0
"""similarity of normalised titles (0–100) from which a misspelt title is taken, where years agree"""
FUZZY_MATCH_OTHER_YEAR = 95.0
"""the same where the years are neighbours"""
FUZZY_MATCH_YEARLESS = 94.0
"""the same where one side has no year, for titles of at least `FUZZY_LENGTH` letters"""
FUZZY_LENGTH = 10
FUZZY_DOUBT = 78.0
"""below this similarity nothing is offered"""
FUZZY_MARGIN = 4.0
"""by how much the best similarity must exceed that of the next item"""

_YEAR_AT_END = re.compile(r"\s*[(\[](\d{4})(?:[-–/]\d{0,4})?[)\]]\s*$")
_PARENTHESES = re.compile(r"\s*[(\[]([^()\[\]]+)[)\]]")
_ALIAS = re.compile(r"^(?:a\.?k\.?a\.?|also known as|orig(?:inal)?(?: title)?)[.:]?\s+", re.IGNORECASE)
_SERIES = re.compile(r"#\s*\d|\bvol\.?\s*\d", re.IGNORECASE)
_SUBTITLE = re.compile(r"\s*(?::|\s[-–—]\s|;)\s*")
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "x": "10"}


@cache
def _articles() -> frozenset[str]:
    return frozenset(format_tables()["articles"])


@cache
def format_tables() -> dict[str, Any]:
    """The shipped tables of export formats and articles."""
    return tomllib.loads(files("convrec.agent").joinpath("history_formats.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class TitleQuery:
    """A title of an export with what else is known of it. `ids` are identifiers that the catalogue may share."""

    titles: tuple[str, ...]
    year: int | None = None
    creators: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that a title may mean; `similarity` from 0 to 100."""

    row: int
    similarity: float


@dataclass(frozen=True, slots=True)
class TitleMatch:
    """What became of a title: `candidates` best first, one of them when matched; `why` in a few words."""

    kind: MatchKind
    candidates: tuple[Candidate, ...] = ()
    why: str = ""


def split_year(title: str) -> tuple[str, int | None]:
    """A title without the year in parentheses at its end, and that year."""
    found = _YEAR_AT_END.search(title)
    return (title[: found.start()], int(found.group(1))) if found else (title, None)


def normalised(text: str) -> str:
    """Letters and digits, lower case, without accents; '&' is 'and', Roman numerals are digits."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("&", " and ").replace("ß", "ss"))
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    bare = re.sub(r"(?<=\w)['’`](?=s\b|t\b)", "", bare)
    words = re.sub(r"[^\w]+|_", " ", bare).split()
    return " ".join(_ROMAN.get(word, word) if position else word for position, word in enumerate(words))


def without_article(title: str) -> str:
    """A normalised title whose article, at its start or behind a comma at its end, is taken off."""
    head, comma, tail = title.rpartition(",")
    tail = normalised(tail)
    if comma and tail in _articles():
        return normalised(head)
    words = normalised(title).split()
    return " ".join(words[1:] if len(words) > 1 and words[0] in _articles() else words)


def spellings(title: str) -> tuple[str, ...]:
    """The normalised forms of a title: without its year, and other titles in parentheses on their own."""
    bare, _ = split_year(title.strip())
    main = _PARENTHESES.sub("", bare)
    inside = [_ALIAS.sub("", part) for part in _PARENTHESES.findall(bare) if not _SERIES.search(part)]
    forms = (without_article(form) for form in (main, *inside, bare))
    return tuple(dict.fromkeys(form for form in forms if form))


def _has_article(title: str) -> bool:
    head, comma, _ = title.rpartition(",")
    return without_article(title) != normalised(title) or (bool(comma) and without_article(title) == normalised(head))


class TitleIndex:
    """All titles of a catalogue, ready for matching."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._years = _years(catalogue)
        self._by_spelling: dict[str, list[int]] = {}
        self._by_id: dict[str, list[int]] = {}
        self._creators = [a.name for a in catalogue.schema.with_role(Role.PERSON)]
        other_titles = [
            a.name
            for a in catalogue.schema.attributes
            if "title" in a.name.casefold() and a.kind in (AttributeKind.TEXT, AttributeKind.CATEGORY)
        ]
        identifiers = [a.name for a in catalogue.schema.attributes if _is_identifier(a.name)]
        for row, title in enumerate(catalogue.titles):
            own = [title, *(str(v) for name in other_titles if (v := catalogue.value(row, name)))]
            for spelling in dict.fromkeys(s for text in own for s in spellings(text)):
                self._by_spelling.setdefault(spelling, []).append(row)
            for item_id in (catalogue.ids[row], *(catalogue.value(row, name) for name in identifiers)):
                if isinstance(item_id, str):
                    self._by_id.setdefault(item_id.casefold(), []).append(row)
        self._spellings = list(self._by_spelling)

    def match(self, query: TitleQuery) -> TitleMatch:
        """The item that a title means, the items that it may mean, or none."""
        wanted = tuple(dict.fromkeys(s for title in query.titles for s in spellings(title)))
        if not wanted:
            return TitleMatch("unknown", why="no title")
        year = (
            query.year if query.year is not None else next((y for t in query.titles if (y := split_year(t)[1])), None)
        )
        by_id = self._identified(query, wanted)
        if by_id is not None:
            return by_id
        exact = list(dict.fromkeys(row for spelling in wanted for row in self._by_spelling.get(spelling, ())))
        if exact:
            return self._exact(exact, query, wanted, year)
        return self._approximate(wanted, year, query.creators)

    def _identified(self, query: TitleQuery, wanted: tuple[str, ...]) -> TitleMatch | None:
        """An item of the same identifier. A bare number may be anybody's, so there the titles must agree as well."""
        for item_id in query.ids:
            rows = self._by_id.get(item_id.casefold(), [])
            if len(rows) != 1:
                continue
            telling = not item_id.isdigit() and len(item_id) >= 7
            similarity = self._similarity(wanted, rows[0])
            if telling or similarity >= FUZZY_MATCH:
                return TitleMatch("matched", (Candidate(rows[0], similarity),), "same identifier")
        return None

    def _similarity(self, wanted: tuple[str, ...], row: int) -> float:
        from rapidfuzz import fuzz

        return max(fuzz.ratio(a, b) for a in wanted for b in spellings(self._catalogue.titles[row]) or ("",))

    def _exact(self, rows: list[int], query: TitleQuery, wanted: tuple[str, ...], year: int | None) -> TitleMatch:
        agreeing = [row for row in rows if self._same_maker(row, query.creators) is True]
        if agreeing:
            rows = agreeing
        elif query.creators and all(self._same_maker(row, query.creators) is False for row in rows):
            return TitleMatch("doubtful", tuple(Candidate(r, 100.0) for r in rows[:5]), "by somebody else")
        if year is not None:
            apart = {row: abs(own - year) for row in rows if (own := self._years[row]) is not None}
            near = sorted((years, row) for row, years in apart.items() if years <= YEARS_APART)
            if near and (len(near) == 1 or near[0][0] < near[1][0]):
                years, row = near[0]
                if years and not agreeing and self._article_differs(query.titles, row):
                    return TitleMatch("doubtful", (Candidate(row, 100.0),), "another article and year")
                return TitleMatch("matched", (Candidate(row, 100.0),), "title and year")
            if not near and len(rows) == 1 and not agreeing and rows[0] in apart:
                longest = max(len(spelling.split()) for spelling in wanted)
                allowed = YEARS_APART_LONG if longest >= LONG_TITLE else YEARS_APART_EXACT
                if apart[rows[0]] > allowed:
                    why = f"same title, but of {self._years[rows[0]]}"
                    return TitleMatch("doubtful", (Candidate(rows[0], 100.0),), why)
        if len(rows) == 1:
            return TitleMatch("matched", (Candidate(rows[0], 100.0),), "title and maker" if agreeing else "title")
        return TitleMatch("doubtful", tuple(Candidate(r, 100.0) for r in rows[:5]), "several of that title")

    def _approximate(self, wanted: tuple[str, ...], year: int | None, creators: Sequence[str]) -> TitleMatch:
        from rapidfuzz import fuzz, process

        found: dict[int, float] = {}
        for spelling in wanted:
            hits = process.extract(spelling, self._spellings, scorer=fuzz.ratio, limit=8, score_cutoff=FUZZY_DOUBT)
            for other, similarity, _ in hits:
                for row in self._by_spelling[other]:
                    if _numbers(spelling) == _numbers(other):
                        found[row] = max(found.get(row, 0.0), similarity)
        for row in self._prefixed(wanted, year):
            found[row] = max(found.get(row, 0.0), FUZZY_DOUBT)
        kept = {row: s for row, s in found.items() if self._same_maker(row, creators) is not False}
        best = sorted((Candidate(row, round(s, 1)) for row, s in kept.items()), key=lambda c: (-c.similarity, c.row))
        best = best[:5]
        if not best:
            return TitleMatch("unknown", why="no such title")
        sure = self._sure(best, max(len(s) for s in wanted), year, creators)
        return (
            TitleMatch("matched", (best[0],), "nearly the same title")
            if sure
            else TitleMatch("doubtful", tuple(best), "similar title")
        )

    def _sure(self, best: Sequence[Candidate], length: int, year: int | None, creators: Sequence[str]) -> bool:
        first = best[0]
        if len(best) > 1 and first.similarity - best[1].similarity < FUZZY_MARGIN:
            return False
        own = self._years[first.row]
        if self._same_maker(first.row, creators) is True:
            return first.similarity >= FUZZY_MATCH and length >= FUZZY_LENGTH // 2
        if year is not None and own is not None:
            needed = FUZZY_MATCH if own == year else FUZZY_MATCH_OTHER_YEAR
            return abs(own - year) <= YEARS_APART and first.similarity >= needed
        return first.similarity >= FUZZY_MATCH_YEARLESS and length >= FUZZY_LENGTH

    def _article_differs(self, titles: Sequence[str], row: int) -> bool:
        """Whether only one of two titles that are alike otherwise has an article: often two works."""
        own = split_year(self._catalogue.titles[row])[0]
        alike = [t for title in titles if without_article(t := split_year(title)[0]) == without_article(own)]
        return bool(alike) and all(_has_article(title) != _has_article(own) for title in alike)

    def _prefixed(self, wanted: tuple[str, ...], year: int | None) -> list[int]:
        """Items of the same year whose title is this one with a subtitle more, or less."""
        if year is None:
            return []
        rows = []
        for row, title in enumerate(self._catalogue.titles):
            if self._years[row] != year:
                continue
            for own in spellings(title):
                short, long = sorted((own, wanted[0]), key=len)
                if len(short) >= 4 and long.startswith(f"{short} "):
                    rows.append(row)
                    break
        return rows

    def _same_maker(self, row: int, creators: Sequence[str]) -> bool | None:
        """Whether an item is by one of these; None where that is not known."""
        if not creators or not self._creators:
            return None
        own: set[str] = set()
        for name in self._creators:
            value = self._catalogue.value(row, name)
            values: Iterable[str] = value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()
            own.update(normalised(v) for v in values)
        if not own:
            return None
        return any(_same_name(normalised(creator), other) for creator in creators for other in own)


def _same_name(a: str, b: str) -> bool:
    return a == b or sorted(a.split()) == sorted(b.split()) or (len(a.split()) > 1 and a in b)


def _numbers(spelling: str) -> list[str]:
    """Digits tell sequels apart, and so must agree."""
    return re.findall(r"\d+", spelling)


def _is_identifier(name: str) -> bool:
    folded = name.casefold()
    return folded.endswith(("_id", " id", "isbn", "isbn13", "uri", "const", "mbid", "sku")) or folded == "id"


def _years(catalogue: Catalogue) -> list[int | None]:
    """Year of every item: of the attribute of that role, or in parentheses at the end of the title."""
    years: list[int | None] = [split_year(title)[1] for title in catalogue.titles]
    for attribute in catalogue.schema.with_role(Role.YEAR)[:1]:
        column = catalogue.columns[attribute.name]
        for row in range(len(catalogue)):
            if isinstance(column, NumberColumn) and (number := column.value(row)) is not None:
                is_date = attribute.kind is AttributeKind.DATE
                years[row] = int(1970 + number / 365.2425) if is_date else int(number)
            elif isinstance(column, CategoryColumn | TextColumn) and years[row] is None:
                found = re.search(r"\d{4}", str(column.value(row) or ""))
                years[row] = int(found.group()) if found else None
    return years
