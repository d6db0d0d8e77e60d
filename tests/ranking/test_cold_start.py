"""Items that nobody met borrow the evidence of those nearest in content."""

from __future__ import annotations

import numpy as np
import pytest

from convrec.ranking.cold_start import lend, share_lent
from convrec.ranking.collaborative import fit_transitions, item_counts
from convrec.retrieval.interactions import InteractionLog

ITEMS = 6
COLD = 5


@pytest.fixture
def log() -> InteractionLog:
    return InteractionLog.from_sequences([[0, 1, 2], [0, 1, 3], [4, 1, 2], [0, 1, 2]])


@pytest.fixture
def vectors() -> np.ndarray:
    """Item 5, whom nobody met, is almost item 2."""
    vectors = np.eye(ITEMS, 8, dtype=np.float32)
    vectors[COLD] = 0.99 * vectors[2] + 0.01 * vectors[4]
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def test_a_cold_item_is_scored_as_its_neighbour_and_less(log: InteractionLog, vectors: np.ndarray) -> None:
    before = fit_transitions(log, ITEMS)
    lending = lend(item_counts(log, ITEMS), vectors)
    assert lending is not None
    after = before.mixed(lending.mixture)
    history = [np.array([0, 1])]
    was, now = before.scores(history)[0], after.scores(history)[0]
    assert was[COLD] == 0
    np.testing.assert_allclose(now[:COLD], was[:COLD], rtol=1e-6)
    np.testing.assert_allclose(now[COLD], share_lent(item_counts(log, ITEMS)) * was[2], rtol=1e-3)


def test_a_cold_item_in_a_history_speaks_for_what_its_neighbour_leads_to(
    log: InteractionLog, vectors: np.ndarray
) -> None:
    vectors[[COLD, 1]] = vectors[[1, COLD]]
    vectors[COLD] = vectors[0]
    lending = lend(item_counts(log, ITEMS), vectors)
    assert lending is not None
    model = fit_transitions(log, ITEMS).mixed(lending.mixture)
    scores = model.scores([np.array([0]), np.array([COLD])])
    np.testing.assert_allclose(scores[1, :COLD], share_lent(item_counts(log, ITEMS)) * scores[0, :COLD], rtol=1e-3)


def test_nobody_lends_where_nothing_is_cold_or_everything_is(vectors: np.ndarray) -> None:
    assert lend(np.ones(ITEMS), vectors) is None
    assert lend(np.zeros(ITEMS), vectors) is None
    assert lend(np.zeros(0), np.zeros((0, 8), np.float32)) is None


def test_an_item_unlike_all_others_borrows_nothing(log: InteractionLog, vectors: np.ndarray) -> None:
    vectors[COLD] = np.eye(ITEMS, 8, dtype=np.float32)[0] * 0
    vectors[COLD, 7] = 1
    lending = lend(item_counts(log, ITEMS), vectors)
    assert lending is not None
    assert not lending.values(np.ones(ITEMS))[COLD]


def test_an_unmet_item_counts_for_more_where_items_are_met_often() -> None:
    sparse_log, dense_log = np.array([0, 1, 2, 1]), np.array([0, 200, 300, 100])
    assert 0 < share_lent(sparse_log) < 0.5 < 0.95 < share_lent(dense_log) < 1
    assert share_lent(np.zeros(3)) == 0
