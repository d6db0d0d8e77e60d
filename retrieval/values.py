"""Cells of a column into numbers, dates, flags and lists, by whole columns.

Every reader returns the values and how many filled cells it could not read, so that nothing is lost silently.
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import polars as pl

from convrec.retrieval.hints import units
from convrec.retrieval.reports import ESCAPES, INVISIBLE, SPACES

MAX_CELL = 20_000
"""characters that are kept of one cell"""

_MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "-", "--", "?", "\\N", "<NA>"]
_MISSING_NUMBERS = [*_MISSING, "none", "na", "unknown", "tbd", "TBD", "Unknown", "–", "—", "nil"]
_INFINITE = r"(?i)^[+-]?inf(inity)?$"
_CELL = r"^([^\d\s.,+\-]{0,4})\s*([+-]?(?:\d[\d.,'’ \u00a0\u202f]*|[.,]\d+)(?:[eE][+-]?\d+)?)\s*([^\d]{0,24})$"
NUMBER_LIKE = r"(?i)^[+-]?inf(inity)?$|^[+-]?\d[\d.,]*e\d+$|^(?:[^\d\s.,+\-]{1,3}\s?)[\d.,]+$|^[\d.,]+\s?[^\d\s]{1,3}$"
"""cells that are meant as numbers, whether or not they can be read as one of their column"""
_HOURS_AND_MINUTES = (
    r"(?i)^(?:(\d{1,3})\s*(?:h|hr|hrs|hour|hours|std)\b?\.?)\s*(?:and\s*)?"
    r"(?:(\d{1,2})\s*(?:m|min|mins|minute|minutes)?\.?)$"
)
_ISO_DURATION = r"(?i)^P(?:(\d+)D)?T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?$"
_CLOCK = r"^(\d{1,3}):(\d{2}):(\d{2})$"
DATE_FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y",
    "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%Y.%m.%d", "%Y%m%d", "%Y-%m",
)  # fmt: skip
EPOCH_FORMATS = {"seconds": 1.0, "milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}
_FLAGS = {
    "yes": True, "no": False, "true": True, "false": False, "y": True, "n": False, "t": True, "f": False,
    "1": True, "0": False, "1.0": True, "0.0": False, "✓": True, "✗": False, "x": True,
}  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """A column read as one kind: `values` is null where missing; `unread` marks filled cells that could not be read."""

    values: pl.Series
    unread: pl.Series
    unit: str | None = None
    date_format: str | None = None

    @property
    def failures(self) -> int:
        return int(self.unread.sum())


def clean(series: pl.Series) -> tuple[pl.Series, int]:
    """Cells as safe text, null where empty; and how many were cut to `MAX_CELL` characters."""
    text = as_text(series)
    if text.dtype != pl.String or text.null_count() == len(text):
        return text.cast(pl.String), 0
    long = int((text.str.len_chars() > MAX_CELL).sum())
    if long:
        text = text.str.slice(0, MAX_CELL)
    if bool(text.str.contains(rf"{INVISIBLE}|[\u2028\u2029]").any()):
        text = text.str.replace_all(ESCAPES, "").str.replace_all(SPACES, " ").str.replace_all(INVISIBLE, "")
    text = text.str.strip_chars()
    return text.set(text == "", None), long


def as_text(series: pl.Series) -> pl.Series:
    """Any column as strings; whole floats without '.0', dates in ISO."""
    if series.dtype == pl.String:
        return series
    if series.dtype.is_float():
        whole = series.is_not_null() & series.is_finite() & (series == series.floor()) & (series.abs() < 2**53)
        if bool((whole | series.is_null() | series.is_nan()).all()):
            return series.fill_nan(None).cast(pl.Int64, strict=False).cast(pl.String)
    if series.dtype == pl.Boolean:
        return series.cast(pl.Int8).replace_strict({1: "true", 0: "false"}, default=None, return_dtype=pl.String)
    return series.cast(pl.String, strict=False)


def without_missing(series: pl.Series, *, numeric: bool = False) -> pl.Series:
    """The words that mean 'no value' as null."""
    return series.set(series.is_in(_MISSING_NUMBERS if numeric else _MISSING), None)


def _unread(source: pl.Series, values: pl.Series) -> pl.Series:
    return source.is_not_null() & values.is_null()


def read_numbers(series: pl.Series, unit: str | None = None) -> Reading:
    """Numbers with thousands separators, decimal commas, currency signs and units.

    `unit`: what to convert to; None takes the most frequent one. Infinities are not read.
    """
    text = without_missing(series, numeric=True)
    plain = text.cast(pl.Float64, strict=False).fill_nan(None)
    plain = plain.set(plain.is_infinite(), None)
    if not bool(_unread(text, plain).any()):
        return Reading(plain, _unread(text, plain), unit)
    composite = _durations(text)
    parts = text.str.extract_groups(_CELL).struct.unnest()
    prefix, number, suffix = (parts.to_series(i) for i in range(3))
    number = number.set(text.str.contains(_INFINITE).fill_null(value=False), None)
    in_front = pl.Series(list(units())).str.to_lowercase()
    values = _to_float(number.set((prefix != "") & ~prefix.str.to_lowercase().is_in(in_front.implode()), None))
    marks = (prefix.fill_null("") + suffix.fill_null("")).str.strip_chars(" .()").str.to_lowercase()
    values, shown = _apply_units(values, marks, unit, minutes=composite is not None)
    if composite is not None:
        values = pl.select(pl.coalesce(composite, values)).to_series()
    return Reading(values, _unread(text, values), shown)


def _durations(text: pl.Series) -> pl.Series | None:
    """Minutes of '1h 30m', '2 h 11', 'PT1H30M', '1:45:00'; None where the column has no such cell."""

    def group(parts: pl.DataFrame, index: int) -> pl.Expr:
        return pl.col(parts.columns[index]).cast(pl.Float64).fill_null(0.0)

    spoken = text.str.extract_groups(_HOURS_AND_MINUTES).struct.unnest()
    iso = text.str.extract_groups(_ISO_DURATION).struct.unnest()
    clock = text.str.extract_groups(_CLOCK).struct.unnest()
    found = [
        spoken.select(pl.when(pl.col(spoken.columns[0]).is_not_null()).then(group(spoken, 0) * 60 + group(spoken, 1))),
        iso.select(
            pl.when(pl.any_horizontal(pl.all().is_not_null())).then(
                group(iso, 0) * 1440 + group(iso, 1) * 60 + group(iso, 2) + group(iso, 3) / 60
            )
        ),
        clock.select(
            pl.when(pl.col(clock.columns[0]).is_not_null()).then(
                group(clock, 0) * 60 + group(clock, 1) + group(clock, 2) / 60
            )
        ),
    ]
    minutes = pl.select(pl.coalesce([frame.to_series() for frame in found])).to_series()
    return minutes if minutes.null_count() < len(minutes) else None


def _to_float(number: pl.Series) -> pl.Series:
    """Digits with separators as floats; the column as a whole tells a decimal comma from a thousands one."""
    bare = number.str.replace_all(r"['’ \u00a0\u202f]", "")
    frame = pl.DataFrame({"n": bare})
    both_comma_last = pl.col("n").str.contains(r"\..*,")
    both_dot_last = pl.col("n").str.contains(r",.*\.")
    only_comma = pl.col("n").str.contains(",") & ~pl.col("n").str.contains(r"\.")
    grouped_comma = pl.col("n").str.contains(r"^[+-]?[1-9]\d{0,2}(,\d{3})+$")
    grouped_dot = pl.col("n").str.contains(r"^[+-]?[1-9]\d{0,2}(\.\d{3})+$")
    many_dots = pl.col("n").str.contains(r"\..*\.")
    evidence = frame.select(
        comma_decimal=(both_comma_last | (only_comma & ~grouped_comma)).any(),
        dot_decimal=(
            both_dot_last | (~pl.col("n").str.contains(",") & pl.col("n").str.contains(r"\.") & ~grouped_dot)
        ).any(),
        groups=(grouped_dot & many_dots).any(),
    ).row(0, named=True)
    comma_decimal = bool(evidence["comma_decimal"]) and not bool(evidence["dot_decimal"])
    dot_groups = comma_decimal or bool(evidence["groups"])
    as_dot = pl.col("n").str.replace_all(",", "", literal=True)
    as_comma = pl.col("n").str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    text = (
        pl.when(both_comma_last).then(as_comma)
        .when(both_dot_last).then(as_dot)
        .when(only_comma & grouped_comma & (not comma_decimal)).then(as_dot)
        .when(only_comma).then(as_comma)
        .when(grouped_dot & (many_dots | dot_groups)).then(pl.col("n").str.replace_all(".", "", literal=True))
        .otherwise(pl.col("n"))
    )  # fmt: skip
    values = frame.select(text.cast(pl.Float64, strict=False)).to_series().fill_nan(None)
    return values.set(values.is_infinite(), None)


def _apply_units(
    values: pl.Series, marks: pl.Series, unit: str | None, *, minutes: bool
) -> tuple[pl.Series, str | None]:
    """Values in one unit, null where the unit is of another dimension or unknown; and that unit."""
    table = units()
    kept = marks.filter(values.is_not_null())
    counts = Counter(kept.filter(kept != "").to_list())
    if not counts and not minutes:
        return values.set(marks != "", None), unit
    own = {mark: (mark, f"own {mark}", 1.0) for mark in counts if mark not in table and mark.replace(" ", "").isalpha()}
    total = max(1, sum(counts.values()))
    known = {mark: table[mark] for mark in counts if mark in table}
    known |= {mark: own[mark] for mark in own if _merged(counts, mark) >= 0.8 * total}
    target = _target(counts, known, unit, minutes=minutes)
    if target is None:
        return values.set(marks != "", None), unit
    shown, dimension, base = target
    factors = {
        m: e[2] / base
        for m, e in known.items()
        if e[1] == dimension or (dimension.startswith("own") and m not in table)
    }
    factors[""] = 1.0
    scale = marks.replace_strict(factors, default=None, return_dtype=pl.Float64)
    return values * scale, shown


def _merged(counts: Counter[str], mark: str) -> int:
    """How often a word is used as a unit, 'serving' and 'servings' together."""
    stem = mark.rstrip("s")
    return sum(number for other, number in counts.items() if other.rstrip("s") == stem)


def _target(
    counts: Counter[str], known: dict[str, tuple[str, str, float]], unit: str | None, *, minutes: bool
) -> tuple[str, str, float] | None:
    if minutes:
        return "minutes", "time", 60.0
    if unit is not None:
        entry = units().get(unit.lower()) or next((e for e in known.values() if e[0] == unit), None)
        return entry or (unit, f"own {unit}", 1.0)
    sizes: Counter[str] = Counter()
    for mark, entry in known.items():
        sizes[entry[1]] += counts[mark]
    if not sizes:
        return None
    dimension = sizes.most_common(1)[0][0]
    shown: Counter[tuple[str, str, float]] = Counter()
    for mark, entry in known.items():
        if entry[1] == dimension:
            shown[entry] += counts[mark]
    return shown.most_common(1)[0][0]


def read_dates(series: pl.Series, date_format: str | None = None) -> Reading:
    """Dates as days since 1970. `date_format`: strptime, or a key of `EPOCH_FORMATS`; None finds the best one."""
    text = without_missing(series)
    if date_format in EPOCH_FORMATS:
        days = (text.cast(pl.Float64, strict=False) * EPOCH_FORMATS[date_format] / 86400).floor()
        days = days.set(days.abs() > 1e6, None)
        return Reading(days, _unread(text, days), date_format=date_format)
    # A time of day after a date says nothing that a filter on days could use.
    text_dates = text.str.replace(r"^(\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[/.]\d{1,2}[/.]\d{4})[T ]+\d{1,2}:\d{2}.*$", "$1")
    candidates = (date_format,) if date_format else DATE_FORMATS
    sample = text_dates.drop_nulls().head(500)
    scored = []
    for order, candidate in enumerate(candidates):
        read = _strptime(sample, candidate)
        scored.append((len(read) - read.null_count(), -order, candidate))
    best = max(scored)[2]
    days = _strptime(text_dates, best).cast(pl.Int32).cast(pl.Float64)
    return Reading(days, _unread(text, days), date_format=best)


def _strptime(text: pl.Series, date_format: str) -> pl.Series:
    if date_format == "%Y-%m":
        text, date_format = text.set(~text.str.contains(r"^\d{4}-\d{1,2}$"), None) + "-01", "%Y-%m-%d"
    if date_format == "%Y%m%d":
        text = text.set(~text.str.contains(r"^[12]\d{7}$"), None)
    dates = text.str.strptime(pl.Date, date_format, strict=False)
    return dates.set((dates.dt.year() < 1) | (dates.dt.year() > 9999), None)


_TIME_FORMATS = (
    "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", *DATE_FORMATS,
)  # fmt: skip


def read_times(series: pl.Series) -> Reading:
    """Moments as seconds since 1970: seconds, milliseconds, microseconds, nanoseconds, ISO 8601 and common dates."""
    if series.dtype.is_temporal() and series.dtype not in (pl.Duration, pl.Time):
        seconds = series.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64) / 1e6
        return Reading(seconds, series.is_null() & False, date_format="ISO")
    text = series if series.dtype.is_numeric() else without_missing(as_text(series))
    numbers = text.cast(pl.Float64, strict=False).fill_nan(None)
    numbers = numbers.set(numbers.is_infinite(), None)
    filled = len(text) - text.null_count()
    if filled and len(numbers) - numbers.null_count() >= 0.5 * filled:
        unit = _epoch_unit(float(numbers.filter(numbers > 0).median() or 0.0))  # type: ignore[arg-type]
        seconds = numbers * EPOCH_FORMATS[unit]
        return Reading(seconds, _unread(text, seconds), date_format=unit)
    return _read_moments(text)


def _epoch_unit(typical: float) -> str:
    if typical < 3e10:
        return "seconds"
    if typical < 3e13:
        return "milliseconds"
    return "microseconds" if typical < 3e16 else "nanoseconds"


def _read_moments(text: pl.Series) -> Reading:
    iso = text.str.replace(r"^(\d{4}-\d{2}-\d{2})T", "$1 ").str.replace(r"\s*Z$|\s*UTC$", "+00:00")
    sample = iso.drop_nulls().head(500)
    seconds = pl.Series(iso.name, [None] * len(iso), dtype=pl.Float64)
    used = []
    scored = []
    for order, candidate in enumerate(_TIME_FORMATS):
        good = len(sample) - _moments(sample, candidate).null_count()
        if good:
            scored.append((-good, order, candidate))
    for _, _, candidate in sorted(scored)[:3]:
        if not bool((seconds.is_null() & iso.is_not_null()).any()):
            break
        seconds = pl.select(pl.coalesce(seconds, _moments(iso, candidate))).to_series()
        used.append(candidate)
    return Reading(seconds, _unread(text, seconds), date_format=used[0] if used else None)


def _moments(text: pl.Series, candidate: str) -> pl.Series:
    if "%H" not in candidate:
        return _strptime(text, candidate).cast(pl.Int32).cast(pl.Float64) * 86400
    zoned = "z" in candidate
    kind = pl.Datetime("us", "UTC") if zoned else pl.Datetime("us")
    return text.str.strptime(kind, candidate, strict=False).dt.epoch("us").cast(pl.Float64) / 1e6


def read_flags(series: pl.Series) -> Reading:
    """Yes and no, in the usual spellings."""
    text = without_missing(series)
    values = text.str.to_lowercase().replace_strict(_FLAGS, default=None, return_dtype=pl.Boolean)
    return Reading(values, _unread(text, values))


def read_lists(series: pl.Series, separator: str) -> Reading:
    """Several values a cell. `separator`: one character, or 'json' for lists as JSON or Python write them."""
    text = without_missing(series)
    if separator == "json":
        lists = [None if cell is None else parse_list(cell) for cell in text.to_list()]
        values = pl.Series(series.name, lists, dtype=pl.List(pl.String))
    else:
        values = text.str.split(separator).list.eval(pl.element().str.strip_chars())
    values = values.list.eval(pl.element().filter((pl.element() != "") & pl.element().is_not_null()))
    return Reading(values, _unread(text, values))


def read_text(series: pl.Series) -> pl.Series:
    """Free text; a list of sentences as one text."""
    text = without_missing(series)
    listed = text.str.contains(r"^\[.*\]$").fill_null(value=False)
    if not bool(listed.any()):
        return text
    cells = [
        cell if cell is None or not is_list else " ".join(parse_list(cell) or [cell]) or None
        for cell, is_list in zip(text.to_list(), listed.to_list(), strict=True)
    ]
    return pl.Series(series.name, cells, dtype=pl.String)


def parse_list(cell: str) -> list[str] | None:
    """The values of a JSON list or Python list; of a list of objects their names. None when it is neither."""
    cell = cell.strip()
    if not cell.startswith("["):
        return [cell]
    try:
        parsed = json.loads(cell)
    except (ValueError, RecursionError):
        try:
            parsed = ast.literal_eval(cell)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            return None
    return [text for text in (_named(value) for value in parsed) if text]


def _named(value: Any) -> str:
    if isinstance(value, dict):
        for key in ("name", "title", "label", "value", "text", "id"):
            if value.get(key) not in (None, ""):
                return str(value[key]).strip()
        return ""
    return "" if value is None else str(value).strip()
