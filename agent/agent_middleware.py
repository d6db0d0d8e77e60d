"""Puts an agent's model calls under the budget, retries and trace of the turn, and ends it when its work is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse, hook_config
from langchain_core.messages import AIMessage
from langgraph.runtime import Runtime

from convrec.agent.llm_calls import ModelCalls


class Meter(AgentMiddleware[AgentState[Any], None, Any]):
    """Counts, retries and traces each call; stops before the next once `finished` says so."""

    def __init__(self, calls: ModelCalls, finished: Callable[[], bool]) -> None:
        super().__init__()
        self._calls = calls
        self._finished = finished

    @hook_config(can_jump_to=["end"])
    async def abefore_model(self, state: AgentState[Any], runtime: Runtime[None]) -> dict[str, Any] | None:
        del state, runtime
        return {"jump_to": "end"} if self._finished() else None

    async def awrap_model_call(
        self, request: ModelRequest[None], handler: Callable[[ModelRequest[None]], Awaitable[ModelResponse[Any]]]
    ) -> AIMessage:
        async def attempt() -> AIMessage:
            answer = (await handler(request)).result[-1]
            return answer if isinstance(answer, AIMessage) else AIMessage(content="")

        system = [request.system_message] if request.system_message is not None else []
        return await self._calls.metered("plan", [*system, *request.messages], attempt)


def meter(calls: ModelCalls, finished: Callable[[], bool]) -> Meter:
    """The middleware for one turn's agent."""
    return Meter(calls, finished)
