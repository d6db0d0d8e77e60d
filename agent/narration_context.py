"""What a narrator knows of one turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from convrec.agent.types import Relaxation
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.request import Constraint, Request


@dataclass(frozen=True, eq=False)
class NarrationContext:
    """One turn, ready to be told.

    `history` maps ids to titles of what the person saw or liked, newest first; `disliked` are those they did not
    like. `references` maps ids to titles of the items named as examples. `similar(row)` gives rows of the history
    that resemble a row, with their cosine, best first. `words` are the person's words so far. `eligible` counts the
    items that meet the request; `shown` those in the list. `notes` are ready sentences (what was not read).
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
    shown: int = 0
    turn: int = 0
    seed: int = 0
