"""From files to a catalogue and an interaction log, with a report on every row."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.errors import InputFileError, SchemaError
from convrec.retrieval.files import Table, read_table
from convrec.retrieval.inference import (
    TITLE_YEAR,
    YEAR_FROM_TITLE,
    ColumnOverrides,
    finish,
    infer_schema,
    nearest,
    unread_warning,
    with_statistics,
)
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.log_columns import LogColumns, infer_log_columns
from convrec.retrieval.reports import Reject, Rejects, RowReport, count, lines_phrase, sanitise_text
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema
from convrec.retrieval.values import (
    MAX_CELL,
    Reading,
    clean,
    read_dates,
    read_flags,
    read_lists,
    read_numbers,
    read_times,
    without_missing,
)

__all__ = ["ColumnOverrides", "RowReport", "read_interactions", "read_items", "sanitise_text"]

_CLOCK_SKEW = 86_400.0
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
        raise _nothing_loaded(path, Rejects.collect(table.rejects))
    _clean_columns(table, warnings)
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
        raise _nothing_loaded(path, rejected)
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
    schema = finish(schema, attributes, frame.height)
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
    if chosen.text is not None:
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
    parts = [without_missing(frame[name]).alias(name) for name in schema.text_columns]
    return (
        pl.DataFrame(parts).select(pl.concat_str(pl.all(), separator=" ", ignore_nulls=True)).to_series().fill_null("")
    )


def _nothing_loaded(path: Path, rejected: Rejects) -> InputFileError:
    if not len(rejected):
        return InputFileError(f"{path} has no rows; add at least one row below the header.")
    first = rejected[0]
    return InputFileError(
        f"None of the {count(len(rejected), 'row')} of {path} can be used; the first, line {first.line_number}, has "
        f"{first.reason}; correct the file and try again."
    )


def read_interactions(
    path: Path | str, catalogue: Catalogue, *, overrides: ColumnOverrides | None = None
) -> tuple[InteractionLog, RowReport]:
    """Read a log of interactions: ratings, events or bare pairs, of items that the catalogue has.

    Events at equal times keep the order of the file. A time that cannot be read, or that lies in the future, becomes
    unknown and its event stays; both are counted.

    Raises:
        InputFileError: the file cannot be used, or no row of it names a person and a known item.
        SchemaError: the columns cannot be told apart, or an override names one that does not exist.
    """
    path = Path(path)
    table = read_table(path)
    if table.frame.height == 0:
        raise _nothing_loaded(path, Rejects.collect(table.rejects))
    warnings, notes = list(table.warnings), list(table.notes)
    columns = infer_log_columns(table.frame, path, catalogue, overrides)
    notes.append(columns.sentence())
    users, items = _keys(table.frame[columns.user]), _keys(table.frame[columns.item])
    rows = _item_rows(items, catalogue.ids)
    keep, rejects = _judge_events(table, users, items, rows)
    if not keep.any():
        raise _no_known_item(path, columns, items, catalogue, rejects)
    log_lines = table.lines[keep]
    kept = table.frame.filter(pl.Series(keep))
    values = _values(kept, columns.value, log_lines, warnings)
    times = _times(kept, columns.time, log_lines, warnings)
    names, events = _events(kept, columns.event)
    log = _sorted_log(
        users=users.filter(pl.Series(keep)), rows=rows[keep], values=values, times=times, events=events, names=names
    )
    report = RowReport(path, table.frame.height + len(table.rejects), len(log), rejects, tuple(warnings), tuple(notes))
    return log, report


def _keys(series: pl.Series) -> pl.Series:
    return clean(series)[0]


def _item_rows(items: pl.Series, ids: tuple[str, ...]) -> NDArray[np.int32]:
    """Catalogue row of each event, -1 for unknown items."""
    known = pl.DataFrame({"id": pl.Series(ids, dtype=pl.String), "row": pl.Series(np.arange(len(ids), dtype=np.int32))})
    joined = pl.DataFrame({"id": items}).join(known, on="id", how="left", maintain_order="left")
    return joined["row"].fill_null(-1).to_numpy().astype(np.int32)


def _judge_events(
    table: Table, users: pl.Series, items: pl.Series, rows: NDArray[np.int32]
) -> tuple[NDArray[np.bool_], Rejects]:
    no_user = users.is_null().to_numpy()
    no_item = items.is_null().to_numpy() & ~no_user
    unknown = (rows < 0) & ~no_user & ~no_item
    bad = no_user | no_item | unknown
    positions = np.flatnonzero(bad)
    excerpts = pl.DataFrame({"u": users, "i": items})[positions].select(
        pl.concat_str(
            pl.col("u").fill_null("").str.slice(0, 70), pl.col("i").fill_null("").str.slice(0, 70), separator=", "
        )
    )
    reasons = np.where(no_user, "no person", np.where(no_item, "no item", "item not in the catalogue"))[positions]
    lines = table.lines[positions].tolist()
    if not table.rejects:
        return ~bad, Rejects(lines, reasons.tolist(), excerpts.to_series().to_list())
    own = Rejects(lines, reasons.tolist(), excerpts.to_series().to_list())
    return ~bad, Rejects.collect([*own, *table.rejects])


def _no_known_item(
    path: Path, columns: LogColumns, items: pl.Series, catalogue: Catalogue, rejects: Rejects
) -> InputFileError:
    seen = items.drop_nulls().head(1).to_list()
    return InputFileError(
        f"None of the {count(len(rejects), 'row')} of {path} names a person and an item of the catalogue: column "
        f"{columns.item} has {seen[0] if seen else 'nothing'!r} where the catalogue's ids look like "
        f"{catalogue.ids[0]!r}; name the right columns with --item and --user."
    )


def _values(
    frame: pl.DataFrame, name: str | None, lines: NDArray[np.int64], warnings: list[str]
) -> NDArray[np.float32]:
    if name is None:
        return np.full(frame.height, np.nan, np.float32)
    source = frame[name]
    if source.dtype.is_numeric() or source.dtype == pl.Boolean:
        values = source.cast(pl.Float64).fill_nan(None)
        values = values.set(values.is_infinite(), None)
        unread = source.is_not_null() & values.is_null()
    else:
        reading = read_numbers(source.str.strip_chars())
        values, unread = reading.values, reading.unread
    if bool(unread.any()):
        where = lines_phrase(lines[unread.to_numpy()].tolist())
        warnings.append(f"{name}: {count(int(unread.sum()), 'value')} not a number, read as unknown ({where})")
    return values.fill_null(float("nan")).to_numpy().astype(np.float32)


def _times(frame: pl.DataFrame, name: str | None, lines: NDArray[np.int64], warnings: list[str]) -> NDArray[np.float64]:
    if name is None:
        return np.full(frame.height, np.nan)
    source = frame[name] if frame[name].dtype != pl.String else frame[name].str.strip_chars()
    reading = read_times(source)
    seconds = reading.values.fill_null(float("nan")).to_numpy().copy()
    future = seconds > time.time() + _CLOCK_SKEW
    before = seconds <= 0
    for mask, what in (
        (reading.unread.to_numpy(), "could not be read"),
        (future, "in the future"),
        (before, "not after 1970"),
    ):
        if mask.any():
            where = lines_phrase(lines[mask].tolist())
            warnings.append(f"{name}: {count(int(mask.sum()), 'time')} {what}, read as unknown ({where})")
    seconds[future | before] = np.nan
    known = seconds[~np.isnan(seconds)]
    if known.size and float(np.median(known)) < 1e8:
        warnings.append(f"{name}: these numbers are too small to be dates; they only order the events")
    return seconds


def _events(frame: pl.DataFrame, name: str | None) -> tuple[tuple[str, ...], NDArray[np.int16]]:
    if name is None:
        return ("interaction",), np.zeros(frame.height, np.int16)
    text = clean(frame[name])[0].str.slice(0, 80).fill_null("unknown")
    counts = text.value_counts(sort=True).sort(["count", text.name], descending=[True, False])
    names = counts[text.name].to_list()
    if len(names) > np.iinfo(np.int16).max:
        raise SchemaError(f"Column {name!r} has {len(names):,} different events; name another one with --event.")
    codes = text.replace_strict(names, list(range(len(names))), return_dtype=pl.Int16)
    return tuple(names), codes.to_numpy().astype(np.int16)


def _sorted_log(
    *,
    users: pl.Series,
    rows: NDArray[np.int32],
    values: NDArray[np.float32],
    times: NDArray[np.float64],
    events: NDArray[np.int16],
    names: tuple[str, ...],
) -> InteractionLog:
    """By person in order of first appearance, then time (unknown first), then the order of the file."""
    people = users.unique(maintain_order=True)
    codes_frame = pl.DataFrame({"u": people, "code": pl.Series(np.arange(len(people), dtype=np.int32))})
    codes = pl.DataFrame({"u": users}).join(codes_frame, on="u", how="left", maintain_order="left")["code"].to_numpy()
    order = np.lexsort((np.where(np.isnan(times), -np.inf, times), codes))
    lengths = np.bincount(codes, minlength=len(people))
    return InteractionLog(
        user_ids=tuple(people.to_list()),
        indptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]).astype(np.int64),
        items=rows[order],
        values=values[order],
        timestamps=times[order],
        events=events[order],
        event_names=names,
    )
