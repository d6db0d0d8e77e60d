"""From a file of ratings, events or bare pairs to the interaction log."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.errors import InputFileError, SchemaError
from convrec.retrieval.files import Table, read_table
from convrec.retrieval.hints import is_column_word
from convrec.retrieval.inference import ColumnOverrides
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.log_columns import LogColumns, infer_log_columns
from convrec.retrieval.reports import Rejects, RowReport, count, lines_phrase, nothing_loaded
from convrec.retrieval.values import clean, read_numbers, read_times

_CLOCK_SKEW = 86_400.0


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
    table = read_table(path, known={i for i in catalogue.ids if not is_column_word(i)})
    if table.frame.height == 0:
        raise nothing_loaded(path, Rejects.collect(table.rejects))
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
        f"{catalogue.ids[0]!r}; name the right columns with --item-column and --user-column."
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
