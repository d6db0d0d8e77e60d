from __future__ import annotations

from typing import Any

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from ir_measures import AP, RR, P, R, nDCG
from numpy.typing import NDArray

from convrec.ranking import metrics

Array = NDArray[Any]
Bench = tuple[Array, list[Array], list[Array], dict[str, dict[str, int]], dict[str, dict[str, float]]]


def test_rank_counts_better_unseen_items() -> None:
    scores = np.array([[0.9, 0.5, 0.8, 0.1]], np.float32)
    assert metrics.target_ranks(scores, np.array([1])).tolist() == [3]
    assert metrics.target_ranks(scores, np.array([1]), [np.array([0])]).tolist() == [2]


def test_ties_rank_before_the_target() -> None:
    assert metrics.target_ranks(np.zeros((1, 5), np.float32), np.array([2])).tolist() == [5]
    ranks = metrics.target_set_ranks(np.zeros((1, 5), np.float32), [np.array([1, 3])])
    assert ranks[0].tolist() == [4, 5]


def test_a_seen_target_stays_in_the_running() -> None:
    scores = np.array([[3.0, 2.0, 1.0]], np.float32)
    assert metrics.target_ranks(scores, np.array([1]), [np.array([0, 1])]).tolist() == [1]


@pytest.mark.parametrize("lost", [np.nan, -np.inf, np.inf])
def test_a_target_without_a_finite_score_is_last(lost: float) -> None:
    scores = np.array([[0.0, lost, 0.0]], np.float32)
    assert metrics.target_ranks(scores, np.array([1])).tolist() == [3]


def test_known_answers_with_one_target() -> None:
    values = metrics.ranking_metrics(np.array([1, 3, 11]), 10)
    assert values["hr@10"].tolist() == [1, 1, 0]
    assert values["ndcg@10"].tolist() == [1, 0.5, 0]
    np.testing.assert_allclose(values["mrr@10"], [1, 1 / 3, 0])
    np.testing.assert_allclose(values["precision@10"], [0.1, 0.1, 0])
    np.testing.assert_allclose(values["f1@10"], [2 / 11, 2 / 11, 0])


def test_known_answers_with_several_targets() -> None:
    values = metrics.ranking_metrics([np.array([1, 4]), np.array([6])], 5)
    assert values["recall@5"].tolist() == [1, 0]
    assert values["map@5"].tolist() == [(1 + 2 / 4) / 2, 0]
    ideal = 1 + 1 / np.log2(3)
    np.testing.assert_allclose(values["ndcg@5"], [(1 + 1 / np.log2(5)) / ideal, 0])


def test_nobody_without_a_target() -> None:
    with pytest.raises(ValueError, match="at least one target"):
        metrics.ranking_metrics([np.zeros(0, np.int64)], 5)


def _bench(several: bool) -> Bench:
    rng = np.random.default_rng(7)
    scores = rng.permuted(np.tile(np.arange(60, dtype=np.float32), (25, 1)), axis=1)
    targets = [rng.choice(60, rng.integers(1, 12) if several else 1, replace=False) for _ in range(25)]
    seen = [np.setdiff1d(rng.choice(60, 15, replace=False), t) for t in targets]
    qrels = {f"u{u}": {f"i{i}": 1 for i in t} for u, t in enumerate(targets)}
    run = {
        f"u{u}": {f"i{i}": float(scores[u, i]) for i in range(60) if i not in set(seen[u].tolist())} for u in range(25)
    }
    return scores, targets, seen, qrels, run


def _ours(scores: Array, targets: list[Array], seen: list[Array], several: bool, k: int) -> dict[str, Array]:
    if several:
        return metrics.ranking_metrics(metrics.target_set_ranks(scores, targets, seen), k)
    return metrics.ranking_metrics(metrics.target_ranks(scores, np.concatenate(targets), seen), k)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("k", [1, 5, 10])
def test_agrees_with_ir_measures(several: bool, k: int) -> None:
    scores, targets, seen, qrels, run = _bench(several)
    ours = _ours(scores, targets, seen, several, k)
    theirs = ir_measures.calc_aggregate([nDCG @ k, P @ k, R @ k, RR @ k], qrels, run)
    for name, measure in {"ndcg": nDCG @ k, "precision": P @ k, "recall": R @ k, "mrr": RR @ k}.items():
        assert ours[f"{name}@{k}"].mean() == pytest.approx(theirs[measure], abs=1e-9), name


@pytest.mark.slow  # ranx compiles its metrics, which takes half a minute
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("k", [1, 10])
def test_agrees_with_ranx(several: bool, k: int) -> None:
    from ranx import Qrels, Run, evaluate

    scores, targets, seen, qrels, run = _bench(several)
    ours = _ours(scores, targets, seen, several, k)
    names = [f"hit_rate@{k}", f"precision@{k}", f"recall@{k}", f"f1@{k}", f"mrr@{k}", f"ndcg@{k}"]
    other = evaluate(Qrels(qrels), Run(run), names)
    assert isinstance(other, dict)
    for name in names:
        own = name.replace("hit_rate", "hr")
        assert ours[own].mean() == pytest.approx(other[name], abs=1e-6), name


def test_average_precision_agrees_with_ir_measures() -> None:
    # Elsewhere AP@k divides by all targets; here by those that can be reached, hence full depth.
    scores, targets, seen, qrels, run = _bench(several=True)
    ours = metrics.ranking_metrics(metrics.target_set_ranks(scores, targets, seen), 60)["map@60"].mean()
    assert ours == pytest.approx(ir_measures.calc_aggregate([AP], qrels, run)[AP], abs=1e-9)


@given(hnp.arrays(np.float32, (4, 9), elements=st.integers(0, 5).map(float)), st.integers(0, 8))
def test_both_ways_to_rank_agree(scores: Array, target: int) -> None:
    wanted = np.full(4, target)
    single = metrics.target_ranks(scores, wanted)
    several = metrics.target_set_ranks(scores, [np.array([target])] * 4)
    assert single.tolist() == [int(r[0]) for r in several]


def test_ratings() -> None:
    assert metrics.rmse(np.array([1.0, 3.0]), np.array([1.0, 5.0])) == pytest.approx(np.sqrt(2))
    assert metrics.rating_accuracy(np.array([3.6, 2.2]), np.array([4.0, 3.0])) == 0.5
    assert metrics.rating_accuracy(np.array([3.6, 2.2]), np.array([3.5, 2.5]), step=0.5) == 0.5
    assert np.isnan(metrics.rmse(np.zeros(0), np.zeros(0)))


def test_coverage_and_gini() -> None:
    assert metrics.coverage(np.array([[0, 1], [1, 2]]), 4) == 0.75
    assert metrics.gini(np.array([[0, 1], [2, 3]]), 4) == pytest.approx(0)
    assert metrics.gini(np.array([[0], [0]]), 4) == pytest.approx(0.75)


def test_popularity_bias_and_novelty() -> None:
    counts = np.array([7, 3, 1, 1])
    assert metrics.popularity_bias(np.array([[0, 1]]), counts) == 5
    assert metrics.novelty(np.array([[0, 1]]), counts) == pytest.approx(1.5)  # (7+1)/16 and (3+1)/16: 1 and 2 bits
    assert np.isfinite(metrics.novelty(np.array([[0]]), np.zeros(3)))


def test_intra_list_diversity() -> None:
    vectors = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]])
    np.testing.assert_allclose(metrics.intra_list_diversity(np.array([[0, 1], [0, 2]]), vectors), [1, 0], atol=1e-12)
    assert metrics.intra_list_diversity(np.array([[0]]), vectors).tolist() == [0]


@given(
    hnp.arrays(np.float64, (3, 4), elements=st.floats(0, 9)), hnp.arrays(np.float64, (3, 4), elements=st.floats(0, 9))
)
@settings(max_examples=50)
def test_calibration_is_never_negative_and_zero_when_equal(history: Array, shown: Array) -> None:
    assert (metrics.calibration(history, history) <= 1e-9).all()
    filled = shown + 0.1
    assert (metrics.calibration(history, filled) >= -1e-9).all()


def test_calibration_known_answer() -> None:
    found = metrics.calibration(np.array([[1.0, 1.0]]), np.array([[1.0, 0.0]]), smoothing=0.5)
    assert found[0] == pytest.approx(0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25))
