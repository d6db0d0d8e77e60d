"""A recall channel by meaning: what a description is about, against the values that say what items are about.

The vector of an item's whole document is drawn to its title; its topics (genres, themes, tags) say more plainly what
it is about, and a request in other words still comes close to the right value of a vocabulary: by the value's name, or
by what is told of the items that carry it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.recall import RecallQuery
from convrec.retrieval.schema import Attribute, AttributeKind, Role

Encode = Callable[[Sequence[str]], NDArray[np.float32]]

MOST_VALUES = 1000
"""of one attribute: its most frequent ones; the tail of a heap of tags names single items"""
TEMPERATURE = 0.06
"""of the softmax over values: a value whose nearness is 0.06 behind that of the nearest one counts e times less"""
COMPANY = 0.6
"""what the cosine with a value's centroid counts beside the cosine with its name"""
DOUBTFUL, SURE = 0.3, 0.5
"""nearness of the nearest value up to which the channel has nothing to say, and from which it counts in full"""
SHRINKAGE = 3.0
"""carriers of a value at which its centroid counts half: few items share more than the value"""


class TopicSource:
    """Scores every item by how near its topic values are to the descriptions of a request.

    A value is as near as the mean of two cosines, with everything that is said of it as one text and with the nearest
    of its name, synonyms and meanings, plus `COMPANY` times its nearness as a centroid (see `value_centroids`). An
    item's score is the sum of the softmax weights of its values, added up over the descriptions with their weights, and
    less where no value is near; no opinion (None) without descriptions or without topics.
    """

    name = "topics"

    def __init__(
        self,
        catalogue: Catalogue,
        encode: Encode,
        documents: NDArray[np.float32],
        *,
        vectors: NDArray[np.float32] | None = None,
        centroids: NDArray[np.float32] | None = None,
    ) -> None:
        """
        Args:
            documents: (I, d) of length 1, the vectors of the items, in memory or mapped.
            vectors: (T, d) those of `texts`; without them they are made at the first need.
            centroids: (V, d) what `value_centroids` gave; the same.
        """
        self._encode = encode
        self._documents = documents
        self._lock = threading.Lock()
        self._size = len(catalogue)
        rows: list[NDArray[np.int32]] = []
        whole: list[str] = []
        phrases: list[tuple[str, ...]] = []
        for attribute in catalogue.schema.with_role(Role.TOPIC):
            if attribute.kind not in (AttributeKind.CATEGORY, AttributeKind.CATEGORIES):
                continue
            column = catalogue.categories(attribute.name)
            for code, value in enumerate(column.vocabulary[:MOST_VALUES]):
                whole.append(_whole(attribute, value))
                phrases.append((value, *attribute.synonyms.get(value, ()), *attribute.meanings.get(value, ())))
                rows.append(column.rows(code))
        self._texts = (*whole, *(phrase for own in phrases for phrase in own))
        self._first = np.cumsum([0, *(len(own) for own in phrases[:-1])])
        self._rows = np.concatenate(rows) if rows else np.zeros(0, np.int32)
        self._values = np.repeat(np.arange(len(rows)), [own.size for own in rows])
        self._vectors = vectors if vectors is not None and len(vectors) == len(self._texts) else None
        self._centroids = centroids if centroids is not None and len(centroids) == len(rows) else None

    @property
    def texts(self) -> tuple[str, ...]:
        """What is embedded: each value with everything that is said of it, then every phrase by itself."""
        return self._texts

    def value_centroids(self) -> NDArray[np.float32]:
        """(V, d) for each value, how the mean vector of its items departs from that of all items.

        As a direction of length 1, shortened where few items carry the value.
        """
        with self._lock:
            if self._centroids is None:
                self._centroids = self._departures()
            return self._centroids

    def scores(self, query: RecallQuery) -> NDArray[np.float32] | None:
        """(I,) scores of all rows; None where there is nothing to compare."""
        if query.text_vectors is None or not query.text_vectors.size or not self._texts:
            return None
        near = self._nearness(np.asarray(query.text_vectors, np.float32))
        nearest = near.max(axis=1, keepdims=True)
        # Something is always nearest: of a few kinds of things even where the request is about none of them.
        sure = np.clip((nearest - DOUBTFUL) / (SURE - DOUBTFUL), 0, 1)
        weights = sure * np.exp((near - nearest) / TEMPERATURE)
        share = np.ones(len(weights)) if query.text_weights is None else np.asarray(query.text_weights, np.float64)
        wanted = share @ weights  # (V,)
        return np.bincount(self._rows, weights=wanted[self._values], minlength=self._size).astype(np.float32)

    def _nearness(self, descriptions: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, V) how near each value is to each description."""
        cosines = descriptions @ self._text_vectors().T  # (n, T)
        count = len(self._first)
        nearest = np.maximum.reduceat(cosines[:, count:], self._first, axis=1)
        company = descriptions @ self.value_centroids().T
        return np.asarray((cosines[:, :count] + nearest) / 2 + COMPANY * company, np.float32)

    def _departures(self) -> NDArray[np.float32]:
        counts = np.bincount(self._values, minlength=len(self._first))
        everything = self._documents.mean(axis=0, dtype=np.float64)
        found = np.zeros((counts.size, everything.size))
        for value, rows in enumerate(np.split(self._rows, np.cumsum(counts)[:-1])):
            apart = self._documents[rows].mean(axis=0) - everything if rows.size else everything * 0
            length = float(np.linalg.norm(apart))
            if length > 0:
                found[value] = apart / length * rows.size / (rows.size + SHRINKAGE)
        return found.astype(np.float32)

    def _text_vectors(self) -> NDArray[np.float32]:
        with self._lock:
            if self._vectors is None:
                self._vectors = np.asarray(self._encode(self._texts), np.float32)
            return self._vectors


def _whole(attribute: Attribute, value: str) -> str:
    """'heist: a robbery and its planning; caper, burglary'."""
    meanings = attribute.meanings.get(value, ())
    named = f"{value}: {'; '.join(meanings)}" if meanings else value
    return "; ".join((named, ", ".join(attribute.synonyms[value]))) if attribute.synonyms.get(value) else named
