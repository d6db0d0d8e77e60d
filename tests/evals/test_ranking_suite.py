"""The ranking suite: targets cannot be read, figures are those of the core, bad input is a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from convrec.agent.recommender import Recommender
from convrec.evals.cli_ranking import read_sequences
from convrec.evals.errors import EvaluationError
from convrec.evals.ranking_suite import dense_scorer, full_scorer, rank_log, run_ranking, sampled, split_log
from convrec.ranking.splits import Cases, leave_one_out
from tests.conftest import hashing_settings


@pytest.fixture(scope="module")
def films(built_films: Path) -> Recommender:
    return Recommender.open(built_films, hashing_settings())


def test_scores_do_not_depend_on_the_target(films: Recommender) -> None:
    split = leave_one_out(films.log)
    cases = split.test.take(np.arange(5))
    scorer = full_scorer(films, split.train)
    items = cases.log.items.copy()
    items[cases.positions] = (items[cases.positions] + 1) % len(films.catalogue)
    other = Cases(replace(cases.log, items=items), cases.users, cases.positions)
    scores = scorer(cases)
    np.testing.assert_array_equal(scores, scorer(other))
    assert np.isfinite(scores).any(axis=1).all()
    for row, history in enumerate(cases.histories()):
        assert not np.isfinite(scores[row, history]).any()


def test_dense_by_hand(films: Recommender) -> None:
    split = leave_one_out(films.log)
    cases = split.test.take(np.arange(1))
    vectors = np.eye(len(films.catalogue), dtype=np.float32)
    scores = dense_scorer(vectors, recent=2)(cases)[0]
    latest = cases.histories()[0][-2:]
    assert sorted(np.flatnonzero(scores)) == sorted(latest.tolist())
    assert scores[latest[0]] == 0.5


def test_a_run_over_a_workspace(films: Recommender) -> None:
    result = run_ranking(films, people=20)
    ours = result.figure("convrec: ndcg@10")
    assert ours.n == 20
    assert result.figure("popularity: ndcg@10").better == "neutral"
    assert 0 <= ours.value <= 1
    gap = result.figure("fairness gap, long minus short histories")
    long = result.figure("convrec: ndcg@10, people with long histories")
    short = result.figure("convrec: ndcg@10, people with short histories")
    assert gap.value == pytest.approx(long.value - short.value)
    assert long.n + short.n == 20
    assert ours.value == pytest.approx((long.value * long.n + short.value * short.n) / 20)


def test_samples_are_the_same_for_a_seed(films: Recommender) -> None:
    test = leave_one_out(films.log).test
    assert sampled(test, 5, 1).users.tolist() == sampled(test, 5, 1).users.tolist()
    assert len(sampled(test, None, 1)) == len(test)


def test_a_public_log_by_path(tmp_path: Path) -> None:
    file = tmp_path / "sequences.txt"
    # Everybody goes a, b, c, d in turn: transitions know what follows, popularity cannot.
    cycle = "abcd"
    lines = [f"u{n} " + " ".join(cycle[(n + step) % 4] for step in range(3)) for n in range(40)]
    file.write_text("\n".join(lines) + "\n", "utf-8")
    log, items = read_sequences(file)
    assert (log.users, items, len(log)) == (40, 4, 120)
    result = rank_log(log, items)
    assert result.figure("transitions: hr@10").n == 40
    assert result.figure("popularity: hr@10").value == 1.0  # ten places hold all four items
    file.write_text("u1\n", "utf-8")
    with pytest.raises(EvaluationError, match="no sequence"):
        read_sequences(file)
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_sequences(tmp_path / "missing.txt")
    with pytest.raises(EvaluationError, match="no split"):
        split_log(log, "random")
