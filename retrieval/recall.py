"""From a typed query to candidates: several channels, exact filters, one fused list."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filter_compile import Mask, mask
from convrec.retrieval.filters import And, Filter
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.lexical import LexicalIndex
from convrec.retrieval.scan import best_of, combined, products, scan, top_rows
from convrec.retrieval.schema import Role
from convrec.retrieval.settings import RecallSettings
from convrec.retrieval.store import VectorStore
from convrec.retrieval.types import Recalled

Rows = NDArray[np.int32]
Scores = NDArray[np.float32]

_NO_ROWS: Rows = np.zeros(0, dtype=np.int32)
_NO_WEIGHTS: Scores = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class RecallQuery:
    """What to recall. Every field is optional; an empty query recalls what is popular.

    Rows are catalogue rows; vectors are (n, d) of length 1. Weights are (n,), negative ones push away; None: all 1.
    """

    filter: Filter = field(default_factory=lambda: And(parts=()))
    exclude_rows: Rows = field(default_factory=lambda: _NO_ROWS)
    """never recalled: seen, rejected, named, shown"""
    text: str = ""
    """words for the lexical channel"""
    text_vectors: Scores | None = None
    """embedded descriptions for the dense channel"""
    text_weights: Scores | None = None
    anchor_rows: Rows = field(default_factory=lambda: _NO_ROWS)
    """items named as examples"""
    anchor_weights: Scores | None = None
    history_rows: Rows = field(default_factory=lambda: _NO_ROWS)
    """what the person liked"""
    history_weights: Scores | None = None
    """recency"""
    history_vectors: Scores | None = None
    """embedded words of the person's own, such as reviews; join the history channel"""
    history_vector_weights: Scores | None = None
    user_row: int | None = None
    """row of the person in the interaction log, for channels that know people"""
    count: int = 400
    """how many candidates"""


class CandidateSource(Protocol):
    """A recall channel from outside, such as a collaborative model."""

    @property
    def name(self) -> str:
        """Of the channel."""
        ...

    def scores(self, query: RecallQuery) -> tuple[Rows, Scores] | Scores | None:
        """Scores of some rows, or of all rows (I,) with NaN for no opinion; None when it has none at all.

        Need not heed the filter or the exclusions.
        """
        ...


class Recall:
    """Finds candidates in one generation. Safe to use from several threads."""

    def __init__(
        self,
        catalogue: Catalogue,
        vectors: NDArray[np.float32],
        *,
        lexical: LexicalIndex | None = None,
        store: VectorStore | None = None,
        popularity: Scores | None = None,
        settings: RecallSettings | None = None,
    ) -> None:
        """
        Args:
            vectors: (I, d) of length 1, in memory or mapped.
            store: for the approximate plan; without it every plan is exact.
            popularity: (I,) the higher the better known, see `popularity_prior`.
        """
        self.catalogue = catalogue
        self._vectors = vectors
        self._lexical = lexical
        self._store = store
        self._popularity = popularity if popularity is not None else popularity_prior(catalogue, None)
        self._by_popularity = np.argsort(-self._popularity, kind="stable").astype(np.int32)
        self._settings = settings or RecallSettings()
        self._masks: OrderedDict[Filter, Mask] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def popularity(self) -> Scores:
        """(I,) the popularity prior."""
        return self._popularity

    def eligible(self, query: RecallQuery) -> Mask:
        """Rows that meet the filter and are not excluded: (I,) bool.

        Raises:
            FilterError: the filter does not fit the catalogue.
        """
        allowed = self.matching(query.filter)
        if query.exclude_rows.size:
            allowed = allowed.copy()
            allowed[query.exclude_rows] = False
        return allowed

    def matching(self, node: Filter) -> Mask:
        """Rows that meet a filter: (I,) bool, not to be written to; the last ones are remembered."""
        with self._lock:
            known = self._masks.get(node)
            if known is not None:
                self._masks.move_to_end(node)
                return known
        result = mask(node, self.catalogue)
        result.flags.writeable = False
        with self._lock:
            self._masks[node] = result
            while len(self._masks) > 32:
                self._masks.popitem(last=False)
        return result

    def recall(self, query: RecallQuery, sources: Sequence[CandidateSource] = ()) -> Recalled:
        """The best `count` eligible rows, or all when there are fewer.

        Each channel proposes its best eligible rows, then every proposed row is scored by every channel that can
        (dense, lexical, like_item, history, popularity, full sources). The lists are fused by reciprocal rank
        (Cormack et al., 2009): cosines, BM25 and log counts have no common scale, ranks do, and an odd outlier in
        one channel moves nothing else.

        Raises:
            FilterError: the filter does not fit the catalogue.
            StoreError: Chroma fails.
        """
        allowed = self.eligible(query)
        eligible = int(np.count_nonzero(allowed))
        count = min(eligible, query.count)
        if count <= 0:
            return Recalled(_NO_ROWS, {}, _NO_WEIGHTS, eligible, "empty")
        directions = self._directions(query)
        plan, semantic = self._nearest(directions, allowed, eligible, count)
        proposals = list(semantic.values())
        full: dict[str, Scores] = {}
        partial: dict[str, tuple[Rows, Scores]] = {}
        words = self._lexical.scores(query.text) if self._lexical is not None and query.text else None
        if words is not None:
            full["lexical"] = words
            proposals.append(best_of(words, allowed, count, above=0.0))
        for source in sources:
            got = source.scores(query)
            if got is None:
                continue
            if isinstance(got, tuple):
                rows, scores = np.asarray(got[0], dtype=np.int32), np.asarray(got[1], dtype=np.float32)
                kept = allowed[rows] & ~np.isnan(scores)
                partial[source.name] = rows[kept], scores[kept]
                proposals.append(rows[kept][top_rows(scores[kept], count)])
            else:
                full[source.name] = np.asarray(got, dtype=np.float32)
                proposals.append(best_of(full[source.name], allowed, count))
        proposals.append(self._popular(allowed, count))
        pool = np.unique(np.concatenate(proposals)).astype(np.int32)
        channels = self._score(pool, directions, full, partial)
        fused = self._fuse(channels, pool.size)
        # Ties, and rows that no channel but popularity proposed, fall to the better known, then to the lower row.
        order = np.lexsort((pool, -self._popularity[pool], -fused))[:count]
        return Recalled(
            rows=pool[order],
            channels={name: column[order] for name, column in channels.items()},
            fused=fused[order],
            eligible=eligible,
            plan=plan,
        )

    def nearest(self, direction: Scores, allowed: Mask, count: int) -> tuple[Rows, Scores, str]:
        """The `count` allowed rows nearest to a vector, nearest first, their inner products, and the plan taken."""
        eligible = int(np.count_nonzero(allowed))
        plan, found = self._nearest({"": direction}, allowed, eligible, min(count, eligible))
        rows = found[""]
        return rows, products(self._vectors, [direction], rows)[0], plan

    def similar_to(self, rows: Rows) -> NDArray[np.float32]:
        """(n, n) cosines between rows, for choosing a diverse list."""
        own = np.asarray(self._vectors[rows], dtype=np.float32)
        return own @ own.T

    def _directions(self, query: RecallQuery) -> dict[str, Scores]:
        """What each semantic channel looks for: (d,) vectors whose inner product with an item is its score."""
        found: dict[str, Scores] = {}
        if query.text_vectors is not None and query.text_vectors.size:
            found["dense"] = combined(query.text_vectors, query.text_weights)
        if query.anchor_rows.size:
            found["like_item"] = combined(self._vectors[query.anchor_rows], query.anchor_weights)
        liked, weights = [], []
        if query.history_rows.size:
            liked.append(self._vectors[query.history_rows])
            weights.append(_weights(query.history_weights, query.history_rows.size))
        if query.history_vectors is not None and query.history_vectors.size:
            liked.append(query.history_vectors)
            weights.append(_weights(query.history_vector_weights, query.history_vectors.shape[0]))
        if liked:
            mean = combined(np.concatenate(liked), np.concatenate(weights))
            norm = float(np.linalg.norm(mean))
            found["history"] = mean / norm if norm > 0 else mean
        return found

    def _nearest(
        self, directions: Mapping[str, Scores], allowed: Mask, eligible: int, count: int
    ) -> tuple[str, dict[str, Rows]]:
        """The best eligible rows of each direction, exactly or by Chroma, whichever is cheaper for so many rows."""
        if not directions:
            return "no vectors", {}
        settings, total = self._settings, len(self.catalogue)
        everything = eligible == total
        worth_it = total > settings.small and (everything or eligible > settings.exact_rows)
        store = self._store
        if store is not None and worth_it:
            asked = round(count * total / eligible * (1.0 if everything else settings.oversample))
            if asked <= 4 * max(count, 1000):
                found = {name: self._approximate(store, vector, allowed, asked) for name, vector in directions.items()}
                if all(rows.size >= count for rows in found.values()):
                    return "approximate", {
                        name: self._close_enough(name, rows[:count], directions[name]) for name, rows in found.items()
                    }
        found = scan(self._vectors, directions, allowed, eligible, count)
        return "exact", {name: self._close_enough(name, rows, directions[name]) for name, rows in found.items()}

    def _approximate(self, store: VectorStore, vector: Scores, allowed: Mask, asked: int) -> Rows:
        ids, _ = store.query(vector, asked)
        rows = self.catalogue.rows(ids)
        return rows[allowed[rows]]

    def _close_enough(self, name: str, rows: Rows, direction: Scores) -> Rows:
        """The history channel proposes only what is similar enough to what the person liked."""
        if name != "history":
            return rows
        near: Rows = rows[products(self._vectors, [direction], rows)[0] >= self._settings.history_cosine]
        return near

    def _popular(self, allowed: Mask, count: int) -> Rows:
        """The best known eligible rows; looks at the catalogue in blocks, the best known first."""
        found: list[Rows] = []
        missing, start, block = count, 0, max(4 * count, 4096)
        while missing > 0 and start < self._by_popularity.size:
            rows = self._by_popularity[start : start + block]
            rows = rows[allowed[rows]][:missing]
            found.append(rows)
            missing -= rows.size
            start, block = start + block, block * 4
        return np.concatenate(found) if found else _NO_ROWS

    def _score(
        self,
        pool: Rows,
        directions: Mapping[str, Scores],
        full: Mapping[str, Scores],
        partial: Mapping[str, tuple[Rows, Scores]],
    ) -> dict[str, Scores]:
        channels: dict[str, Scores] = {}
        if directions:
            cosines = products(self._vectors, list(directions.values()), pool)
            channels.update(dict(zip(directions, cosines, strict=True)))
        channels.update({name: scores[pool] for name, scores in full.items()})
        for name, (rows, scores) in partial.items():
            column = np.full(pool.size, np.nan, dtype=np.float32)
            inside = np.searchsorted(pool, rows)
            hit = (inside < pool.size) & (pool[np.minimum(inside, pool.size - 1)] == rows)
            column[inside[hit]] = scores[hit]
            channels[name] = column
        channels["popularity"] = self._popularity[pool]
        return channels

    def _fuse(self, channels: Mapping[str, Scores], size: int) -> Scores:
        """Reciprocal rank fusion: sum of weight / (k + rank); 0 from a channel that has no opinion on a row."""
        fused = np.zeros(size, dtype=np.float64)
        for name, scores in channels.items():
            weight = self._settings.weights.get(name, 1.0)
            voting = ~np.isnan(scores)
            if name == "lexical":
                voting &= scores > 0
            order = np.flatnonzero(voting)[np.argsort(-scores[voting], kind="stable")]
            fused[order] += weight / (self._settings.rank_constant + 1.0 + np.arange(order.size))
        return fused.astype(np.float32)


def _weights(weights: Scores | None, size: int) -> Scores:
    return np.ones(size, dtype=np.float32) if weights is None else np.asarray(weights, dtype=np.float32)


def popularity_prior(catalogue: Catalogue, log: InteractionLog | None) -> Scores:
    """How well known each item is: (I,) float32.

    log(1 + events) where there is a log, else log(1 + value) of the attribute in the role of popularity, else 0. The
    attribute also breaks ties between items that the log does not tell apart.
    """
    attributes = catalogue.schema.with_role(Role.POPULARITY)
    own = np.zeros(len(catalogue), dtype=np.float64)
    if attributes and attributes[0].numeric:
        values = np.clip(np.nan_to_num(catalogue.number(attributes[0].name)), 0.0, None)
        own = np.log1p(values)
    if log is None or not len(log):
        return own.astype(np.float32)
    events = np.log1p(np.bincount(log.items, minlength=len(catalogue)))
    top = own.max(initial=0.0)
    return (events + (0.1 * own / top if top > 0 else 0.0)).astype(np.float32)
