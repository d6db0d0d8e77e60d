"""The channel that compares descriptions with the values that say what items are about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from convrec.retrieval.catalogue import Catalogue, CategoryColumn, NumberColumn
from convrec.retrieval.recall import RecallQuery
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role
from convrec.retrieval.topics import TopicSource

AXES = {"soup: eaten with a spoon; broth": 0, "soup": 0, "broth": 0, "eaten with a spoon": 3, "bread": 1, "salad": 2}
KINDS = [["soup"], ["bread"], ["soup", "bread"], [], ["salad"]]


def encode(texts: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    vectors = np.zeros((len(texts), 4), np.float32)
    vectors[np.arange(len(texts)), [AXES[text] for text in texts]] = 1
    return vectors


def catalogue(role: Role | None = Role.TOPIC) -> Catalogue:
    kinds = Attribute(
        name="kinds",
        label="kind",
        kind=AttributeKind.CATEGORIES,
        role=role,
        synonyms={"soup": ("broth",)},
        meanings={"soup": ("eaten with a spoon",)},
    )
    price = Attribute(name="price", label="price", kind=AttributeKind.NUMBER, role=Role.PRICE)
    return Catalogue(
        schema=CatalogueSchema(id_column="id", title_column="name", attributes=(kinds, price)),
        ids=("a", "b", "c", "d", "e"),
        titles=("A", "B", "C", "D", "E"),
        texts=("",) * 5,
        columns={
            "kinds": CategoryColumn.from_values(KINDS, multiple=True),
            "price": NumberColumn(np.arange(5.0)),
        },
    )


NO_DOCUMENTS = np.zeros((5, 4), np.float32)


def asked(*vectors: list[float], weights: list[float] | None = None) -> RecallQuery:
    return RecallQuery(
        text_vectors=np.array(vectors, np.float32),
        text_weights=None if weights is None else np.array(weights, np.float32),
    )


def test_items_whose_values_come_close_score_highest() -> None:
    scores = TopicSource(catalogue(), encode, NO_DOCUMENTS).scores(asked([0.9, 0.1, 0, 0]))
    assert scores is not None
    assert scores.shape == (5,)
    assert scores[0] == pytest.approx(1.0, abs=1e-3)
    assert scores[2] >= scores[0] > scores[1] > scores[4]
    assert scores[3] == 0


def test_a_value_is_found_by_what_it_means() -> None:
    source = TopicSource(catalogue(), encode, NO_DOCUMENTS)
    scores, doubtful = source.scores(asked([0, 0.2, 0, 0.9])), source.scores(asked([0, 0.2, 0, 0.7]))
    assert scores is not None
    assert doubtful is not None
    assert scores[0] > 0.5
    assert scores[1] < 0.05
    assert 0 < doubtful[0] < scores[0]


def test_descriptions_add_up_and_unwanted_ones_push_away() -> None:
    source = TopicSource(catalogue(), encode, NO_DOCUMENTS)
    both = source.scores(asked([1, 0, 0, 0], [0, 0, 1, 0], weights=[1.0, -0.5]))
    assert both is not None
    assert both[0] == pytest.approx(1.0, abs=1e-3)
    assert both[4] == pytest.approx(-0.5, abs=1e-3)


def test_there_is_no_opinion_without_descriptions_or_topics() -> None:
    assert TopicSource(catalogue(), encode, NO_DOCUMENTS).scores(RecallQuery()) is None
    assert TopicSource(catalogue(role=None), encode, NO_DOCUMENTS).scores(asked([1, 0, 0])) is None


def test_a_value_is_found_by_what_its_items_tell() -> None:
    """Nothing in the name of the salad says what the only item that carries it is about."""
    documents = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]], np.float32)
    centroids = TopicSource(catalogue(), encode, documents).value_centroids()
    lengths = np.linalg.norm(centroids, axis=1)
    assert lengths == pytest.approx([2 / 5, 2 / 5, 1 / 4])
    scores = TopicSource(catalogue(), encode, documents, centroids=centroids).scores(asked([0, 0, 0, 1]))
    alone = TopicSource(catalogue(), encode, NO_DOCUMENTS).scores(asked([0, 0, 0, 1]))
    assert scores is not None
    assert alone is not None
    assert scores[4] / scores[1] > 1.5 * alone[4] / alone[1]
