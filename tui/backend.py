"""The client of the process that recommends: asks over JSON lines, and starts it again when it dies."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from convrec.tui.errors import WorkerCrashedError, WorkerFailureError

if TYPE_CHECKING:
    from convrec.agent.types import Event
    from convrec.agent.views import (
        BuildStep,
        Comparison,
        Completion,
        Explanation,
        Finding,
        HistoryPage,
        ImportSummary,
        ItemHit,
        ItemView,
        ModelCheck,
        Opened,
        ProfileView,
        SchemaPreview,
        SessionRow,
    )
    from convrec.retrieval.request import RequestEdit

Result = TypeVar("Result")
Log = Callable[[str, str], None]
"""Called with where a line of the log comes from, and the line."""

LINE_LIMIT = 64 * 2**20
STOP_PATIENCE_S = 2.0


class Backend(Protocol):
    """Everything that the interface asks of a recommender. Failures are `ConvrecError`s."""

    log: Log

    async def open(
        self, workspace: str | None, user: str | None, session: str | None, *, stored: bool = True
    ) -> Opened: ...

    async def warm(self) -> None: ...

    def send(self, message: str) -> AsyncIterator[Event]: ...

    def edit(self, edits: Sequence[RequestEdit]) -> AsyncIterator[Event]: ...

    async def cancel(self) -> None: ...

    async def feedback(self, item_id: str, kind: str) -> None: ...

    async def take_back(self, item_id: str, kind: str) -> None: ...

    async def explain(self, item_id: str) -> Explanation: ...

    async def compare(self, item_ids: Sequence[str]) -> Comparison: ...

    async def record(self, item_id: str) -> ItemView: ...

    async def profile(self) -> ProfileView: ...

    async def drop_preference(self, preference_id: str) -> None: ...

    async def correct_preference(self, preference_id: str, words: str) -> ProfileView: ...

    async def history(self, containing: str = "") -> HistoryPage: ...

    async def rate(self, item_id: str, value: float | None) -> None: ...

    async def forget_item(self, item_id: str) -> None: ...

    async def import_history(self, path: str) -> ImportSummary: ...

    async def find(self, words: str) -> Sequence[ItemHit]: ...

    async def complete(self, text: str) -> Completion: ...

    async def sessions(self, containing: str = "") -> Sequence[SessionRow]: ...

    async def rename_session(self, session_id: str, name: str) -> None: ...

    async def delete_session(self, session_id: str) -> None: ...

    async def transcript(self, session_id: str, form: str) -> str: ...

    async def preview(self, items: str, interactions: str | None) -> SchemaPreview: ...

    def build(self, workspace: str | None, items: str | None, interactions: str | None) -> AsyncIterator[BuildStep]: ...

    async def connect(self, model: str, base_url: str, api_key: str, mode: str) -> ModelCheck: ...

    async def doctor(self) -> Sequence[Finding]: ...

    async def stop(self) -> None: ...


class WorkerBackend:
    """A child process that owns the recommender, so that its libraries load where they hold nobody up."""

    def __init__(self, command: Sequence[str] | None = None, *, log: Log = lambda _source, _line: None) -> None:
        self.log = log
        self._command = list(command or (sys.executable, "-m", "convrec.agent.worker"))
        self._process: asyncio.subprocess.Process | None = None
        self._readers: list[asyncio.Task[None]] = []
        self._waiting: dict[int, asyncio.Queue[dict[str, Any] | None]] = {}
        self._next = 0
        self._turn: int | None = None
        self._starting = asyncio.Lock()
        self._place: dict[str, Any] = {}
        """arguments of the last `open`, so that a new process can go on where the old one was"""

    @property
    def pid(self) -> int | None:
        """Process id of the child while it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def _alive(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false"}
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    limit=LINE_LIMIT,
                    env=environment,
                    start_new_session=True,
                )
                self.log("engine", f"process {self._process.pid} started")
                self._readers = [
                    asyncio.create_task(self._read_answers(self._process)),
                    asyncio.create_task(self._read_log(self._process)),
                ]
            return self._process

    async def _read_answers(self, process: asyncio.subprocess.Process) -> None:
        while process.stdout is not None and (raw := await process.stdout.readline()):
            try:
                answer = json.loads(raw)
            except ValueError:
                self.log("engine", raw.decode("utf-8", "replace").rstrip())
                continue
            queue = self._waiting.get(answer.get("id", -1))
            if queue is not None:
                queue.put_nowait(answer)
        code = await process.wait()
        self.log("engine", f"process {process.pid} ended with code {code}")
        for queue in self._waiting.values():
            queue.put_nowait(None)

    async def _read_log(self, process: asyncio.subprocess.Process) -> None:
        while process.stderr is not None and (raw := await process.stderr.readline()):
            self.log("engine", raw.decode("utf-8", "replace").rstrip())

    async def _answers(self, call: str, arguments: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        known = self._process
        process = await self._alive()
        if process is not known and self._place and call not in ("open", "build", "preview"):
            await self._do("open", **self._place)
        self._next += 1
        number = self._next
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._waiting[number] = queue
        if call in ("send", "edit"):
            self._turn = number
        try:
            await self._write(process, {"id": number, "call": call, "arguments": arguments})
            while True:
                answer = await queue.get()
                if answer is None:
                    raise WorkerCrashedError(
                        f"The recommender stopped unexpectedly (exit code {process.returncode}); it is being started "
                        "again. Send your message once more."
                    )
                if "error" in answer:
                    error = answer["error"]
                    raise WorkerFailureError(error["message"], error["kind"])
                yield answer
                if "result" in answer:
                    return
        finally:
            del self._waiting[number]
            if self._turn == number:
                self._turn = None

    async def _write(self, process: asyncio.subprocess.Process, line: dict[str, Any]) -> None:
        if process.stdin is None:
            return
        with suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(json.dumps(line).encode() + b"\n")
            await process.stdin.drain()

    async def _ask(self, call: str, kind: type[Result], **arguments: Any) -> Result:
        from pydantic import TypeAdapter

        async for answer in self._answers(call, arguments):
            if "result" in answer:
                return TypeAdapter(kind).validate_python(answer["result"], strict=False)
        raise WorkerCrashedError("The recommender ended without an answer; try again.")

    async def _ask_all(self, call: str, kind: type[Result], **arguments: Any) -> tuple[Result, ...]:
        from pydantic import TypeAdapter

        found: list[Any] = await self._ask(call, list, **arguments)
        adapter = TypeAdapter(kind)
        return tuple(adapter.validate_python(entry) for entry in found)

    async def _do(self, call: str, **arguments: Any) -> None:
        async for _ in self._answers(call, arguments):
            pass

    async def _events(self, call: str, arguments: dict[str, Any]) -> AsyncIterator[Event]:
        from pydantic import TypeAdapter

        from convrec.agent import types

        adapter: TypeAdapter[Event] = TypeAdapter(types.Event)
        async for answer in self._answers(call, arguments):
            if "event" not in answer:
                continue
            event = adapter.validate_python(answer["event"])
            if event.type == "done" and event.reply.trace.session is not None:
                self._place["session"] = event.reply.trace.session
            yield event

    async def open(
        self, workspace: str | None, user: str | None, session: str | None, *, stored: bool = True
    ) -> Opened:
        """Open a workspace and a conversation, a new one or a stored one."""
        # The first import of the result's types takes a while; it is left to a thread.
        views = await asyncio.to_thread(_import_views)
        arguments = {"workspace": workspace, "user": user, "session": session, "stored": stored}
        opened: Opened = await self._ask("open", views.Opened, **arguments)
        self._place = arguments
        return opened

    async def warm(self) -> None:
        """Load the models; messages that are sent meanwhile wait their turn."""
        await self._do("warm")

    def send(self, message: str) -> AsyncIterator[Event]:
        """Take a turn."""
        return self._events("send", {"message": message})

    def edit(self, edits: Sequence[RequestEdit]) -> AsyncIterator[Event]:
        """Change the request by hand."""
        return self._events("edit", {"edits": [edit.model_dump(mode="json") for edit in edits]})

    async def cancel(self) -> None:
        """Cancel the turn that runs or waits."""
        if self._turn is not None and self._process is not None:
            await self._write(self._process, {"id": 0, "call": "cancel", "arguments": {"turn": self._turn}})

    async def feedback(self, item_id: str, kind: str) -> None:
        await self._do("feedback", item_id=item_id, kind=kind)

    async def take_back(self, item_id: str, kind: str) -> None:
        await self._do("take_back", item_id=item_id, kind=kind)

    async def explain(self, item_id: str) -> Explanation:
        return await self._ask("explain", _import_views().Explanation, item_id=item_id)

    async def compare(self, item_ids: Sequence[str]) -> Comparison:
        return await self._ask("compare", _import_views().Comparison, item_ids=list(item_ids))

    async def record(self, item_id: str) -> ItemView:
        return await self._ask("record", _import_views().ItemView, item_id=item_id)

    async def profile(self) -> ProfileView:
        return await self._ask("profile", _import_views().ProfileView)

    async def drop_preference(self, preference_id: str) -> None:
        await self._do("drop_preference", preference_id=preference_id)

    async def correct_preference(self, preference_id: str, words: str) -> ProfileView:
        views = _import_views()
        return await self._ask("correct_preference", views.ProfileView, preference_id=preference_id, words=words)

    async def history(self, containing: str = "") -> HistoryPage:
        return await self._ask("history", _import_views().HistoryPage, containing=containing)

    async def rate(self, item_id: str, value: float | None) -> None:
        await self._do("rate", item_id=item_id, value=value)

    async def forget_item(self, item_id: str) -> None:
        await self._do("forget_item", item_id=item_id)

    async def import_history(self, path: str) -> ImportSummary:
        return await self._ask("import_history", _import_views().ImportSummary, path=path)

    async def find(self, words: str) -> Sequence[ItemHit]:
        return await self._ask_all("find", _import_views().ItemHit, words=words)

    async def complete(self, text: str) -> Completion:
        return await self._ask("complete", _import_views().Completion, text=text)

    async def sessions(self, containing: str = "") -> Sequence[SessionRow]:
        return await self._ask_all("sessions", _import_views().SessionRow, containing=containing)

    async def rename_session(self, session_id: str, name: str) -> None:
        await self._do("rename_session", session_id=session_id, name=name)

    async def delete_session(self, session_id: str) -> None:
        await self._do("delete_session", session_id=session_id)

    async def transcript(self, session_id: str, form: str) -> str:
        return await self._ask("transcript", str, session_id=session_id, form=form)

    async def preview(self, items: str, interactions: str | None) -> SchemaPreview:
        return await self._ask("preview", _import_views().SchemaPreview, items=items, interactions=interactions)

    async def build(
        self, workspace: str | None, items: str | None, interactions: str | None
    ) -> AsyncIterator[BuildStep]:
        """Build a workspace out of files, or of the starter data where `items` is None."""
        step = _import_views().BuildStep
        arguments = {"workspace": workspace, "items": items, "interactions": interactions}
        async for answer in self._answers("build", arguments):
            if "event" in answer:
                yield step.model_validate(answer["event"])

    async def connect(self, model: str, base_url: str, api_key: str, mode: str) -> ModelCheck:
        arguments = {"model": model, "base_url": base_url, "api_key": api_key, "mode": mode}
        return await self._ask("connect", _import_views().ModelCheck, **arguments)

    async def doctor(self) -> Sequence[Finding]:
        return await self._ask_all("doctor", _import_views().Finding)

    async def stop(self) -> None:
        """End the child process."""
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            return
        with suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), STOP_PATIENCE_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        for reader in self._readers:
            reader.cancel()


def _import_views() -> Any:
    from convrec.agent import types, views

    del types
    return views
