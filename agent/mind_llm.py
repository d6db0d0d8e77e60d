"""The mind with a language model: decides for each turn how the model is used, or that it is not."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from convrec.agent import capabilities
from convrec.agent.capabilities import Capabilities
from convrec.agent.interpret import Reading, ReadingContext
from convrec.agent.llm import chat_model
from convrec.agent.llm_calls import ModelCalls
from convrec.agent.mind import Mode, OfflineMind, OfflineTurn, TurnMind, TurnScope
from convrec.agent.mind_structured import ModelShelf, StructuredTurn
from convrec.agent.trace import CallTrace

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from convrec.agent.engine import Engine
    from convrec.agent.settings import Settings

ASK_AGAIN_S = 60.0
"""an endpoint that did not answer when it was asked what it can do is left alone for this long"""
PATIENCE_S = 8.0
"""a turn does not wait longer for that answer; the next one has it"""


class ModelMind:
    """Reads and tells with a language model where one answers, offline where none does.

    What the endpoint can do is asked at the first turn and kept in the workspace.
    """

    def __init__(
        self,
        offline: OfflineMind,
        engine: Engine,
        shelf: ModelShelf,
        *,
        settings: Settings,
        workspace: Path,
        model: BaseChatModel | None = None,
    ) -> None:
        """`model`: a LangChain chat model to use instead of the configured endpoint."""
        self._offline = offline
        self._engine = engine
        self._shelf = shelf
        self._settings = settings
        self._workspace = workspace
        self._model = model
        self._trace = CallTrace(settings.llm.trace, settings.llm)
        self._lock = threading.Lock()
        self._abilities = Capabilities() if model is not None else capabilities.cached(settings.llm, workspace)
        self._asked_at: float | None = None
        self._answered = threading.Event()
        self._silence = ""

    @property
    def mode(self) -> Mode:
        """How turns go as far as is known; offline until the endpoint has answered."""
        asked = self._settings.llm.mode
        if self._abilities is None:
            return "offline" if asked == "auto" else asked
        return self._abilities.mode if asked == "auto" else asked

    def read(self, message: str, context: ReadingContext) -> Reading:
        """What the built-in rules read."""
        return self._offline.read(message, context)

    def begin(self, scope: TurnScope) -> TurnMind:
        abilities = self._known_abilities(scope.cancel)
        if abilities is None:
            return SilentTurn(self._offline, self._take_silence())
        mode = abilities.mode if self._settings.llm.mode == "auto" else self._settings.llm.mode
        if mode == "offline":
            return SilentTurn(self._offline, self._take_silence())
        with self._lock:
            if self._model is None:
                self._model = chat_model(self._settings.llm, abilities)
        calls = ModelCalls(self._model, self._settings.llm, abilities, self._trace, scope.cancel)
        if mode == "tools":
            from convrec.agent.mind_tools import ToolsTurn

            return ToolsTurn(self._offline, calls, self._shelf, self._settings, scope, engine=self._engine)
        return StructuredTurn(self._offline, calls, self._shelf, self._settings, scope)

    def _known_abilities(self, cancel: threading.Event) -> Capabilities | None:
        """What the endpoint can do; asks it where nobody has, at most once a minute, and waits a little."""
        with self._lock:
            if self._abilities is not None:
                return self._abilities
            if self._asked_at is None or time.monotonic() - self._asked_at > ASK_AGAIN_S:
                self._asked_at = time.monotonic()
                self._answered.clear()
                threading.Thread(target=self._ask, name="convrec-probe", daemon=True).start()
        until = self._asked_at + min(PATIENCE_S, self._settings.llm.max_seconds)
        while not self._answered.wait(0.02) and time.monotonic() < until and not cancel.is_set():
            pass
        if not self._answered.is_set() and not self._silence:
            self._silence = "I am still asking the language model what it can do, and go on without it for now."
        return self._abilities

    def _ask(self) -> None:
        """Ask the endpoint, keep the answer; runs beside the turns."""
        found, said = capabilities.ask(self._settings.llm, self._workspace)
        if found is None:
            self._silence = self._silence or f"{said} I go on without a language model."
        elif found.mode == "offline" and self._settings.llm.mode == "auto":
            self._silence = "The language model can neither call tools nor follow a schema: I go on without it."
        self._abilities = found
        self._answered.set()

    def _take_silence(self) -> tuple[str, ...]:
        """Why no model is used, once."""
        said, self._silence = self._silence.strip(), " "
        return (said,) if said else ()


class SilentTurn(OfflineTurn):
    """A turn of the offline mind that says why no model had a part in it."""

    def __init__(self, offline: OfflineMind, notes: tuple[str, ...]) -> None:
        super().__init__(offline)
        self.notes = notes
