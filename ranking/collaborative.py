"""What people's logs say about items, without training: EASE and transitions, kept as sparse item-to-item rows.

Both start from one statistic, the decayed co-occurrence of two items `k` events apart in the same history,
`C = Σ_k decay^(k-1) C_k`, which streams over the log in blocks of people and never holds a person-item matrix.

Measured on MovieLens-1M (validation, HR@10 / nDCG@10): EASE on whole histories .103/.051, on decayed histories
.265/.147, transitions .282/.164. Fitting takes a few seconds, and 5 million events over 50,000 items 2.5 GB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from convrec.ranking.errors import CheckpointError, TrainingError
from convrec.retrieval.interactions import InteractionLog

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]

DENSE_ITEMS = 20_000
"""Above this many items EASE gives way to a shrunk cosine: a dense (I, I) float32 is 1.6 GB here, inverted in place."""

BLOCK_PAIRS = 8_000_000
"""Pairs of events counted at a time; about 200 MB while they are summed."""


@dataclass(frozen=True, slots=True)
class EaseSettings:
    """Settings of EASE; `decay` 1 counts whole histories."""

    decay: float = 0.9
    """Weight of two events lost with each step between them, when counting."""
    recall: float = 0.8
    """Weight of a history's event lost with each later event, when scoring."""
    ridge: float = 0.35
    """L2 strength, as a share of the mean diagonal of the co-occurrence matrix: the same for small and large logs."""
    gaps: int = 40
    """Events further apart than this do not count; whole histories (decay 1) have no limit up to `DENSE_ITEMS`."""
    shrink: float = 10.0
    """Evidence that the fallback asks for before it trusts a cosine."""
    neighbours: int = 300
    """Entries kept a row."""


@dataclass(frozen=True, slots=True)
class TransitionSettings:
    """Settings of the transitions."""

    decay: float = 0.7
    recall: float = 0.7
    gaps: int = 10
    shrink: float = 5.0
    """Transitions added to each item's total, which keeps a rarely met item from being sure of its successor."""
    neighbours: int = 300


@dataclass(frozen=True, eq=False)
class ItemToItem:
    """Sparse item-to-item weights, and how a history is read through them.

    Row i of the CSR (`indptr` (I + 1,) int64, `columns` int32, `weights` float32) says what item i speaks for. A
    history scores item j with `Σ_h recall^age(h) · liking(h) · W[h, j]`; with `mixture`, divided by `Σ_h recall^age(h)`
    so that rows of probabilities stay one.
    """

    indptr: NDArray[np.int64]
    columns: Rows
    weights: Floats
    recall: float = 1.0
    mixture: bool = False

    @property
    def items(self) -> int:
        return int(self.indptr.size - 1)

    @property
    def depth(self) -> int | None:
        """How many of the last events count at all: an older one weighs less than a thousandth."""
        return None if self.recall >= 1 else max(1, int(np.ceil(np.log(1e-3) / np.log(self.recall))))

    def _recent(self, history: NDArray[np.integer], liking: NDArray[np.floating] | None) -> tuple[Rows, Floats]:
        depth = self.depth or history.size
        kept = history[-depth:] if history.size else history
        weights = (self.recall ** np.arange(kept.size - 1, -1, -1)).astype(np.float32)
        if self.mixture and kept.size:
            weights /= weights.sum()
        if liking is not None:
            weights *= liking[-depth:][: kept.size]
        return kept.astype(np.int32), weights

    def scores(
        self,
        histories: Sequence[NDArray[np.integer]],
        liking: Sequence[NDArray[np.floating]] | None = None,
    ) -> Floats:
        """(B, I) float32 for a batch of histories, oldest event first; `liking` in [-1, 1] an event."""
        recent = [self._recent(h, liking[b] if liking is not None else None) for b, h in enumerate(histories)]
        indptr = np.concatenate([[0], np.cumsum([items.size for items, _ in recent])])
        items = np.concatenate([items for items, _ in recent]) if recent else np.zeros(0, np.int32)
        weights = np.concatenate([w for _, w in recent]) if recent else np.zeros(0, np.float32)
        left = sparse.csr_matrix((weights, items, indptr), shape=(len(recent), self.items))
        return np.asarray((left @ self._matrix()).toarray(), np.float32)

    def scores_for(
        self,
        history: NDArray[np.integer],
        rows: NDArray[np.integer],
        liking: NDArray[np.floating] | None = None,
    ) -> Floats:
        """(n,) float32 for the candidate `rows` alone."""
        items, weights = self._recent(history, liking)
        if not items.size or not rows.size:
            return np.zeros(rows.size, np.float32)
        spans = [slice(int(self.indptr[i]), int(self.indptr[i + 1])) for i in items]
        columns = np.concatenate([self.columns[s] for s in spans])
        values = np.concatenate([self.weights[s] * w for s, w in zip(spans, weights, strict=True)])
        summed = np.bincount(columns, weights=values, minlength=self.items)
        return np.asarray(summed[rows], np.float32)

    def contributions(
        self, history: NDArray[np.integer], row: int, liking: NDArray[np.floating] | None = None
    ) -> Floats:
        """(N,) what each event of the history adds to the score of one item: the evidence behind it."""
        out = np.zeros(history.size, np.float32)
        items, weights = self._recent(history, liking)
        offset = history.size - items.size
        for position, (item, weight) in enumerate(zip(items.tolist(), weights.tolist(), strict=True)):
            span = slice(int(self.indptr[item]), int(self.indptr[item + 1]))
            hit = np.flatnonzero(self.columns[span] == row)
            if hit.size:
                out[offset + position] = weight * self.weights[span][hit[0]]
        return out

    def mixed(self, mixture: sparse.csr_matrix) -> ItemToItem:
        """The model over J other rows, each of which mixes rows of this one: `M W Mᵀ` with `mixture` M (J, I)."""
        found = sparse.csr_matrix(mixture @ self._matrix() @ mixture.T)
        found.sort_indices()
        return replace(
            self,
            indptr=found.indptr.astype(np.int64),
            columns=found.indices.astype(np.int32),
            weights=found.data.astype(np.float32),
        )

    def _matrix(self) -> sparse.csr_matrix:
        return sparse.csr_matrix((self.weights, self.columns, self.indptr), shape=(self.items, self.items))

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Everything as arrays, for a safetensors file."""
        return {
            "indptr": self.indptr,
            "columns": self.columns,
            "weights": self.weights,
            "recall": np.array([self.recall], np.float64),
            "mixture": np.array([self.mixture], np.uint8),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> ItemToItem:
        """The model that `to_arrays` described; CheckpointError where the arrays do not fit together."""
        try:
            indptr = arrays["indptr"].astype(np.int64)
            columns, weights = arrays["columns"].astype(np.int32), arrays["weights"].astype(np.float32)
            recall, mixture = float(arrays["recall"].astype(np.float64)[0]), bool(arrays["mixture"][0])
        except (KeyError, IndexError) as error:
            raise CheckpointError(f"the collaborative model lacks {error}") from error
        items = indptr.size - 1
        whole = items >= 0 and indptr[0] == 0 and indptr[-1] == columns.size == weights.size
        if (
            not whole
            or (np.diff(indptr) < 0).any()
            or (columns.size and not 0 <= columns.min() <= columns.max() < items)
        ):
            raise CheckpointError("the collaborative model is damaged: its rows do not fit its columns")
        return cls(indptr, columns, weights, recall, mixture)


def liking_weights(log: InteractionLog) -> Floats:
    """(N,) how much each event was liked, in [-1, 1]: a rating by its distance from the person's own mean.

    Half of the person's spread (at least half a point) counts as one unit, and an average rating as .35; an event
    without a rating counts as 1. Whoever rates everything alike liked it all the same.
    """
    rated = ~np.isnan(log.values)
    if not rated.any():
        return np.ones(len(log), np.float32)
    person = np.repeat(np.arange(log.users), np.diff(log.indptr))
    values = np.where(rated, log.values, 0).astype(np.float64)
    counts = np.maximum(np.bincount(person, weights=rated, minlength=log.users), 1)
    mean = np.bincount(person, weights=values, minlength=log.users) / counts
    gap = np.where(rated, values - mean[person], 0.0)
    spread = np.maximum(np.sqrt(np.bincount(person, weights=gap**2, minlength=log.users) / counts), 0.5)
    return np.where(rated, np.clip(gap / spread[person] / 2 + 0.35, -1, 1), 1).astype(np.float32)


def co_occurrence(
    log: InteractionLog,
    items: int,
    *,
    decay: float,
    gaps: int,
) -> Iterator[sparse.csr_matrix]:
    """Blocks of people's `Σ_k decay^(k-1) C_k`, each (I, I) CSR: row i, column j counts j following i by k ≤ gaps.

    Events count alike whatever was thought of them: what was met together foretells more than what was liked.
    """
    per_block = max(1, BLOCK_PAIRS // max(gaps, 1))
    start = 0
    while start < log.users:
        limit = int(log.indptr[start]) + per_block
        stop = max(start + 1, int(np.searchsorted(log.indptr, limit, side="right")) - 1)
        low, high = int(log.indptr[start]), int(log.indptr[stop])
        person = np.repeat(np.arange(stop - start), np.diff(log.indptr[start : stop + 1]))
        run = log.items[low:high]
        before, after, value = [], [], []
        longest = int(np.diff(log.indptr[start : stop + 1]).max(initial=0))
        for gap in range(1, min(gaps, longest - 1) + 1):
            same = np.flatnonzero(person[:-gap] == person[gap:])
            before.append(run[same])
            after.append(run[same + gap])
            value.append(np.full(same.size, decay ** (gap - 1), np.float32))
        start = stop
        if before:
            pairs = (np.concatenate(value), (np.concatenate(before), np.concatenate(after)))
            yield sparse.coo_matrix(pairs, shape=(items, items)).tocsr()


def item_counts(log: InteractionLog, items: int) -> Floats:
    """(I,) interactions of each item."""
    return np.bincount(log.items, minlength=items).astype(np.float32)


def fit_ease(
    log: InteractionLog,
    items: int,
    settings: EaseSettings | None = None,
) -> ItemToItem:
    """EASE on recency-decayed histories (Steck, WWW 2019): `B = I - P / diag(P)` with `P = (G + λI)^-1`.

    G counts co-occurrence in either order, decayed with the distance of the two events. The inverse costs I³ and one
    dense (I, I) float32. Above `DENSE_ITEMS` items it is left out: the rows are then the cosine of G, shrunk by the
    evidence, `G_ij / sqrt(G_ii G_jj) · G_ij / (G_ij + shrink)`, summed sparsely, with whole histories cut to `gaps`.
    """
    settings = settings or EaseSettings()
    _check(log, items)
    counts = item_counts(log, items)
    if items > DENSE_ITEMS:
        rows = _shrunk_cosine(log, items, settings, counts)
    else:
        try:
            rows = _ease_rows(_gram(log, items, settings, counts), settings)
        except np.linalg.LinAlgError:
            # Repeated events can cost the matrix its definiteness; a stronger ridge restores it.
            settings = replace(settings, ridge=settings.ridge * 20)
            rows = _ease_rows(_gram(log, items, settings, counts), settings)
    return ItemToItem(*rows, recall=settings.recall)


def fit_transitions(
    log: InteractionLog,
    items: int,
    settings: TransitionSettings | None = None,
) -> ItemToItem:
    """What follows an item: `P(j | i) = T_ij / (Σ_j T_ij + shrink)` over gaps 1..G with T decayed by the gap."""
    settings = settings or TransitionSettings()
    _check(log, items)
    total = _sum(co_occurrence(log, items, decay=settings.decay, gaps=settings.gaps), items)
    sums = np.asarray(total.sum(axis=1)).ravel() + settings.shrink
    total.data /= np.repeat(sums, np.diff(total.indptr)).astype(np.float32)
    return ItemToItem(*_top(total, settings.neighbours), recall=settings.recall, mixture=True)


def _check(log: InteractionLog, items: int) -> None:
    if len(log) and int(log.items.max()) >= items:
        raise TrainingError(f"the log names item row {int(log.items.max())}, the catalogue has {items} items")


def _sum(blocks: Iterator[sparse.csr_matrix], items: int) -> sparse.csr_matrix:
    nothing = np.zeros(0, np.int32)
    total = sparse.coo_matrix((np.zeros(0, np.float32), (nothing, nothing)), shape=(items, items)).tocsr()
    for block in blocks:
        total = total + block
    return total


def _gram(
    log: InteractionLog,
    items: int,
    settings: EaseSettings,
    counts: Floats,
) -> Floats:
    """(I, I) dense symmetric co-occurrence with the item counts on the diagonal."""
    gram = np.zeros((items, items), np.float32)
    if settings.decay >= 1:
        ones = np.ones(len(log), np.float32)
        met = sparse.csr_matrix((ones, log.items, log.indptr), shape=(log.users, items))
        blocks: Iterator[sparse.csr_matrix] = (
            (met[start : start + 2000].T @ met[start : start + 2000]).tocsr() for start in range(0, log.users, 2000)
        )
    else:
        blocks = co_occurrence(log, items, decay=settings.decay, gaps=settings.gaps)
    for block in blocks:
        block.sum_duplicates()
        gram[np.repeat(np.arange(items), np.diff(block.indptr)), block.indices] += block.data
    if settings.decay < 1:
        for start in range(0, items, 1024):
            stop = min(start + 1024, items)
            both = gram[start:stop, start:] + gram[start:, start:stop].T
            gram[start:stop, start:] = both * settings.decay
            gram[start:, start:stop] = gram[start:stop, start:].T
        np.fill_diagonal(gram, counts)
    return gram


def _ease_rows(gram: Floats, settings: EaseSettings) -> tuple[NDArray[np.int64], Rows, Floats]:
    """CSR of the strongest weights a row; `gram` is overwritten."""
    items = gram.shape[0]
    if not items:
        return np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)
    diagonal = np.einsum("ii->i", gram)
    diagonal += max(settings.ridge * float(diagonal.mean()), 1e-3)
    # LAPACK wants columns first; the matrix is symmetric, so the transposed view is the same matrix without a copy.
    factor, failed = lapack.spotrf(gram.T, lower=1, overwrite_a=1, clean=0)
    if failed:
        raise np.linalg.LinAlgError
    inverse, failed = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise np.linalg.LinAlgError
    scale = -np.diagonal(inverse).copy()
    blocks = []
    for start in range(0, items, 512):
        stop = min(start + 512, items)
        # Only the lower triangle was computed: the rest of these rows stands in the columns below.
        rows = np.concatenate([inverse[start:stop, :start], inverse[start:, start:stop].T], axis=1)
        square = rows[:, start:stop]
        rows[:, start:stop] = np.triu(square, 1) + np.triu(square).T
        rows /= scale
        rows[np.arange(stop - start), np.arange(start, stop)] = 0
        blocks.append(_top_dense(rows, settings.neighbours))
    stacked = sparse.vstack(blocks, format="csr")
    return stacked.indptr.astype(np.int64), stacked.indices.astype(np.int32), stacked.data.astype(np.float32)


def _shrunk_cosine(
    log: InteractionLog,
    items: int,
    settings: EaseSettings,
    counts: Floats,
) -> tuple[NDArray[np.int64], Rows, Floats]:
    total = _sum(co_occurrence(log, items, decay=settings.decay, gaps=min(settings.gaps, 10)), items)
    both = (total + total.T).tocsr()
    both.setdiag(0)
    both.eliminate_zeros()
    norm = np.sqrt(np.maximum(counts, 1e-6))
    left = np.repeat(norm, np.diff(both.indptr))
    both.data = (both.data**2 / (both.data + settings.shrink) / (left * norm[both.indices])).astype(np.float32)
    return _top(both, settings.neighbours)


def _top_dense(rows: Floats, count: int) -> sparse.csr_matrix:
    """The `count` largest magnitudes of each dense row."""
    count = min(count, rows.shape[1])
    columns = np.sort(np.argpartition(-np.abs(rows), count - 1, axis=1)[:, :count], axis=1)
    values = np.take_along_axis(rows, columns, axis=1)
    indptr = np.arange(rows.shape[0] + 1) * count
    kept = sparse.csr_matrix((values.ravel(), columns.ravel(), indptr), shape=rows.shape)
    kept.eliminate_zeros()
    return kept


def _top(matrix: sparse.csr_matrix, count: int) -> tuple[NDArray[np.int64], Rows, Floats]:
    """The `count` largest values of each sparse row."""
    lengths = np.diff(matrix.indptr)
    keep = np.ones(matrix.nnz, dtype=bool)
    for row in np.flatnonzero(lengths > count):
        low, high = matrix.indptr[row], matrix.indptr[row + 1]
        keep[low:high] = False
        keep[low + np.argpartition(-matrix.data[low:high], count - 1)[:count]] = True
    indptr = np.concatenate([[0], np.cumsum(np.minimum(lengths, count))]).astype(np.int64)
    return indptr, matrix.indices[keep].astype(np.int32), matrix.data[keep].astype(np.float32)
