"""The interaction log as arrays: one contiguous, time-ordered run of events a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, eq=False)
class InteractionLog:
    """Who interacted with what, sorted by person, then time, then the order of the file.

    U people, N events. `indptr` (U + 1,) int64 delimits each person's run in the event arrays; `items` (N,) int32
    are catalogue rows; `values` (N,) float32 are ratings or weights, NaN where the log has none; `timestamps` (N,)
    float64 are seconds since 1970, NaN where unknown; `events` (N,) int16 index `event_names`.
    """

    user_ids: tuple[str, ...]
    indptr: NDArray[np.int64]
    items: NDArray[np.int32]
    values: NDArray[np.float32]
    timestamps: NDArray[np.float64]
    events: NDArray[np.int16]
    event_names: tuple[str, ...] = ("interaction",)

    def __len__(self) -> int:
        return int(self.items.size)

    @property
    def users(self) -> int:
        return len(self.user_ids)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {user: row for row, user in enumerate(self.user_ids)}

    def row(self, user_id: str) -> int | None:
        """Row of a person, or None for somebody the log does not know."""
        return self._rows.get(user_id)

    def history(self, row: int) -> NDArray[np.int32]:
        """Items of one person, oldest first."""
        return self.items[self.indptr[row] : self.indptr[row + 1]]

    @classmethod
    def from_sequences(
        cls, sequences: Sequence[Sequence[int]], user_ids: Sequence[str] | None = None
    ) -> InteractionLog:
        """A log from bare item sequences in time order (no values, no timestamps)."""
        lengths = np.fromiter((len(s) for s in sequences), dtype=np.int64, count=len(sequences))
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        items = np.fromiter((i for s in sequences for i in s), dtype=np.int32, count=int(indptr[-1]))
        ids = tuple(user_ids) if user_ids is not None else tuple(str(u) for u in range(len(sequences)))
        return cls(
            user_ids=ids,
            indptr=indptr,
            items=items,
            values=np.full(items.size, np.nan, np.float32),
            timestamps=np.full(items.size, np.nan, np.float64),
            events=np.zeros(items.size, np.int16),
        )

    def to_frame(self, item_ids: Sequence[str]) -> pl.DataFrame:
        """As a table for Parquet: user_id, item_id, value, timestamp, event; `item_ids` maps rows to ids."""
        import polars as pl

        users = np.repeat(np.arange(self.users), np.diff(self.indptr))
        return pl.DataFrame(
            {
                "user_id": pl.Series(self.user_ids, dtype=pl.String).gather(users),
                "item_id": pl.Series(item_ids, dtype=pl.String).gather(self.items),
                "value": pl.Series(self.values).fill_nan(None),
                "timestamp": pl.Series(self.timestamps).fill_nan(None),
                "event": pl.Series(self.event_names, dtype=pl.String).gather(self.events.astype(np.int64)),
            }
        )

    @classmethod
    def from_frame(cls, frame: pl.DataFrame, item_ids: Sequence[str]) -> InteractionLog:
        """The inverse of `to_frame`: rows are in the order of the log and name known items only."""
        import polars as pl

        rows = pl.DataFrame({"item_id": pl.Series(item_ids, dtype=pl.String)}).with_row_index("row")
        joined = frame.join(rows, on="item_id", how="left", maintain_order="left")
        runs = frame["user_id"].rle().struct.unnest()
        names = frame["event"].unique(maintain_order=True).to_list() or ["interaction"]
        codes = frame["event"].replace_strict(names, range(len(names)), return_dtype=pl.Int16)
        return cls(
            user_ids=tuple(runs["value"].to_list()),
            indptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(runs["len"].to_numpy(), dtype=np.int64)]),
            items=joined["row"].to_numpy().astype(np.int32),
            values=frame["value"].fill_null(float("nan")).to_numpy().astype(np.float32),
            timestamps=frame["timestamp"].fill_null(float("nan")).to_numpy().astype(np.float64),
            events=codes.to_numpy().astype(np.int16),
            event_names=tuple(names),
        )
