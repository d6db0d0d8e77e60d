"""A child process that owns a recommender, so that an interface stays quick while models load and turns are taken.

One JSON object a line on standard input: `{"id": 7, "call": "send", "arguments": {"message": "…"}}`. Answers on
standard output carry the same id: any number of `{"id": 7, "event": {…}}`, then `{"id": 7, "result": …}` or
`{"id": 7, "error": {"kind": "…", "message": "…"}}`. Calls that change the conversation are taken one after another,
the others beside them. `cancel` ends a turn. The process ends with its standard input.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

from pydantic import BaseModel

from convrec.retrieval.errors import ConvrecError

IN_TURN = frozenset(
    ["open", "warm", "send", "edit", "feedback", "take_back", "explain", "correct_preference", "connect", "rate"]
)
BESIDE = frozenset(
    [
        "compare",
        "record",
        "profile",
        "drop_preference",
        "history",
        "forget_item",
        "import_history",
        "find",
        "complete",
        "sessions",
        "rename_session",
        "delete_session",
        "transcript",
        "preview",
        "build",
        "doctor",
    ]
)


class Worker:
    """Reads calls, carries them out, writes answers."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._write_lock = threading.Lock()
        self._cancels: dict[int, threading.Event] = {}
        self._turns = ThreadPoolExecutor(1, "turns")
        self._beside = ThreadPoolExecutor(2, "beside")
        self._service: Any = None
        self._service_lock = threading.Lock()

    def run(self) -> None:
        """Serve until the input ends."""
        for raw in self._source:
            try:
                call = json.loads(raw)
                number, name, arguments = int(call["id"]), str(call["call"]), dict(call.get("arguments", {}))
            except (ValueError, KeyError, TypeError) as error:
                print(f"a call that cannot be read: {error}", file=sys.stderr)
                continue
            if name == "cancel":
                if (cancel := self._cancels.get(int(arguments.get("turn", 0)))) is not None:
                    cancel.set()
            elif name in IN_TURN:
                if name in ("send", "edit"):
                    self._cancels[number] = threading.Event()
                self._turns.submit(self._carry_out, number, name, arguments)
            elif name in BESIDE:
                self._beside.submit(self._carry_out, number, name, arguments)
            else:
                self._answer(number, error={"kind": "ValueError", "message": f"There is no call {name!r}."})
        for cancel in list(self._cancels.values()):
            cancel.set()

    def _carry_out(self, number: int, name: str, arguments: dict[str, Any]) -> None:
        try:
            result = self._result(number, name, arguments)
        except ConvrecError as error:
            self._answer(number, error={"kind": type(error).__name__, "message": str(error)})
        except Exception as error:  # noqa: BLE001  # whatever goes wrong is told in the conversation
            traceback.print_exc(file=sys.stderr)
            said = f"Something went wrong inside the recommender ({type(error).__name__}: {error}); the log has more."
            self._answer(number, error={"kind": type(error).__name__, "message": said})
        else:
            self._answer(number, result=_plain(result))
        finally:
            self._cancels.pop(number, None)

    def _result(self, number: int, name: str, arguments: dict[str, Any]) -> object:
        service = self._served()
        if name == "build":
            return service.build(**arguments, emit=lambda step: self._answer(number, event=_plain(step)))
        if name in ("send", "edit"):
            events: Iterator[BaseModel] = getattr(service, name)(**arguments, cancel=self._cancels[number])
            for event in events:
                self._answer(number, event=_plain(event))
            return None
        return getattr(service, name)(**arguments)

    def _served(self) -> Any:
        with self._service_lock:
            if self._service is None:
                from convrec.agent.worker_service import Service

                self._service = Service()
            return self._service

    def _answer(self, number: int, **content: object) -> None:
        line = json.dumps({"id": number, **content}, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        try:
            with self._write_lock:
                self._sink.write(line)
                self._sink.flush()
        except (BrokenPipeError, ValueError):
            # The interface is gone, and the input will end too.
            return


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    return value


def _private_output() -> BinaryIO:
    """Standard output for answers alone: whatever libraries print goes to standard error."""
    own = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return os.fdopen(own, "wb")


def main() -> None:
    """Entry point of the child process."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    Worker(sys.stdin.buffer, _private_output()).run()
    # Threads of numerical libraries may still run; nothing is left to be saved.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
