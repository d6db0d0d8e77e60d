"""Vectors: which model made them, and what makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from convrec.retrieval.progress import Progress, silent

Vectors = NDArray[np.float32]

EMBEDDING = "Embedding"
"""stage of progress"""


class EmbedderIdentity(BaseModel):
    """Which vectors these are: vectors of different identities must never meet."""

    model_config = ConfigDict(frozen=True)
    name: str
    revision: str
    """digest of the weights, or what else tells versions of the model apart"""
    dim: int

    def __str__(self) -> str:
        return f"{self.name} ({self.dim}-d, {self.revision[:12]})"


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def identity(self) -> EmbedderIdentity:
        """Known without loading the model where that is possible."""
        ...

    def encode(self, texts: Sequence[str], *, progress: Progress = silent) -> Vectors:
        """Vectors of documents: (n, dim) float32 of length 1.

        Raises:
            EmbedderError: the model is missing, damaged or out of reach.
        """
        ...

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of queries, in the same space; some models treat them differently."""
        ...


def normalised(vectors: NDArray[Any]) -> Vectors:
    """Rows scaled to length 1; a row of zeros stays."""
    result: Vectors = np.asarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(result, axis=1, keepdims=True)
    return (result / np.where(norms > 0, norms, 1.0)).astype(np.float32)
