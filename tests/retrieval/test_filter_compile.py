"""Three readings of a filter, one set: `holds` per item, the mask, and `where` through a real Chroma collection."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.errors import FilterError
from convrec.retrieval.filter_compile import NotExpressibleError, mask, metadata, validate, where
from convrec.retrieval.filters import And, Contains, Filter, In, Mentions, Missing, Not, NotIn, Or, Range, holds
from convrec.retrieval.store import VectorStore
from tests.retrieval.catalogues import catalogue_of, schema, shop

SHELVES = ["Kitchen", "KITCHEN", "garden", "Straße", "STRASSE", "İzmir", "false", "1"]
TAGS = ["Blue", "blue", "red", "sci-fi", "a,b", "$and", "ÉTÉ", "été", "true"]
NUMBERS = [0.0, -0.0, 1.0, 1990.0, 1990.5, 2**53 + 2.0, 1e-9, 1e300, -7.25]

numbers = st.sampled_from(NUMBERS) | st.floats(-1e6, 1e6, allow_nan=False)
items = st.fixed_dictionaries(
    {},
    optional={
        "shelf": st.sampled_from(SHELVES),
        "tags": st.lists(st.sampled_from(TAGS), max_size=4),
        "price": numbers,
        "released": st.integers(-40_000, 40_000).map(float),
        "new": st.booleans(),
        "notes": st.sampled_from(["some words", "other words"]),
    },
)


def _ranges(field: str) -> st.SearchStrategy[Range]:
    bound = st.none() | numbers | st.sampled_from([float("inf"), float("-inf")])
    return st.builds(
        Range,
        field=st.just(field),
        minimum=bound,
        maximum=bound,
        minimum_open=st.booleans(),
        maximum_open=st.booleans(),
    )


def _one_of(field: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Filter]:
    several = st.lists(values, max_size=3).map(tuple)
    return st.builds(In, field=st.just(field), values=several) | st.builds(NotIn, field=st.just(field), values=several)


leaf: st.SearchStrategy[Filter] = st.one_of(
    _one_of("shelf", st.sampled_from([*SHELVES, "nowhere"])),
    _one_of("tags", st.sampled_from([*TAGS, "nothing"])),
    _one_of("price", numbers),
    _one_of("new", st.booleans()),
    st.builds(
        Contains,
        field=st.sampled_from(["tags", "shelf"]),
        values=st.lists(st.sampled_from([*TAGS, *SHELVES]), max_size=3).map(tuple),
        mode=st.sampled_from(["any", "all", "none"]),
    ),
    _ranges("price"),
    _ranges("released"),
    st.builds(Missing, field=st.sampled_from(["shelf", "tags", "price", "released", "new", "notes"])),
)
filters = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.builds(And, parts=st.lists(inner, max_size=3).map(tuple)),
        st.builds(Or, parts=st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, part=inner),
    ),
    max_leaves=6,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(rows=st.lists(items, min_size=1, max_size=12), nodes=st.lists(filters, min_size=20, max_size=40))
def test_three_readings_select_the_same_items(rows: list[dict[str, Any]], nodes: list[Filter]) -> None:
    catalogue = catalogue_of(rows)
    everything = [catalogue.item(row) for row in range(len(catalogue))]
    with tempfile.TemporaryDirectory() as folder:
        vectors = np.eye(len(rows), 16, dtype=np.float32)
        store = VectorStore.build(Path(folder), catalogue.ids, vectors, lambda row: metadata(catalogue, row))
        try:
            for node in nodes:
                expected = {item.id for item in everything if holds(node, item)}
                selected = mask(node, catalogue)
                assert {catalogue.ids[row] for row in np.flatnonzero(selected)} == expected
                assert set(np.flatnonzero(mask(Not(part=node), catalogue))) == set(np.flatnonzero(~selected))
                try:
                    clause = where(node, catalogue.schema)
                except NotExpressibleError:
                    assert not expected
                    continue
                assert store.matching(clause) == expected
        finally:
            store.close()


def test_words_of_titles_and_texts_are_found_whole() -> None:
    titles = ("Potatoes with chocolate", "Fries", "Berry pie", "Ham", "Hamburger")
    texts = ("Rich.", "Cut the potato thin.", "Three berries", "A ham\u2019s best side", "With chocolate-free sauce")
    catalogue = Catalogue(schema().model_copy(update={"attributes": ()}), tuple("abcde"), titles, texts, {})
    found = {
        "potato": "ab",
        "berry": "c",
        "ham": "d",
        "chocolate": "ae",
        "with chocolate": "ae",
        "pie three": "",
        " ": "",
    }
    for words, expected in found.items():
        node = Mentions(words=words)
        assert "".join(catalogue.ids[row] for row in np.flatnonzero(mask(node, catalogue))) == expected, words
        assert [holds(node, catalogue.item(row)) for row in range(5)] == mask(node, catalogue).tolist()
        with pytest.raises(NotExpressibleError):
            where(Not(part=node), catalogue.schema)


def test_a_filter_of_very_many_values_goes_to_the_mask() -> None:
    catalogue = shop(30)
    tags = tuple(f"tag {number}" for number in range(1000))
    node = Or(parts=(Contains(field="tags", values=tags), Contains(field="tags", values=("red",))))
    with pytest.raises(NotExpressibleError, match="1001 terms"):
        where(node, catalogue.schema)
    assert (
        mask(node, catalogue).sum()
        == catalogue.categories("tags").rows(catalogue.categories("tags").code("red") or 0).size
    )


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (In(field="shelv", values=("Kitchen",)), "no attribute 'shelv'; did you mean 'shelf'"),
        (In(field="shelf", values=("Kichen",)), "No item has 'Kichen' as 'shelf'; did you mean 'Kitchen'"),
        (Contains(field="tags", values=("Bleu",)), "'Blue'"),
        (Range(field="shelf", minimum=1), "no order"),
        (Range(field="price", minimum=float("nan")), "not a number"),
        (In(field="price", values=("cheap",)), "compare it with a number, not with 'cheap'"),
        (In(field="new", values=(1.0,)), "true or false"),
        (Contains(field="price", values=("1",)), "by range"),
        (In(field="notes", values=("some words",)), "free text"),
        (Not(part=And(parts=(Missing(field="nothing at all"),))), "known are 'shelf'"),
    ],
)
def test_a_senseless_filter_is_explained(node: Filter, words: str) -> None:
    with pytest.raises(FilterError, match=words):
        validate(node, schema(), shop(50))


def test_recall_takes_a_value_that_no_item_has() -> None:
    catalogue = shop(50)
    assert not mask(In(field="shelf", values=("Cellar",)), catalogue).any()
    assert mask(NotIn(field="shelf", values=("Cellar",)), catalogue).all()
