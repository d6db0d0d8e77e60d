"""The model calls of one turn: bounded in number and time, tried again where that helps, counted, stoppable."""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from convrec.agent.llm import ModelCallError, extra_for, fault_of, model_loop, price_of
from convrec.agent.trace import plain_messages
from convrec.agent.types import LLMUsage

if TYPE_CHECKING:
    import threading

    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage

    from convrec.agent.capabilities import Capabilities
    from convrec.agent.settings import LLMSettings
    from convrec.agent.trace import CallTrace

POLL_S = 0.02
"""how often a waiting turn looks whether it was cancelled"""
FIRST_PAUSE_S = 0.3
LONGEST_ANSWER = 40_000
"""characters of one answer: a model that says more does not stop"""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of an answer as it comes; a higher `attempt` starts the answer anew."""

    attempt: int
    text: str


class ModelCalls:
    """All calls of one turn. Made when the turn begins: its seconds run from then."""

    def __init__(
        self,
        model: BaseChatModel,
        settings: LLMSettings,
        capabilities: Capabilities,
        trace: CallTrace,
        cancel: threading.Event,
    ) -> None:
        self.model = model
        self.capabilities = capabilities
        self._settings = settings
        self._trace = trace
        self._cancel = cancel
        self._until = time.monotonic() + settings.max_seconds
        self._calls = 0
        self._tokens = [0, 0]

    @property
    def usage(self) -> LLMUsage:
        """Calls that were made, retries included, and what the endpoint says they took."""
        spent, said = self._tokens
        cost = price_of(self._settings, spent, said) if self._calls else None
        return LLMUsage(calls=self._calls, input_tokens=spent, output_tokens=said, cost=cost)

    @property
    def remaining_s(self) -> float:
        return self._until - time.monotonic()

    @property
    def left(self) -> int:
        """Calls that may still be made."""
        return self._settings.max_calls - self._calls

    def complete(
        self, purpose: str, messages: Sequence[BaseMessage], schema: dict[str, Any] | None
    ) -> Generator[Piece, None, str]:
        """An answer's whole text, its pieces as they come.

        Raises:
            ModelCallError: there is none, after the tries that were worth it.
            CancelledTurnError: the person stopped the turn.
        """
        pieces: queue.SimpleQueue[Piece] = queue.SimpleQueue()
        extra = extra_for(schema, json_schema=self.capabilities.json_schema)

        async def talk() -> str:
            attempts = iter(range(self._settings.max_calls))

            async def attempt() -> AIMessage:
                return await self._talk(messages, extra, next(attempts), pieces)

            return str((await self.metered(purpose, messages, attempt)).text)

        return (yield from self.wait(talk(), pieces))

    def wait(
        self, work: Coroutine[Any, Any, Result], pieces: queue.SimpleQueue[Piece]
    ) -> Generator[Piece, None, Result]:
        """The result of asynchronous work, its pieces as they come; stopped with the turn or at the end of its time.

        Raises:
            ModelCallError: the work failed.
            CancelledTurnError: the person stopped the turn.
        """
        future = asyncio.run_coroutine_threadsafe(work, model_loop())
        try:
            while True:
                done = future.done()
                try:
                    piece = pieces.get_nowait() if done else pieces.get(timeout=POLL_S)
                except queue.Empty:
                    if done:
                        break
                else:
                    yield piece
                if self._cancel.is_set():
                    from convrec.agent.conversation import CancelledTurnError

                    raise CancelledTurnError("The turn was cancelled.")
                if self.remaining_s < 0:
                    raise ModelCallError("budget")
            try:
                return future.result()
            except Exception as error:
                raise fault_of(error) from error
        finally:
            future.cancel()

    async def metered(
        self, purpose: str, messages: Sequence[BaseMessage], attempt: Callable[[], Awaitable[AIMessage]]
    ) -> AIMessage:
        """One answer: tried again after faults that may pass, within the calls and seconds of the turn.

        Raises:
            ModelCallError: the last try failed, or nothing is left to try with.
        """
        for number in range(self._settings.retries + 1):
            if self.left <= 0 or self.remaining_s <= 0:
                raise ModelCallError("budget")
            self._calls += 1
            started = time.perf_counter()
            try:
                with self._trace.span(purpose) as attributes:
                    async with asyncio.timeout(min(self._settings.timeout_s, self.remaining_s)):
                        answer = _checked(await attempt())
                    self._count(answer, attributes)
            except Exception as error:
                fault = fault_of(error)
                why = f"{type(error).__name__}: {error}"[:400]
                self._record(purpose, messages, number, started, fault=fault.kind, error=why)
                pause = fault.wait_s if fault.wait_s is not None else FIRST_PAUSE_S * 2**number
                last = number == self._settings.retries or self.left <= 0
                if last or not fault.again or pause >= self.remaining_s:
                    raise fault from error
                await asyncio.sleep(pause)
            else:
                self._record(purpose, messages, number, started, reply=plain_messages([answer])[0])
                return answer
        raise ModelCallError("budget")

    async def _talk(
        self, messages: Sequence[BaseMessage], extra: dict[str, Any], number: int, pieces: queue.SimpleQueue[Piece]
    ) -> AIMessage:
        from langchain_core.messages import AIMessageChunk

        if not self.capabilities.streaming:
            whole = await self.model.ainvoke(list(messages), **extra)
            pieces.put(Piece(number, str(whole.text)))
            return whole
        gathered: AIMessageChunk | None = None
        length = 0
        async for chunk in self.model.astream(list(messages), **extra):
            gathered = chunk if gathered is None else gathered + chunk
            if text := str(chunk.text):
                length += len(text)
                pieces.put(Piece(number, text))
            if length > LONGEST_ANSWER:
                raise ModelCallError("endless")
        if gathered is None:
            raise ModelCallError("empty")
        return gathered

    def _count(self, answer: AIMessage, attributes: dict[str, Any]) -> None:
        usage = answer.usage_metadata
        if usage is not None:
            self._tokens[0] += usage["input_tokens"]
            self._tokens[1] += usage["output_tokens"]
            attributes["gen_ai.usage.input_tokens"] = usage["input_tokens"]
            attributes["gen_ai.usage.output_tokens"] = usage["output_tokens"]

    def _record(self, purpose: str, messages: Sequence[BaseMessage], number: int, started: float, **came: Any) -> None:
        ms = round((time.perf_counter() - started) * 1000, 1)
        self._trace.write(
            purpose, attempt=number + 1, ms=ms, messages=plain_messages(messages), usage=self.usage.model_dump(), **came
        )


def _checked(answer: AIMessage) -> AIMessage:
    """An answer that says something."""
    if answer.additional_kwargs.get("refusal"):
        raise ModelCallError("refusal")
    if answer.response_metadata.get("finish_reason") == "content_filter":
        raise ModelCallError("refusal")
    if not str(answer.text).strip() and not answer.tool_calls:
        raise ModelCallError("empty")
    return answer
