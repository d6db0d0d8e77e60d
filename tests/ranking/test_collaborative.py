from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse

from convrec.ranking import collaborative
from convrec.ranking.collaborative import (
    EaseSettings,
    ItemToItem,
    TransitionSettings,
    co_occurrence,
    fit_ease,
    fit_transitions,
    liking_weights,
)
from convrec.ranking.errors import CheckpointError, TrainingError
from convrec.ranking.types import Person
from convrec.retrieval.interactions import InteractionLog

ITEMS = 12


def _log(people: int = 60, seed: int = 0) -> InteractionLog:
    rng = np.random.default_rng(seed)
    return InteractionLog.from_sequences([rng.permutation(ITEMS)[: rng.integers(0, 9)].tolist() for _ in range(people)])


def _dense(model: ItemToItem) -> NDArray[Any]:
    out = np.zeros((model.items, model.items), np.float32)
    for row in range(model.items):
        span = slice(int(model.indptr[row]), int(model.indptr[row + 1]))
        out[row, model.columns[span]] = model.weights[span]
    return out


def _total(blocks: Iterable[sparse.csr_matrix]) -> NDArray[Any]:
    return np.asarray(np.sum([block.toarray() for block in blocks], axis=0))


def test_co_occurrence_counts_followers_by_gap() -> None:
    log = InteractionLog.from_sequences([[0, 1, 2], [1, 2]])
    total = _total(co_occurrence(log, 3, decay=0.5, gaps=2))
    np.testing.assert_allclose(total, np.array([[0, 1, 0.5], [0, 0, 2], [0, 0, 0]]))


def test_blocks_of_people_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    log = _log()
    whole = _total(co_occurrence(log, ITEMS, decay=0.8, gaps=5))
    monkeypatch.setattr(collaborative, "BLOCK_PAIRS", 50)
    blocks = list(co_occurrence(log, ITEMS, decay=0.8, gaps=5))
    assert len(blocks) > 5
    np.testing.assert_allclose(_total(blocks), whole, rtol=1e-6)


def test_transitions_are_probabilities_of_what_follows() -> None:
    log = InteractionLog.from_sequences([[0, 1], [0, 1], [0, 2]])
    model = fit_transitions(log, 3, TransitionSettings(shrink=1, gaps=1))
    np.testing.assert_allclose(model.scores([np.array([0])]), [[0, 2 / 4, 1 / 4]])


def test_ease_is_the_closed_form() -> None:
    log = _log()
    model = fit_ease(log, ITEMS, EaseSettings(decay=1, recall=1, ridge=0.5, neighbours=ITEMS))
    met = np.zeros((log.users, ITEMS))
    for user in range(log.users):
        met[user, log.history(user)] = 1
    gram = met.T @ met
    inverse = np.linalg.inv(gram + 0.5 * np.diag(gram).mean() * np.eye(ITEMS))
    expected = inverse / -np.diag(inverse)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(_dense(model), expected, atol=1e-5)
    np.testing.assert_allclose(model.scores([np.array([1, 4])])[0], expected[1] + expected[4], atol=1e-5)


def test_decayed_ease_is_the_closed_form_of_decayed_pairs() -> None:
    log = _log()
    found = _dense(fit_ease(log, ITEMS, EaseSettings(decay=0.7, ridge=0.5, neighbours=ITEMS)))
    pairs = 0.7 * _total(co_occurrence(log, ITEMS, decay=0.7, gaps=40))
    gram = pairs + pairs.T + np.diag(np.bincount(log.items, minlength=ITEMS))
    inverse = np.linalg.inv(gram + 0.5 * np.diag(gram).mean() * np.eye(ITEMS))
    expected = inverse / -np.diag(inverse)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_only_the_strongest_neighbours_are_kept() -> None:
    log = _log()
    whole = _dense(fit_transitions(log, ITEMS))
    few = fit_transitions(log, ITEMS, TransitionSettings(neighbours=3))
    assert np.diff(few.indptr).max() == 3
    kept = _dense(few)
    for row in range(ITEMS):
        np.testing.assert_allclose(np.sort(kept[row])[-3:], np.sort(whole[row])[-3:])


def test_large_catalogues_fall_back_to_shrunk_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collaborative, "DENSE_ITEMS", 5)
    model = fit_ease(_log(), ITEMS)
    weights = _dense(model)
    assert (np.diag(weights) == 0).all()
    assert weights.max() > 0
    np.testing.assert_allclose(weights, weights.T, rtol=1e-4)


def _models() -> list[ItemToItem]:
    log = _log()
    return [fit_ease(log, ITEMS, EaseSettings(decay=1, recall=1)), fit_ease(log, ITEMS), fit_transitions(log, ITEMS)]


@given(st.lists(st.integers(0, ITEMS - 1), max_size=30), st.sets(st.integers(0, ITEMS - 1)), st.booleans())
@settings(max_examples=40, deadline=None)
def test_candidates_score_as_in_the_whole_row(history: list[int], rows: set[int], liked: bool) -> None:
    past, asked = np.array(history, np.int32), np.array(sorted(rows, key=hash), np.int32)[::-1]
    liking = np.linspace(-1, 1, past.size).astype(np.float32) if liked else None
    for model in MODELS:
        whole = model.scores([past], None if liking is None else [liking])[0]
        np.testing.assert_allclose(model.scores_for(past, asked, liking), whole[asked], atol=1e-5)
        for row in asked[:3].tolist():
            parts = model.contributions(past, row, liking)
            assert parts.shape == past.shape
            assert parts.sum() == pytest.approx(whole[row], abs=1e-5)


MODELS = _models()


def test_recent_events_weigh_more() -> None:
    log = InteractionLog.from_sequences([[0, 1], [2, 3]])
    scores = fit_transitions(log, 4).scores([np.array([0, 2]), np.array([2, 0])])
    assert scores[0, 3] > scores[0, 1]
    assert scores[1, 1] > scores[1, 3]


def test_what_was_disliked_counts_against_its_neighbours() -> None:
    log = InteractionLog.from_sequences([[0, 1]] * 5)
    model = fit_transitions(log, 2)
    assert model.scores([np.array([0])], [np.array([-1.0])])[0, 1] < 0


def test_liking_is_that_of_the_person() -> None:
    values = np.array([1, 3, 5, np.nan, 4, 4], np.float32)
    log = replace(InteractionLog.from_sequences([[0, 1, 2, 3], [0, 1]]), values=values)
    weights = liking_weights(log)
    for row, user in enumerate(log.user_ids):
        span = slice(int(log.indptr[row]), int(log.indptr[row + 1]))
        np.testing.assert_allclose(weights[span], Person.from_log(log, user).weights(), atol=1e-6)


@pytest.mark.parametrize("sequences", [[], [[]], [[3]], [[0, 0, 0, 0]] * 4, [[1, 2]]])
def test_poor_logs_give_finite_scores(sequences: list[list[int]]) -> None:
    log = InteractionLog.from_sequences(sequences)
    for model in (fit_ease(log, ITEMS), fit_ease(log, ITEMS, EaseSettings(decay=1)), fit_transitions(log, ITEMS)):
        scores = model.scores([np.array([1], np.int32), np.zeros(0, np.int32)])
        assert scores.shape == (2, ITEMS)
        assert np.isfinite(scores).all()
        assert (scores[1] == 0).all()


def test_a_foreign_item_is_refused() -> None:
    with pytest.raises(TrainingError, match="item row 9"):
        fit_transitions(InteractionLog.from_sequences([[9]]), 5)


def test_arrays_there_and_back() -> None:
    for model in MODELS:
        again = ItemToItem.from_arrays(model.to_arrays())
        history = [np.array([1, 5, 3])]
        np.testing.assert_array_equal(again.scores(history), model.scores(history))


@pytest.mark.parametrize("damage", ["missing", "short", "foreign"])
def test_damaged_arrays_are_refused(damage: str) -> None:
    arrays = MODELS[0].to_arrays()
    if damage == "missing":
        del arrays["weights"]
    elif damage == "short":
        arrays["columns"] = arrays["columns"][:-1]
    else:
        arrays["columns"] = np.full_like(arrays["columns"], 1000)
    with pytest.raises(CheckpointError):
        ItemToItem.from_arrays(arrays)


@pytest.mark.slow
def test_five_million_events_stream() -> None:
    import resource

    rng = np.random.default_rng(0)
    items, people, each = 50_000, 50_000, 100
    picks = (rng.zipf(1.3, (people, each)) % items).astype(np.int32)
    log = InteractionLog.from_sequences([[0]])
    log = replace(
        log,
        user_ids=tuple(map(str, range(people))),
        indptr=np.arange(people + 1, dtype=np.int64) * each,
        items=picks.ravel(),
        values=np.full(picks.size, np.nan, np.float32),
        timestamps=np.full(picks.size, np.nan),
        events=np.zeros(picks.size, np.int16),
    )
    fit_transitions(log, items)
    fit_ease(log, items)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 6 * 1024**2  # kilobytes
