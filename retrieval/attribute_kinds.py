"""Of which kind an attribute is: a flag, a date, a number with its unit, one or several values, or text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from convrec.retrieval.hints import (
    is_code_name,
    is_opaque,
    label,
    name_score,
    never_a_role,
    number_label,
    unit_in_name,
    units,
)
from convrec.retrieval.reports import count, lines_phrase, shorten
from convrec.retrieval.schema import Attribute, AttributeKind, Role, ValueCount
from convrec.retrieval.values import (
    EPOCH_FORMATS,
    NUMBER_LIKE,
    Reading,
    read_dates,
    read_flags,
    read_lists,
    read_numbers,
    without_missing,
)

VOCABULARY_SHOWN = 200
_LIST_SEPARATORS = ("|", ";", ",", " / ", "/", " · ", "•")
_WORDS = r"\s+"


@dataclass(frozen=True)
class Shape:
    """Statistics of one column of text."""

    name: str
    filled: int
    distinct: int
    rows: int
    characters: float
    words: float
    longest: int
    numeric: float
    links: float

    @property
    def uniqueness(self) -> float:
        return self.distinct / self.filled if self.filled else 0.0

    @property
    def coverage(self) -> float:
        return self.filled / self.rows if self.rows else 0.0


def shape_of(series: pl.Series) -> Shape:
    text = without_missing(series).drop_nulls()
    filled = len(text)
    if not filled:
        return Shape(series.name, 0, 0, len(series), 0, 0, 0, 0, 0)
    lengths = text.str.len_chars()
    return Shape(
        name=series.name,
        filled=filled,
        distinct=text.n_unique(),
        rows=len(series),
        characters=float(np.mean(lengths.to_numpy())),
        words=float(np.mean(text.str.count_matches(_WORDS).to_numpy())) + 1,
        longest=int(np.max(lengths.to_numpy())),
        numeric=1 - text.cast(pl.Float64, strict=False).null_count() / filled,
        links=float(np.mean(text.str.contains(r"^(?:https?://|www\.|data:|/[\w\-]+/.*\.\w{3,4}$)").to_numpy())),
    )


def infer_attribute(series: pl.Series, shape: Shape | None = None) -> Attribute:
    """Name, label, kind, unit, separator and date format of one column; statistics come with its values."""
    shape = shape or shape_of(series)
    name = series.name
    kind = AttributeKind.TEXT
    unit: str | None = None
    separator: str | None = None
    date_format: str | None = None
    numbers = read_numbers(series) if not _is_code(series, shape) else None
    if shape.links > 0.5:
        pass
    elif _is_flag(series, shape, name):
        kind = AttributeKind.FLAG
    elif (date_format := _date_format(series, shape, numbers)) is not None:
        kind = AttributeKind.DATE
    elif numbers is not None and _mostly_numbers(series, numbers):
        kind = AttributeKind.NUMBER
        unit = numbers.unit or _named_unit(name) or _usual_unit(name, numbers.values)
    elif (separator := list_separator(series, shape)) is not None:
        kind = AttributeKind.CATEGORIES
    elif _is_category(shape, name):
        kind = AttributeKind.CATEGORY
    named = number_label if kind is AttributeKind.NUMBER else label
    return Attribute(
        name=name, label=named(name, unit), kind=kind, unit=unit, separator=separator, date_format=date_format
    )


def _mostly_numbers(series: pl.Series, numbers: Reading) -> bool:
    """Three cells in four are numbers; an infinity, or an amount in another unit, is at least meant as one."""
    failed = series.filter(numbers.unread)
    meant = int(failed.str.contains(NUMBER_LIKE).sum())
    read = len(series) - series.null_count() - len(failed)
    return read > 0 and len(failed) - meant <= 0.25 * (read + meant) and read >= meant


def _is_code(series: pl.Series, shape: Shape) -> bool:
    """Digits that are a code: leading zeros, or a name such as 'zip'."""
    if shape.numeric > 0.5 and (is_code_name(shape.name) or _are_versions(series, shape)):
        return True
    return shape.numeric > 0.9 and bool(without_missing(series).str.contains(r"^0\d{2,}$").any())


def _are_versions(series: pl.Series, shape: Shape) -> bool:
    """'3.8' beside '3.10': a zero at the end that a number would not have, and another number of decimals elsewhere."""
    if shape.distinct > 60:
        return False
    text = without_missing(series).drop_nulls().unique()
    dotted = text.filter(text.str.contains(r"^\d{1,2}\.\d+$"))
    ends = dotted.str.contains(r"\.\d+0$")
    return bool(ends.any()) and dotted.filter(~ends).str.extract(r"\.(\d+)$").str.len_chars().min() == 1


def _is_flag(series: pl.Series, shape: Shape, name: str) -> bool:
    reading = read_flags(series)
    if reading.failures or not shape.filled or shape.distinct > 4:
        return False
    spellings = {value.lower() for value in without_missing(series).drop_nulls().unique().to_list()}
    if spellings <= {"1", "0", "1.0", "0.0"}:
        number_name = any(name_score(name, "roles", r.value) >= 50 for r in (Role.QUALITY, Role.POPULARITY, Role.PRICE))
        return reading.values.drop_nulls().n_unique() == 2 and not number_name and not never_a_role(name)
    if spellings <= {"t", "f"} or spellings <= {"y", "n"}:
        return reading.values.drop_nulls().n_unique() == 2
    return spellings <= {"x", "✓", "✗", "yes", "no", "true", "false", "y", "n"}


def _date_format(series: pl.Series, shape: Shape, numbers: Reading | None) -> str | None:
    if not shape.filled or shape.characters < 6 or shape.characters > 32:
        return None
    if shape.numeric > 0.9:
        return _numeric_date(series, numbers)
    head = without_missing(series).drop_nulls().head(500)
    if not bool(head.str.contains(r"\d").all()) and float(np.mean(head.str.contains(r"\d").to_numpy())) < 0.8:
        return None
    reading = read_dates(head)
    return reading.date_format if reading.failures <= 0.15 * len(head) else None


def _numeric_date(series: pl.Series, numbers: Reading | None) -> str | None:
    """Moments as one number, and 20091231; only under a name that speaks of time."""
    name = series.name
    if numbers is None or not (name_score(name, "columns", "time") >= 50 or name_score(name, "roles", "year") >= 50):
        return None
    values = numbers.values.drop_nulls().to_numpy()
    typical = float(np.median(values)) if values.size else 0.0
    if 1e7 < typical < 3e7 and read_dates(series.head(500), "%Y%m%d").failures <= 25:
        return "%Y%m%d"
    for unit, scale in EPOCH_FORMATS.items():
        if 1e8 <= typical * scale <= 4e9:
            return unit
    return None


def _named_unit(name: str) -> str | None:
    unit = unit_in_name(name)
    known = units().get(unit) if unit else None
    return known[0] if known else unit


def _usual_unit(name: str, values: pl.Series) -> str | None:
    """Minutes for a duration of which nothing else is known, where the numbers look like it."""
    if name_score(name, "roles", "duration") < 50 or name_score(name, "roles", "year") or never_a_role(name):
        return None
    numbers = values.drop_nulls().to_numpy()
    typical = float(np.median(numbers)) if numbers.size else 0.0
    return "minutes" if 3 <= typical <= 240 else None


def list_separator(series: pl.Series, shape: Shape) -> str | None:
    """What stands between the values of a cell, or None for one value a cell."""
    text = without_missing(series).drop_nulls()
    if not len(text):
        return None
    bracketed = text.str.contains(r"^\[.*\]$")
    if float(np.mean(bracketed.to_numpy())) >= 0.5:
        return "json" if _lists_of_names(text.head(1000)) else None
    names_many = max(
        name_score(shape.name, "roles", r.value) for r in (Role.TOPIC, Role.PERSON, Role.COUNTRY, Role.LANGUAGE)
    )
    for separator in _LIST_SEPARATORS:
        if _separates(text, separator, named=names_many >= 50):
            return separator
    return " " if names_many >= 50 and _separated_by_spaces(text) else None


def _lists_of_names(text: pl.Series) -> bool:
    """Whether bracketed cells are lists of short values: not of sentences, links, or objects without a name."""
    reading = read_lists(text, "json")
    parts = reading.values.explode(empty_as_null=True).drop_nulls()
    full = int((text != "[]").sum())
    if reading.failures > 0.05 * len(text) or int((reading.values.list.len() > 0).sum()) < 0.5 * full:
        return False
    if not len(parts):
        return True
    words = parts.str.count_matches(_WORDS).to_numpy() + 1
    links = float(np.mean(parts.str.contains(r"^(?:https?://|www\.)").to_numpy()))
    return float(np.mean(words)) <= 6 and links < 0.5


def _separated_by_spaces(text: pl.Series) -> bool:
    """Whether cells are words of a small vocabulary, most of which also stand alone: 'Drama', 'Comedy Drama'."""
    alone = text.filter(~text.str.contains(" ", literal=True))
    parts = text.str.split(" ").explode(empty_as_null=True)
    if len(alone) in (0, len(text)) or parts.n_unique() > 200 or text.n_unique() < 2 * parts.n_unique():
        return False
    return float(np.mean(parts.is_in(alone.unique().implode()).to_numpy())) >= 0.9


def _separates(text: pl.Series, separator: str, *, named: bool) -> bool:
    has = text.str.contains(separator, literal=True)
    share = float(np.mean(has.to_numpy()))
    if share < (0.01 if separator in "|;" else 0.05):
        return False
    parts = read_lists(text, separator).values.explode(empty_as_null=True).drop_nulls()
    if not len(parts):
        return False
    words = parts.str.count_matches(_WORDS).to_numpy() + 1
    if float(np.mean(words)) > 4 or float(np.quantile(words, 0.95)) > 7:
        return False
    reuse = len(parts) / parts.n_unique()
    whole_reuse = len(text) / text.n_unique()
    if separator in "|;":
        return named or reuse >= 1.05 or share >= 0.2
    if separator == "," and _last_first(text, has):
        return False
    if separator == "/" and not named and share < 0.3:
        return False
    if named:
        return True
    return reuse >= 1.5 and reuse >= 1.2 * whole_reuse and parts.n_unique() < 1.5 * text.n_unique() + 20


def _last_first(text: pl.Series, has: pl.Series) -> bool:
    """Names written 'King, Stephen': one comma, one word before it, other words before than after."""
    listed = text.filter(has)
    pairs = listed.filter(listed.str.count_matches(",", literal=True) == 1)
    if len(pairs) < 0.9 * len(listed):
        return False
    before = pairs.str.extract(r"^([^,]*),")
    after = pairs.str.extract(r",\s*(.*)$")
    single = float(np.mean((before.str.count_matches(_WORDS) == 0).to_numpy()))
    names = float(np.mean(pairs.str.contains(r"^\p{Lu}[^,]*,\s+\p{Lu}").to_numpy()))
    shared = len(set(before.to_list()) & set(after.to_list()))
    return single >= 0.8 and names >= 0.9 and shared <= 0.1 * max(1, before.n_unique())


def _is_category(shape: Shape, name: str) -> bool:
    if shape.characters > 60 or shape.words > 6:
        return False
    if is_code_name(name) and shape.uniqueness > 0.5:
        return False
    named = any(
        name_score(name, "roles", r.value) >= 50 for r in (Role.PERSON, Role.TOPIC, Role.COUNTRY, Role.LANGUAGE)
    )
    if shape.distinct == 1 and shape.filled > 1:
        return named
    return named or shape.distinct <= 0.67 * shape.filled or (is_opaque(name) and shape.uniqueness < 0.8)


def with_statistics(attribute: Attribute, values: pl.Series) -> Attribute:
    """The attribute with ranges, vocabulary and counts as its values have them."""
    found = values.drop_nulls()
    update: dict[str, object] = {"minimum": None, "maximum": None, "vocabulary": (), "distinct": found.n_unique()}
    if attribute.numeric and len(found):
        numbers = found.to_numpy()
        whole = bool((numbers == np.floor(numbers)).all())
        update |= {"minimum": float(numbers.min()), "maximum": float(numbers.max()), "integer": whole}
    if attribute.kind is AttributeKind.CATEGORIES:
        found = found.filter(found.list.len() > 0)
        update |= _vocabulary(found.list.unique().explode(empty_as_null=True).drop_nulls())
    elif attribute.kind is AttributeKind.CATEGORY:
        update |= _vocabulary(found)
    return attribute.model_copy(update={**update, "missing": len(values) - len(found)})


def _vocabulary(values: pl.Series) -> dict[str, object]:
    """Spellings that differ only in case count as one value, shown in the most frequent spelling."""
    counts = values.value_counts(sort=True).rows()
    folded: dict[str, list[tuple[str, int]]] = {}
    for value, number in counts:
        folded.setdefault(value.casefold(), []).append((value, number))
    merged = [
        (max(forms, key=lambda form: (form[1], form[0]))[0], sum(n for _, n in forms)) for forms in folded.values()
    ]
    merged.sort(key=lambda entry: (-entry[1], entry[0].casefold()))
    shown = tuple(ValueCount(value=value, count=number) for value, number in merged[:VOCABULARY_SHOWN])
    return {"vocabulary": shown, "distinct": len(merged)}


def unread_warning(attribute: Attribute, lines: Sequence[int], cells: Sequence[str]) -> str:
    """What is said of cells that are not of their column's kind."""
    kind = {"number": "a number", "date": "a date", "flag": "yes or no"}.get(attribute.kind.value, "a list")
    unit = f" in {attribute.unit}" if attribute.unit else ""
    example = shorten(cells[0])
    return (
        f"{attribute.name}: {count(len(lines), 'value')} could not be read as {kind}{unit} and "
        f"count as missing ({lines_phrase(lines)}; the first is {example!r})"
    )
