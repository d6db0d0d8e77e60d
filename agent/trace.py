"""What passed between convrec and a language model: a line of JSON a call, and OpenTelemetry spans where set up."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convrec.agent.llm import redacted
from convrec.agent.settings import LLMSettings

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

_writing = threading.Lock()


class CallTrace:
    """Writes calls of a model to a file, secrets redacted; to nowhere without a file."""

    def __init__(self, file: Path | None, settings: LLMSettings) -> None:
        self._file = file
        self._settings = settings

    def write(self, kind: str, **what: Any) -> None:
        """Append one record. A file that cannot be written never costs a turn."""
        if self._file is None:
            return
        record = {"time": round(time.time(), 3), "kind": kind, "model": self._settings.model, **what}
        line = redacted(json.dumps(record, ensure_ascii=False, default=str), self._settings)
        try:
            with _writing, self._file.open("a", encoding="utf-8") as out:
                out.write(line + "\n")
        except OSError:
            self._file = None

    @contextmanager
    def span(self, purpose: str) -> Iterator[dict[str, Any]]:
        """A span of OpenTelemetry around a call; what is put into the dictionary becomes its attributes.

        Spans go nowhere unless the process set up a tracer provider.
        """
        attributes: dict[str, Any] = {
            "gen_ai.request.model": self._settings.model or "",
            "gen_ai.operation.name": "chat",
        }
        try:
            from opentelemetry import trace
        except ImportError:
            yield attributes
            return
        with trace.get_tracer("convrec").start_as_current_span(f"convrec.{purpose}") as current:
            yield attributes
            current.set_attributes(attributes)


def plain_messages(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Messages as a trace shows them."""
    shown: list[dict[str, Any]] = []
    for message in messages:
        entry: dict[str, Any] = {"role": message.type, "content": message.content}
        if calls := getattr(message, "tool_calls", None):
            entry["tool_calls"] = calls
        shown.append(entry)
    return shown
