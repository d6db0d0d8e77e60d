"""Requests without labels: what a person could have asked for before the item they really took next.

From the log, a person's next item is hidden; a request is drawn from some of its attributes, or from an item that
resembles it; the ranker learns to put the hidden item first given the request and what came before. Works on any
catalogue, since only its schema is read. Sentences of the item's own text are no requests: they would teach that
people describe what they want in the words of the catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convrec.ranking.types import Person
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filters import Contains, Filter, In, Range
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.request import Constraint, Description, Reference, Request, Strength
from convrec.retrieval.schema import Attribute, AttributeKind, Role

NO_REQUEST, TOPICS, EXAMPLE, CONDITION = "none", "topics", "example", "condition"
SHARES = {NO_REQUEST: 0.35, TOPICS: 0.3, EXAMPLE: 0.2, CONDITION: 0.15}
NO_HISTORY = 0.15
"""share of cases in which the history is forgotten, so that newcomers are learned as well"""


@dataclass(frozen=True, eq=False)
class PseudoCase:
    """A person before an event, what they could have asked, and the row they took."""

    person: Person
    user: int
    request: Request
    target: int
    kind: str


def person_before(log: InteractionLog, user: int, position: int) -> Person:
    """Somebody as they were before an event of the log."""
    run = slice(int(log.indptr[user]), position)
    return Person(log.user_ids[user], log.items[run], log.values[run], log.timestamps[run])


class PseudoRequests:
    """Draws requests for hidden items; the same seed draws the same."""

    def __init__(self, catalogue: Catalogue, vectors: NDArray[np.float32], seed: int = 0) -> None:
        self._catalogue = catalogue
        self._vectors = vectors
        self._rng = np.random.default_rng(seed)
        self._topics = [
            a
            for a in catalogue.schema.attributes
            if a.kind in (AttributeKind.CATEGORY, AttributeKind.CATEGORIES) and a.role is not Role.PERSON
        ]

    def cases(self, log: InteractionLog, users: NDArray[np.int64], positions: NDArray[np.int64]) -> list[PseudoCase]:
        """One case for each event at `positions` of the people `users`."""
        kinds = self._rng.choice(list(SHARES), size=users.size, p=list(SHARES.values()))
        found = []
        for user, position, kind in zip(users.tolist(), positions.tolist(), kinds.tolist(), strict=True):
            person = person_before(log, user, position)
            target = int(log.items[position])
            if target in set(person.items.tolist()):
                continue
            request = self._request(kind, target)
            if not request.empty and self._rng.random() < NO_HISTORY:
                person = Person()
            asked = NO_REQUEST if request.empty else str(kind)
            found.append(PseudoCase(person, user, request, target, asked))
        return found

    def _request(self, kind: str, target: int) -> Request:
        if kind == TOPICS:
            return self._topic_request(target)
        if kind == EXAMPLE:
            row = self._neighbour(target)
            item_id = self._catalogue.ids[row]
            return Request(references=(Reference(id="r1", item_id=item_id, title=self._catalogue.titles[row]),))
        if kind == CONDITION:
            condition = self._condition(target)
            return Request(constraints=(Constraint(id="c1", filter=condition),)) if condition else Request()
        return Request()

    def _topic_request(self, target: int) -> Request:
        values = self._values(target, int(self._rng.integers(1, 3)))
        if not values:
            return Request()
        text = " ".join(value for _, value in values)
        attribute, value = values[0]
        soft = Constraint(id="c1", filter=_has(attribute, value), strength=Strength.SOFT)
        return Request(descriptions=(Description(id="d1", text=text),), constraints=(soft,))

    def _values(self, target: int, count: int) -> list[tuple[Attribute, str]]:
        pairs = []
        for attribute in self._topics:
            value = self._catalogue.value(target, attribute.name)
            own = value if isinstance(value, tuple) else (value,) if isinstance(value, str) else ()
            pairs += [(attribute, v) for v in own]
        order: Sequence[int] = self._rng.permutation(len(pairs))[:count].tolist()
        return [pairs[i] for i in order]

    def _neighbour(self, target: int) -> int:
        cosines = self._vectors @ np.asarray(self._vectors[target])
        cosines[target] = -np.inf
        nearest = np.argpartition(-cosines, min(10, cosines.size - 1))[:10]
        return int(self._rng.choice(nearest))

    def _condition(self, target: int) -> Filter | None:
        numeric = [a for a in self._catalogue.schema.attributes if a.numeric]
        if numeric and self._rng.random() < 0.5:
            attribute = numeric[int(self._rng.integers(len(numeric)))]
            value = self._catalogue.value(target, attribute.name)
            column = self._catalogue.number(attribute.name)
            if isinstance(value, float) and not np.isnan(column).all():
                reach = 0.25 * float(np.nanquantile(column, 0.9) - np.nanquantile(column, 0.1)) + 1e-9
                return Range(field=attribute.name, minimum=value - reach, maximum=value + reach)
        values = self._values(target, 1)
        return _has(*values[0]) if values else None


def _has(attribute: Attribute, value: str) -> Filter:
    if attribute.kind is AttributeKind.CATEGORIES:
        return Contains(field=attribute.name, values=(value,))
    return In(field=attribute.name, values=(value,))
