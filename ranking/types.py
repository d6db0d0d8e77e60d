"""Records that the ranking layer produces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from convrec.retrieval.interactions import InteractionLog


@dataclass(frozen=True, eq=False)
class Person:
    """Whoever the list is for. All rows are catalogue rows.

    `items` (N,) int32 is the history, oldest first; `values` (N,) float32 are its ratings or weights, NaN where there
    are none; `timestamps` (N,) float64 seconds since 1970 or NaN. `liked`, `disliked` and `seen` is what the person
    said in conversations; these rows stand at the end of `items` as well when they were liked or seen.
    """

    user_id: str | None = None
    items: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    values: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    timestamps: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0, np.float64))
    liked: frozenset[int] = frozenset()
    disliked: frozenset[int] = frozenset()
    seen: frozenset[int] = frozenset()

    @property
    def known(self) -> frozenset[int]:
        """Everything that the person already had: left out of lists unless asked for."""
        return frozenset(self.items.tolist()) | self.liked | self.disliked | self.seen

    def weights(self) -> NDArray[np.float32]:
        """(N,) how much each item of the history was liked, in [-1, 1].

        A rating counts by its distance from the person's mean, in halves of the person's spread; an event without a
        rating counts as liked; what was liked or disliked in words counts fully.
        """
        weights = np.ones(self.items.size, np.float32)
        rated = ~np.isnan(self.values)
        if rated.any():
            own = self.values[rated]
            spread = max(float(own.std()), 0.5)
            weights[rated] = np.clip((own - float(own.mean())) / spread / 2 + 0.35, -1, 1)
        for position, row in enumerate(self.items.tolist()):
            if row in self.liked:
                weights[position] = 1
            elif row in self.disliked:
                weights[position] = -1
        return weights

    @classmethod
    def from_log(
        cls,
        log: InteractionLog,
        user_id: str | None,
        *,
        liked: tuple[int, ...] = (),
        disliked: tuple[int, ...] = (),
        seen: tuple[int, ...] = (),
    ) -> Person:
        """The person as the log knows them, with what they said since appended."""
        row = log.row(user_id) if user_id is not None else None
        if row is None:
            items, values, times = np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.float64)
        else:
            run = slice(int(log.indptr[row]), int(log.indptr[row + 1]))
            items, values, times = log.items[run], log.values[run], log.timestamps[run]
        known = set(items.tolist())
        said = [r for r in (*seen, *liked) if r not in known]
        said = list(dict.fromkeys(said))
        items = np.concatenate([items, np.array(said, np.int32)])
        values = np.concatenate([values, np.full(len(said), np.nan, np.float32)])
        times = np.concatenate([times, np.full(len(said), np.nan)])
        return cls(user_id, items, values, times, frozenset(liked), frozenset(disliked), frozenset(seen))


@dataclass(frozen=True, eq=False)
class Scored:
    """Candidates with their score in named terms.

    `rows` (n,) int32; `terms` maps a term to (n,) float64. The score of a candidate is the sum of its terms.
    """

    rows: NDArray[np.int32]
    terms: Mapping[str, NDArray[np.float64]]

    @property
    def score(self) -> NDArray[np.float64]:
        """(n,) float64."""
        total = np.zeros(self.rows.size)
        for column in self.terms.values():
            total = total + column
        return total


@dataclass(frozen=True, slots=True)
class ScoredItem:
    """One entry of a selected list; `score` is the sum of `breakdown`, the list-wide terms included."""

    row: int
    score: float
    breakdown: Mapping[str, float]
