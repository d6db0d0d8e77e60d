from __future__ import annotations

import numpy as np
import pytest

from convrec.evals.ranking import best_unseen, by_history, evaluate_ranking
from convrec.ranking.baselines import BASELINES, ItemKNN, Popularity, UserKNN, history_matrix
from convrec.ranking.splits import leave_one_out
from convrec.retrieval.interactions import InteractionLog

ITEMS = 30


def _two_tastes() -> InteractionLog:
    """Half of the people meet the even items, the others the odd ones, in any order."""
    rng = np.random.default_rng(0)
    return InteractionLog.from_sequences(
        [(2 * rng.permutation(ITEMS // 2)[: rng.integers(3, 13)] + kind).tolist() for kind in (0, 1) for _ in range(80)]
    )


@pytest.mark.parametrize("name", list(BASELINES))
def test_every_baseline_keeps_the_protocol(name: str) -> None:
    log = _two_tastes()
    scorer = BASELINES[name]().fit(log, ITEMS)
    histories = [np.array([0, 2, 4, 6], np.int32), np.zeros(0, np.int32), np.array([1, 3, 5, 7], np.int32)]
    scores = scorer.scores(histories)
    assert scores.shape == (3, ITEMS)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scorer.scores(histories[:1]), scores[:1], rtol=1e-4, atol=1e-5)
    if name != "popularity":
        unseen = np.arange(8, ITEMS)
        assert scores[0, unseen[::2]].mean() > scores[0, unseen[1::2]].mean()
        assert scores[2, unseen[1::2]].mean() > scores[2, unseen[::2]].mean()


@pytest.mark.parametrize("name", list(BASELINES))
def test_poor_logs_are_survived(name: str) -> None:
    for sequences in ([], [[1]], [[0, 1, 2]] * 3):
        scorer = BASELINES[name]().fit(InteractionLog.from_sequences(sequences), 4)
        assert np.isfinite(scorer.scores([np.array([1], np.int32)])).all()


def test_known_neighbours() -> None:
    log = InteractionLog.from_sequences([[0, 1], [0, 1], [0, 2]])
    scores = ItemKNN(shrink=0).fit(log, 3).scores([np.array([0])])
    np.testing.assert_allclose(scores, [[0, 2 / np.sqrt(6), 1 / np.sqrt(3)]], rtol=1e-6)
    people = UserKNN(neighbours=2, shrink=0).fit(log, 3).scores([np.array([0, 1])])
    np.testing.assert_allclose(people, [[2, 2, 0]], rtol=1e-6)
    assert Popularity().fit(log, 3).scores([np.array([0])]).tolist() == [[3, 2, 1]]


def test_a_repeated_event_counts_once() -> None:
    assert history_matrix([np.array([1, 1, 2])], 4).toarray().tolist() == [[0, 1, 1, 0]]


def test_evaluation_compares_on_the_same_people() -> None:
    log = _two_tastes()
    split = leave_one_out(log)
    systems = {name: by_history(BASELINES[name]().fit(split.train, ITEMS)) for name in ("popularity", "ease")}
    categories = np.eye(2)[np.arange(ITEMS) % 2]
    counts = np.bincount(split.train.items, minlength=ITEMS)
    result = evaluate_ranking(
        systems, split.test, ITEMS, k=5, counts=counts, vectors=categories, categories=categories, batch=37
    )
    assert result.cases == len(split.test)
    assert result.difference("ease", "popularity").better
    assert not result.difference("popularity", "ease").better
    ease, popularity = result.system("ease"), result.system("popularity")
    assert ease.lists["miscalibration"] < popularity.lists["miscalibration"]
    assert ease.lists["diversity"] < popularity.lists["diversity"]
    assert 0 <= ease.lists["coverage"] <= 1
    report = result.to_json("ease")
    assert report["ours"] == "ease"
    with pytest.raises(KeyError):
        result.system("nobody")


def test_evaluation_without_cases() -> None:
    split = leave_one_out(InteractionLog.from_sequences([[1, 2]]))
    result = evaluate_ranking({"popularity": by_history(Popularity().fit(split.train, 4))}, split.test, 4)
    assert result.cases == 0
    assert np.isnan(result.system("popularity").interval("ndcg@10").mean)


def test_the_best_unseen_items_in_stable_order() -> None:
    scores = np.array([[0.5, 0.9, 0.5, np.nan, 0.9]])
    assert best_unseen(scores, [np.array([1], np.int32)], 3).tolist() == [[4, 0, 2]]
    assert best_unseen(scores, [np.zeros(0, np.int32)], 9).shape == (1, 5)
