"""A person's own history out of the export of another service, or of any table with titles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from convrec.agent.errors import HistoryImportError
from convrec.agent.people import STARS, Feedback, PeopleStore, opinion
from convrec.agent.title_match import Candidate, TitleIndex, TitleMatch, TitleQuery, format_tables
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.reports import count, sanitise_text

LISTENED_MS = 30_000
"""shorter plays are skips"""
DATE_FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%d %b %Y, %H:%M", "%d %b %Y %H:%M", "%d %b %Y",
    "%d %B %Y", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%B %d, %Y", "%b %d, %Y", "%Y",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One title of a file. `rating` in [0, 1]; `time` in seconds since 1970; `times` counts repetitions."""

    line: int
    query: TitleQuery
    rating: float | None = None
    time: float | None = None
    times: int = 1

    @property
    def title(self) -> str:
        return self.query.titles[0]


@dataclass(frozen=True, slots=True)
class MatchedRow:
    """A title and what it means in the catalogue."""

    row: HistoryRow
    match: TitleMatch


@dataclass(frozen=True)
class HistoryReport:
    """What a file holds and what of it the catalogue knows. Nothing of it is stored yet."""

    path: Path
    format: str
    rows: tuple[MatchedRow, ...]
    skipped: dict[str, int] = field(default_factory=dict)
    """rows that are no history, by reason"""

    def of(self, kind: str) -> tuple[MatchedRow, ...]:
        """The rows of a kind: 'matched', 'doubtful' or 'unknown'."""
        return tuple(entry for entry in self.rows if entry.match.kind == kind)

    def accept(self, line: int, candidate: Candidate) -> HistoryReport:
        """With a doubtful row decided by the person."""
        chosen = TitleMatch("matched", (candidate,), "chosen")
        return replace(self, rows=tuple(replace(e, match=chosen) if e.row.line == line else e for e in self.rows))


def read_history(path: Path, catalogue: Catalogue, *, person: str | None = None) -> HistoryReport:
    """Read an export and match its titles. `person`: whose rows, where a file holds several people's.

    Raises:
        HistoryImportError: the file has no title column, is a list of wishes, or holds several people's rows.
        InputFileError: it cannot be read as a table.
    """
    records, lines = _records(path)
    fmt, columns = _format(path, records)
    if any(word in path.stem.casefold() for word in fmt.get("wish_files", ())):
        raise HistoryImportError(
            f"{path.name} is {fmt['name']}'s list of wishes, not a history; give the ratings or the watched list."
        )
    reader = _Reader(path, fmt, columns, person)
    reader.set_scale(records)
    rows = [row for line, record in zip(lines, records, strict=True) if (row := reader.row(line, record)) is not None]
    if reader.people and len(reader.people) > 1:
        raise HistoryImportError(
            f"{path.name} holds the rows of {len(reader.people):,} people; name yours with --person ID."
        )
    if not rows:
        raise HistoryImportError(f"{path.name} has no row with a title that was rated, seen or heard.")
    index = TitleIndex(catalogue)
    matched = tuple(MatchedRow(row, index.match(row.query)) for row in _together(rows))
    return HistoryReport(path, str(fmt["name"]), matched, dict(reader.skipped))


def store_history(report: HistoryReport, catalogue: Catalogue, people: PeopleStore, user_id: str) -> int:
    """Keep the matched rows as the person's feedback; how many items that are. Importing twice equals once."""
    entries: list[Feedback] = []
    items = set()
    for entry in report.of("matched"):
        item_id = catalogue.ids[entry.match.candidates[0].row]
        items.add(item_id)
        source, now = f"import:{report.format}", datetime.now(UTC).timestamp()
        when = entry.row.time if entry.row.time is not None else now
        rating = entry.row.rating
        if rating is not None:
            entries.append(Feedback(item_id, "rate", rating * STARS, source, when))
        entries.append(Feedback(item_id, "seen" if rating is None else opinion(rating * STARS), None, source, when))
    people.import_feedback(user_id, entries)
    return len(items)


def _together(rows: Sequence[HistoryRow]) -> list[HistoryRow]:
    """One row a title: the last rating and time count."""
    merged: dict[tuple[Any, ...], HistoryRow] = {}
    for row in rows:
        key = (row.query.titles, row.query.year, row.query.creators)
        known = merged.get(key)
        if known is None:
            merged[key] = row
            continue
        newer, older = (row, known) if (row.time or 0) >= (known.time or 0) else (known, row)
        rating = newer.rating if newer.rating is not None else older.rating
        merged[key] = replace(newer, line=known.line, rating=rating, times=known.times + 1)
    return list(merged.values())


def _records(path: Path) -> tuple[list[dict[str, Any]], list[int]]:
    """The rows of a file by folded column name, objects of JSON opened up, and their line numbers."""
    from convrec.retrieval.files import read_table

    table = read_table(path)
    names = [name.casefold() for name in table.frame.columns]
    records = [dict(zip(names, row, strict=True)) for row in table.frame.iter_rows()]
    lines = [int(number) for number in table.lines]
    headerless: list[str] = next((f["headerless"] for f in format_tables()["format"] if "headerless" in f), [])
    if len(names) == len(headerless) and _time(table.frame.columns[-1]) is not None:
        first = dict(zip(headerless, table.frame.columns, strict=True))
        records = [first, *(dict(zip(headerless, record.values(), strict=True)) for record in records)]
        lines = [1, *lines]
    return [_opened(record) for record in records], lines


def _opened(record: dict[str, Any]) -> dict[str, Any]:
    """With the fields of JSON cells as 'column.field'."""
    import json

    result = dict(record)
    pending: list[tuple[str, Any]] = [
        (name, value) for name, value in record.items() if isinstance(value, str) and value.startswith("{")
    ]
    while pending:
        name, value = pending.pop()
        try:
            inner = json.loads(value) if isinstance(value, str) else value
        except ValueError:
            continue
        if not isinstance(inner, dict):
            continue
        for key, own in inner.items():
            path = f"{name}.{str(key).casefold()}"
            if isinstance(own, dict) and path.count(".") < 4:
                pending.append((path, own))
            elif own is not None:
                result[path] = own if isinstance(own, str | int | float) else str(own)
    return result


def _format(path: Path, records: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], set[str]]:
    """The format of a file by its column names."""
    present = {name for record in records[:2000] for name in record}
    best: tuple[int, dict[str, Any]] | None = None
    for fmt in format_tables()["format"]:
        for wanted in fmt["columns"]:
            if all(name.casefold() in present for name in wanted):
                titled = any(name.casefold() in present for name in fmt["title"]) or "companion" in fmt
                size = len(wanted)
                if titled and (best is None or size > best[0]):
                    best = (size, fmt)
    generic = format_tables()["format"][-1]
    chosen = best[1] if best else generic
    if chosen is generic and not any(name in present for name in generic["title"]):
        shown = ", ".join(repr(name) for name in sorted(present)[:8])
        raise HistoryImportError(
            f"{path.name} has no column with titles (its columns are {shown}); rename the right one to 'title'."
        )
    return chosen, present


class _Reader:
    """Rows of one format."""

    def __init__(self, path: Path, fmt: dict[str, Any], columns: set[str], person: str | None) -> None:
        self._fmt = fmt
        self._columns = columns
        self._person = person
        self.skipped: Counter[str] = Counter()
        self.people: set[str] = set()
        self._scale = float(fmt.get("scale", 0))
        self._companion = self._titles_beside(path)

    def set_scale(self, records: Sequence[dict[str, Any]]) -> None:
        """Where the format does not say what the best rating is: the usual scale that holds every rating."""
        if self._scale:
            return
        numbers = (_number(self._first(record, "rating").split("/")[0]) for record in records)
        best = max((number for number in numbers if number is not None), default=0.0)
        self._scale = float(next((scale for scale in (5, 10, 20, 100) if best <= scale), best))

    def row(self, line: int, record: dict[str, Any]) -> HistoryRow | None:
        """One row, or None with the reason counted."""
        if owner := self._first(record, "person"):
            if self._person is not None and owner != self._person:
                return None
            self.people.add(owner)
        wish = self._fmt.get("wish")
        if wish and str(record.get(wish["column"].casefold()) or "").strip() in wish["values"]:
            self.skipped["wished for, not yet had"] += 1
            return None
        played = _number(self._first(record, "milliseconds"))
        if played is not None and played < LISTENED_MS:
            self.skipped["skipped after less than 30 seconds"] += 1
            return None
        titles = self._titles(record)
        if not titles:
            self.skipped["no title"] += 1
            return None
        return HistoryRow(
            line=line,
            query=TitleQuery(
                titles=titles,
                year=_year(self._first(record, "year")),
                creators=tuple(
                    name.strip() for name in re.split(r"[,;]", self._first(record, "creators")) if name.strip()
                ),
                ids=tuple(v.strip('="') for v in self._all(record, "ids") if v.strip('="')),
            ),
            rating=self._rating(record),
            time=_time(self._first(record, "date")),
        )

    def _all(self, record: dict[str, Any], key: str) -> list[str]:
        values = (record.get(name.casefold()) for name in self._fmt.get(key, ()))
        return [sanitise_text(str(v)) for v in values if v is not None and str(v).strip()]

    def _first(self, record: dict[str, Any], key: str) -> str:
        return next(iter(self._all(record, key)), "")

    def _titles(self, record: dict[str, Any]) -> tuple[str, ...]:
        titles = self._all(record, "title")
        if not titles and self._companion:
            key = str(record.get(self._fmt["companion"]["key"].casefold()) or "")
            titles = [self._companion[key]] if key in self._companion else []
        return tuple(dict.fromkeys(titles if self._fmt["columns"] else titles[:1]))

    def _rating(self, record: dict[str, Any]) -> float | None:
        raw = self._first(record, "rating")
        if not raw or raw == self._fmt.get("unrated"):
            return None
        stars = raw.count("★") + 0.5 * raw.count("½")
        if stars:
            return min(stars / 5, 1.0)
        mark, _, best = raw.partition("/")
        number, stated = _number(mark), _number(best)
        return None if number is None else min(number / (stated or self._scale), 1.0)

    def _titles_beside(self, path: Path) -> dict[str, str]:
        """Titles by id out of a second file of the same export."""
        companion = self._fmt.get("companion")
        if companion is None or any(name.casefold() in self._columns for name in self._fmt["title"]):
            return {}
        beside = path.parent / companion["file"]
        if not beside.is_file():
            raise HistoryImportError(
                f"{path.name} names items by number only; put {companion['file']} of the same export beside it."
            )
        records, _ = _records(beside)
        key = companion["key"].casefold()
        return {str(r[key]): str(r[t.casefold()]) for r in records for t in self._fmt["title"] if r.get(t.casefold())}


def _number(text: str) -> float | None:
    found = re.fullmatch(r"\s*(\d+(?:[.,]\d+)?)\s*", text)
    return float(found.group(1).replace(",", ".")) if found else None


def _year(text: str) -> int | None:
    found = re.search(r"(?<!\d)(1[5-9]\d{2}|20\d{2})(?!\d)", text)
    return int(found.group(1)) if found else None


def _time(text: str) -> float | None:
    """Seconds since 1970 of a date in one of the usual spellings, or of a Unix time."""
    text = text.strip()
    if re.fullmatch(r"\d{9,10}(\.\d+)?", text):
        return float(text)
    if re.fullmatch(r"\d{12,13}", text):
        return float(text) / 1000
    with suppress(ValueError):
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    for form in DATE_FORMATS:
        with suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
    return None


def summary(report: HistoryReport) -> str:
    """One sentence on what was found."""
    parts = [f"{len(report.of(kind)):,} {kind}" for kind in ("matched", "doubtful", "unknown")]
    skipped = [f"{count(n, 'row')} left out ({reason})" for reason, n in report.skipped.items()]
    return f"{report.path.name}, read as {report.format}: " + ", ".join([*parts, *skipped]) + "."
