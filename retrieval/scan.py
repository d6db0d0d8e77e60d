"""Exact nearest neighbours over the eligible rows: one pass over the vectors for all directions at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int32]
Scores = NDArray[np.float32]

GATHER_SHARE = 0.3
"""below this share of eligible rows, copying them out is cheaper than multiplying all"""
BLOCK = 65_536
"""rows per multiplication: keeps what is copied within the caches' reach and memory flat"""


def combined(vectors: NDArray[np.float32], weights: Scores | None) -> Scores:
    """The direction (d,) whose inner product with a unit vector is the weighted mean of its cosines to `vectors`."""
    if weights is None:
        return np.asarray(vectors, dtype=np.float32).mean(axis=0)
    own = np.asarray(weights, dtype=np.float32)
    total = float(np.abs(own).sum())
    return (own @ vectors / (total if total > 0 else 1.0)).astype(np.float32)


def top_rows(scores: Scores, count: int) -> NDArray[np.intp]:
    """Positions of the `count` largest scores, largest first; ties to the lower position."""
    if scores.size > 4 * count:
        cut = np.partition(scores, scores.size - count)[scores.size - count]
        positions = np.flatnonzero(scores >= cut)
    else:
        positions = np.arange(scores.size)
    return positions[np.argsort(-scores[positions], kind="stable")[:count]]


def best_of(scores: Scores, allowed: NDArray[np.bool_], count: int, *, above: float = -np.inf) -> Rows:
    """The `count` allowed rows with the largest scores over `above`; NaN is no score."""
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero(allowed & (scores > above))
    return rows[top_rows(scores[rows], count)].astype(np.int32)


def scan(
    vectors: NDArray[np.float32],
    directions: Mapping[str, Scores],
    allowed: NDArray[np.bool_],
    eligible: int,
    count: int,
) -> dict[str, Rows]:
    """The `count` allowed rows with the largest inner product with each direction, largest first.

    Args:
        vectors: (I, d) float32, in memory or mapped.
        directions: name -> (d,).
        allowed: (I,) of which `eligible` are true.
    """
    targets = np.stack(list(directions.values()), axis=1)  # (d, c)
    if eligible < GATHER_SHARE * len(allowed):
        rows = np.flatnonzero(allowed)
        scores = np.empty((rows.size, targets.shape[1]), dtype=np.float32)
        for start in range(0, rows.size, BLOCK):
            part = rows[start : start + BLOCK]
            scores[start : start + BLOCK] = vectors[part] @ targets
    else:
        scores = np.empty((len(allowed), targets.shape[1]), dtype=np.float32)
        for start in range(0, len(allowed), BLOCK):
            np.matmul(vectors[start : start + BLOCK], targets, out=scores[start : start + BLOCK])
        if eligible < len(allowed):
            rows = np.flatnonzero(allowed)
            scores = scores[rows]
        else:
            rows = np.arange(len(allowed))
    return {
        name: rows[top_rows(np.ascontiguousarray(scores[:, i]), count)].astype(np.int32)
        for i, name in enumerate(directions)
    }
