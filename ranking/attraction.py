"""How often items will be taken, told from what they are: the expected interactions of those that nobody met yet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import Role

PENALTY = 3.0
"""of the squared coefficients; chosen by cross-validation over items that were met"""
_COUNTED = (Role.POPULARITY, Role.QUALITY, Role.YEAR)


def expected_interactions(
    counts: NDArray[np.number], vectors: NDArray[np.floating], catalogue: Catalogue
) -> NDArray[np.float64]:
    """(I,) `log(1 + interactions)` of each item by a ridge regression on what is known of it without the log.

    That is its content vector and its numbers of popularity, quality and year; it is fitted on the items that were met
    (Hoerl and Kennard 1970), and stays within what was seen of them. Where all items were met, or none, nothing has to
    be expected and it is what was seen.

    Args:
        counts: (I,) interactions; 0 for items that nobody met.
        vectors: (I, d) unit content vectors.
    """
    met = counts > 0
    if met.all() or not met.any():
        return np.log1p(np.asarray(counts, np.float64))
    known = np.log1p(counts[met].astype(np.float64))
    numbers = _numbers(catalogue, met)
    own = np.concatenate([np.asarray(vectors[met], np.float64), numbers[met]], axis=1)
    centre = own.mean(axis=0)
    own -= centre
    gram = own.T @ own + PENALTY * np.eye(own.shape[1])
    coefficients = np.linalg.solve(gram, own.T @ (known - known.mean()))
    width = vectors.shape[1]
    # The vectors of all items may be mapped from a file: they are not copied to join them with the numbers.
    content = np.asarray(vectors) @ coefficients[:width].astype(np.float32)
    expected = known.mean() - centre @ coefficients + content + numbers @ coefficients[width:]
    return np.asarray(np.clip(expected, 0, known.max()))


def _numbers(catalogue: Catalogue, met: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(I, f) numeric attributes by role, standardised over the items that were met; unknown values are the mean."""
    columns = [np.zeros((len(met), 0))]
    for role in _COUNTED:
        for attribute in catalogue.schema.with_role(role):
            if not attribute.numeric:
                continue
            values = catalogue.number(attribute.name)
            if role is Role.POPULARITY:
                values = np.log1p(np.maximum(values, 0))
            known = met & ~np.isnan(values)
            spread = values[known].std() if known.any() else 0.0
            if spread > 0:
                columns.append(np.nan_to_num((values - values[known].mean()) / spread)[:, None])
    return np.concatenate(columns, axis=1)
