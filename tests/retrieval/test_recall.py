"""Recall: exact promises on random catalogues, channels, plans."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.errors import FilterError
from convrec.retrieval.filter_compile import metadata
from convrec.retrieval.filters import And, Contains, In, Or, Range, holds
from convrec.retrieval.hashing import HashingEmbedder
from convrec.retrieval.lexical import LexicalIndex
from convrec.retrieval.recall import Recall, RecallQuery, Rows, Scores, popularity_prior
from convrec.retrieval.scan import products, scan, top_rows
from convrec.retrieval.settings import RecallSettings
from convrec.retrieval.store import VectorStore
from tests.retrieval.catalogues import catalogue_of, log_of, shop

EMBEDDER = HashingEmbedder(64)
NONE = np.zeros(0, np.int32)


def _recall(catalogue: Catalogue, store: VectorStore | None = None, **options: Any) -> Recall:
    documents = [catalogue.document(row) for row in range(len(catalogue))]
    return Recall(
        catalogue,
        EMBEDDER.encode(documents),
        lexical=LexicalIndex.build(documents),
        store=store,
        popularity=popularity_prior(catalogue, log_of(catalogue)),
        settings=RecallSettings(**options),
    )


SHOP = shop(400)
RECALL = _recall(SHOP)


class Source:
    """A channel of given scores."""

    def __init__(self, name: str, result: tuple[Rows, Scores] | Scores | None) -> None:
        self.name = name
        self._result = result

    def scores(self, query: RecallQuery) -> tuple[Rows, Scores] | Scores | None:
        return self._result


rows = st.lists(st.integers(0, len(SHOP) - 1), max_size=30).map(lambda own: np.array(own, np.int32))
nodes = st.sampled_from(
    [
        And(parts=()),
        Or(parts=()),
        In(field="shelf", values=("garden",)),
        And(parts=(Contains(field="tags", values=("Blue", "Red"), mode="all"), Range(field="price", maximum=60.0))),
        Range(field="price", minimum=200.0),
    ]
)


@settings(max_examples=60, deadline=None)
@given(
    node=nodes,
    excluded=rows,
    anchors=rows,
    history=rows,
    text=st.sampled_from(["", "a copper kettle", "unheardof"]),
    count=st.integers(0, 500),
    seed=st.integers(0, 3),
)
def test_every_eligible_row_and_no_other(
    node: Any, excluded: Rows, anchors: Rows, history: Rows, text: str, count: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=anchors.size).astype(np.float32)
    sparse = rng.permutation(len(SHOP))[:50].astype(np.int32)
    full = rng.normal(size=len(SHOP)).astype(np.float32)
    full[rng.random(len(SHOP)) < 0.5] = np.nan
    sources: Sequence[Source] = [
        Source("sparse", (sparse, rng.normal(size=50).astype(np.float32))),
        Source("full", full),
        Source("mute", None),
    ]
    query = RecallQuery(
        filter=node,
        exclude_rows=excluded,
        text=text,
        text_vectors=EMBEDDER.encode([text]) if text else None,
        anchor_rows=anchors,
        anchor_weights=weights,
        history_rows=history,
        count=count,
    )
    found = RECALL.recall(query, sources)
    allowed = [row for row in range(len(SHOP)) if holds(node, SHOP.item(row)) and row not in excluded]
    assert found.eligible == len(allowed)
    assert len(found) == min(len(allowed), count)
    assert len(set(found.rows.tolist())) == len(found)
    assert set(found.rows.tolist()) <= set(allowed)
    assert (np.diff(found.fused) <= 0).all()
    again = RECALL.recall(query, sources)
    np.testing.assert_array_equal(found.rows, again.rows)
    for column in found.channels.values():
        assert column.shape == found.rows.shape


def test_every_candidate_has_the_score_of_every_cheap_channel() -> None:
    text = "copper kettle for the garden"
    vector = EMBEDDER.encode([text])
    query = RecallQuery(
        text=text,
        text_vectors=np.concatenate([vector, EMBEDDER.encode(["wool"])]),
        text_weights=np.array([1.0, -0.5], np.float32),
        anchor_rows=np.array([3, 4], np.int32),
        anchor_weights=np.array([2.0, -1.0], np.float32),
        history_rows=np.array([9, 10], np.int32),
        history_weights=np.array([1.0, 0.5], np.float32),
        count=50,
    )
    sparse = np.array([7, 8, 300], np.int32)
    found = RECALL.recall(query, [Source("peers", (sparse, np.array([3.0, 2.0, 1.0], np.float32)))])
    documents = EMBEDDER.encode([SHOP.document(row) for row in range(len(SHOP))])
    own = documents[found.rows]
    wool = EMBEDDER.encode(["wool"])[0]
    np.testing.assert_allclose(found.channels["dense"], (own @ vector[0] - 0.5 * (own @ wool)) / 1.5, atol=1e-5)
    like = (2 * (own @ documents[3]) - own @ documents[4]) / 3
    np.testing.assert_allclose(found.channels["like_item"], like, atol=1e-5)
    taste = documents[9] + 0.5 * documents[10]
    np.testing.assert_allclose(found.channels["history"], own @ (taste / np.linalg.norm(taste)), atol=1e-5)
    assert not any(np.isnan(found.channels[name]).any() for name in ("dense", "lexical", "like_item", "history"))
    assert set(sparse) <= set(found.rows.tolist()), "what one channel is sure of is recalled"
    peers = found.channels["peers"]
    assert {int(row): float(score) for row, score in zip(found.rows, peers, strict=True) if not np.isnan(score)} == {
        7: 3.0, 8: 2.0, 300: 1.0
    }  # fmt: skip
    records = {record.item_id: record.channels for record in found.candidates(SHOP.ids)}
    assert "peers" in records["i7"]
    assert sum("peers" in channels for channels in records.values()) == 3


def test_each_channel_finds_what_it_is_for() -> None:
    named = RECALL.recall(RecallQuery(text=SHOP.titles[123], text_vectors=EMBEDDER.encode([SHOP.titles[123]]), count=5))
    assert 123 in named.rows[:2]
    like = RECALL.recall(
        RecallQuery(anchor_rows=np.array([50], np.int32), exclude_rows=np.array([50], np.int32), count=20)
    )
    documents = EMBEDDER.encode([SHOP.document(row) for row in range(len(SHOP))])
    nearest = np.argsort(-(documents @ documents[50]))[1:6]
    assert set(nearest) <= set(like.rows.tolist())
    popular = RECALL.recall(RecallQuery(count=10))
    np.testing.assert_array_equal(popular.rows, np.argsort(-RECALL.popularity, kind="stable")[:10])
    assert set(popular.channels) == {"popularity"}


def test_history_needs_some_similarity() -> None:
    history = np.array([1, 2], np.int32)
    strict = _recall(SHOP, history_cosine=1.0).recall(RecallQuery(history_rows=history, count=5))
    assert set(strict.rows.tolist()) == set(RECALL.recall(RecallQuery(count=5)).rows.tolist())
    lax = _recall(SHOP, history_cosine=-1.0).recall(RecallQuery(history_rows=history, count=5))
    assert lax.channels["history"].max() > strict.channels["history"].max()


def test_own_words_join_the_history() -> None:
    words = EMBEDDER.encode([SHOP.document(200)])
    found = RECALL.recall(RecallQuery(history_vectors=words, count=10))
    assert found.rows[0] == 200
    assert found.channels["history"][0] == pytest.approx(1.0, abs=1e-5)


def test_popularity_is_the_log_then_the_attribute() -> None:
    items = catalogue_of([{"price": 5.0}, {"price": None}, {"price": 100.0}, {"price": 7.0}])
    assert np.argsort(-popularity_prior(items, None), kind="stable").tolist() == [2, 3, 0, 1]
    log = log_of(items, users=5)
    counts = np.bincount(log.items, minlength=4)
    prior = popularity_prior(items, log)
    for a in range(4):
        for b in range(4):
            if counts[a] > counts[b]:
                assert prior[a] > prior[b]


def test_a_wrong_filter_is_refused() -> None:
    with pytest.raises(FilterError, match="no attribute"):
        RECALL.recall(RecallQuery(filter=In(field="colour", values=("blue",))))


def test_approximate_plan_keeps_every_promise(tmp_path: Path) -> None:
    """With Chroma in charge of all but the smallest sets: same promises, nearly the same neighbours."""
    items = shop(1500, seed=5)
    documents = [items.document(row) for row in range(len(items))]
    vectors = EMBEDDER.encode(documents)
    store = VectorStore.build(tmp_path, items.ids, vectors, lambda row: metadata(items, row))
    try:
        recall = _recall(items, store, small=0, exact_rows=200)
        exact = _recall(items, None)
        plans = set()
        for node in (And(parts=()), Range(field="price", maximum=80.0), Range(field="price", maximum=12.0)):
            for words in ("copper kettle", "blue wool", "winter reading lamp"):
                query = RecallQuery(
                    filter=node,
                    text_vectors=EMBEDDER.encode([words]),
                    exclude_rows=np.arange(9, dtype=np.int32),
                    count=40,
                )
                found, expected = recall.recall(query), exact.recall(query)
                plans.add(found.plan)
                assert expected.plan == "exact"
                assert found.eligible == expected.eligible
                assert len(found) == len(expected) == min(found.eligible, 40)
                assert recall.eligible(query)[found.rows].all()
                assert len(np.intersect1d(found.rows, expected.rows)) >= 0.95 * len(expected)
        assert plans == {"approximate", "exact"}
    finally:
        store.close()


def test_approximate_falls_back_when_it_comes_short(tmp_path: Path) -> None:
    """Every near neighbour is excluded: the approximate list is empty, the exact one is not."""
    items = shop(1000, seed=6)
    vectors = np.zeros((1000, 8), np.float32)
    vectors[:600, 0] = 1.0
    vectors[600:, 1] = 1.0
    store = VectorStore.build(tmp_path, items.ids, vectors, lambda row: metadata(items, row))
    try:
        recall = Recall(items, vectors, store=store, settings=RecallSettings(small=0, exact_rows=10))
        query = RecallQuery(text_vectors=vectors[:1], exclude_rows=np.arange(600, dtype=np.int32), count=50)
        found = recall.recall(query)
        assert (found.plan, found.eligible, len(found)) == ("exact", 400, 50)
        assert (found.rows >= 600).all()
    finally:
        store.close()


@settings(max_examples=40, deadline=None)
@given(
    size=st.integers(1, 3000),
    share=st.floats(0, 1),
    count=st.integers(1, 200),
    seed=st.integers(0, 9),
    coarse=st.booleans(),
)
def test_scan_is_the_sorted_product(size: int, share: float, count: int, seed: int, coarse: bool) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((size, 5)).astype(np.float32)
    if coarse:
        vectors = np.round(vectors)
    allowed = rng.random(size) < share
    direction = np.array([1, -2, 0, 1, 3], np.float32)
    expected = [row for row in np.argsort(-(vectors @ direction), kind="stable") if allowed[row]][:count]
    found = scan(vectors, {"x": direction}, allowed, int(allowed.sum()), count)["x"]
    np.testing.assert_allclose(vectors[found] @ direction, vectors[expected] @ direction, atol=1e-5)
    assert allowed[found].all()
    assert len(set(found.tolist())) == len(found) == min(count, int(allowed.sum()))
    assert top_rows(np.array([1.0, 3.0, 3.0, 2.0], np.float32), 2).tolist() == [1, 2]


def test_products_in_threads_are_the_same() -> None:
    vectors = np.random.default_rng(0).standard_normal((60_000, 6)).astype(np.float32)
    target = np.arange(6, dtype=np.float32)
    np.testing.assert_allclose(products(vectors, [target])[0], vectors @ target, atol=1e-4)
    rows = np.array([5, 1, 5])
    np.testing.assert_allclose(products(vectors, [target], rows)[0], vectors[rows] @ target, atol=1e-4)
