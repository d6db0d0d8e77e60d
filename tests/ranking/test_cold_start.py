"""Items that nobody met borrow the evidence of those nearest in content."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from convrec.ranking.attraction import expected_interactions
from convrec.ranking.cold_start import TRIAL, Lending, expected_share, lend
from convrec.ranking.collaborative import fit_transitions, item_counts
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role

ITEMS = 6
COLD = 5


@pytest.fixture
def log() -> InteractionLog:
    return InteractionLog.from_sequences([[0, 1, 2], [0, 1, 3], [4, 1, 2], [0, 1, 2]])


@pytest.fixture
def vectors() -> np.ndarray:
    """Item 5, whom nobody met, is almost item 2."""
    vectors = np.eye(ITEMS, 8, dtype=np.float32)
    vectors[COLD] = 0.99 * vectors[2] + 0.01 * vectors[4]
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def lent(log: InteractionLog, vectors: np.ndarray, expected: float = 0.7) -> Lending:
    lending = lend(item_counts(log, ITEMS), vectors, np.full(ITEMS, expected))
    assert lending is not None
    return lending


def share(lending: Lending) -> float:
    """What the cold item counts, against one of its lenders."""
    return float(lending.mixture[[COLD]].sum())


def test_a_cold_item_is_scored_as_its_neighbour_by_its_share(log: InteractionLog, vectors: np.ndarray) -> None:
    before = fit_transitions(log, ITEMS)
    lending = lent(log, vectors)
    after = before.mixed(lending.mixture)
    history = [np.array([0, 1])]
    was, now = before.scores(history)[0], after.scores(history)[0]
    assert was[COLD] == 0
    np.testing.assert_allclose(now[:COLD], was[:COLD], rtol=1e-6)
    np.testing.assert_allclose(now[COLD], share(lending) * was[2], rtol=1e-3)


def test_a_cold_item_in_a_history_speaks_for_what_its_neighbour_leads_to(
    log: InteractionLog, vectors: np.ndarray
) -> None:
    vectors[[COLD, 1]] = vectors[[1, COLD]]
    vectors[COLD] = vectors[0]
    lending = lent(log, vectors)
    model = fit_transitions(log, ITEMS).mixed(lending.mixture)
    scores = model.scores([np.array([0]), np.array([COLD])])
    np.testing.assert_allclose(scores[1, :COLD], share(lending) * scores[0, :COLD], rtol=1e-3)


def test_nobody_lends_where_nothing_is_cold_or_everything_is(vectors: np.ndarray) -> None:
    none = np.zeros(ITEMS)
    assert lend(np.ones(ITEMS), vectors, none) is None
    assert lend(np.zeros(ITEMS), vectors, none) is None
    assert lend(np.zeros(0), np.zeros((0, 8), np.float32), np.zeros(0)) is None


def test_an_item_unlike_all_others_borrows_nothing(log: InteractionLog, vectors: np.ndarray) -> None:
    vectors[COLD] = np.eye(ITEMS, 8, dtype=np.float32)[0] * 0
    vectors[COLD, 7] = 1
    lending = lent(log, vectors)
    assert not lending.values(np.ones(ITEMS))[COLD]


def test_more_is_lent_to_what_is_expected_to_be_taken(log: InteractionLog, vectors: np.ndarray) -> None:
    shares = [share(lent(log, vectors, expected)) for expected in (0.1, 0.7, 1.2)]
    assert 0 < shares[0] < shares[1] < shares[2]


def test_no_item_is_bold_where_most_are_new() -> None:
    counts, expected = np.array([10, 10, 0, 0]), np.log1p(np.array([10.0, 10.0, 10.0, 10.0]))
    assert expected_share(counts, expected) == pytest.approx(0.5)
    vectors = np.tile(np.eye(1, 4, dtype=np.float32), (4, 1))
    lending = lend(counts, vectors, expected)
    assert lending is not None
    np.testing.assert_allclose(lending.mixture[[2]].sum(), TRIAL * 0.5, rtol=1e-5)


def test_popular_looking_items_are_expected_to_be_taken() -> None:
    """Half of the items were met, those with votes often: of the others, those with votes can expect the same."""
    rng = np.random.default_rng(0)
    votes = rng.integers(0, 1000, 200).astype(float)
    catalogue = Catalogue.from_frame(
        pl.DataFrame({"id": [str(n) for n in range(200)], "title": ["x"] * 200, "text": [""] * 200, "a:votes": votes}),
        CatalogueSchema(
            id_column="id",
            title_column="title",
            attributes=(Attribute(name="votes", label="votes", kind=AttributeKind.NUMBER, role=Role.POPULARITY),),
        ),
    )
    counts = np.where(np.arange(200) < 100, np.round(votes / 10) + 1, 0)
    vectors = rng.normal(size=(200, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = expected_interactions(counts, vectors, catalogue)
    assert np.corrcoef(expected[100:], np.log1p(votes[100:]))[0, 1] > 0.9
    assert expected.min() >= 0
    assert expected.max() <= np.log1p(counts.max())
    np.testing.assert_array_equal(expected_interactions(np.zeros(200), vectors, catalogue), np.zeros(200))
