"""The two jobs of words, reading a message and telling a list, behind one contract for every kind of mind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from convrec.agent.interpret import Interpreter, Reading, ReadingContext
from convrec.agent.types import Clarify, Recommendation

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
        raise NotImplementedError
