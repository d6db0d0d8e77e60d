"""A person's tastes as a distribution, for calibrated lists."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convrec.ranking.diversity import Calibration
from convrec.ranking.types import Person
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import Attribute, AttributeKind, Role

FEWEST = 10
"""liked items below which a history says too little about proportions"""
LARGEST_VOCABULARY = 60


def calibration_for(person: Person, rows: NDArray[np.int32], catalogue: Catalogue) -> Calibration | None:
    """The tastes of a person over the main topic attribute, beside the candidates' values; None where unknown."""
    attribute = _main_topic(catalogue)
    liked = person.items[person.weights() > 0]
    if attribute is None or liked.size < FEWEST:
        return None
    shares = value_shares(liked, attribute, catalogue)
    total = shares.sum()
    if not total:
        return None
    return Calibration(shares.sum(axis=0) / total, value_shares(rows, attribute, catalogue))


def _main_topic(catalogue: Catalogue) -> Attribute | None:
    for attribute in catalogue.schema.with_role(Role.TOPIC):
        coded = attribute.kind in (AttributeKind.CATEGORY, AttributeKind.CATEGORIES)
        if coded and 2 <= len(catalogue.categories(attribute.name).vocabulary) <= LARGEST_VOCABULARY:
            return attribute
    return None


def value_shares(rows: NDArray[np.int32], attribute: Attribute, catalogue: Catalogue) -> NDArray[np.float64]:
    """(n, G) each item spread evenly over its values; zeros where it has none."""
    column = catalogue.categories(attribute.name)
    shares = np.zeros((rows.size, len(column.vocabulary)))
    for position, row in enumerate(rows.tolist()):
        own = column.codes[column.indptr[row] : column.indptr[row + 1]]
        if own.size:
            shares[position, own] = 1 / own.size
    return shares
