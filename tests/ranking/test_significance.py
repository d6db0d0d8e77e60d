from __future__ import annotations

import numpy as np
import pytest

from convrec.ranking.significance import bootstrap_interval, paired_difference


def test_interval_matches_the_normal_one_on_many_hits() -> None:
    values = np.repeat([1.0, 0.0], [3000, 7000])
    found = bootstrap_interval(values)
    half = 1.96 * np.sqrt(0.3 * 0.7 / 10_000)
    assert found.mean == pytest.approx(0.3)
    assert found.low == pytest.approx(0.3 - half, abs=1e-3)
    assert found.high == pytest.approx(0.3 + half, abs=1e-3)


def test_constant_values_have_no_width() -> None:
    found = bootstrap_interval(np.full(50, 0.25))
    assert (found.low, found.high) == (0.25, 0.25)


def test_pairing_sees_what_separate_intervals_miss() -> None:
    rng = np.random.default_rng(0)
    theirs = rng.random(500)
    found = paired_difference(theirs + 0.01 + 0.005 * rng.standard_normal(500), theirs)
    assert found.better
    assert found.p <= 0.001
    assert bootstrap_interval(theirs).high > theirs.mean() + 0.01


def test_equal_systems_do_not_differ() -> None:
    values = np.random.default_rng(1).random(100)
    found = paired_difference(values, values)
    assert (found.mean, found.p, found.better) == (0, 1, False)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(2).random(100)
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)


def test_nobody_and_unequal_lengths() -> None:
    assert np.isnan(bootstrap_interval(np.zeros(0)).mean)
    with pytest.raises(ValueError, match="differ in shape"):
        paired_difference(np.zeros(3), np.zeros(4))
