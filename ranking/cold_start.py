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
TRIAL = 2.0
"""what borrowed evidence of a single new item counts against evidence of an item's own: a new item has to be tried"""
FORESIGHT = 0.5
"""power of the interactions that are expected of an item, against those of its lenders"""
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


def lend(counts: NDArray[np.number], vectors: NDArray[np.floating], expected: NDArray[np.floating]) -> Lending | None:
    """Who lends to whom; None where every item was met, or none.

    Args:
        counts: (I,) interactions of each item; 0 makes it cold.
        vectors: (I, d) unit content vectors.
        expected: (I,) `log(1 + interactions)` that are expected of each item (`expected_interactions`).
    """
    cold, met = np.flatnonzero(counts == 0), np.flatnonzero(counts > 0)
    if not cold.size or not met.size:
        return None
    lenders = np.asarray(vectors[met], np.float32)
    known = np.log1p(counts[met].astype(np.float64))
    boldness = TRIAL * (1 - expected_share(counts, expected))
    reach = min(NEIGHBOURS, met.size)
    rows, columns, weights = [met], [met], [np.ones(met.size, np.float32)]
    for start in range(0, cold.size, BLOCK):
        part = cold[start : start + BLOCK]
        cosines = np.asarray(vectors[part], np.float32) @ lenders.T  # (b, M)
        near = np.argpartition(-cosines, reach - 1, axis=1)[:, :reach]
        strength = np.maximum(np.take_along_axis(cosines, near, axis=1), 0) ** SHARPNESS
        strength /= np.maximum(strength.sum(axis=1, keepdims=True), 1e-9)
        ahead = expected[part] - (strength * known[near]).sum(axis=1)
        strength *= (boldness * np.exp(FORESIGHT * ahead))[:, None]
        rows.append(np.repeat(part, reach))
        columns.append(met[near].ravel())
        weights.append(strength.ravel())
    size = len(counts)
    entries = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
    return Lending(sparse.csr_matrix(entries, shape=(size, size)))


def expected_share(counts: NDArray[np.number], expected: NDArray[np.floating]) -> float:
    """The share of all interactions to come that cold items can expect, in [0, 1].

    Few new items can be tried more than they earned; where most of a catalogue is new, none can.
    """
    hoped = float(np.expm1(expected[counts == 0]).sum())
    return hoped / max(hoped + float(counts.sum()), 1e-9)
