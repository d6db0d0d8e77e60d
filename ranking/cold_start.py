"""Evidence for items that nobody met: they borrow it from the items whose content is nearest.

An item without an interaction has no row in any model of the log, however good its text is. Here it is given a share of
the rows and columns of its nearest neighbours by content, so that it is recalled, scored and explained like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

NEIGHBOURS = 5
SHARPNESS = 8.0
"""power of the cosine that neighbours are weighed by"""
DOUBT = 1.25
"""interactions of a typical item at which an unmet one is taken for half new and half passed over"""
BLOCK = 1024
"""cold items compared with the others at a time"""


@dataclass(frozen=True, eq=False)
class Lending:
    """`mixture` (I, I) CSR: a met item is itself, a cold one a weighed sum of its neighbours.

    A model of the log takes it by `ItemToItem.mixed`.
    """

    mixture: sparse.csr_matrix

    @property
    def met(self) -> NDArray[np.bool_]:
        """(I,) the items that lend."""
        return np.asarray(self.mixture.diagonal() > 0)

    def values(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """(I,) values of items, with those of the neighbours for cold ones."""
        return np.asarray(self.mixture @ np.asarray(values, np.float32), np.float32)

    def log_probabilities(self, scores: NDArray[np.floating]) -> NDArray[np.float32]:
        """(I,) log-probabilities, where a cold item takes the mean probability of its neighbours."""
        lent = self.values(np.exp(np.asarray(scores, np.float64)))
        return np.where(self.met, scores, np.log(np.maximum(lent, 1e-12))).astype(np.float32)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Everything as arrays, for a safetensors file."""
        return {"indptr": self.mixture.indptr, "columns": self.mixture.indices, "weights": self.mixture.data}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Lending:
        """What `to_arrays` described; KeyError or ValueError where the arrays do not fit together."""
        size = arrays["indptr"].size - 1
        indptr, columns = arrays["indptr"].astype(np.int64), arrays["columns"].astype(np.int32)
        entries = (arrays["weights"].astype(np.float32), columns, indptr)
        return cls(sparse.csr_matrix(entries, shape=(size, size)))


def lend(counts: NDArray[np.number], vectors: NDArray[np.floating]) -> Lending | None:
    """Who lends to whom; None where every item was met, or none.

    Args:
        counts: (I,) interactions of each item; 0 makes it cold.
        vectors: (I, d) unit content vectors.
    """
    cold, met = np.flatnonzero(counts == 0), np.flatnonzero(counts > 0)
    if not cold.size or not met.size:
        return None
    lenders = np.asarray(vectors[met], np.float32)
    share = share_lent(counts)
    reach = min(NEIGHBOURS, met.size)
    rows, columns, weights = [met], [met], [np.ones(met.size, np.float32)]
    for start in range(0, cold.size, BLOCK):
        part = cold[start : start + BLOCK]
        cosines = np.asarray(vectors[part], np.float32) @ lenders.T  # (b, M)
        near = np.argpartition(-cosines, reach - 1, axis=1)[:, :reach]
        strength = np.maximum(np.take_along_axis(cosines, near, axis=1), 0) ** SHARPNESS
        strength *= share / np.maximum(strength.sum(axis=1, keepdims=True), 1e-9)
        rows.append(np.repeat(part, reach))
        columns.append(met[near].ravel())
        weights.append(strength.ravel())
    size = len(counts)
    entries = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
    return Lending(sparse.csr_matrix(entries, shape=(size, size)))


def share_lent(counts: NDArray[np.number]) -> float:
    """What borrowed evidence counts against evidence of an item's own, `m / (m + DOUBT)`, in [0, 1].

    `m` is the median of the interactions of items that were met. Where items are met by hundreds, one without any can
    only be new, and is as good as its neighbours; where a handful is usual, it may as well have been passed over.
    """
    met = counts[counts > 0]
    if not met.size:
        return 0.0
    typical = float(np.median(met))
    return typical / (typical + DOUBT)
