"""From a file of items to a catalogue, with a report on every row; beside it, `read_interactions` for the log."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from convrec.retrieval.attribute_kinds import unread_warning, with_statistics
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.errors import SchemaError
from convrec.retrieval.files import Table, read_table
from convrec.retrieval.inference import TITLE_YEAR, YEAR_FROM_TITLE, ColumnOverrides, infer_schema, nearest
from convrec.retrieval.read_log import read_interactions
from convrec.retrieval.reports import Reject, Rejects, RowReport, count, lines_phrase, nothing_loaded, sanitise_text
from convrec.retrieval.roles import assign_roles
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema
from convrec.retrieval.values import (
    MAX_CELL,
    Reading,
    clean,
    read_dates,
    read_flags,
    read_lists,
    read_numbers,
    read_text,
    without_missing,
)

__all__ = ["ColumnOverrides", "RowReport", "read_interactions", "read_items", "sanitise_text"]

_ID_LENGTH = 256


def read_items(
    path: Path | str,
    *,
    overrides: ColumnOverrides | None = None,
    schema: CatalogueSchema | None = None,
    noun: str | None = None,
) -> tuple[Catalogue, RowReport]:
    """Read a file of items.

    Without `schema` it is inferred; `overrides` names columns that inference must take. With `schema` the file is
    read as it says, and columns that it does not mention are left out. `noun`: what one item is called.

    Raises:
        InputFileError: the file cannot be used, or no row of it can.
        SchemaError: no column identifies the items, or a schema or override names a column that does not exist.
    """
    path = Path(path)
    table = read_table(path)
    warnings, notes = list(table.warnings), list(table.notes)
    read = table.frame.height + len(table.rejects)
    if table.frame.height == 0:
        raise nothing_loaded(path, Rejects.collect(table.rejects))
    _clean_columns(table, warnings)
    given = schema is not None
    if schema is None:
        inferred = infer_schema(table.frame, path, overrides, noun)
        schema = inferred.schema
        notes += inferred.notes
    else:
        schema = _fitted(schema, table.frame.columns, path, overrides, noun)
        unused = [c for c in table.frame.columns if c not in _used_columns(schema)]
        if unused:
            notes.append(f"columns that the schema does not mention are left out: {', '.join(unused)}")
    frame, lines, rejects = _keep_identified(table, schema)
    rejected = Rejects.collect(rejects)
    if frame.height == 0:
        raise nothing_loaded(path, rejected)
    titles = _titles(frame, schema, lines, warnings)
    columns: dict[str, pl.Series] = {"id": frame[schema.id_column]}
    attributes: list[Attribute] = []
    for attribute in schema.attributes:
        if attribute.provenance == YEAR_FROM_TITLE:
            values = titles.str.extract(TITLE_YEAR, 2).cast(pl.Float64)
            titles = pl.select(pl.coalesce(titles.str.extract(TITLE_YEAR, 1), titles)).to_series()
        else:
            reading = read_attribute(frame[attribute.name], attribute)
            values = reading.values
            if reading.failures:
                bad = reading.unread.to_numpy()
                cells = frame[attribute.name].filter(reading.unread).head(1).to_list()
                warnings.append(unread_warning(attribute, lines[bad].tolist(), cells))
        attributes.append(with_statistics(attribute, values))
        columns[f"a:{attribute.name}"] = values
    columns["title"] = titles
    columns["text"] = _texts(frame, schema)
    schema = schema.model_copy(
        update={"attributes": tuple(attributes if given else assign_roles(attributes)), "count": frame.height}
    )
    aligned = pl.DataFrame([series.alias(name) for name, series in columns.items()])
    report = RowReport(path, read, frame.height, rejected, tuple(warnings), tuple(notes))
    return Catalogue.from_frame(aligned, schema), report


def read_attribute(series: pl.Series, attribute: Attribute) -> Reading:
    """A column of cleaned text as the kind that its attribute says."""
    if attribute.kind is AttributeKind.NUMBER:
        return read_numbers(series, attribute.unit)
    if attribute.kind is AttributeKind.DATE:
        return read_dates(series, attribute.date_format)
    if attribute.kind is AttributeKind.FLAG:
        return read_flags(series)
    if attribute.kind is AttributeKind.CATEGORIES:
        return read_lists(series, attribute.separator or "|")
    text = without_missing(series) if attribute.kind is AttributeKind.CATEGORY else series
    return Reading(text, text.is_null() & False)


def _clean_columns(table: Table, warnings: list[str]) -> None:
    cleaned = []
    for name in table.frame.columns:
        series, cut = clean(table.frame[name])
        cleaned.append(series.alias(name))
        if cut:
            warnings.append(f"{name}: {count(cut, 'cell')} longer than {MAX_CELL:,} characters cut to that length")
    table.frame = pl.DataFrame(cleaned)


def _used_columns(schema: CatalogueSchema) -> set[str]:
    own = {a.name for a in schema.attributes if a.provenance != YEAR_FROM_TITLE}
    return own | {schema.id_column, schema.title_column, *schema.text_columns}


def _fitted(
    schema: CatalogueSchema, columns: list[str], path: Path, overrides: ColumnOverrides | None, noun: str | None
) -> CatalogueSchema:
    """A given schema with the overrides, checked against the file."""
    chosen = overrides or ColumnOverrides()
    update: dict[str, object] = {}
    if chosen.id:
        update["id_column"] = chosen.id
    if chosen.title:
        update["title_column"] = chosen.title
    if chosen.text:
        update["text_columns"] = chosen.text
    if noun:
        update["noun"] = noun
    schema = schema.model_copy(update=update)
    for name in sorted(_used_columns(schema)):
        if name not in columns:
            raise SchemaError(
                f"The schema names a column {name!r} that {path.name} does not have{nearest(name, columns)}."
            )
    return schema


def _keep_identified(table: Table, schema: CatalogueSchema) -> tuple[pl.DataFrame, NDArray[np.int64], list[Reject]]:
    """Rows with an id of their own; the first of several rows with one id is kept."""
    ids = table.frame[schema.id_column]
    missing = ids.is_null().to_numpy()
    too_long = (ids.str.len_chars() > _ID_LENGTH).fill_null(value=False).to_numpy()
    repeated = ~ids.is_first_distinct().to_numpy() & ~missing
    rejects = list(table.rejects)
    for mask, reason in (
        (missing, "no id"),
        (too_long, "id too long"),
        (repeated & ~too_long, "id already used above"),
    ):
        for position in np.flatnonzero(mask).tolist():
            row = table.frame.row(position)
            rejects.append(
                Reject(int(table.lines[position]), reason, ", ".join(str(c)[:200] for c in row if c is not None))
            )
    keep = ~(missing | too_long | repeated)
    return table.frame.filter(pl.Series(keep)), table.lines[keep], rejects


def _titles(frame: pl.DataFrame, schema: CatalogueSchema, lines: NDArray[np.int64], warnings: list[str]) -> pl.Series:
    titles = frame[schema.title_column]
    missing = titles.is_null()
    if bool(missing.any()):
        where = lines_phrase(lines[missing.to_numpy()].tolist())
        warnings.append(f"{count(int(missing.sum()), 'title')} missing, the id is shown instead ({where})")
        titles = pl.select(pl.coalesce(titles, frame[schema.id_column])).to_series()
    return titles


def _texts(frame: pl.DataFrame, schema: CatalogueSchema) -> pl.Series:
    if not schema.text_columns:
        return pl.Series([""] * frame.height, dtype=pl.String)
    parts = [read_text(frame[name]).alias(name) for name in schema.text_columns]
    return (
        pl.DataFrame(parts).select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True)).to_series().fill_null("")
    )
