"""What is measured of a recommender: hits and their ranks, rated accuracy, and what the lists look like as a whole.

Relevance metrics start from ranks, computed over the whole catalogue with the seen items removed and never over
sampled negatives (Krichene & Rendle, KDD 2020). Ties are resolved against the recommender: every other item with the
target's score ranks before it, so a constant scorer earns nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ranks = NDArray[np.int64]


def target_ranks(
    scores: NDArray[np.floating],
    targets: NDArray[np.integer],
    seen: Sequence[NDArray[np.integer]] | None = None,
) -> Ranks:
    """Rank, from 1, of one target a person among all unseen items.

    `scores` (B, I); `targets` (B,) item rows; `seen` one array of item rows a person. A target that the person had
    seen stays in the running, and a target without a finite score ranks last.
    """
    count = scores.shape[0]
    own = scores[np.arange(count), targets].astype(np.float64)
    ahead = np.asarray(scores >= own[:, None])
    for row, items in enumerate(seen or ()):
        ahead[row, items] = False
    ahead[np.arange(count), targets] = True
    ranks = np.asarray(ahead.sum(axis=1), np.int64)
    ranks[~np.isfinite(own)] = scores.shape[1]
    return ranks


def target_set_ranks(
    scores: NDArray[np.floating],
    targets: Sequence[NDArray[np.integer]],
    seen: Sequence[NDArray[np.integer]] | None = None,
) -> list[Ranks]:
    """Ranks, from 1 and ascending, of each person's several targets among all unseen items.

    `scores` (B, I). A tied item that is no target ranks before the targets it ties with; tied targets take
    consecutive ranks.
    """
    found: list[Ranks] = []
    for row, wanted in enumerate(targets):
        keep = np.ones(scores.shape[1], dtype=bool)
        if seen is not None:
            keep[seen[row]] = False
        keep[wanted] = False
        others = np.sort(scores[row, keep])
        own = np.sort(scores[row, wanted])[::-1]
        ahead = others.size - np.searchsorted(others, own, side="left")
        found.append((ahead + np.arange(1, own.size + 1)).astype(np.int64))
    return found


def recall_at(ranks: Ranks, k: int) -> Floats:
    """(B,) recall at k with one target a person, which is the hit rate HR@k."""
    return (ranks <= k).astype(np.float64)


def precision_at(ranks: Ranks, k: int) -> Floats:
    """(B,) precision at k with one target a person: hit / k."""
    return recall_at(ranks, k) / k


def f1_at(ranks: Ranks, k: int) -> Floats:
    """(B,) harmonic mean of precision and recall at k with one target a person: 2 hit / (k + 1)."""
    return 2 * recall_at(ranks, k) / (k + 1)


def ndcg_at(ranks: Ranks, k: int) -> Floats:
    """(B,) nDCG at k with one target a person: 1 / log2(rank + 1) within k (Järvelin & Kekäläinen, 2002)."""
    return np.where(ranks <= k, 1 / np.log2(ranks + 1.0), 0.0)


def mrr_at(ranks: Ranks, k: int) -> Floats:
    """(B,) reciprocal rank of the target within k."""
    return np.where(ranks <= k, 1.0 / ranks, 0.0)


def map_at(ranks: Ranks, k: int) -> Floats:
    """(B,) average precision at k; with one target a person it is the reciprocal rank."""
    return mrr_at(ranks, k)


def ranking_metrics(ranks: Sequence[Ranks] | Ranks, k: int) -> dict[str, Floats]:
    """Every relevance metric at k, one value a person, by name.

    `ranks` is (B,) with one target a person, or a sequence of ascending rank arrays with several. Recall divides by
    all targets, average precision by min(targets, k), nDCG by the best reachable sum. People without a target are
    an error: leave them out before.
    """
    if isinstance(ranks, np.ndarray):
        return {
            f"hr@{k}": recall_at(ranks, k),
            f"recall@{k}": recall_at(ranks, k),
            f"precision@{k}": precision_at(ranks, k),
            f"f1@{k}": f1_at(ranks, k),
            f"ndcg@{k}": ndcg_at(ranks, k),
            f"mrr@{k}": mrr_at(ranks, k),
            f"map@{k}": map_at(ranks, k),
        }
    lengths = np.array([len(r) for r in ranks])
    if (lengths == 0).any():
        raise ValueError("every person needs at least one target")
    flat = np.concatenate(ranks)
    owner = np.repeat(np.arange(lengths.size), lengths)
    nth = np.arange(flat.size) - np.repeat(np.cumsum(lengths) - lengths, lengths) + 1
    within = flat <= k

    def total(values: Floats) -> Floats:
        return np.bincount(owner, weights=np.where(within, values, 0.0), minlength=lengths.size).astype(np.float64)

    hits = total(np.ones(flat.size))
    recall, precision = hits / lengths, hits / k
    ideal = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
    reachable = np.minimum(lengths, k)
    first = np.array([r[0] for r in ranks])
    both = precision + recall
    return {
        f"hr@{k}": (hits > 0).astype(np.float64),
        f"recall@{k}": recall,
        f"precision@{k}": precision,
        f"f1@{k}": np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0),
        f"ndcg@{k}": total(1 / np.log2(flat + 1.0)) / ideal[reachable - 1],
        f"mrr@{k}": np.where(first <= k, 1.0 / first, 0.0),
        f"map@{k}": total(nth / flat) / reachable,
    }


def rmse(predicted: NDArray[np.floating], actual: NDArray[np.floating]) -> float:
    """Root mean square error of predicted ratings (N,), NaN of no ratings."""
    return float(np.sqrt(np.mean((predicted - actual) ** 2))) if predicted.size else float("nan")


def rating_accuracy(predicted: NDArray[np.floating], actual: NDArray[np.floating], step: float = 1.0) -> float:
    """Share of ratings (N,) that are right once rounded to the scale's `step`."""
    if not predicted.size:
        return float("nan")
    return float(np.mean(np.round(predicted / step) == np.round(actual / step)))


def coverage(lists: NDArray[np.integer], items: int) -> float:
    """Share of the catalogue's `items` that appears in any of the lists (B, k)."""
    return np.unique(lists).size / items if items else 0.0


def gini(lists: NDArray[np.integer], items: int) -> float:
    """Gini coefficient of how often each of `items` is shown in the lists (B, k): 0 all alike, towards 1 one item."""
    shown = np.sort(np.bincount(lists.ravel(), minlength=items)).astype(np.float64)
    total = shown.sum()
    if total == 0:
        return 0.0
    order = np.arange(1, shown.size + 1)
    return float(((2 * order - shown.size - 1) * shown).sum() / (shown.size * total))


def popularity_bias(lists: NDArray[np.integer], counts: NDArray[np.number]) -> float:
    """Average recommendation popularity ARP: mean interaction count of what is shown (Yin et al., VLDB 2012).

    `lists` (B, k) item rows, `counts` (I,) interactions an item.
    """
    return float(np.mean(counts[lists])) if lists.size else 0.0


def novelty(lists: NDArray[np.integer], counts: NDArray[np.number]) -> float:
    """Mean self-information of what is shown, in bits: -log2 of the item's share of the interactions.

    `lists` (B, k), `counts` (I,). Counts are raised by one, so an item nobody met is the most novel, not infinite
    (Zhou et al., PNAS 2010).
    """
    if not lists.size:
        return 0.0
    smooth = np.asarray(counts, np.float64) + 1
    return float(np.mean(-np.log2(smooth / smooth.sum())[lists]))


def intra_list_diversity(lists: NDArray[np.integer], vectors: NDArray[np.floating]) -> Floats:
    """(B,) mean cosine distance over the pairs of each list (Ziegler et al., WWW 2005).

    `lists` (B, k) item rows, `vectors` (I, F). A list of one has no diversity; a zero vector is far from everything.
    """
    k = lists.shape[1]
    if k < 2:
        return np.zeros(lists.shape[0])
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, norms, out=np.zeros_like(vectors, dtype=np.float64), where=norms > 0)[lists]  # (B, k, F)
    together = (unit.sum(axis=1) ** 2).sum(axis=1) - (unit**2).sum(axis=(1, 2))
    return np.asarray(1 - together / (k * (k - 1)), np.float64)


def calibration(history: NDArray[np.floating], shown: NDArray[np.floating], *, smoothing: float = 0.01) -> Floats:
    """(B,) how far the lists' mix of categories is from the person's: KL(p ‖ q̃), 0 is calibrated (Steck, RecSys 2018).

    `history` p and `shown` q are (B, C) category weights, normalised here; q̃ = (1 - smoothing) q + smoothing p.
    Whoever has no category in the history has nothing to be calibrated to, and scores 0.
    """
    p = _shares(history)
    q = (1 - smoothing) * _shares(shown) + smoothing * p
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return np.asarray((p * np.log(ratio)).sum(axis=1), np.float64)


def _shares(weights: NDArray[np.floating]) -> Floats:
    totals = weights.sum(axis=1, keepdims=True, dtype=np.float64)
    return np.asarray(np.divide(weights, totals, out=np.zeros(weights.shape), where=totals > 0), np.float64)
