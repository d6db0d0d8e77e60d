"""Which column of an interaction log is the person, the item, the value, the time and the event."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.errors import SchemaError
from convrec.retrieval.hints import name_score, words
from convrec.retrieval.inference import ColumnOverrides, require_column
from convrec.retrieval.values import as_text, read_times

_SAMPLE = 20_000


@dataclass(frozen=True)
class LogColumns:
    """The columns of a log; None where it has no such column."""

    user: str
    item: str
    value: str | None
    time: str | None
    event: str | None
    unused: tuple[str, ...] = ()
    time_format: str | None = None

    def sentence(self) -> str:
        """How the log was understood."""
        parts = [f"person: {self.user}", f"item: {self.item}"]
        parts += [f"value: {self.value}"] if self.value else ["no value"]
        parts += [f"time: {self.time} ({self.time_format})"] if self.time else ["no time, the order of the file counts"]
        parts += [f"event: {self.event}"] if self.event else []
        parts += [f"not used: {', '.join(self.unused)}"] if self.unused else []
        return "; ".join(parts)


def infer_log_columns(
    frame: pl.DataFrame, path: Path, catalogue: Catalogue, overrides: ColumnOverrides | None = None
) -> LogColumns:
    """Tell the columns of a log apart by name, by overlap with the catalogue's ids and by the range of the values.

    Raises:
        SchemaError: there is no column for the person or the item, or an override names a column that does not exist.
    """
    chosen = overrides or ColumnOverrides()
    for name in (chosen.user, chosen.item, chosen.value, chosen.time, chosen.event):
        require_column(name, frame.columns, path)
    sample = frame if frame.height <= _SAMPLE else frame.gather_every(frame.height // _SAMPLE)
    free = [name for name in frame.columns if frame[name].null_count() < frame.height]
    named = {chosen.user, chosen.item, chosen.value, chosen.time, chosen.event}
    free = [name for name in free if name not in named]
    item = chosen.item or _item_column(sample, free, catalogue)
    free = [name for name in free if name != item]
    time = chosen.time or _time_column(sample, free)
    free = [name for name in free if name != time]
    user = chosen.user or _user_column(sample, free)
    if item is None or user is None:
        what, flag = ("item", "--item-column") if item is None else ("person", "--user-column")
        listed = ", ".join(frame.columns[:30])
        raise SchemaError(
            f"No column of {path.name} names the {what}; name it with {flag} COLUMN (there are: {listed})."
        )
    free = [name for name in free if name != user]
    event = chosen.event or _event_column(sample, free)
    free = [name for name in free if name != event]
    value = chosen.value or _value_column(sample, free)
    unused = tuple(name for name in frame.columns if name not in {user, item, value, time, event})
    time_format = read_times(sample[time]).date_format if time else None
    return LogColumns(user, item, value, time, event, unused, time_format)


def _item_column(sample: pl.DataFrame, names: list[str], catalogue: Catalogue) -> str | None:
    """The column that names items of the catalogue; between two that do, the better name, then the better cover."""
    ids = pl.Series(catalogue.ids, dtype=pl.String)
    own = {catalogue.schema.id_column.lower(), f"{catalogue.schema.noun}_id", f"{catalogue.schema.noun} id"}
    best: tuple[float, str] | None = None
    for position, name in enumerate(names):
        distinct = as_text(sample[name]).str.strip_chars().drop_nulls().unique()
        overlap = float(np.mean(distinct.is_in(ids.implode()).to_numpy())) if len(distinct) else 0.0
        hint = 150 if name.lower() in own else name_score(name, "columns", "item")
        other = name_score(name, "columns", "user")
        if overlap < 0.02 and hint < 50:
            continue
        cover = min(1.0, overlap * len(distinct) / max(1, len(ids)))
        score = 100 * overlap + 30 * cover + hint - (other if other > hint else 0) + position / 100
        if best is None or score > best[0]:
            best = (score, name)
    return best[1] if best else None


def _user_column(sample: pl.DataFrame, names: list[str]) -> str | None:
    best: tuple[float, str] | None = None
    for position, name in enumerate(names):
        hint = name_score(name, "columns", "user")
        distinct = sample[name].n_unique()
        measured = sample[name].dtype.is_float() or _share_fractional(sample[name]) > 0.2
        other = max(name_score(name, "columns", key) for key in ("value", "event", "time"))
        if not hint and (measured or distinct < 2 or other >= 50):
            continue
        score = hint + 30 * min(1.0, distinct / max(1, 0.005 * sample.height)) - position
        if best is None or score > best[0]:
            best = (score, name)
    return best[1] if best else None


def _share_fractional(series: pl.Series) -> float:
    return float(np.mean(as_text(series).fill_null("").str.contains(r"^-?\d+\.\d*[1-9]\d*$").to_numpy()))


def _time_column(sample: pl.DataFrame, names: list[str]) -> str | None:
    best: tuple[float, str] | None = None
    for name in names:
        hint = name_score(name, "columns", "time")
        head = sample[name].head(2000)
        filled = len(head) - head.null_count()
        if not filled:
            continue
        reading = read_times(head if head.dtype != pl.String else head.str.strip_chars())
        good = len(reading.values) - reading.values.null_count()
        typical = float(np.nanmedian(reading.values.fill_null(float("nan")).to_numpy())) if good else 0.0
        dated = good >= 0.7 * filled and 1e8 <= typical <= 1e10
        if not dated and not (hint >= 100 and good >= 0.7 * filled):
            continue
        score = hint + 100 * dated
        if best is None or score > best[0]:
            best = (score, name)
    return best[1] if best else None


def _event_column(sample: pl.DataFrame, names: list[str]) -> str | None:
    best: tuple[float, str] | None = None
    for name in names:
        hint = name_score(name, "columns", "event")
        text = as_text(sample[name]).drop_nulls()
        distinct = text.n_unique()
        numeric = 1 - text.cast(pl.Float64, strict=False).null_count() / max(1, len(text))
        short = float(np.mean(text.str.len_chars().to_numpy())) <= 30 if len(text) else False
        wordy = numeric < 0.1 and short and distinct <= max(30, 0.01 * sample.height) and distinct <= 200
        names_someone = max(name_score(name, "columns", "item"), name_score(name, "columns", "user")) >= 50
        if names_someone and hint < 50:
            continue
        if hint < 50 and not (wordy and distinct <= 12 and len(text) >= 0.9 * sample.height):
            continue
        if not wordy:
            continue
        if best is None or hint > best[0]:
            best = (hint, name)
    return best[1] if best else None


def _value_column(sample: pl.DataFrame, names: list[str]) -> str | None:
    best: tuple[float, str] | None = None
    for name in names:
        hint = name_score(name, "columns", "value")
        text = as_text(sample[name]).str.strip_chars().str.replace(",", ".", literal=True).drop_nulls()
        numeric = 1 - text.cast(pl.Float64, strict=False).null_count() / max(1, len(text))
        if numeric < 0.5 or (not hint and (numeric < 0.9 or text.n_unique() > 101 or words(name)[-1:] == ["id"])):
            continue
        score = hint + 10 * numeric
        if best is None or score > best[0]:
            best = (score, name)
    return best[1] if best else None
