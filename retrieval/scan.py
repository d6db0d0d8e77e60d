"""Exact nearest neighbours over the eligible rows: one pass over the vectors for all directions at once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int32]
Scores = NDArray[np.float32]

GATHER_SHARE = 0.3
"""below this share of eligible rows, copying them out is cheaper than multiplying all"""
BLOCK = 1024
"""rows at a time: they stay in the cache while every direction is multiplied with them"""
PARALLEL_ROWS = 50_000
"""from here on a scan is worth a second thread"""


def combined(vectors: NDArray[np.float32], weights: Scores | None) -> Scores:
    """The direction (d,) whose inner product with a unit vector is the weighted mean of its cosines to `vectors`."""
    if weights is None:
        mean: Scores = np.asarray(vectors, dtype=np.float32).mean(axis=0)
        return mean
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
    targets = list(directions.values())
    gather = eligible < len(allowed) and eligible < GATHER_SHARE * len(allowed)
    if gather:
        rows = np.flatnonzero(allowed)
        scores = products(vectors, targets, rows)
    else:
        scores = products(vectors, targets)
        rows = np.flatnonzero(allowed) if eligible < len(allowed) else np.arange(len(allowed))
        if eligible < len(allowed):
            scores = scores[:, rows]
    return {name: rows[top_rows(scores[i], count)].astype(np.int32) for i, name in enumerate(directions)}


def products(vectors: Scores, targets: Sequence[Scores], rows: NDArray[np.integer] | None = None) -> Scores:
    """Inner products (c, n) of each target (d,) with all vectors, or with those of `rows`.

    Not a matrix product: its threads wait for each other actively, and on a busy machine that costs a slice of the
    scheduler (10 ms) where the arithmetic costs a fraction of one.
    """
    count = len(vectors) if rows is None else len(rows)
    result = np.empty((len(targets), count), dtype=np.float32)

    def work(first: int, last: int) -> None:
        for start in range(first, last, BLOCK):
            part = slice(start, min(start + BLOCK, last))
            block = np.asarray(vectors[part] if rows is None else vectors[rows[part]], dtype=np.float32)
            for i, target in enumerate(targets):
                np.einsum("ij,j->i", block, target, out=result[i, part])

    if count < PARALLEL_ROWS:
        work(0, count)
        return result
    workers = min(os.cpu_count() or 1, 8)
    bounds = np.linspace(0, count, workers + 1).astype(int)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, bounds[:-1], bounds[1:]))
    return result
