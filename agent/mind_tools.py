"""A language model as an agent: it plans over typed tools, and the same engine and verifier carry the plan out.

The tools look things up, or collect what the person wants; nothing is stored, excluded or shown by a tool itself. What
was collected goes through the same door as a structured reading: a misled model can do no more than a wrong one.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, cast

from convrec.agent.errors import ToolError
from convrec.agent.interpret import Reading, ReadingContext
from convrec.agent.llm import ModelCallError
from convrec.agent.mind import Mode
from convrec.agent.mind_structured import StructuredTurn, silently
from convrec.agent.model_answers import ModelReading
from convrec.agent.model_reading import Joined, join_readings
from convrec.agent.prompts import as_data, person_data
from convrec.agent.tool_request import row_of, search
from convrec.agent.types import Event

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage
    from langchain_core.tools import BaseTool

    from convrec.agent.engine import Engine
    from convrec.agent.llm_calls import Piece

PLANNING_CALLS = 3
"""model calls before the list is told: one remains for telling it"""
STEPS = 30
"""of the agent's graph: five for each of its calls"""
FOUND = 6
TOOL_NOTE = (
    "\n\nUse the tools. Send what you read with `update_request`, in the same shape as above; `recommend` ends your "
    "work, call it in the same step. Look things up first only where you must; ask the person only where nothing else "
    "helps."
)


class Desk:
    """What the tools of one turn work on, and what they collected."""

    def __init__(self, join: Callable[[ModelReading], Joined]) -> None:
        self._join = join
        self.joined: Joined | None = None
        self.said = ModelReading()
        self.finished = False
        self.refused = 0

    def update(self, said: ModelReading) -> str:
        """Join what the model reads, on top of what it read before in this turn."""
        merged = _both(self.said, said)
        joined = self._join(merged)
        if joined.problems:
            self.refused += 1
            raise ToolError("; ".join(joined.problems[:4]))
        self.said, self.joined = merged, joined
        left = f"; {joined.left_out} part(s) had no words of the person behind them" if joined.left_out else ""
        return f"Noted{left}."


def _both(earlier: ModelReading, later: ModelReading) -> ModelReading:
    """Lists one after the other; of single values the later one that says something."""
    values: dict[str, Any] = {}
    for name, of_field in ModelReading.model_fields.items():
        before, now = getattr(earlier, name), getattr(later, name)
        if isinstance(now, list):
            values[name] = [*before, *(one for one in now if one not in before)]
        else:
            values[name] = before if now == of_field.default else now
    return ModelReading.model_validate(values)


class ToolsTurn(StructuredTurn):
    """One turn with a model that calls tools: at most three calls to plan, one to tell."""

    name: Mode = "tools"

    def __init__(self, *given: Any, engine: Engine) -> None:
        super().__init__(*given)
        self._engine = engine

    def _ask(self, message: str, context: ReadingContext, rules: Reading) -> Generator[Event, None, Joined]:
        desk = Desk(lambda said: join_readings(said, message, context, rules, self._shelf))
        messages = self._reading_messages(message, context, rules)
        pieces: queue.SimpleQueue[Piece] = queue.SimpleQueue()
        try:
            yield from silently(self._calls.wait(self._plan(desk, messages), pieces))
        except ModelCallError as fault:
            if desk.joined is None or fault.of_endpoint:
                raise
        if desk.joined is not None:
            return desk.joined
        if desk.refused or not desk.finished:
            raise ModelCallError("garbled")
        return join_readings(ModelReading(), message, context, rules, self._shelf)

    async def _plan(self, desk: Desk, messages: list[BaseMessage]) -> None:
        """Let the agent work until it recommends, asks, or has used its calls."""
        from langchain.agents import create_agent
        from langchain.agents.middleware import AgentMiddleware, ModelCallLimitMiddleware
        from langchain_core.messages import SystemMessage
        from langchain_core.runnables import RunnableConfig

        from convrec.agent.agent_middleware import meter

        allowed = min(PLANNING_CALLS, self._calls.left - 1)
        if allowed < 1:
            raise ModelCallError("budget")
        middleware: list[AgentMiddleware[Any, Any, Any]] = [
            meter(self._calls, lambda: desk.finished),
            ModelCallLimitMiddleware(run_limit=allowed, exit_behavior="end"),
        ]
        agent = create_agent(
            self._calls.model,
            self._tools(desk),
            system_prompt=SystemMessage(f"{messages[0].text}{TOOL_NOTE}"),
            middleware=middleware,
        )
        start: dict[str, Any] = {"messages": messages[1:]}
        await agent.ainvoke(cast("Any", start), RunnableConfig(recursion_limit=STEPS))

    def _tools(self, desk: Desk) -> list[BaseTool]:
        from convrec.agent.mind_toolset import toolset

        return toolset(desk, Lookups(self))


class Lookups:
    """What the tools of a turn may look up. Titles and few fields: no tool gives the catalogue away."""

    def __init__(self, turn: ToolsTurn) -> None:
        self._shelf = turn._shelf  # noqa: SLF001
        self._engine = turn._engine  # noqa: SLF001
        self._scope = turn._scope  # noqa: SLF001
        self._privacy = turn._settings.privacy  # noqa: SLF001

    def search(self, query: str) -> str:
        rows, _ = search(self._engine, self._shelf, query[:300], (), FOUND)
        return self._listed(rows)

    def similar(self, item: str) -> str:
        import numpy as np

        row = row_of(item[:300], self._shelf)
        cosines = np.asarray(self._engine.vectors) @ np.asarray(self._engine.vectors[row])
        order = [int(other) for other in np.argsort(-cosines)[: FOUND + 1] if other != row]
        return self._listed(order[:FOUND])

    def item(self, item: str) -> str:
        from convrec.agent.describe import describe_item

        catalogue = self._shelf.catalogue
        return as_data({"record": describe_item(catalogue, row_of(item[:300], self._shelf))})

    def compare(self, items: list[str]) -> str:
        from convrec.agent.describe import compare_items

        rows = list(dict.fromkeys(row_of(item[:300], self._shelf) for item in items[:4]))
        if len(rows) < 2:
            raise ToolError("Name two different items.")
        return as_data({"comparison": compare_items(self._shelf.catalogue, rows)})

    def profile(self) -> str:
        return as_data(person_data(self._scope, self._shelf.catalogue, self._privacy) or "nothing is known")

    def _listed(self, rows: list[int]) -> str:
        from convrec.agent.mind import shown_fields

        catalogue = self._shelf.catalogue
        cards = []
        for row in rows:
            fields = list(shown_fields(catalogue, row).items())[:5]
            cards.append({"id": catalogue.ids[row], "title": catalogue.titles[row], **dict(fields)})
        return as_data(cards)
