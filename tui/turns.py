"""Takes turns one after another and shows each as it happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convrec.retrieval.errors import ConvrecError
from convrec.tui.errors import WorkerCrashedError, WorkerFailureError
from convrec.tui.text import counted, line
from convrec.tui.widget_conversation import Answer, Note, Said

if TYPE_CHECKING:
    from convrec.agent.types import (
        Event,
        Recommendation,
        Reply,
    )
    from convrec.retrieval.request import Request, RequestEdit
    from convrec.tui.app import ConvrecApp

FILL_AFTER_S = 0.25
"""a list that takes longer than this is shown while it fills"""


@dataclass(frozen=True, eq=False)
class Queued:
    """A message, or edits by hand, that wait for their turn."""

    text: str
    edits: tuple[RequestEdit, ...] = ()
    said: Said | None = None


class Turns:
    """The queue of turns and the state that they lead to."""

    def __init__(self, app: ConvrecApp) -> None:
        self._app = app
        self._queue: asyncio.Queue[Queued] = asyncio.Queue()
        self._waiting: list[Queued] = []
        self.running = False
        self.items: tuple[Recommendation, ...] = ()
        self.request: Request | None = None
        self.taken = 0

    async def submit(self, text: str, edits: Sequence[RequestEdit] = ()) -> None:
        """Take a turn now, or once those before it are done."""
        said = None
        if not edits:
            said = Said(text, queued=self.running or not self._app.ready.is_set())
            await self._app.chat.conversation.add(said)
        queued = Queued(text, tuple(edits), said)
        self._waiting.append(queued)
        self._queue.put_nowait(queued)
        self._count()

    async def run(self) -> None:
        """Take turns for ever."""
        while True:
            queued = await self._queue.get()
            await self._app.ready.wait()
            if queued not in self._waiting:
                continue
            self._waiting.remove(queued)
            self.running = True
            self._count()
            try:
                await self._take(queued)
            finally:
                self.running = False

    async def cancel(self) -> bool:
        """Cancel the turn that runs, else the last one that waits. Whether there was one."""
        if self.running:
            await self._app.backend.cancel()
            return True
        if not self._waiting:
            return False
        queued = self._waiting.pop()
        if queued.said is not None:
            await queued.said.remove()
            self._give_back(queued.text)
        self._count()
        return True

    def forget(self) -> None:
        """Another conversation begins."""
        self._waiting.clear()
        self.items, self.request, self.taken = (), None, 0

    def _count(self) -> None:
        self._app.chat.status.set(waiting=len(self._waiting))

    def _give_back(self, text: str) -> None:
        composer = self._app.chat.composer
        if not composer.text.strip():
            composer.put(text)

    async def _take(self, queued: Queued) -> None:
        app = self._app
        if queued.said is not None:
            queued.said.begin()
        answer = Answer()
        await app.chat.conversation.add(answer)
        events = app.backend.edit(queued.edits) if queued.edits else app.backend.send(queued.text)
        try:
            await self._follow(events, answer)
        except WorkerCrashedError as error:
            answer.stop("stopped")
            await app.chat.conversation.add(Note(str(error), "error"))
            self._give_back(queued.text)
            app.reopen()
        except WorkerFailureError as error:
            if error.kind == "CancelledTurnError":
                answer.stop("cancelled; nothing was changed")
                self._give_back(queued.text)
                await self._restore()
            else:
                answer.stop("failed")
                await app.chat.conversation.add(Note(str(error), "error"))
        except ConvrecError as error:
            answer.stop("failed")
            await app.chat.conversation.add(Note(str(error), "error"))

    async def _restore(self) -> None:
        """The request as it was before a turn that was cancelled."""
        if self.request is not None and self._app.opened is not None:
            await self._app.chat.show_request(self.request, self._app.opened.catalogue)

    async def _follow(self, events: AsyncIterator[Event], answer: Answer) -> None:
        app = self._app
        if app.opened is None:
            return
        schema = app.opened.catalogue
        coming: list[Recommendation] = []
        shown_at = time.monotonic()
        listed = False
        async for event in events:
            if event.type == "understood":
                answer.understood(event.summary)
                await app.chat.show_request(event.request, schema)
            elif event.type == "recalled":
                listed = True
                answer.step(f"recalled {event.recalled:,}")
                answer.step(f"{event.eligible:,} fit")
            elif event.type == "ranked":
                answer.step(f"ranked {event.count}")
            elif event.type == "token":
                answer.stream(event.text)
            elif event.type == "item":
                coming.append(event.item)
                if time.monotonic() - shown_at > FILL_AFTER_S:
                    await app.chat.show_items(coming, schema)
                    shown_at = time.monotonic()
            else:
                reply = event.reply
                await self.show(reply, listed=listed or bool(reply.items))
                if (took := reply.trace.timings_ms.get("total")) is not None:
                    answer.step(f"{took:,.0f} ms")
                await answer.finish(reply)
                app.chat.conversation.to_end()

    async def show(self, reply: Reply, *, listed: bool) -> None:
        """Show the outcome of a turn: the request, the list where there is one, the figures."""
        app = self._app
        if app.opened is None:
            return
        schema = app.opened.catalogue
        await app.chat.show_request(reply.request, schema)
        if reply.items:
            marks = app.opinions.marks
            await app.chat.show_items(reply.items, schema, before=self.items, marks=marks)
            self.items = reply.items
            app.picked.clear()
        elif listed:
            self.items = ()
            await app.chat.say_no_list(f"No {schema.noun} fits.\n\nTake a chip away, or make it soft with Space.")
        self.request = reply.request
        self.taken += 1
        app.opinions.turn_taken()
        trace = reply.trace
        app.chat.status.set(
            mode=trace.mode,
            turn_ms=trace.timings_ms.get("total"),
            tokens=trace.llm.input_tokens + trace.llm.output_tokens,
            cost=trace.llm.cost,
        )
        if trace.session:
            app.session_id = trace.session
        timings = ", ".join(f"{name} {ms:.0f} ms" for name, ms in trace.timings_ms.items())
        figures = f"{trace.recalled:,} recalled, {trace.eligible:,} fit"
        app.log_line("turn", "; ".join(part for part in (trace.mode, figures, trace.plan, timings) if part))
        for note in trace.notes:
            app.log_line("turn", line(note))
        app.log_line("turn", counted(len(reply.items), schema.noun, schema.plural))
