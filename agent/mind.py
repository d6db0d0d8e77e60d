"""The two jobs of words, reading a message and telling a list, behind one contract for every kind of mind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from convrec.agent.interpret import Interpreter, Reading, ReadingContext
from convrec.agent.narrate import NarrationContext
from convrec.agent.relaxation import contradictions
from convrec.agent.types import Clarify, Event, FieldEvidence, ItemReady, LLMUsage, Reason, Recommendation, Token
from convrec.ranking.types import ScoredItem
from convrec.retrieval.catalogue import Catalogue, iso_date
from convrec.retrieval.schema import AttributeKind, CatalogueSchema

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


@dataclass(frozen=True, eq=False)
class TurnScope:
    """What a mind may know of the conversation around a message, and how the person stops it."""

    person: Person
    preferences: tuple[str, ...] = ()
    """the words of lasting wishes"""
    words: tuple[str, ...] = ()
    """earlier messages, latest last"""
    cancel: threading.Event = field(default_factory=threading.Event)


class Mind(Protocol):
    """Reads messages and tells lists, turn by turn; shared by all conversations."""

    @property
    def mode(self) -> Mode: ...

    def read(self, message: str, context: ReadingContext) -> Reading:
        """What the rules read in some words; no model is asked."""
        ...

    def begin(self, scope: TurnScope) -> TurnMind:
        """The mind of one turn."""
        ...


class TurnMind(Protocol):
    """A mind during one turn. What it tells was verified; what it reads was checked against the catalogue."""

    spare: int
    """candidates it wants beyond those that will be shown, to choose from"""

    @property
    def mode(self) -> Mode:
        """What this turn rests on so far: 'offline' as long as no model had a part in it."""
        ...

    @property
    def usage(self) -> LLMUsage: ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What went differently than a model wanted, or should have."""
        ...

    def read(self, message: str, context: ReadingContext) -> Generator[Event, None, Reading]: ...

    def tell(self, telling: ListTelling) -> Generator[Event, None, Told]:
        """Yields the message in pieces, then each entry of the list."""
        ...


class OfflineMind:
    """Rules and templates: deterministic, without a network."""

    mode: Mode = "offline"

    def __init__(self, interpreter: Interpreter, narrator: TemplateNarrator) -> None:
        self._interpreter = interpreter
        self._narrator = narrator

    def read(self, message: str, context: ReadingContext) -> Reading:
        return self._interpreter.read(message, context)

    def begin(self, scope: TurnScope) -> TurnMind:
        del scope
        return OfflineTurn(self)

    @property
    def narrator(self) -> TemplateNarrator:
        return self._narrator

    def tell(self, telling: ListTelling) -> Told:
        """The list in the words of the templates."""
        context = narration_context(telling)
        items = []
        told = zip(telling.ranked.items, self._narrator.entries(context), strict=True)
        for rank, (picked, reasons) in enumerate(told, start=1):
            items.append(recommendation(telling.engine.catalogue, picked, rank, reasons))
        opening = self._narrator.opening(context)
        parts = [telling.outcome.lead, opening]
        if telling.clarify is not None and telling.clarify.question not in opening:
            parts.append(telling.clarify.question)
        return Told(" ".join(part for part in parts if part), tuple(items))


class OfflineTurn:
    """One turn of the offline mind."""

    mode: Mode = "offline"
    usage = LLMUsage()
    notes: tuple[str, ...] = ()
    spare = 0

    def __init__(self, mind: OfflineMind) -> None:
        self._mind = mind

    def read(self, message: str, context: ReadingContext) -> Generator[Event, None, Reading]:
        yield from ()
        return self._mind.read(message, context)

    def tell(self, telling: ListTelling) -> Generator[Event, None, Told]:
        told = self._mind.tell(telling)
        yield from events_of(told)
        return told


def events_of(told: Told) -> Generator[Event, None, None]:
    """A told list as events: its message, then its entries."""
    yield Token(text=told.message)
    for item in told.items:
        yield ItemReady(item=item)


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
        reasons=tuple(_with_provenance(reason, catalogue.schema) for reason in reasons),
        fields=shown_fields(catalogue, picked.row),
    )


def _with_provenance(reason: Reason, schema: CatalogueSchema) -> Reason:
    """The reason, its evidence naming who wrote the values where that was not the catalogue's own file."""
    evidence = tuple(
        one.model_copy(update={"provenance": schema.attribute(one.field).provenance})
        if isinstance(one, FieldEvidence) and one.field in schema
        else one
        for one in reason.evidence
    )
    return reason.model_copy(update={"evidence": evidence})


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
        told=len(telling.state.page),
        shown=len(ranked.items),
        turn=telling.state.turn,
        seed=0,
        picks=tuple((picked.row, picked.breakdown) for picked in ranked.items),
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
