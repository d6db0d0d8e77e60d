"""A chat model that plays a script: for tests, demonstrations, and trying the language model's path without one."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import Field, PrivateAttr


@dataclass(frozen=True, slots=True)
class Say:
    """A reply in words, in JSON mostly."""

    text: str


@dataclass(frozen=True, slots=True)
class CallTools:
    """A reply that calls tools: pairs of a name and arguments."""

    calls: tuple[tuple[str, dict[str, Any]], ...]


@dataclass(frozen=True, slots=True)
class Fail:
    """A call that raises."""

    error: BaseException


Step = Say | CallTools | Fail
Script = Sequence[Step] | Callable[[list[BaseMessage]], Step]


class ScriptedChatModel(BaseChatModel):
    """Plays steps in order, the last one again when they run out; or asks a function for each step.

    `heard` holds the messages of every call. Tokens are counted as words.
    """

    script: Any
    """steps, or a function from the messages of a call to a step"""
    heard: list[list[BaseMessage]] = Field(default_factory=list)
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    def __init__(self, script: Script) -> None:
        super().__init__(script=script)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Tools are named in the script, so their schemas are not needed."""
        del tools, kwargs
        return self

    def _next(self, messages: list[BaseMessage]) -> AIMessage:
        with self._lock:
            self.heard.append(list(messages))
            position = len(self.heard) - 1
            if callable(self.script):
                step: Step = self.script(messages)
            else:
                step = self.script[min(position, len(self.script) - 1)]
        if isinstance(step, Fail):
            raise step.error
        spent = sum(len(str(m.content).split()) for m in messages)
        if isinstance(step, CallTools):
            calls = [
                {"name": name, "args": arguments, "id": f"call-{position}-{number}", "type": "tool_call"}
                for number, (name, arguments) in enumerate(step.calls)
            ]
            usage = UsageMetadata(input_tokens=spent, output_tokens=len(calls), total_tokens=spent + len(calls))
            return AIMessage(content="", tool_calls=calls, usage_metadata=usage)
        said = len(step.text.split())
        usage = UsageMetadata(input_tokens=spent, output_tokens=said, total_tokens=spent + said)
        return AIMessage(content=step.text, usage_metadata=usage)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del stop, run_manager, kwargs
        return ChatResult(generations=[ChatGeneration(message=self._next(messages))])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        # The inherited way hands every chunk through a thread.
        del run_manager
        for chunk in self._stream(messages, stop, **kwargs):
            yield chunk

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        del stop, run_manager, kwargs
        whole = self._next(messages)
        text = str(whole.text)
        for start in range(0, len(text), 12):
            yield ChatGenerationChunk(message=AIMessageChunk(content=text[start : start + 12]))
        calls = [{**call, "type": "tool_call"} for call in whole.tool_calls]
        yield ChatGenerationChunk(
            message=AIMessageChunk(content="", tool_calls=calls, usage_metadata=whole.usage_metadata)
        )
