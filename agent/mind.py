"""The two jobs of words, reading a message and telling a list, behind one contract for every kind of mind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from convrec.agent.interpret import Interpreter, Reading, ReadingContext
from convrec.agent.narrate import NarrationContext
from convrec.agent.relaxation import contradictions
from convrec.agent.types import Clarify, Reason, Recommendation
from convrec.ranking.types import ScoredItem
from convrec.retrieval.catalogue import Catalogue, iso_date
from convrec.retrieval.schema import AttributeKind

if TYPE_CHECKING:
    from convrec.agent.acts import Outcome
    from convrec.agent.engine import Engine, Ranked
    from convrec.agent.narrate import TemplateNarrator
    from convrec.agent.state import ConversationState
    from convrec.ranking.types import Person

Mode = Literal["offline", "structured", "tools"]


@dataclass(frozen=True, eq=False)
class ListTelling:
    """A ranked list that is to be told, with everything that may be said about it."""

    engine: Engine
    ranked: Ranked
    person: Person
    reading: Reading
    outcome: Outcome
    state: ConversationState
    clarify: Clarify | None
    words: str
    """everything that the person said so far"""


@dataclass(frozen=True)
class Told:
    """The words of a list: its opening, and its entries with their reasons."""

    message: str
    items: tuple[Recommendation, ...]
    notes: tuple[str, ...] = ()


class Mind(Protocol):
    """Reads messages and tells lists. What it tells was verified; what it reads is validated by the engine."""

    @property
    def mode(self) -> Mode: ...

    def read(self, message: str, context: ReadingContext) -> Reading: ...

    def tell(self, telling: ListTelling) -> Told: ...


class OfflineMind:
    """Rules and templates: deterministic, without a network."""

    mode: Mode = "offline"

    def __init__(self, interpreter: Interpreter, narrator: TemplateNarrator) -> None:
        self._interpreter = interpreter
        self._narrator = narrator

    def read(self, message: str, context: ReadingContext) -> Reading:
        return self._interpreter.read(message, context)

    def tell(self, telling: ListTelling) -> Told:
        context = narration_context(telling)
        items = []
        for position, picked in enumerate(telling.ranked.items):
            reasons = self._narrator.reasons(context, picked.row, picked.breakdown, position)
            items.append(recommendation(telling.engine.catalogue, picked, position + 1, reasons))
        opening = self._narrator.opening(context)
        parts = [telling.outcome.lead, opening]
        if telling.clarify is not None and telling.clarify.question not in opening:
            parts.append(telling.clarify.question)
        return Told(" ".join(part for part in parts if part), tuple(items))


def recommendation(
    catalogue: Catalogue, picked: ScoredItem, rank: int, reasons: tuple[Reason, ...], *, moved: int = 0
) -> Recommendation:
    """The entry of the list for a picked item."""
    item = catalogue.item(picked.row)
    return Recommendation(
        rank=rank,
        id=item.id,
        title=item.title,
        score=picked.score,
        breakdown=dict(picked.breakdown),
        moved=moved,
        reasons=reasons,
        fields=shown_fields(catalogue, picked.row),
    )


def shown_fields(catalogue: Catalogue, row: int) -> dict[str, str | float | bool | tuple[str, ...]]:
    """An item's attributes as surfaces show them: dates as ISO text, everything else as it is."""
    fields: dict[str, str | float | bool | tuple[str, ...]] = {}
    for attribute in catalogue.schema.attributes:
        value = catalogue.value(row, attribute.name)
        if value is None:
            continue
        if attribute.kind is AttributeKind.DATE and isinstance(value, float):
            value = iso_date(value)
        fields[attribute.name] = value
    return fields


def narration_context(telling: ListTelling) -> NarrationContext:
    """Everything that may be said about a ranked list."""
    engine, ranked, person = telling.engine, telling.ranked, telling.person
    catalogue = engine.catalogue
    request = ranked.request
    weights = person.weights()
    recent = person.items[::-1]
    liked = {int(row) for row, weight in zip(person.items, weights, strict=True) if weight > 0}
    relaxations = tuple(x.relaxation(applied=True) for x in ranked.applied) + tuple(
        x.relaxation(applied=False) for x in ranked.offered[:1]
    )
    nothing = not ranked.items and bool(request.binding)
    return NarrationContext(
        request=telling.state.request if not ranked.applied else request,
        catalogue=catalogue,
        history={catalogue.ids[row]: catalogue.titles[row] for row in recent.tolist()},
        disliked=frozenset(catalogue.ids[int(row)] for row in person.items if int(row) not in liked),
        references={r.item_id: r.title for r in request.references if r.weight > 0},
        similar=_similarity(engine, np.array([row for row in recent.tolist() if row in liked], np.int64)),
        words=telling.words,
        notes=telling.reading.notes,
        relaxations=relaxations,
        contradictions=contradictions(request, catalogue) if nothing else (),
        eligible=ranked.eligible,
        shown=len(ranked.items),
        turn=telling.state.turn,
        seed=0,
    )


def _similarity(engine: Engine, liked: NDArray[np.int64]) -> Callable[[int], list[tuple[int, float]]] | None:
    """What of the liked history resembles a row, best first; None without a history."""
    if liked.size == 0:
        return None
    own = np.asarray(engine.vectors[liked])

    def similar(row: int) -> list[tuple[int, float]]:
        cosines = own @ np.asarray(engine.vectors[row])
        order = np.argsort(-cosines, kind="stable")[:5]
        return [(int(liked[i]), float(cosines[i])) for i in order]

    return similar
