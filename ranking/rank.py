"""The ranker's contract, and the fixed-weight ranker that needs no training."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from convrec.ranking.types import Person, Scored
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filter_compile import mask
from convrec.retrieval.request import Request
from convrec.retrieval.types import Recalled


class Ranker(Protocol):
    """Scores candidates for a person and a request, in terms that add up."""

    name: str

    def score(self, recalled: Recalled, person: Person, request: Request) -> Scored:
        """The candidates of `recalled`, in its order, with their terms."""
        ...


def standardise(column: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n,) z-scores over the candidates; a missing score (NaN) counts as the lowest one, a constant column as 0."""
    values = np.asarray(column, np.float64)
    known = ~np.isnan(values)
    if not known.any():
        return np.zeros(values.size)
    values = np.where(known, values, values[known].min())
    spread = values.std()
    return (values - values.mean()) / spread if spread > 1e-9 else np.zeros(values.size)


def soft_matches(request: Request, catalogue: Catalogue, rows: NDArray[np.int32]) -> NDArray[np.float64]:
    """(n,) weighted share of the soft constraints that each row meets; 0 without soft constraints."""
    total = sum(abs(c.weight) for c in request.soft)
    if not total:
        return np.zeros(rows.size)
    hits = np.zeros(rows.size)
    for constraint in request.soft:
        hits += constraint.weight * mask(constraint.filter, catalogue)[rows]
    return hits / total


class FixedWeightRanker:
    """A deterministic sum of standardised channel scores: the ranker of a workspace that was not trained."""

    name = "fixed-weights"

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def score(self, recalled: Recalled, person: Person, request: Request) -> Scored:
        channels = recalled.channels
        blank = np.zeros(len(recalled))
        taste = 0.5 if person.items.size else 0.0

        def z(name: str) -> NDArray[np.float64]:
            return standardise(channels[name]) if name in channels else blank

        asked = bool(request.text)
        terms = {
            "request": (1.0 * z("dense") + 0.35 * z("lexical") + 1.5 * z("topics")) * asked
            + 1.0 * z("like_item")
            + 1.5 * soft_matches(request, self._catalogue, recalled.rows),
            "taste": taste * z("history"),
            "collaborative": 0.6 * z("collaborative"),
            "popularity": (0.25 if asked or request.references else 0.4) * z("popularity"),
        }
        return Scored(recalled.rows, terms)
