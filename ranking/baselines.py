"""What any recommender must beat, behind one protocol.

ItemKNN and UserKNN are cosine neighbourhoods on whole histories, EASE the published closed form, ALS and BPR come from
the library `implicit`. Each is fitted on a log and asked with histories, which need not be of people in the log.
The defaults of the neighbourhoods and of ALS were chosen on MovieLens-1M's validation, among a handful each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from convrec.ranking.collaborative import (
    EaseSettings,
    ItemToItem,
    TransitionSettings,
    fit_ease,
    fit_transitions,
    item_counts,
)
from convrec.retrieval.interactions import InteractionLog

Histories = Sequence[NDArray[np.integer]]
Floats = NDArray[np.float32]


class Scorer(Protocol):
    """Anything that can be fitted on a log and then score all items for histories."""

    def fit(self, log: InteractionLog, items: int) -> Self:
        """Learn from the log of a catalogue of `items` rows."""
        ...

    def scores(self, histories: Histories) -> Floats:
        """(B, I) float32; higher is better; seen items are scored like any other."""
        ...


def history_matrix(histories: Histories, items: int) -> sparse.csr_matrix:
    """(B, I) ones where a history holds an item."""
    indptr = np.concatenate([[0], np.cumsum([len(h) for h in histories])])
    columns = np.concatenate([*histories, np.zeros(0, np.int32)]).astype(np.int32)
    matrix = sparse.csr_matrix((np.ones(columns.size, np.float32), columns, indptr), shape=(len(histories), items))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def log_matrix(log: InteractionLog, items: int) -> sparse.csr_matrix:
    """(U, I) ones where a person met an item."""
    return history_matrix([log.history(row) for row in range(log.users)], items)


class Popularity:
    """The most met items for everybody."""

    def fit(self, log: InteractionLog, items: int) -> Self:
        """Count."""
        self.counts = item_counts(log, items)
        return self

    def scores(self, histories: Histories) -> Floats:
        """(B, I) the counts, the same in every row."""
        return np.tile(self.counts, (len(histories), 1))


class ItemKNN:
    """Items by shrunk cosine to the items of the history (Sarwar et al., WWW 2001)."""

    def __init__(self, neighbours: int = 20, shrink: float = 10.0) -> None:
        self.neighbours, self.shrink = neighbours, shrink

    def fit(self, log: InteractionLog, items: int) -> Self:
        """Cosine of item columns, `n_ij / (sqrt(n_i n_j) + shrink)`, the strongest neighbours a row."""
        met = log_matrix(log, items)
        norm = np.sqrt(np.asarray(met.sum(axis=0)).ravel())
        columns = met.tocsc()
        blocks = []
        for start in range(0, items, 512):
            both = (columns[:, start : start + 512].T @ met).tocsr()
            left = np.repeat(norm[start : start + 512], np.diff(both.indptr))
            both.data = (both.data / (left * norm[both.indices] + self.shrink)).astype(np.float32)
            own = np.repeat(np.arange(start, start + both.shape[0]), np.diff(both.indptr)) == both.indices
            both.data[own] = 0
            blocks.append(_strongest(both, self.neighbours))
        stacked = sparse.vstack(blocks, format="csr") if blocks else met[:0]
        weights = np.asarray(stacked.data, np.float32)
        self.model = ItemToItem(stacked.indptr.astype(np.int64), stacked.indices.astype(np.int32), weights)
        return self

    def scores(self, histories: Histories) -> Floats:
        """(B, I) summed similarity to the history."""
        return self.model.scores(histories)


class UserKNN:
    """What people with like histories met, by shrunk cosine (Herlocker et al., SIGIR 1999)."""

    def __init__(self, neighbours: int = 100, shrink: float = 10.0) -> None:
        self.neighbours, self.shrink = neighbours, shrink

    def fit(self, log: InteractionLog, items: int) -> Self:
        """Keep the log."""
        self.met = log_matrix(log, items)
        self.norm = np.sqrt(np.asarray(self.met.sum(axis=1)).ravel())
        return self

    def scores(self, histories: Histories) -> Floats:
        """(B, I) summed similarity of the neighbours who met the item; the person in the log is a neighbour too."""
        asked = history_matrix(histories, self.met.shape[1])
        both = (asked @ self.met.T).tocsr()
        own = np.repeat(np.sqrt(np.asarray(asked.sum(axis=1)).ravel()), np.diff(both.indptr))
        both.data = (both.data / (own * self.norm[both.indices] + self.shrink)).astype(np.float32)
        return np.asarray((_strongest(both, self.neighbours) @ self.met).toarray(), np.float32)


class Ease:
    """EASE on whole histories, as published (Steck, WWW 2019)."""

    def fit(self, log: InteractionLog, items: int) -> Self:
        """Invert."""
        self.model = fit_ease(log, items, EaseSettings(decay=1.0, recall=1.0, ridge=1.0, neighbours=items))
        return self

    def scores(self, histories: Histories) -> Floats:
        """(B, I) summed weights."""
        return self.model.scores(histories)


class DecayedEase:
    """EASE on recency-decayed histories."""

    def fit(self, log: InteractionLog, items: int) -> Self:
        """Invert."""
        self.model = fit_ease(log, items, EaseSettings())
        return self

    def scores(self, histories: Histories) -> Floats:
        """(B, I) summed, decayed weights."""
        return self.model.scores(histories)


class Transitions:
    """Item-to-item transitions over several gaps."""

    def fit(self, log: InteractionLog, items: int) -> Self:
        """Count."""
        self.model = fit_transitions(log, items, TransitionSettings())
        return self

    def scores(self, histories: Histories) -> Floats:
        """(B, I) mixture of the last items' transition probabilities."""
        return self.model.scores(histories)


class ImplicitALS:
    """Weighted matrix factorisation by alternating least squares (Hu et al., ICDM 2008), from `implicit`."""

    def __init__(self, factors: int = 128, regularization: float = 1.0, iterations: int = 15, seed: int = 0) -> None:
        self.factors, self.regularization, self.iterations, self.seed = factors, regularization, iterations, seed

    def fit(self, log: InteractionLog, items: int) -> Self:
        """Factorise."""
        from implicit.als import AlternatingLeastSquares

        self.items = items
        self.model = AlternatingLeastSquares(
            factors=self.factors,
            regularization=self.regularization,
            iterations=self.iterations,
            random_state=self.seed,
            use_gpu=False,
        )
        self.model.fit(log_matrix(log, items), show_progress=False)
        return self

    def scores(self, histories: Histories) -> Floats:
        """(B, I) products with the person's factors, which are solved for anew from the history."""
        people = self.model.recalculate_user(np.arange(len(histories)), history_matrix(histories, self.items))
        return np.asarray(people @ self.model.item_factors.T, np.float32)


class ImplicitBPR:
    """Matrix factorisation by Bayesian personalised ranking (Rendle et al., UAI 2009), from `implicit`.

    BPR has no way to solve for a person anew: a history is represented by the mean of its items' factors, for people of
    the log as for strangers. On MovieLens-1M that ranks better than the factors learned for the person (validation
    nDCG@10 .039 against .035).
    """

    def __init__(self, factors: int = 64, iterations: int = 100, seed: int = 0) -> None:
        self.factors, self.iterations, self.seed = factors, iterations, seed

    def fit(self, log: InteractionLog, items: int) -> Self:
        """Factorise."""
        from implicit.bpr import BayesianPersonalizedRanking

        self.items = items
        self.model = BayesianPersonalizedRanking(
            factors=self.factors, iterations=self.iterations, random_state=self.seed, num_threads=1, use_gpu=False
        )
        self.model.fit(log_matrix(log, items), show_progress=False)
        return self

    def scores(self, histories: Histories) -> Floats:
        """(B, I) products with the mean factors of the history."""
        factors = np.asarray(self.model.item_factors, np.float32)
        asked = history_matrix(histories, self.items)
        lengths = np.maximum(np.asarray(asked.sum(axis=1)), 1)
        return np.asarray((asked @ factors / lengths) @ factors.T, np.float32)


BASELINES: dict[str, Callable[[], Scorer]] = {
    "popularity": Popularity,
    "item-knn": ItemKNN,
    "user-knn": UserKNN,
    "ease": Ease,
    "decayed-ease": DecayedEase,
    "transitions": Transitions,
    "als": ImplicitALS,
    "bpr": ImplicitBPR,
}
"""Every baseline by the name that tables show."""


def _strongest(matrix: sparse.csr_matrix, count: int) -> sparse.csr_matrix:
    """The `count` largest values of each row."""
    kept = matrix.copy()
    for row in np.flatnonzero(np.diff(kept.indptr) > count):
        span = slice(kept.indptr[row], kept.indptr[row + 1])
        kept.data[span][np.argpartition(-kept.data[span], count - 1)[count:]] = 0
    kept.eliminate_zeros()
    return kept
