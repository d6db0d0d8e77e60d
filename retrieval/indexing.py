"""From a catalogue and its log to a new generation; whatever did not change is taken over from the one before."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.embedding_cache import EmbeddingCache, text_key
from convrec.retrieval.errors import DiskFullError, StoreError, WorkspaceError
from convrec.retrieval.filter_compile import metadata
from convrec.retrieval.generation import (
    CHROMA,
    EMBEDDINGS,
    INTERACTIONS,
    ITEMS,
    LEXICAL,
    SCHEMA,
    Generation,
    Manifest,
    file_digest,
)
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.lexical import LexicalIndex
from convrec.retrieval.progress import Progress, silent
from convrec.retrieval.schema_file import dump_schema_toml
from convrec.retrieval.store import COLLECTION, VectorStore
from convrec.retrieval.tensors import save_tensors
from convrec.retrieval.vectors import Embedder
from convrec.retrieval.workspace import Draft, Workspace

MAX_UPDATE = 0.2
"""share of replaced items above which Chroma's graph is built afresh; deleted nodes degrade it"""


@dataclass(frozen=True, eq=False)
class BuildContext:
    """What an outer layer sees when it adds its own files to a generation."""

    folder: Path
    """where its files go"""
    catalogue: Catalogue
    log: InteractionLog
    vectors: NDArray[np.float32]
    previous: Generation | None
    """the generation that serves, or None"""
    unchanged: frozenset[str]
    """parts that are the same as in the previous one: 'items', 'interactions', 'embeddings', 'lexical', 'chroma'"""
    encode: Callable[[Sequence[str]], NDArray[np.float32]]
    """embeds documents, and remembers them for the next build"""
    reuse: Callable[[str], None]
    """takes over a file or folder of the previous generation by its name"""
    progress: Progress


Extra = Callable[[BuildContext], None]


def build_index(
    workspace: Workspace,
    catalogue: Catalogue,
    log: InteractionLog,
    embedder: Embedder,
    *,
    progress: Progress = silent,
    extra: Extra | None = None,
) -> Generation:
    """Build, verify and switch to a new generation.

    Args:
        log: may be empty; its rows are those of `catalogue`.
        extra: adds the files of outer layers before the generation is sealed.

    Raises:
        WorkspaceLockedError, DiskFullError, EmbedderError, StoreError: the old generation serves on.
    """
    if not len(catalogue):
        raise WorkspaceError("The catalogue has no items: nothing to build.")
    with workspace.new_generation() as draft:
        build = _Build(workspace, draft, catalogue=catalogue, log=log, embedder=embedder, progress=progress)
        build.run(extra)
    return workspace.open_current()


class _Build:
    """The steps of one build; `parts` collects the digest of what each part is made from."""

    def __init__(
        self,
        workspace: Workspace,
        draft: Draft,
        *,
        catalogue: Catalogue,
        log: InteractionLog,
        embedder: Embedder,
        progress: Progress,
    ) -> None:
        self.workspace = workspace
        self.draft = draft
        self.catalogue = catalogue
        self.log = log
        self.embedder = embedder
        self.progress = progress
        self.cache = EmbeddingCache(workspace.embedding_cache)
        self.parts: dict[str, str] = {}

    def run(self, extra: Extra | None) -> None:
        self._check_room()
        self._write_tables()
        rows = range(len(self.catalogue))
        documents = [self.catalogue.document(row) for row in rows]
        vectors, keys = self._embed(documents)
        self._index_words(documents)
        churn, collection = self._index_vectors(vectors, keys)
        if extra is not None:
            extra(self._context(vectors))
        self.cache.prune()
        self.draft.complete(
            Manifest(
                id=self.draft.id,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                previous=self.draft.previous.id if self.draft.previous else None,
                embedder=self.embedder.identity,
                items=len(self.catalogue),
                interactions=len(self.log),
                users=self.log.users,
                parts=self.parts,
                collection=collection,
                churn=churn,
                versions={name: version(name) for name in ("convrec", "chromadb", "bm25s", "polars", "numpy")},
            )
        )

    def _context(self, vectors: NDArray[np.float32]) -> BuildContext:
        unchanged = frozenset(name for name in self.parts if self._same(name))
        draft = self.draft
        return BuildContext(
            folder=draft.folder,
            catalogue=self.catalogue,
            log=self.log,
            vectors=vectors,
            previous=draft.previous,
            unchanged=unchanged,
            encode=lambda texts: self.cache.encode(self.embedder, texts, progress=self.progress)[0],
            reuse=draft.reuse,
            progress=self.progress,
        )

    def _same(self, part: str) -> bool:
        previous = self.draft.previous
        return previous is not None and previous.manifest.parts.get(part) == self.parts[part]

    def _check_room(self) -> None:
        """Say early what would fail late: after the embedding, which is the long part."""
        needed = 4 * self.embedder.identity.dim * len(self.catalogue) * 4
        free = shutil.disk_usage(self.draft.folder).free
        if free < needed:
            raise DiskFullError(
                f"Building needs about {needed // 2**20 + 1} MB in {self.workspace.path}, {free // 2**20} MB are free: "
                "free some space or choose another --workspace."
            )

    def _write_tables(self) -> None:
        folder = self.draft.folder
        self.progress("Writing tables", 0, 1)
        dump_schema_toml(self.catalogue.schema, folder / SCHEMA)
        self.catalogue.to_frame().write_parquet(folder / ITEMS)
        self.log.to_frame(self.catalogue.ids).write_parquet(folder / INTERACTIONS)
        self.parts["items"] = _digest([file_digest(folder / ITEMS), file_digest(folder / SCHEMA)])
        self.parts["interactions"] = file_digest(folder / INTERACTIONS)
        self.progress("Writing tables", 1, 1)

    def _embed(self, documents: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        identity = self.embedder.identity
        texts = [text_key(identity, document) for document in documents]
        self.cache.used.update(texts)
        self.parts["embeddings"] = _digest([self.parts["items"], *(key.hex() for key in texts)])
        previous = self.draft.previous
        if previous is not None and self._same("embeddings"):
            self.draft.reuse(EMBEDDINGS)
            return previous.vectors, previous.keys
        vectors, _ = self.cache.encode(self.embedder, documents, progress=self.progress)
        keys = np.zeros((len(texts), 16), dtype=np.uint8)
        for row, text in enumerate(texts):
            own = json.dumps(metadata(self.catalogue, row), sort_keys=True, ensure_ascii=False)
            keys[row] = np.frombuffer(
                hashlib.blake2b(text + own.encode("utf-8", "replace"), digest_size=16).digest(), np.uint8
            )
        save_tensors(self.draft.folder / EMBEDDINGS, {"vectors": vectors, "keys": keys})
        return vectors, keys

    def _index_words(self, documents: Sequence[str]) -> None:
        self.parts["lexical"] = _digest(["bm25-1", *documents])
        if self._same("lexical"):
            self.draft.reuse(LEXICAL)
            return
        index = LexicalIndex.build(documents, progress=self.progress, total=len(documents))
        index.save(self.draft.folder / LEXICAL)

    def _index_vectors(self, vectors: NDArray[np.float32], keys: NDArray[np.uint8]) -> tuple[float, str]:
        """Fill Chroma: take it over, replace what changed, or build it; the churn and the collection's name."""
        chroma = self.workspace.chroma
        server = chroma.host or ""
        graph = [chroma.max_neighbors, chroma.ef_construction, chroma.ef_search, server, chroma.port if server else 0]
        self.parts["graph"] = _digest(map(str, graph))
        self.parts["chroma"] = _digest([self.parts["embeddings"], self.parts["graph"]])
        previous, ids = self.draft.previous, self.catalogue.ids
        folder = None if server else self.draft.folder / CHROMA
        if previous is not None and self._same("graph"):
            if self._same("chroma") and self._take_over(previous, vectors):
                return previous.manifest.churn, previous.manifest.collection
            if folder is not None:
                churn = self._update(previous, vectors, keys)
                if churn is not None:
                    return churn, COLLECTION
        name = f"{self.workspace.collection_prefix}{self.draft.id}" if server else COLLECTION
        store = VectorStore.build(
            folder,
            ids,
            vectors,
            lambda row: metadata(self.catalogue, row),
            settings=chroma,
            name=name,
            progress=self.progress,
        )
        self._verified(store, vectors)
        return 0.0, name

    def _take_over(self, previous: Generation, vectors: NDArray[np.float32]) -> bool:
        chroma, name = self.workspace.chroma, previous.manifest.collection
        folder = None if chroma.host is not None else self.draft.folder / CHROMA
        try:
            if folder is not None:
                self.draft.reuse(CHROMA)
            self._verified(VectorStore.open(folder, settings=chroma, name=name), vectors)
        except (StoreError, OSError):
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            return False
        return True

    def _update(self, previous: Generation, vectors: NDArray[np.float32], keys: NDArray[np.uint8]) -> float | None:
        """Replace what changed in a copy of the previous store; None when that is too much, or fails."""
        ids = self.catalogue.ids
        before = {item_id: key.tobytes() for item_id, key in zip(previous.ids(), previous.keys, strict=True)}
        removed = sorted(before.keys() - set(ids))
        changed = [row for row, item_id in enumerate(ids) if before.get(item_id) != keys[row].tobytes()]
        churn = previous.manifest.churn + (len(removed) + len(changed)) / len(ids)
        if churn > MAX_UPDATE:
            return None
        folder = self.draft.folder / CHROMA
        try:
            self.draft.reuse(CHROMA)
            store = VectorStore.open(folder, settings=self.workspace.chroma)
            store.update(
                removed, ids, vectors, lambda row: metadata(self.catalogue, row), changed, progress=self.progress
            )
            self._verified(store, vectors)
        except (StoreError, OSError):
            shutil.rmtree(folder, ignore_errors=True)
            return None
        return churn

    def _verified(self, store: VectorStore, vectors: NDArray[np.float32]) -> None:
        try:
            store.verify(self.catalogue.ids, vectors)
        finally:
            store.close()


def _digest(texts: Iterable[str]) -> str:
    total = hashlib.sha256()
    for text in texts:
        own = text.encode("utf-8", "replace")
        total.update(len(own).to_bytes(8, "little"))
        total.update(own)
    return total.hexdigest()
