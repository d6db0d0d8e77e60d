"""One built index on disk: what it holds, where it lies, and how it is opened. Never changed once it is sealed."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.errors import EmbedderError, StoreError, WorkspaceLayoutError
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.lexical import LexicalIndex
from convrec.retrieval.schema import CatalogueSchema
from convrec.retrieval.settings import ChromaSettings
from convrec.retrieval.tensors import map_tensors
from convrec.retrieval.vectors import EmbedderIdentity

if TYPE_CHECKING:
    from convrec.retrieval.store import VectorStore

LAYOUT = 1
"""version of what is written below; other versions are refused"""

MANIFEST = "manifest.json"
SCHEMA = "schema.toml"
ITEMS = "items.parquet"
INTERACTIONS = "interactions.parquet"
EMBEDDINGS = "embeddings.safetensors"
LEXICAL = "lexical"
CHROMA = "chroma"


class FileRecord(BaseModel):
    """A file as it was when the generation was sealed."""

    model_config = ConfigDict(frozen=True)
    size: int
    sha256: str


class Manifest(BaseModel):
    """What a generation holds; written last, so a folder that has one is whole."""

    model_config = ConfigDict(frozen=True)

    layout: int = LAYOUT
    id: str
    created: str
    """ISO time, UTC"""
    previous: str | None = None
    """the generation that served before"""
    embedder: EmbedderIdentity
    items: int
    interactions: int = 0
    users: int = 0
    parts: dict[str, str] = Field(default_factory=dict)
    """part -> digest of everything that it was made from: an equal one is reused"""
    files: dict[str, FileRecord] = Field(default_factory=dict)
    """path -> record; Chroma's own files change when they are opened and are checked by content instead"""
    collection: str = "items"
    """name of the Chroma collection"""
    churn: float = 0.0
    """share of the items that was replaced in Chroma since its graph was last built afresh"""
    versions: dict[str, str] = Field(default_factory=dict)
    """of the libraries that wrote it"""


class Generation:
    """A sealed generation; every part is loaded when it is first asked for."""

    def __init__(self, folder: Path, manifest: Manifest, chroma: ChromaSettings | None = None) -> None:
        self.folder = folder
        self.manifest = manifest
        self._chroma = chroma or ChromaSettings()

    @classmethod
    def open(cls, folder: Path, chroma: ChromaSettings | None = None) -> Generation:
        """Open a generation by its folder.

        Raises:
            WorkspaceLayoutError: it was written by another version, or is damaged.
        """
        try:
            raw = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            layout = raw["layout"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WorkspaceLayoutError(f"The index in {folder} has no readable manifest: build it again.") from error
        if layout != LAYOUT:
            raise WorkspaceLayoutError(
                f"The index in {folder} has layout {layout}, this version of convrec reads {LAYOUT}: build it again."
            )
        try:
            manifest = Manifest.model_validate(raw)
        except ValidationError as error:
            raise WorkspaceLayoutError(f"The manifest in {folder} is damaged: build the index again.") from error
        for name, record in manifest.files.items():
            file = folder / name
            if not file.is_file() or file.stat().st_size != record.size:
                raise WorkspaceLayoutError(f"{file} is missing or was changed: build the index again.")
        return cls(folder, manifest, chroma)

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def identity(self) -> EmbedderIdentity:
        """Of the embedder that built it."""
        return self.manifest.embedder

    def check_embedder(self, identity: EmbedderIdentity) -> None:
        """Make sure that queries are embedded by what embedded the items.

        Raises:
            EmbedderError: another model.
        """
        if identity != self.identity:
            raise EmbedderError(
                f"The index was built with {self.identity}, queries would be embedded with {identity}: "
                "use the same embedding settings, or build the index again."
            )

    @cached_property
    def schema(self) -> CatalogueSchema:
        from convrec.retrieval.schema_file import load_schema_toml

        return load_schema_toml(self.folder / SCHEMA)

    def ids(self) -> list[str]:
        """Item ids by row, without the rest of the catalogue."""
        import polars as pl

        return list(pl.read_parquet(self.folder / ITEMS, columns=["id"])["id"])

    @cached_property
    def catalogue(self) -> Catalogue:
        import polars as pl

        return Catalogue.from_frame(pl.read_parquet(self.folder / ITEMS), self.schema)

    @cached_property
    def log(self) -> InteractionLog:
        import polars as pl

        return InteractionLog.from_frame(pl.read_parquet(self.folder / INTERACTIONS), self.catalogue.ids)

    @cached_property
    def _tensors(self) -> dict[str, NDArray[Any]]:
        return map_tensors(self.folder / EMBEDDINGS)

    @property
    def vectors(self) -> NDArray[np.float32]:
        """(I, d) of length 1, mapped from disk."""
        return self._tensors["vectors"]

    @property
    def keys(self) -> NDArray[np.uint8]:
        """(I, 16) digest of each item's text and metadata: what Chroma holds of it."""
        return np.asarray(self._tensors["keys"], dtype=np.uint8)

    @cached_property
    def lexical(self) -> LexicalIndex:
        return LexicalIndex.load(self.folder / LEXICAL)

    @cached_property
    def store(self) -> VectorStore:
        from convrec.retrieval.store import VectorStore

        folder = None if self._chroma.host is not None else self.folder / CHROMA
        return VectorStore.open(folder, settings=self._chroma, name=self.manifest.collection)

    def extra_path(self, name: str) -> Path:
        """Where a file of an outer layer lies, whether it is there or not."""
        return self.folder / name

    def close(self) -> None:
        """Let go of Chroma, if it was opened."""
        store = self.__dict__.pop("store", None)
        if store is not None:
            store.close()

    def verify(self) -> None:
        """Read everything back: digests of all files, and Chroma against the vectors.

        Raises:
            WorkspaceLayoutError, StoreError: what is wrong, in a sentence.
        """
        for name, record in self.manifest.files.items():
            if file_digest(self.folder / name) != record.sha256:
                raise WorkspaceLayoutError(f"{self.folder / name} is damaged: build the index again.")
        count = len(self.catalogue)
        if not count == self.manifest.items == len(self.vectors) == len(self.lexical):
            raise StoreError(f"The parts of the index in {self.folder} do not belong together: build it again.")
        self.store.verify(self.catalogue.ids, self.vectors)


def file_digest(file: Path) -> str:
    """sha256 of a file, in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
