"""Records that cross layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

AttributeValue = str | float | bool | tuple[str, ...]
"""A value of one attribute: category, text (str); number, date in days since 1970 (float); flag (bool); categories."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the catalogue. `attributes` leaves out what is missing; `text` is the free description, or ''."""

    id: str
    title: str
    text: str
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Interaction:
    """One event of the log; `timestamp` in seconds since 1970."""

    user_id: str
    item_id: str
    value: float | None = None
    timestamp: float | None = None
    event: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recalled item and the score that each recall channel gave it; a channel that did not see it is absent."""

    item_id: str
    channels: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Recalled:
    """What recall found, as arrays.

    `rows` (n,) int32 catalogue rows, best fused first, distinct, every one eligible. `channels` maps a channel's
    name to (n,) float32 with NaN where that channel has no opinion. `eligible` counts the rows of the whole
    catalogue that meet the filter and the exclusions; `n == min(eligible, asked)`.
    """

    rows: NDArray[np.int32]
    channels: Mapping[str, NDArray[np.float32]]
    fused: NDArray[np.float32]
    eligible: int
    plan: str

    def __len__(self) -> int:
        return int(self.rows.size)

    def candidates(self, ids: tuple[str, ...] | list[str]) -> Iterator[Candidate]:
        """The same as records; `ids` maps rows to item ids."""
        for position, row in enumerate(self.rows):
            scores = {
                name: float(column[position])
                for name, column in self.channels.items()
                if not np.isnan(column[position])
            }
            yield Candidate(ids[int(row)], scores)
