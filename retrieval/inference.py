"""Infer a catalogue's schema: which column is what, and of which kind each attribute is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np
import polars as pl

from convrec.retrieval.attribute_kinds import Shape, infer_attribute, list_separator, shape_of
from convrec.retrieval.errors import SchemaError
from convrec.retrieval.hints import file_words, is_code_name, name_score, words
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role
from convrec.retrieval.values import read_dates

SAMPLE = 20_000
"""rows that are looked at to infer kinds; ids and statistics use all rows"""
YEAR_FROM_TITLE = "the year in brackets at the end of the title"
"""`Attribute.provenance` of a year that no column holds"""
TITLE_YEAR = r"^(.*\S)\s*[(\[](1[5-9]\d\d|20\d\d)[)\]]\s*$"


@dataclass(frozen=True)
class ColumnOverrides:
    """Columns that the person named; None, or no text column, leaves the choice to inference."""

    id: str | None = None
    title: str | None = None
    text: tuple[str, ...] = ()
    user: str | None = None
    item: str | None = None
    value: str | None = None
    time: str | None = None
    event: str | None = None

    def or_else(self, other: ColumnOverrides) -> ColumnOverrides:
        """What is named here, and from `other` what is not."""
        own = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return replace(other, **{name: value for name, value in own.items() if value})


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
    for name in (chosen.id, chosen.title, *chosen.text):
        require_column(name, frame.columns, path)
    sample = frame if frame.height <= SAMPLE else frame.gather_every(frame.height // SAMPLE)
    shapes = {name: shape_of(sample[name]) for name in frame.columns}
    notes: list[str] = []
    id_column = chosen.id or _id_column(frame, shapes, path, chosen)
    title_column = chosen.title or _title_column(shapes, id_column, chosen)
    if title_column is None:
        title_column = id_column
        notes.append(f"no column reads like a title, so {id_column} is shown as the title (--title names another)")
    rest = [name for name in frame.columns if name not in {id_column, title_column}]
    text_columns = chosen.text or _text_columns(sample, shapes, rest)
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


def _id_column(frame: pl.DataFrame, shapes: dict[str, Shape], path: Path, chosen: ColumnOverrides) -> str:
    """The column whose values tell the items apart. A fitting name forgives some repeated ids, which are rejected."""
    _, noun = file_words(path)
    best: tuple[float, str] | None = None
    for position, name in enumerate(frame.columns):
        shape = shapes[name]
        if name == chosen.title or name in chosen.text or not shape.filled:
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
        complete = filled.len() == frame.height
        score = hint + 40 * unique + 30 * lexical + 20 * complete + 20 * (position == 0) - position
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


def _is_measure(filled: pl.Series, shape: Shape) -> bool:
    """Whether numbers with decimals, or dates, only happen to be all different."""
    if shape.numeric > 0.9:
        return bool(filled.str.contains(r"\.\d*[1-9]").any())
    return read_dates(filled.head(200)).failures < 20


def _title_column(shapes: dict[str, Shape], id_column: str, chosen: ColumnOverrides) -> str | None:
    best: tuple[float, str] | None = None
    for position, (name, shape) in enumerate(shapes.items()):
        if name in chosen.text or not shape.filled or shape.numeric > 0.9 or shape.links > 0.5:
            continue
        hint = name_score(name, "columns", "title")
        if name == id_column and hint < 100:
            continue
        if shape.characters > 200 or (hint < 100 and (shape.uniqueness < 0.6 or shape.characters > 90)):
            continue
        if not hint and (shape.characters < 3 or shape.coverage < 0.8 or is_code_name(name) or _other_name(name)):
            continue
        kin = name.lower() != id_column.lower() and words(name)[:1] == words(id_column)[:1]
        score = hint + 40 * shape.uniqueness + 10 * min(shape.words, 4) - position + 20 * kin
        score -= 30 if shape.uniqueness < 0.3 else 0
        if best is None or score > best[0]:
            best = (score, name)
    return best[1] if best else None


def _other_name(name: str) -> bool:
    """Whether a name says that a column is about something else than the item's title."""
    return (
        any(name_score(name, "roles", role.value) >= 50 for role in Role) or name_score(name, "columns", "text") >= 100
    )


def _text_columns(sample: pl.DataFrame, shapes: dict[str, Shape], names: list[str]) -> tuple[str, ...]:
    found = []
    for position, name in enumerate(names):
        shape = shapes[name]
        hint = name_score(name, "columns", "text")
        prose = shape.words >= 8 and shape.characters >= 45
        hinted = hint >= 50 and shape.words >= 3 and shape.characters >= 15
        if not shape.filled or shape.links > 0.5 or shape.numeric > 0.5 or not (prose or hinted):
            continue
        separator = list_separator(sample[name], shape)
        if separator == "json" or (separator is not None and hint < 100) or _are_objects(sample[name]):
            continue
        found.append((0 if hint else 1, position, name))
    return tuple(name for _, _, name in sorted(found))


def _are_objects(series: pl.Series) -> bool:
    return float(np.mean(series.drop_nulls().str.starts_with("{").to_numpy())) >= 0.5


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
