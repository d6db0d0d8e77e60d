"""Embeddings without a model."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from convrec.retrieval.progress import Progress, silent
from convrec.retrieval.vectors import EMBEDDING, EmbedderIdentity, Vectors, normalised


class HashingEmbedder:
    """Words and their character trigrams, hashed into `dim` signed buckets (Weinberger et al., 2009).

    Needs no model, is the same on every machine, and knows spelling but not meaning: for tests and tiny trials.
    """

    def __init__(self, dim: int = 256) -> None:
        self._dim = dim
        self._words: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}

    @property
    def identity(self) -> EmbedderIdentity:
        return EmbedderIdentity(name="hashing", revision="words-trigrams-1", dim=self._dim)

    def encode(self, texts: Sequence[str], *, progress: Progress = silent) -> Vectors:
        result = np.zeros((len(texts), self._dim), dtype=np.float32)
        for row, text in enumerate(texts):
            features = [self._features(word) for word in re.findall(r"\w+", text.casefold())]
            if features:
                buckets = np.concatenate([own for own, _ in features])
                signs = np.concatenate([own for _, own in features])
                result[row] = np.bincount(buckets, weights=signs, minlength=self._dim)
            if row % 1000 == 999:
                progress(EMBEDDING, row + 1, len(texts))
        progress(EMBEDDING, len(texts), len(texts))
        return normalised(np.sign(result) * np.sqrt(np.abs(result)))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self.encode(texts)

    def _features(self, word: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        known = self._words.get(word)
        if known is None:
            padded = f"<{word}>"
            grams = [padded[i : i + 3] for i in range(len(padded) - 2)]
            hashes = np.array([zlib.crc32(gram.encode("utf-8", "replace")) for gram in (word, *grams)], dtype=np.int64)
            weights = np.where(hashes & 1, 1.0, -1.0)
            weights[1:] /= max(len(grams), 1)
            known = (hashes >> 1) % self._dim, weights
            if len(self._words) < 200_000:
                self._words[word] = known
        return known
