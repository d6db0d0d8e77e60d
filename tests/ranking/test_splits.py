from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convrec.ranking.errors import TrainingError
from convrec.ranking.splits import global_temporal, leave_one_out, subset
from convrec.retrieval.interactions import InteractionLog


def test_last_is_test_and_the_one_before_validation() -> None:
    split = leave_one_out(InteractionLog.from_sequences([[5, 6, 7, 8], [1, 2], [3, 4, 0]]))
    assert [split.train.history(u).tolist() for u in range(3)] == [[5, 6], [1, 2], [3]]
    assert split.validation.targets.tolist() == [7, 4]
    assert split.test.targets.tolist() == [8, 0]
    assert [h.tolist() for h in split.test.histories()] == [[5, 6, 7], [3, 4]]
    assert split.validation.history(1).tolist() == [3]


def test_nobody_to_ask() -> None:
    split = leave_one_out(InteractionLog.from_sequences([[1], [2, 3]]))
    assert len(split.validation) == len(split.test) == 0
    assert len(split.train) == 3
    assert len(leave_one_out(InteractionLog.from_sequences([])).test) == 0


def test_a_case_is_never_in_training() -> None:
    rng = np.random.default_rng(0)
    log = InteractionLog.from_sequences([rng.permutation(50)[: rng.integers(0, 20)].tolist() for _ in range(40)])
    split = leave_one_out(log)
    for cases in (split.validation, split.test):
        for case in range(len(cases)):
            user = int(cases.users[case])
            assert int(cases.targets[case]) not in split.train.history(user)
    assert len(split.train) + len(split.validation) + len(split.test) == len(log)


def _timed(times: list[list[float]]) -> InteractionLog:
    log = InteractionLog.from_sequences([list(range(len(t))) for t in times])
    return replace(log, timestamps=np.array([x for t in times for x in t]))


def test_temporal_split_asks_the_first_event_of_a_period() -> None:
    log = _timed([[0, 1, 2, 8.0, 9.5], [0, 1, 9.4, 9.9], [9.7], [3, 4, 5, 6]])
    split = global_temporal(log, validation=0.2, test=0.2)
    start = float(np.quantile(log.timestamps, 0.6))
    assert split.train.timestamps.max() < start
    assert all(log.timestamps[p] >= start for p in split.validation.positions)
    assert (split.test.positions > split.test.log.indptr[split.test.users]).all()
    assert len(np.unique(split.test.users)) == len(split.test)


def test_temporal_split_needs_times() -> None:
    with pytest.raises(TrainingError, match="timestamp for every event"):
        global_temporal(InteractionLog.from_sequences([[1, 2, 3]]))
    with pytest.raises(TrainingError, match="same timestamp"):
        global_temporal(_timed([[7.0, 7.0, 7.0]]))


def test_subset_keeps_people_and_order() -> None:
    log = InteractionLog.from_sequences([[4, 5], [6]], ["a", "b"])
    kept = subset(log, np.array([False, True, False]))
    assert kept.user_ids == ("a", "b")
    assert [kept.history(u).tolist() for u in range(2)] == [[5], []]
