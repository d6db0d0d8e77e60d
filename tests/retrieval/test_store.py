"""One contract for Chroma in a folder and Chroma on a server."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from convrec.retrieval.errors import StoreError
from convrec.retrieval.filter_compile import metadata, where
from convrec.retrieval.filters import Range
from convrec.retrieval.settings import ChromaSettings
from convrec.retrieval.store import VectorStore, drop_collections
from convrec.retrieval.vectors import normalised
from tests.retrieval.catalogues import catalogue_of, shop

Place = tuple[Path | None, ChromaSettings]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaSettings]:
    folder, port = tmp_path_factory.mktemp("server"), _free_port()
    chroma = Path(sys.executable).with_name("chroma")
    process = subprocess.Popen(
        [chroma, "run", "--path", folder, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "the server ended"
            time.sleep(0.1)
        yield ChromaSettings(host="127.0.0.1", port=port)
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(params=["folder", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return tmp_path / "chroma", ChromaSettings()
    return None, request.getfixturevalue("server")


@pytest.fixture
def opened() -> Iterator[Callable[[VectorStore], VectorStore]]:
    stores: list[VectorStore] = []

    def remember(store: VectorStore) -> VectorStore:
        stores.append(store)
        return store

    yield remember
    for store in stores:
        store.close()


def _vectors(count: int, dim: int = 24, seed: int = 0) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return normalised(vectors)


def test_contract(place: Place, opened: Callable[[VectorStore], VectorStore]) -> None:
    folder, settings = place
    items, vectors, name = shop(300), _vectors(300), "convrec-contract-1"
    reports: list[tuple[int, int]] = []
    store = opened(
        VectorStore.build(
            folder,
            items.ids,
            vectors,
            lambda row: metadata(items, row),
            settings=settings,
            name=name,
            progress=lambda _, done, total: reports.append((done, total)),
        )
    )
    assert reports[-1] == (300, 300)
    store.verify(items.ids, vectors)

    ids, scores = store.query(vectors[7], 20)
    expected = vectors @ vectors[7]
    assert ids == [items.ids[row] for row in np.argsort(-expected)[:20]]
    np.testing.assert_allclose(scores, np.sort(expected)[::-1][:20], atol=1e-5)
    assert len(store.query(vectors[7], 1000)[0]) == 300
    assert store.query(vectors[7], 0)[0] == []

    clause = where(Range(field="price", maximum=30.0), items.schema)
    cheap = {items.ids[row] for row in np.flatnonzero(items.number("price") <= 30.0)}
    assert set(store.query(vectors[7], 1000, clause)[0]) == cheap == store.matching(clause)
    with pytest.raises(StoreError, match="cannot be queried"):
        store.query(vectors[7], 5, {"$or": [{"a:price": {"$eq": float(n)}} for n in range(1500)]})

    again = opened(VectorStore.open(folder, settings=settings, name=name))
    assert again.count() == 300
    changed = vectors.copy()
    changed[5] = vectors[6]
    with pytest.raises(StoreError, match="lost or changed"):
        again.verify(items.ids, _vectors(300, seed=1))
    with pytest.raises(StoreError, match="300 items instead of 299"):
        again.verify(items.ids[1:], vectors[1:])

    bare = catalogue_of([{} for _ in range(300)])
    again.update(["i299"], items.ids, changed, lambda row: metadata(bare, row), [5])
    assert again.count() == 299
    assert "i5" not in again.matching(clause), "the metadata that the new row lacks is gone"
    assert set(again.query(vectors[6], 2)[0]) == {"i5", "i6"}


def test_what_chroma_cannot_hold_never_reaches_it(place: Place, opened: Callable[[VectorStore], VectorStore]) -> None:
    folder, settings = place
    traps: list[dict[str, Any]] = [
        {"price": float("inf"), "tags": []},
        {"price": float("-inf"), "title": "\x1b[31m"},
        {"price": 1e308},
        {},
    ]
    items, vectors = catalogue_of(traps), _vectors(4)
    store = opened(
        VectorStore.build(
            folder, items.ids, vectors, lambda row: metadata(items, row), settings=settings, name="convrec-traps"
        )
    )
    store.verify(items.ids, vectors)
    assert store.matching(where(Range(field="price", minimum=1e307), items.schema)) == {"i0", "i2"}
    with pytest.raises(StoreError, match="not finite"):
        opened(
            VectorStore.build(
                folder,
                ["a"],
                np.array([[np.nan, 1.0]], np.float32),
                lambda _: {},
                settings=settings,
                name="convrec-nan",
            )
        )
    with pytest.raises(StoreError, match="not distinct"):
        VectorStore.build(folder, ["a", "a"], _vectors(2), lambda _: {}, settings=settings, name="convrec-twice")


def test_missing_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no Chroma index"):
        VectorStore.open(tmp_path)
    (tmp_path / "chroma.sqlite3").write_bytes(b"not a database at all" * 50)
    with pytest.raises(StoreError, match="cannot be opened"):
        VectorStore.open(tmp_path)
    with pytest.raises(StoreError, match="cannot be opened"):
        VectorStore.open(None, settings=ChromaSettings(host="127.0.0.1", port=_free_port()))


def test_only_own_collections_are_dropped(server: ChromaSettings) -> None:
    for name in ("convrec-aa-1", "convrec-aa-2", "convrec-bb-1"):
        VectorStore.build(None, ["a"], _vectors(1), lambda _: {}, settings=server, name=name).close()
    drop_collections(server, "convrec-aa-", {"convrec-aa-2"})
    with pytest.raises(StoreError):
        VectorStore.open(None, settings=server, name="convrec-aa-1")
    for name in ("convrec-aa-2", "convrec-bb-1"):
        assert VectorStore.open(None, settings=server, name=name).count() == 1
