"""The suites' own measures beside other people's implementations of them."""

from __future__ import annotations

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import R, nDCG
from scipy import stats

from convrec.evals.crs import DEPTHS, ranks
from convrec.evals.crs_cases import DialogueCase
from convrec.evals.request_judge import list_ndcg
from convrec.evals.types import mean_figure, percentile_figure

NAMES = [f"d{n}" for n in range(60)]


@settings(max_examples=40, deadline=None)
@given(st.permutations(NAMES), st.sets(st.sampled_from(NAMES), min_size=1, max_size=9))
def test_ndcg_of_a_list(order: list[str], relevant: set[str]) -> None:
    qrels = {"q": dict.fromkeys(relevant, 1)}
    run = {"q": {name: float(-rank) for rank, name in enumerate(order)}}
    theirs = ir_measures.calc_aggregate([nDCG @ 10], qrels, run)[nDCG @ 10]
    assert list_ndcg(order[:10], relevant) == pytest.approx(theirs)


@settings(max_examples=40, deadline=None)
@given(
    st.permutations(list(range(60))),
    st.lists(st.integers(0, 59), min_size=1, max_size=4, unique=True),
    st.sets(st.integers(0, 59), max_size=6),
)
def test_recall_of_dialogues(order: list[int], targets: list[int], named: set[int]) -> None:
    """Every target is a query of its own with one relevant item: recall is the mean over targets."""
    case = DialogueCase(
        id="c",
        context=("hi",),
        targets=tuple(NAMES[t] for t in targets),
        mentioned=tuple(NAMES[row] for row in sorted(named)),
    )
    found = ranks(case, targets, order, named)
    for condition, places in found.items():
        asked = [t for t in targets if condition == "all items" or t not in named]
        assert len(places) == len(asked)
        if not asked:
            continue
        shown = [row for row in order if condition == "all items" or row not in named]
        run = {str(t): {NAMES[row]: float(-rank) for rank, row in enumerate(shown)} for t in asked}
        qrels = {str(t): {NAMES[t]: 1} for t in asked}
        measures = [R @ k for k in DEPTHS]
        theirs = ir_measures.calc_aggregate(measures, qrels, run)
        for k, measure in zip(DEPTHS, measures, strict=True):
            ours = np.mean([rank is not None and rank <= k for rank in places.values()])
            assert ours == pytest.approx(theirs[measure])


def test_intervals_of_means_and_percentiles() -> None:
    values = np.random.default_rng(3).exponential(size=200)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=1).confidence_interval
    ours = mean_figure("mean", {str(n): float(v) for n, v in enumerate(values)})
    assert ours.low == pytest.approx(theirs.low, rel=0.03)
    assert ours.high == pytest.approx(theirs.high, rel=0.03)
    theirs = stats.bootstrap(
        (values,), lambda data, axis: np.percentile(data, 95, axis=axis), method="percentile", n_resamples=4000, rng=1
    ).confidence_interval
    tail = percentile_figure("p95", values.tolist(), 95)
    assert tail.low == pytest.approx(theirs.low, rel=0.1)
    assert tail.high == pytest.approx(theirs.high, rel=0.1)
