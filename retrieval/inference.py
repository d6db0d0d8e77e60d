"""Infer a catalogue's schema: which column is what, and of which kind each attribute is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from convrec.retrieval.errors import SchemaError
from convrec.retrieval.hints import (
    file_words,
    is_code_name,
    is_opaque,
    label,
    name_score,
    never_a_role,
    unit_in_name,
    units,
)
from convrec.retrieval.reports import count
from convrec.retrieval.roles import assign_roles
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role, ValueCount
from convrec.retrieval.values import (
    EPOCH_FORMATS,
    Reading,
    read_dates,
    read_flags,
    read_lists,
    read_numbers,
    without_missing,
)

SAMPLE = 20_000
"""rows that are looked at to infer kinds; ids and statistics use all rows"""
VOCABULARY_SHOWN = 200
YEAR_FROM_TITLE = "the year in brackets at the end of the title"
"""`Attribute.provenance` of a year that no column holds"""
TITLE_YEAR = r"^(.*\S)\s*[(\[](1[5-9]\d\d|20\d\d)[)\]]\s*$"
_LIST_SEPARATORS = ("|", ";", ",", " / ", "/", " · ", "•")
_WORDS = r"\s+"


@dataclass(frozen=True)
class ColumnOverrides:
    """Columns that the person named; None leaves the choice to inference."""

    id: str | None = None
    title: str | None = None
    text: tuple[str, ...] | None = None
    user: str | None = None
    item: str | None = None
    value: str | None = None
    time: str | None = None
    event: str | None = None


@dataclass(frozen=True)
class _Shape:
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


@dataclass
class Inferred:
    """A schema without statistics, and how it was come by."""

    schema: CatalogueSchema
    notes: list[str] = field(default_factory=list)


def infer_schema(
    frame: pl.DataFrame, path: Path, overrides: ColumnOverrides | None = None, noun: str | None = None
) -> Inferred:
    """Infer the schema of a table of items.

    `frame` holds cleaned text columns. Statistics of attributes are filled in when the columns are read.

    Raises:
        SchemaError: no column identifies the items, or an override names a column that does not exist.
    """
    chosen = overrides or ColumnOverrides()
    for name in (chosen.id, chosen.title, *(chosen.text or ())):
        require_column(name, frame.columns, path)
    sample = frame if frame.height <= SAMPLE else frame.gather_every(frame.height // SAMPLE)
    shapes = {name: _shape(sample[name]) for name in frame.columns}
    notes: list[str] = []
    id_column = chosen.id or _id_column(frame, shapes, path, chosen)
    title_column = chosen.title or _title_column(shapes, id_column, chosen)
    if title_column is None:
        title_column = id_column
        notes.append(f"no column reads like a title, so {id_column} is shown as the title (--title names another)")
    rest = [name for name in frame.columns if name not in {id_column, title_column}]
    text_columns = chosen.text if chosen.text is not None else _text_columns(sample, shapes, rest)
    attributes: list[Attribute] = []
    for name in rest:
        if name in text_columns:
            continue
        if shapes[name].filled == 0 and frame[name].null_count() == frame.height:
            notes.append(f"column {name} is empty and is left out")
            continue
        attributes.append(infer_attribute(sample[name], shapes[name]))
    if not any(_is_year(attribute) for attribute in attributes) and _titles_have_years(sample[title_column]):
        attributes.append(_title_year_attribute())
        notes.append("the year in brackets after the title is read as the attribute 'year' and left out of the title")
    catalogue_name, file_noun = file_words(path)
    schema = CatalogueSchema(
        name=catalogue_name,
        noun=noun or file_noun,
        id_column=id_column,
        title_column=title_column,
        text_columns=tuple(text_columns),
        attributes=tuple(attributes),
    )
    return Inferred(schema, notes)


def require_column(name: str | None, columns: Sequence[str], path: Path) -> None:
    """Check that a named column exists.

    Raises:
        SchemaError: it does not; the sentence names the nearest one.
    """
    if name is None or name in columns:
        return
    raise SchemaError(f"{path.name} has no column {name!r}{nearest(name, columns)}.")


def nearest(name: str, known: Sequence[str]) -> str:
    """'; did you mean 'genres'?' without the mark, or the list of what there is."""
    from rapidfuzz import process, utils

    best = process.extractOne(name, known, processor=utils.default_process, score_cutoff=60)
    listed = ", ".join(known[:30])
    return f"; did you mean {best[0]!r}? It has: {listed}" if best else f"; it has: {listed}"


def _shape(series: pl.Series) -> _Shape:
    text = without_missing(series).drop_nulls()
    filled = len(text)
    if not filled:
        return _Shape(series.name, 0, 0, len(series), 0, 0, 0, 0, 0)
    lengths = text.str.len_chars()
    return _Shape(
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


def _id_column(frame: pl.DataFrame, shapes: dict[str, _Shape], path: Path, chosen: ColumnOverrides) -> str:
    """The column whose values tell the items apart. A fitting name forgives some repeated ids, which are rejected."""
    _, noun = file_words(path)
    best: tuple[float, str] | None = None
    for position, name in enumerate(frame.columns):
        shape = shapes[name]
        if name == chosen.title or name in (chosen.text or ()) or not shape.filled:
            continue
        filled = frame[name].drop_nulls()
        unique = filled.n_unique() / max(1, len(filled))
        hint = _id_hint(name, noun)
        lexical = 1.0 if shape.characters <= 24 and shape.words < 1.5 and shape.links < 0.5 else 0.0
        fits = unique >= 0.5 and len(filled) >= 0.5 * frame.height if hint >= 100 else _surely_unique(frame, name)
        if not fits or not (lexical or hint >= 100) or shape.links > 0.5:
            continue
        if hint < 100 and _is_measure(filled, shape):
            continue
        score = hint + 40 * unique + 30 * lexical + 20 * (frame.height - filled.len() == 0) - position
        if best is None or score > best[0]:
            best = (score, name)
    if best is None:
        columns = ", ".join(frame.columns[:30])
        raise SchemaError(
            f"No column of {path.name} tells its rows apart; name one with --id COLUMN (there are: {columns}), "
            "or add a column with a different value in each row."
        )
    return best[1]


def _id_hint(name: str, noun: str) -> int:
    hint = name_score(name, "columns", "id")
    if name.lower() in {"id", "_id", f"{noun}_id", f"{noun}id", f"{noun} id"}:
        return 200
    return hint + 50 if name.lower().endswith("id") and hint else hint


def _surely_unique(frame: pl.DataFrame, name: str) -> bool:
    return frame[name].null_count() == 0 and frame[name].n_unique() == frame.height


def _is_measure(filled: pl.Series, shape: _Shape) -> bool:
    """Whether numbers with decimals, or dates, only happen to be all different."""
    if shape.numeric > 0.9:
        return bool(filled.str.contains(r"\.\d*[1-9]").any())
    return read_dates(filled.head(200)).failures < 20


def _title_column(shapes: dict[str, _Shape], id_column: str, chosen: ColumnOverrides) -> str | None:
    best: tuple[float, str] | None = None
    for position, (name, shape) in enumerate(shapes.items()):
        if name in (chosen.text or ()) or not shape.filled or shape.numeric > 0.9 or shape.links > 0.5:
            continue
        hint = name_score(name, "columns", "title")
        if name == id_column and hint < 100:
            continue
        if shape.characters > 200 or (hint < 100 and (shape.uniqueness < 0.6 or shape.characters > 90)):
            continue
        if not hint and (shape.characters < 3 or shape.coverage < 0.8 or is_code_name(name) or _other_name(name)):
            continue
        score = (
            hint + 40 * shape.uniqueness + 10 * min(shape.words, 4) - position - (30 if shape.uniqueness < 0.3 else 0)
        )
        if best is None or score > best[0]:
            best = (score, name)
    return best[1] if best else None


def _other_name(name: str) -> bool:
    """Whether a name says that a column is about something else than the item's title."""
    return (
        any(name_score(name, "roles", role.value) >= 50 for role in Role) or name_score(name, "columns", "text") >= 100
    )


def _text_columns(sample: pl.DataFrame, shapes: dict[str, _Shape], names: list[str]) -> tuple[str, ...]:
    found = []
    for position, name in enumerate(names):
        shape = shapes[name]
        hint = name_score(name, "columns", "text")
        prose = shape.words >= 8 and shape.characters >= 45
        hinted = hint >= 50 and shape.words >= 3 and shape.characters >= 15
        if not shape.filled or shape.links > 0.5 or shape.numeric > 0.5 or not (prose or hinted):
            continue
        if hint < 100 and _list_separator(sample[name], shape) is not None:
            continue
        if hint >= 100 and _list_separator(sample[name], shape) == "json":
            continue
        found.append((0 if hint else 1, position, name))
    return tuple(name for _, _, name in sorted(found))


def infer_attribute(series: pl.Series, shape: _Shape | None = None) -> Attribute:
    """Name, label, kind, unit, separator and date format of one column; statistics come with its values."""
    shape = shape or _shape(series)
    name = series.name
    kind = AttributeKind.TEXT
    unit: str | None = None
    separator: str | None = None
    date_format: str | None = None
    filled = max(1, shape.filled)
    numbers = read_numbers(series) if not _is_code(series, shape) else None
    if shape.links > 0.5:
        pass
    elif _is_flag(series, shape, name):
        kind = AttributeKind.FLAG
    elif (date_format := _date_format(series, shape, numbers)) is not None:
        kind = AttributeKind.DATE
    elif (
        numbers is not None and numbers.failures <= 0.15 * filled and len(numbers.values) > numbers.values.null_count()
    ):
        kind = AttributeKind.NUMBER
        unit = numbers.unit or _named_unit(name) or _usual_unit(name, numbers.values)
    elif (separator := _list_separator(series, shape)) is not None:
        kind = AttributeKind.CATEGORIES
    elif _is_category(shape, name):
        kind = AttributeKind.CATEGORY
    return Attribute(
        name=name, label=label(name, unit), kind=kind, unit=unit, separator=separator, date_format=date_format
    )


def _is_code(series: pl.Series, shape: _Shape) -> bool:
    """Digits that are a code: leading zeros, or a name such as 'zip'."""
    if is_code_name(shape.name) and shape.numeric > 0.5:
        return True
    return shape.numeric > 0.9 and bool(without_missing(series).str.contains(r"^0\d{2,}$").any())


def _is_flag(series: pl.Series, shape: _Shape, name: str) -> bool:
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


def _date_format(series: pl.Series, shape: _Shape, numbers: Reading | None) -> str | None:
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
    return units()[unit][0] if unit else None


def _usual_unit(name: str, values: pl.Series) -> str | None:
    """Minutes for a duration of which nothing else is known, where the numbers look like it."""
    if name_score(name, "roles", "duration") < 50 or name_score(name, "roles", "year") or never_a_role(name):
        return None
    numbers = values.drop_nulls().to_numpy()
    typical = float(np.median(numbers)) if numbers.size else 0.0
    return "minutes" if 3 <= typical <= 240 else None


def _list_separator(series: pl.Series, shape: _Shape) -> str | None:
    """What stands between the values of a cell, or None for one value a cell."""
    text = without_missing(series).drop_nulls()
    if not len(text):
        return None
    bracketed = text.str.contains(r"^\[.*\]$")
    if float(np.mean(bracketed.to_numpy())) >= 0.5:
        return "json" if read_lists(text.head(1000), "json").failures <= 50 else None
    names_many = max(
        name_score(shape.name, "roles", r.value) for r in (Role.TOPIC, Role.PERSON, Role.COUNTRY, Role.LANGUAGE)
    )
    for separator in _LIST_SEPARATORS:
        if _separates(text, separator, named=names_many >= 50):
            return separator
    return " " if names_many >= 50 and _separated_by_spaces(text) else None


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


def _is_category(shape: _Shape, name: str) -> bool:
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


def _is_year(attribute: Attribute) -> bool:
    return (
        attribute.kind in (AttributeKind.NUMBER, AttributeKind.DATE)
        and name_score(attribute.name, "roles", "year") >= 50
    )


def _titles_have_years(titles: pl.Series) -> bool:
    filled = titles.drop_nulls()
    return len(filled) > 0 and float(np.mean(filled.str.contains(TITLE_YEAR).to_numpy())) >= 0.6


def _title_year_attribute() -> Attribute:
    return Attribute(
        name="year", label="year", kind=AttributeKind.NUMBER, role=Role.YEAR, integer=True, provenance=YEAR_FROM_TITLE
    )


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


def finish(schema: CatalogueSchema, attributes: Sequence[Attribute], rows: int) -> CatalogueSchema:
    """The schema with the statistics of what was loaded, and roles where none were given."""
    return schema.model_copy(update={"attributes": tuple(assign_roles(attributes)), "count": rows})


def unread_warning(attribute: Attribute, lines: Sequence[int], cells: Sequence[str]) -> str:
    """What is said of cells that are not of their column's kind."""
    from convrec.retrieval.reports import lines_phrase, shorten

    kind = {"number": "a number", "date": "a date", "flag": "yes or no"}.get(attribute.kind.value, "a list")
    unit = f" in {attribute.unit}" if attribute.unit else ""
    example = shorten(cells[0])
    return (
        f"{attribute.name}: {count(len(lines), 'value')} could not be read as {kind}{unit} and "
        f"count as missing ({lines_phrase(lines)}; the first is {example!r})"
    )
