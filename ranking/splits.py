"""Ways to hold out the end of a log: everybody's last item, or everything after a moment.

Where timestamps tie or are missing, the log's own order decides: `InteractionLog` sorts by person, then time, then the
order of the file, and nothing here sorts again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convrec.ranking.errors import TrainingError
from convrec.retrieval.interactions import InteractionLog


@dataclass(frozen=True, eq=False)
class Cases:
    """What is asked at evaluation: `positions` (B,) int64 events of `log`, each to be found from what came before it.

    `users` (B,) int64 rows of the log. A history is everything of that person before the event; it may hold events that
    no model was trained on (the validation item, when the test is asked).
    """

    log: InteractionLog
    users: NDArray[np.int64]
    positions: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.users.size)

    @property
    def targets(self) -> NDArray[np.int32]:
        """(B,) the items to be found."""
        return self.log.items[self.positions]

    def history(self, case: int) -> NDArray[np.int32]:
        """Items of the person before the case's event, oldest first."""
        return self.log.items[self.log.indptr[self.users[case]] : self.positions[case]]

    def histories(self) -> list[NDArray[np.int32]]:
        """One history a case, oldest first."""
        starts = self.log.indptr[self.users]
        return [self.log.items[a:b] for a, b in zip(starts.tolist(), self.positions.tolist(), strict=True)]

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Cases:
        """Some of the cases."""
        return Cases(self.log, self.users[rows], self.positions[rows])


@dataclass(frozen=True, eq=False)
class Split:
    """`train` is all that models may learn from; `validation` chooses between them; `test` is looked at once."""

    name: str
    train: InteractionLog
    validation: Cases
    test: Cases


def leave_one_out(log: InteractionLog) -> Split:
    """Everybody's last event is the test, the one before it validation, the rest training.

    People with fewer than three events are trained on and never asked: nothing would be left to ask from.
    """
    lengths = np.diff(log.indptr)
    asked = np.flatnonzero(lengths >= 3)
    held = np.where(lengths >= 3, 2, 0)
    ends = log.indptr[1:]
    train = subset(log, np.arange(len(log)) < np.repeat(ends - held, lengths))
    return Split("leave-one-out", train, Cases(log, asked, ends[asked] - 2), Cases(log, asked, ends[asked] - 1))


def global_temporal(log: InteractionLog, *, validation: float = 0.1, test: float = 0.1) -> Split:
    """Everything up to one moment is training, the next `validation` share of events, then the last `test` share.

    Each person's first event in a period is the question asked of them there, so nobody counts twice and no model sees
    anything from after the period's start. People without an earlier event are not asked.
    """
    if np.isnan(log.timestamps).any():
        raise TrainingError("a temporal split needs a timestamp for every event; split by leave-one-out instead")
    if not len(log):
        empty = Cases(log, np.zeros(0, np.int64), np.zeros(0, np.int64))
        return Split("temporal", log, empty, empty)
    start, last = np.quantile(log.timestamps, [1 - validation - test, 1 - test])
    train = subset(log, log.timestamps < start)
    if not len(train):
        raise TrainingError("all events carry the same timestamp; split by leave-one-out instead")
    return Split("temporal", train, _first_events(log, start, last), _first_events(log, last, np.inf))


def subset(log: InteractionLog, keep: NDArray[np.bool_]) -> InteractionLog:
    """The same people with only the events `keep` (N,); order stays."""
    counts = np.concatenate([[0], np.cumsum(keep)])
    return InteractionLog(
        user_ids=log.user_ids,
        indptr=counts[log.indptr].astype(np.int64),
        items=log.items[keep],
        values=log.values[keep],
        timestamps=log.timestamps[keep],
        events=log.events[keep],
        event_names=log.event_names,
    )


def _first_events(log: InteractionLog, low: float, high: float) -> Cases:
    """Each person's first event at or after `low`, where it falls before `high` and is not the first of all."""
    person = np.repeat(np.arange(log.users), np.diff(log.indptr))
    later = np.flatnonzero(log.timestamps >= low)
    users, first = np.unique(person[later], return_index=True)
    positions = later[first]
    asked = (log.timestamps[positions] < high) & (positions > log.indptr[users])
    return Cases(log, users[asked].astype(np.int64), positions[asked].astype(np.int64))
