from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from convrec.ranking.blend import LearnedSum, as_log_probability, as_prior, as_z_score, fit_sum
from convrec.ranking.errors import TrainingError
from convrec.ranking.metrics import ndcg_at, target_ranks

PEOPLE, ITEMS = 600, 25


def _terms(seed: int = 0) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.int64], list[NDArray[np.int64]]]:
    """A good term, a useless one, and one that is good for long histories only."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, ITEMS, PEOPLE)
    lengths = rng.choice([2, 20], PEOPLE)
    seen = [rng.choice(np.delete(np.arange(ITEMS), t), n, replace=False) for t, n in zip(targets, lengths, strict=True)]
    noise = rng.standard_normal((3, PEOPLE, ITEMS)).astype(np.float32)
    right = np.zeros((PEOPLE, ITEMS), np.float32)
    right[np.arange(PEOPLE), targets] = 1
    long = (lengths == 20)[:, None]
    return {"good": noise[0] + 2 * right, "noise": noise[1], "long": noise[2] + 2 * right * long}, targets, seen


def test_the_sum_beats_its_terms_and_ignores_noise() -> None:
    columns, targets, seen = _terms()
    learned = fit_sum(columns, targets, seen)
    fresh, asked, past = _terms(seed=1)
    lengths = np.array([len(h) for h in past])
    together = ndcg_at(target_ranks(learned.scores(fresh, lengths), asked, past), 10).mean()
    for name in ("good", "long"):
        assert together > ndcg_at(target_ranks(fresh[name], asked, past), 10).mean()
    weights = dict(zip(learned.names, learned.base, strict=True))
    assert abs(weights["noise"]) < 0.2 * weights["good"]


def test_a_term_can_count_more_for_long_histories() -> None:
    columns, targets, seen = _terms()
    weights = fit_sum(columns, targets, seen).weights(np.array([2, 20]))
    assert weights[1, 2] > weights[0, 2] + 0.3
    same = fit_sum(columns, targets, seen, lean=False).weights(np.array([2, 20]))
    np.testing.assert_array_equal(same[0], same[1])


@given(
    hnp.arrays(np.float32, (3, 4, 6), elements=st.floats(-20, 20, width=32)),
    hnp.arrays(np.float64, (2, 3), elements=st.floats(-2, 2)),
    st.lists(st.integers(0, 5000), min_size=4, max_size=4),
)
def test_terms_add_up_to_the_score(
    values: NDArray[np.float32], weights: NDArray[np.float64], lengths: list[int]
) -> None:
    columns = dict(zip("abc", values, strict=True))
    learned = LearnedSum(("a", "b", "c"), weights[0], weights[1], centre=3.0, scale=1.5)
    terms = learned.terms(columns, np.array(lengths))
    total = np.sum([t.astype(np.float64) for t in terms.values()], axis=0)
    np.testing.assert_allclose(learned.scores(columns, np.array(lengths)), total, atol=1e-4)


def test_common_footing() -> None:
    scores = np.array([[1.0, 2.0, 3.0], [4.0, 4.0, 4.0]], np.float32)
    z = as_z_score(scores)
    np.testing.assert_allclose(z[0].mean(), 0, atol=1e-6)
    np.testing.assert_allclose(z[0].std(), 1, rtol=1e-5)
    assert (z[1] == 0).all()
    prior = as_prior(np.array([3, 0, 0]))
    np.testing.assert_allclose(prior, [4 / 6, 1 / 6, 1 / 6], rtol=1e-6)
    assert np.isfinite(as_log_probability(np.zeros((1, 3), np.float32), prior)).all()


def test_nothing_to_learn_from() -> None:
    with pytest.raises(TrainingError, match="at least one term"):
        fit_sum({}, np.zeros(0, np.int64), [])
