"""What a narrator knows of one turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from convrec.agent.types import Relaxation
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filters import holds
from convrec.retrieval.request import Constraint, Request
from convrec.retrieval.schema import Attribute
from convrec.retrieval.types import AttributeValue

PERSONAL_TERMS = ("taste", "collaborative", "sequence", "calibration")
"""terms of a score that come from the person's history"""


@dataclass(frozen=True, eq=False)
class NarrationContext:
    """One turn, ready to be told.

    `history` maps ids to titles of what the person saw or liked, newest first; `disliked` are those they did not
    like. `references` maps ids to titles of the items named as examples. `similar(row)` gives rows of the history
    that resemble a row, with their cosine, best first. `words` are the person's words so far. `eligible` counts the
    items that meet the request, without the `told` ones of earlier pages; `shown` those in the list. `notes` are ready
    sentences (what was not read). `picks` are the rows of the list with the terms of their scores, in order.
    """

    request: Request
    catalogue: Catalogue
    history: Mapping[str, str] = field(default_factory=dict)
    disliked: frozenset[str] = frozenset()
    references: Mapping[str, str] = field(default_factory=dict)
    similar: Callable[[int], Sequence[tuple[int, float]]] | None = None
    words: str = ""
    notes: tuple[str, ...] = ()
    relaxations: tuple[Relaxation, ...] = ()
    contradictions: tuple[tuple[Constraint, ...], ...] = ()
    eligible: int = 0
    told: int = 0
    shown: int = 0
    turn: int = 0
    seed: int = 0
    picks: tuple[tuple[int, Mapping[str, float]], ...] = ()

    @cached_property
    def personal(self) -> bool:
        """Whether the person's history had a say in the order of the list."""
        if not self.picks:
            return any(item_id not in self.disliked for item_id in self.history)
        return any(abs(terms.get(name, 0.0)) >= 0.005 for _, terms in self.picks for name in PERSONAL_TERMS)

    @cached_property
    def _varying(self) -> dict[str, bool]:
        return {}

    def varies(self, name: str) -> bool:
        """Whether the items of the list differ in an attribute; so it is taken to be where the list is not known."""
        if name not in self._varying:
            values = [self.catalogue.value(row, name) for row, _ in self.picks]
            self._varying[name] = not values or any(value != values[0] for value in values)
        return self._varying[name]

    @cached_property
    def _meeting(self) -> dict[str, float]:
        return {}

    def share_meeting(self, constraint: Constraint) -> float:
        """The share of the list that meets a constraint; 0 where the list is not known."""
        if constraint.id not in self._meeting:
            met = [holds(constraint.filter, self.catalogue.item(row)) for row, _ in self.picks]
            self._meeting[constraint.id] = sum(met) / len(met) if met else 0.0
        return self._meeting[constraint.id]

    def share_with(self, attribute: Attribute, value: AttributeValue) -> float:
        """The share of the list that has a value; 0 where the list is not known."""
        own = [self.catalogue.value(row, attribute.name) for row, _ in self.picks]
        having = [value in v if isinstance(v, tuple) else value == v for v in own]
        return sum(having) / len(having) if having else 0.0


@dataclass
class Said:
    """What the entries of one list have said.

    Where an item of the history, and a trade-off, was last named; what was quoted.
    """

    history: dict[str, int] = field(default_factory=dict)
    trade_off: int | None = None
    quoted: set[str] = field(default_factory=set)
