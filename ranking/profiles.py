"""How alike items are by the values they share: of which kinds they are, and themes and makers, the rarer the more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import AttributeKind, Role

FEWEST = 2
"""items that must carry a value for it to make any two alike"""


class ValueProfiles:
    """TF-IDF over the values of topics and people (Salton and Buckley 1988, with a binary term frequency).

    The kinds, the values of the first topic (genres), are compared by themselves as well: as sets (Jaccard).
    """

    def __init__(self, catalogue: Catalogue) -> None:
        items = len(catalogue)
        rows: list[NDArray[np.int32]] = []
        weights: list[float] = []
        for role in (Role.TOPIC, Role.PERSON):
            for attribute in catalogue.schema.with_role(role):
                if attribute.kind not in (AttributeKind.CATEGORY, AttributeKind.CATEGORIES):
                    continue
                column = catalogue.categories(attribute.name)
                for code, count in enumerate(column.counts.tolist()):
                    if count >= FEWEST:
                        rows.append(column.rows(code))
                        weights.append(float(np.log(items / count)))
        sizes = [own.size for own in rows]
        values = np.repeat(np.arange(len(rows)), sizes)
        matrix = _placed(np.repeat(np.asarray(weights, np.float32), sizes), rows, values, items)
        lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
        self._kinds = _kinds(catalogue)
        self._profiles = sparse.csr_matrix(sparse.diags(1 / np.maximum(lengths, 1e-9)) @ matrix)

    def likeness(
        self, anchors: NDArray[np.integer], weights: NDArray[np.floating], rows: NDArray[np.integer]
    ) -> NDArray[np.float32]:
        """(n,) weighed mean cosine of `rows` (n,) with the profiles of `anchors` (a,) of `weights` (a,)."""
        direction = _shares(weights) @ self._profiles[anchors]
        return np.asarray(self._profiles[rows] @ direction, np.float32).ravel()

    def kinship(
        self, anchors: NDArray[np.integer], weights: NDArray[np.floating], rows: NDArray[np.integer]
    ) -> NDArray[np.float32]:
        """(n,) weighed mean Jaccard index of the kinds of `rows` (n,) and those of `anchors` (a,)."""
        own, theirs = self._kinds[rows], self._kinds[anchors]
        common = np.asarray((own @ theirs.T).todense())  # (n, a)
        sizes = np.asarray(own.sum(axis=1)) + np.asarray(theirs.sum(axis=1)).T
        jaccard = common / np.maximum(sizes - common, 1)
        return np.asarray(jaccard @ _shares(weights), np.float32).ravel()


def _shares(weights: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(weights, np.float32) / np.float32(max(float(np.abs(weights).sum()), 1e-9))


def _kinds(catalogue: Catalogue) -> sparse.csr_matrix:
    """(I, K) which kinds each item is of; no column where the catalogue has no such attribute."""
    for attribute in catalogue.schema.with_role(Role.TOPIC):
        if attribute.kind in (AttributeKind.CATEGORY, AttributeKind.CATEGORIES):
            column = catalogue.categories(attribute.name)
            rows = [column.rows(code) for code in range(len(column.vocabulary))]
            codes = np.repeat(np.arange(len(rows)), [own.size for own in rows])
            return _placed(np.ones(codes.size, np.float32), rows, codes, len(catalogue))
    return _placed(np.zeros(0, np.float32), [], np.zeros(0, np.int64), len(catalogue))


def _placed(
    data: NDArray[np.float32], rows: list[NDArray[np.int32]], columns: NDArray[np.int64], items: int
) -> sparse.csr_matrix:
    """(items, number of `rows`) with the entries of each column, its rows in order; one empty column at least."""
    places = np.concatenate(rows) if rows else np.zeros(0, np.int32)
    return sparse.csr_matrix((data, (places, columns)), shape=(items, max(len(rows), 1)))
