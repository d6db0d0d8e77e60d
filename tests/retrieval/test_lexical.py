"""BM25: checked against its formula."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from convrec.retrieval.errors import StoreError
from convrec.retrieval.lexical import LexicalIndex, tokens

DOCUMENTS = ["Running shoes for runners", "Café table, round", "The table lamp", "", "Lamp oil and the lamp wick"]


def _reference(query: list[str], documents: list[list[str]], k1: float = 1.2, b: float = 0.75) -> list[float]:
    """Lucene's BM25, term by term."""
    average = sum(map(len, documents)) / len(documents)
    scores = []
    for own in documents:
        score = 0.0
        for term in query:
            frequency = own.count(term)
            holders = sum(term in other for other in documents)
            idf = math.log(1 + (len(documents) - holders + 0.5) / (holders + 0.5))
            score += idf * frequency / (frequency + k1 * (1 - b + b * len(own) / average))
        scores.append(score)
    return scores


@pytest.mark.parametrize("query", ["lamp", "the lamp table", "cafe RUN"])
def test_scores_are_bm25(query: str, tmp_path: Path) -> None:
    index = LexicalIndex.build(DOCUMENTS)
    expected = _reference(tokens(query), [tokens(document) for document in DOCUMENTS])
    scores = index.scores(query)
    assert scores is not None
    np.testing.assert_allclose(scores, expected, rtol=1e-5)
    index.save(tmp_path / "lexical")
    loaded = LexicalIndex.load(tmp_path / "lexical")
    assert len(loaded) == 5
    np.testing.assert_array_equal(loaded.scores(query) if loaded.scores(query) is not None else [], scores)


@pytest.mark.parametrize("query", ["", "the of", "unheard-of", "?!", "\x00"])
def test_nothing_known_is_no_opinion(query: str) -> None:
    assert LexicalIndex.build(DOCUMENTS).scores(query) is None


def test_documents_without_words(tmp_path: Path) -> None:
    index = LexicalIndex.build(["", "…"])
    index.save(tmp_path)
    assert LexicalIndex.load(tmp_path).scores("anything") is None
    assert len(LexicalIndex.load(tmp_path)) == 2


def test_damage_is_named(tmp_path: Path) -> None:
    LexicalIndex.build(DOCUMENTS).save(tmp_path)
    (tmp_path / "data.csc.index.npy").write_bytes(b"")
    with pytest.raises(StoreError, match="damaged"):
        LexicalIndex.load(tmp_path)
