"""The vector store: Chroma, embedded in a folder or on a server. The only module that imports it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from convrec.retrieval.errors import DiskFullError, StoreError
from convrec.retrieval.progress import Progress, silent
from convrec.retrieval.settings import ChromaSettings

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection

Metadata = Mapping[str, str | float | bool | list[str]]
STAGE = "Indexing vectors"
COLLECTION = "items"


class VectorStore:
    """Items' vectors and metadata in one Chroma collection. Close it: two open stores of one folder share a client."""

    def __init__(self, client: Client, collection: Collection, settings: ChromaSettings) -> None:
        self._client = client
        self._collection = collection
        self._settings = settings

    @classmethod
    def build(
        cls,
        folder: Path | None,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        metadata: Callable[[int], Metadata],
        *,
        settings: ChromaSettings | None = None,
        name: str = COLLECTION,
        progress: Progress = silent,
    ) -> VectorStore:
        """Fill a new collection.

        Args:
            folder: where an embedded Chroma lies; unused when the settings name a server.
            ids: (I,) distinct.
            vectors: (I, d) finite, of length 1.
            metadata: of a row.
            name: of the collection; a collection of that name is replaced.

        Raises:
            StoreError: Chroma cannot be written or reached.
            DiskFullError: no room is left.
        """
        settings = settings or ChromaSettings()
        if len(set(ids)) != len(ids):
            raise StoreError("Item ids are not distinct: Chroma would silently keep the first of each.")
        with _failures("written"):
            client = _client(folder, settings)
            if name in {known.name for known in client.list_collections()}:
                client.delete_collection(name)
            collection = client.create_collection(
                name,
                embedding_function=None,
                configuration={
                    "hnsw": {
                        "space": "cosine",
                        "max_neighbors": settings.max_neighbors,
                        "ef_construction": settings.ef_construction,
                        "ef_search": settings.ef_search,
                        "num_threads": os.cpu_count() or 1,
                        "sync_threshold": _sync_threshold(len(ids)),
                        "batch_size": min(100, _sync_threshold(len(ids))),
                    }
                },
            )
            store = cls(client, collection, settings)
            store._add(ids, vectors, metadata, range(len(ids)), progress)
            collection.modify(configuration={"hnsw": {"sync_threshold": max(1000, len(ids) // 50)}})
            return store

    @classmethod
    def open(
        cls, folder: Path | None, *, settings: ChromaSettings | None = None, name: str = COLLECTION
    ) -> VectorStore:
        """Open a filled collection.

        Raises:
            StoreError: there is none, or it is damaged or out of reach.
        """
        settings = settings or ChromaSettings()
        if settings.host is None and (folder is None or not (folder / "chroma.sqlite3").is_file()):
            raise StoreError(f"There is no Chroma index in {folder}: build the workspace again.")
        with _failures("opened"):
            client = _client(folder, settings)
            return cls(client, client.get_collection(name, embedding_function=None), settings)

    def update(
        self,
        removed: Sequence[str],
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        metadata: Callable[[int], Metadata],
        rows: Sequence[int],
        *,
        progress: Progress = silent,
    ) -> None:
        """Take `removed` out, then put the items of `rows` in (those that are known already are replaced).

        Deleting first is what makes it a replacement: `add` keeps the old row and `upsert` the old metadata keys.
        """
        with _failures("written"):
            gone = [*removed, *(ids[row] for row in rows)]
            limit = self._client.get_max_batch_size()
            for start in range(0, len(gone), limit):
                self._collection.delete(ids=gone[start : start + limit])
            self._add(ids, vectors, metadata, rows, progress)

    def _add(
        self,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        metadata: Callable[[int], Metadata],
        rows: Sequence[int],
        progress: Progress,
    ) -> None:
        limit = min(self._client.get_max_batch_size(), 4096)
        for start in range(0, len(rows), limit):
            part = list(rows[start : start + limit])
            chosen = np.asarray(vectors[part], dtype=np.float32)
            if not np.isfinite(chosen).all():
                raise StoreError("A vector is not finite: the embedding model is damaged or unfit.")
            self._collection.add(
                ids=[ids[row] for row in part],
                embeddings=chosen,
                metadatas=[_sanitised(metadata(row)) for row in part],
            )
            progress(STAGE, start + len(part), len(rows))

    def query(
        self, vector: NDArray[np.float32], count: int, where: dict[str, Any] | None = None
    ) -> tuple[list[str], NDArray[np.float32]]:
        """The nearest items: ids and cosine similarities, nearest first; fewer than `count` when there are no more.

        Raises:
            StoreError: Chroma fails, for instance on a filter of too many terms.
        """
        if count <= 0:
            return [], np.zeros(0, dtype=np.float32)
        with _failures("queried"):
            found = self._collection.query(
                query_embeddings=np.asarray(vector, dtype=np.float32)[None, :],
                n_results=count,
                where=where,
                include=["distances"],
            )
        distances = (found["distances"] or [[]])[0]
        return list(found["ids"][0]), 1.0 - np.asarray(distances, dtype=np.float32)

    def matching(self, where: dict[str, Any] | None) -> set[str]:
        """Ids of all items that a clause selects."""
        with _failures("queried"):
            return set(self._collection.get(where=where, include=[])["ids"])

    def count(self) -> int:
        """Number of items."""
        with _failures("read"):
            return int(self._collection.count())

    def verify(self, ids: Sequence[str], vectors: NDArray[np.float32], *, sample: int = 32) -> None:
        """Check that the collection holds these items, by count and by a sample read back and found by its vector.

        Raises:
            StoreError: it does not.
        """
        if self.count() != len(ids):
            raise StoreError(f"Chroma holds {self.count()} items instead of {len(ids)}: build the workspace again.")
        if not ids:
            return
        rows = sorted({int(row) for row in np.linspace(0, len(ids) - 1, min(sample, len(ids)))})
        with _failures("read"):
            got = self._collection.get(ids=[ids[row] for row in rows], include=["embeddings"])
        stored = dict(zip(got["ids"], np.asarray(got["embeddings"]), strict=True))
        for row in rows:
            vector = stored.get(ids[row])
            if vector is None or not np.allclose(vector, vectors[row], atol=1e-4):
                raise StoreError(f"Chroma lost or changed item {ids[row]!r}: build the workspace again.")
        self.query(np.asarray(vectors[rows[0]]), 1)

    def close(self) -> None:
        """Let go of the folder; the store cannot be used afterwards."""
        self._client.close()


def _sync_threshold(count: int) -> int:
    """After how many rows Chroma writes its whole graph anew.

    What is left over at the end is put into the graph again whenever the store is opened, so the last row should
    complete a round; and the rounds should be few, since each writes everything.
    """
    rounds = max(1, round(count / 100_000))
    return max(2, count // rounds)


def drop_collections(settings: ChromaSettings, prefix: str, keep: set[str]) -> None:
    """Remove the collections on a server whose names begin with `prefix`, except those to keep."""
    with _failures("written"):
        client = _client(None, settings)
        for known in client.list_collections():
            if known.name.startswith(prefix) and known.name not in keep:
                client.delete_collection(known.name)
        client.close()


def _client(folder: Path | None, settings: ChromaSettings) -> Client:
    # Read at import time by the exporters that Chroma brings along.
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    import chromadb
    from chromadb.config import Settings

    logging.getLogger("chromadb.telemetry").setLevel(logging.CRITICAL)
    if settings.host is not None:
        headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"} if settings.token else {}
        client = chromadb.HttpClient(
            host=settings.host,
            port=settings.port,
            ssl=settings.ssl,
            headers=headers,
            settings=Settings(anonymized_telemetry=False),
        )
    elif folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        client = chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False))
    else:
        raise StoreError("An embedded Chroma needs a folder.")
    return cast("Client", client)  # declared as an interface that lacks `close`


@contextmanager
def _failures(verb: str) -> Iterator[None]:
    """Chroma raises its own errors, ValueError, TypeError and those of its HTTP client: one of ours for all."""
    try:
        yield
    except (StoreError, DiskFullError):
        raise
    except Exception as error:
        text = str(error)
        if "disk is full" in text or "No space left" in text:
            raise DiskFullError("The disk is full while the vector index is written: free some space.") from error
        raise StoreError(f"The vector store cannot be {verb}: {text.splitlines()[0] if text else error!r}") from error


def _sanitised(metadata: Metadata) -> dict[str, Any]:
    """Drop what would make Chroma raise, or lose the collection: empty lists and numbers that are not finite."""
    kept: dict[str, Any] = {}
    for key, value in metadata.items():
        if isinstance(value, list) and not value:
            continue
        if isinstance(value, float) and not np.isfinite(value):
            continue
        kept[key] = value
    return kept or {"_": True}
