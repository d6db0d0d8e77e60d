"""The ranker's contract, and the additive ranker that serves."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from convrec.ranking.model import AdditiveRanker, context_of
from convrec.ranking.signals import SIGNALS, TERMS, Signals, standardise
from convrec.ranking.types import Person, Scored
from convrec.retrieval.request import Request
from convrec.retrieval.types import Recalled

NOVELTY_STRENGTH = 1.5
"""how many standard deviations of popularity the strongest wish for hidden gems, or for well known ones, is worth"""


class Ranker(Protocol):
    """Scores candidates for a person and a request, in terms that add up."""

    def score(self, recalled: Recalled, person: Person, request: Request) -> Scored:
        """The candidates of `recalled`, in its order, with their terms."""
        ...


class AdditiveScorer:
    """Scores by the learned weights: each term is the sum of its signals' products, and the score the sum of terms."""

    def __init__(self, signals: Signals, net: AdditiveRanker) -> None:
        self._signals = signals
        self._net = net

    def score(self, recalled: Recalled, person: Person, request: Request) -> Scored:
        """Terms that no signal speaks for are left out, but `request`, `taste` and `popularity` always stand."""
        columns = self._signals.columns(recalled, person, request)  # (n, S)
        products = columns * self._net.weights_for(context_of(person, request, len(recalled)))
        terms = {}
        for term, names in TERMS.items():
            own = products[:, [SIGNALS.index(name) for name in names]].sum(axis=1)
            if own.any() or term in ("request", "taste", "popularity"):
                terms[term] = own
        if request.wishes.novelty:
            known = standardise(self._signals.popularity[recalled.rows])
            terms["novelty"] = -NOVELTY_STRENGTH * request.wishes.novelty * known
        return Scored(recalled.rows, {name: np.asarray(column, np.float64) for name, column in terms.items()})
