"""What the ranker looks at: one column a signal, over the candidates, on a common footing.

Each signal belongs to one named term of the score. Signals come from recall (how the words, the examples and the
history match), from the models of the log (EASE, transitions, the sequence model) and from the item itself.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convrec.ranking.cold_start import Lending
from convrec.ranking.collaborative import ItemToItem
from convrec.ranking.profiles import ValueProfiles
from convrec.ranking.types import Person
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filter_compile import mask
from convrec.retrieval.recall import RecallQuery
from convrec.retrieval.request import Request
from convrec.retrieval.schema import Role
from convrec.retrieval.types import Recalled

if TYPE_CHECKING:
    from convrec.ranking.sequence import SequenceModel

TERMS: dict[str, tuple[str, ...]] = {
    "request": ("dense", "lexical", "topics", "like_item", "soft"),
    "taste": ("sequence", "ease"),
    "collaborative": ("decayed_ease", "transitions"),
    "content": ("history",),
    "popularity": ("popularity", "quality"),
    "freshness": ("freshness",),
}
"""term of the score -> its signals"""

SIGNALS: tuple[str, ...] = tuple(signal for signals in TERMS.values() for signal in signals)

LONG_TAILED = frozenset({"ease", "decayed_ease", "topics"})

CLIP = 4.0
"""standard deviations beyond which a signal says no more"""

SOFT_SCALE = 5.0
"""what meeting a soft constraint of weight 1 is worth, in standard deviations of the other signals"""

LONG_TAIL_CLIP = 12.0
"""the same for EASE and topics, whose few best items stand far out"""

LOG_SCALE = 2.0
"""nats that count as one standard deviation of the other signals: log-probabilities keep their scale"""

SHARED = 0.3
"""what sharing values counts in likeness to an example; the rest is the nearness of the texts"""

KINSHIP = 0.3
"""what being of the same kinds counts beside both"""

STRANGENESS = 1.0
"""what being of none of the example's kinds takes away: 'like Saw, but newer' is no romance"""

SMOOTHING = 0.01
"""share of popularity in the transitions, so that none is impossible"""

MILD = 0.3
"""how far a rating moves what an event of the history counts for; the rest is that it was taken at all"""

REMEMBERED = 256
"""histories whose sequence scores are kept"""


def standardise(column: NDArray[np.floating], clip: float = CLIP) -> NDArray[np.float64]:
    """(n,) z-scores over the candidates, clipped; a missing score (NaN) counts as the lowest, a constant one as 0."""
    values = np.asarray(column, np.float64)
    known = ~np.isnan(values)
    if not known.any():
        return np.zeros(values.size)
    values = np.where(known, values, values[known].min())
    spread = values.std()
    return np.clip((values - values.mean()) / spread, -clip, clip) if spread > 1e-9 else np.zeros(values.size)


def centred(column: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n,) log-probabilities around their mean, in units of `LOG_SCALE`, clipped."""
    values = np.asarray(column, np.float64)
    return np.clip((values - values.mean()) / LOG_SCALE, -CLIP, CLIP) if values.size else values


def soft_matches(request: Request, catalogue: Catalogue, rows: NDArray[np.int32]) -> NDArray[np.float64]:
    """(n,) summed weights of the soft constraints that each row meets."""
    hits = np.zeros(rows.size)
    for constraint in request.soft:
        hits += constraint.weight * mask(constraint.filter, catalogue)[rows]
    return hits


def release_times(catalogue: Catalogue) -> NDArray[np.float64]:
    """(I,) when each item came out, in the units of the schema; NaN where unknown or where no attribute says so."""
    for attribute in catalogue.schema.with_role(Role.YEAR):
        if attribute.numeric:
            return catalogue.number(attribute.name)
    return np.full(len(catalogue), np.nan)


def quality(catalogue: Catalogue) -> NDArray[np.float64]:
    """(I,) the first attribute of role quality, shrunk to the mean where few voted (Bayesian average); NaN if none."""
    for attribute in catalogue.schema.with_role(Role.QUALITY):
        if not attribute.numeric:
            continue
        rating = catalogue.number(attribute.name)
        votes = next((catalogue.number(a.name) for a in catalogue.schema.with_role(Role.POPULARITY) if a.numeric), None)
        if votes is None or np.isnan(rating).all():
            return rating
        prior = np.nanmedian(votes) if not np.isnan(votes).all() else 0.0
        counted = np.nan_to_num(votes)
        return (rating * counted + np.nanmean(rating) * prior) / np.maximum(counted + prior, 1e-9)
    return np.full(len(catalogue), np.nan)


@dataclass(eq=False)
class Signals:
    """The models of a log and the items' own signals. Any model may be missing: its column is then zero.

    `ease` reads whole histories, `decayed_ease` and `transitions` the latest events.
    """

    catalogue: Catalogue
    popularity: NDArray[np.float32]
    ease: ItemToItem | None = None
    decayed_ease: ItemToItem | None = None
    transitions: ItemToItem | None = None
    sequence: SequenceModel | None = None
    lending: Lending | None = None
    """what stands in for items that nobody met"""
    _released: NDArray[np.float64] = field(init=False)
    _quality: NDArray[np.float64] = field(init=False)
    _prior: NDArray[np.float64] = field(init=False)
    _known: NDArray[np.float32] = field(init=False)
    _states: OrderedDict[bytes, NDArray[np.float32]] = field(init=False, default_factory=OrderedDict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._released = release_times(self.catalogue)
        self._quality = quality(self.catalogue)
        self._known = self.popularity if self.lending is None else self.lending.values(self.popularity)
        met = np.expm1(np.asarray(self.popularity, np.float64)) + 1
        self._prior = SMOOTHING * met / max(float(met.sum()), 1e-9)

    def columns(self, recalled: Recalled, person: Person, request: Request) -> NDArray[np.float64]:
        """(n, S) one standardised column for each of `SIGNALS`."""
        rows = recalled.rows
        found: dict[str, NDArray[np.floating]] = dict(recalled.channels)
        if "like_item" in found:
            found["like_item"] = self._alike(found["like_item"], request, rows)
        found["popularity"] = self._known[rows]
        found["quality"] = self._quality[rows]
        found["freshness"] = self._released[rows]
        soft = SOFT_SCALE * soft_matches(request, self.catalogue, rows)
        logarithms: dict[str, NDArray[np.floating]] = {}
        if person.items.size:
            liking = person.weights()
            refused = np.isin(person.items, list(person.disliked))
            steer = np.where(refused, -1, 1 - MILD + MILD * np.maximum(liking, 0)).astype(np.float32)
            if self.ease is not None:
                found["ease"] = self.ease.scores_for(person.items, rows, steer)
            if self.decayed_ease is not None:
                found["decayed_ease"] = self.decayed_ease.scores_for(person.items, rows, np.sign(steer))
            if self.transitions is not None:
                scores = self.transitions.scores_for(person.items, rows, (steer > 0).astype(np.float32))
                logarithms["transitions"] = np.log(scores + self._prior[rows])
            if self.sequence is not None:
                logarithms["sequence"] = self.sequence_scores(person)[rows]
        else:
            found.pop("history", None)
        blank = np.zeros(rows.size)
        columns = {
            name: standardise(found[name], LONG_TAIL_CLIP if name in LONG_TAILED else CLIP) if name in found else blank
            for name in SIGNALS
        }
        columns.update({name: centred(column) for name, column in logarithms.items()})
        if rows.size and "topics" in found:
            # The channel says by its scale how near the nearest topic is.
            columns["topics"] = columns["topics"] * min(1.0, float(found["topics"].max()))
        # Wishes are not standardised: a rare match would count far more than the weight it was given.
        columns["soft"] = np.clip(soft - soft.mean(), -LONG_TAIL_CLIP, LONG_TAIL_CLIP) if rows.size else blank
        return np.stack([columns[name] for name in SIGNALS], axis=1)

    def _alike(self, cosines: NDArray[np.floating], request: Request, rows: NDArray[np.int32]) -> NDArray[np.floating]:
        """(n,) likeness to the examples, by what is told of the items and by the values that they share."""
        examples = [r for r in request.references if r.item_id in self.catalogue]
        if not examples:
            return cosines
        anchors = np.array([self.catalogue.row(r.item_id) for r in examples])
        weights = np.array([r.weight for r in examples])
        shared = standardise(self._profiles.likeness(anchors, weights, rows))
        kinship = self._profiles.kinship(anchors, weights, rows)
        kin = KINSHIP * standardise(kinship) - STRANGENESS * (kinship == 0)
        return np.asarray((1 - SHARED) * standardise(cosines) + SHARED * shared + kin, np.float32)

    @cached_property
    def _profiles(self) -> ValueProfiles:
        return ValueProfiles(self.catalogue)

    def sequence_scores(self, person: Person) -> NDArray[np.float32]:
        """(I,) log-probabilities of a person's next item, remembered by history."""
        if self.sequence is None:
            raise ValueError("there is no sequence model")
        from convrec.ranking.sequence import person_signals

        key = person.items.tobytes() + person.weights().tobytes()
        with self._lock:
            known = self._states.get(key)
            if known is not None:
                self._states.move_to_end(key)
                return known
        signals = [person_signals(person)] if self.sequence.config.signals else None
        scores = np.asarray(self.sequence.scores([person.items], signals)[0], np.float32)
        if self.lending is not None:
            scores = self.lending.log_probabilities(scores)
        with self._lock:
            self._states[key] = scores
            while len(self._states) > REMEMBERED:
                self._states.popitem(last=False)
        return scores


class CollaborativeSource:
    """The recall channel of the models of the log: items that histories like this one lead to."""

    name = "collaborative"

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def scores(self, query: RecallQuery) -> NDArray[np.float32] | None:
        """(I,) the models of the log on one footing; None for a person without a history."""
        history = query.history_rows
        signals = self._signals
        models = [m for m in (signals.ease, signals.decayed_ease, signals.transitions) if m is not None]
        if not history.size or not models:
            return None
        weights = None if query.history_weights is None else [np.sign(query.history_weights).astype(np.float32)]
        total = np.zeros(models[0].items, np.float64)
        for model in models:
            total += standardise(model.scores([history], weights)[0])
        return total.astype(np.float32)
