"""The Textual app: holds the backend and the conversation, and carries out what keys and commands ask for."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Iterable, Sequence
from inspect import isawaitable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from convrec.retrieval.errors import ConvrecError
from convrec.tui.commands import COMMANDS, Command, UnknownCommandError, parse
from convrec.tui.errors import WorkerFailureError
from convrec.tui.faces import removal, toggled
from convrec.tui.opinions import Opinions
from convrec.tui.screen_chat import NO_LIST, ChatScreen
from convrec.tui.text import cut, line
from convrec.tui.theme import OWN
from convrec.tui.turns import Turns
from convrec.tui.widget_cards import Card
from convrec.tui.widget_chips import Chip
from convrec.tui.widget_composer import Composer
from convrec.tui.widget_conversation import Answer, Note, Said

if TYPE_CHECKING:
    from convrec.agent.types import Recommendation
    from convrec.agent.views import Opened
    from convrec.retrieval.request import RequestEdit
    from convrec.tui.backend import Backend

LOG_KEPT = 2000
MOST_COMPARED = 3
OFFLINE_HINT = "Working offline: no language model is connected. F6 connects one; nothing else is missing."


class ConvrecApp(App[None], inherit_bindings=False):
    """`convrec chat`."""

    CSS_PATH = "app.tcss"
    TITLE = "convrec"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "help", key_display="F1", priority=True),
        Binding("f2", "more", "more", key_display="F2", priority=True),
        Binding("f3", "profile", "profile", key_display="F3", priority=True),
        Binding("f4", "history", "history", key_display="F4", priority=True),
        Binding("f5", "sessions", "sessions", key_display="F5", priority=True),
        Binding("f6", "settings", "settings", key_display="F6", show=False, priority=True),
        Binding("f7", "log", "log", key_display="F7", show=False, priority=True),
        Binding("ctrl+z", "undo", "undo", show=False, priority=True),
        Binding("ctrl+n", "new", "new", show=False),
        Binding("ctrl+p", "command_palette", "palette", show=False, key_display="^p"),
        Binding("ctrl+q", "quit", "quit", key_display="^q", priority=True),
        Binding("ctrl+c", "help_quit", show=False, system=True),
    ]

    def __init__(
        self,
        backend: Backend,
        *,
        workspace: str | None = None,
        user: str | None = None,
        session: str | None = None,
        theme: str = "convrec-dark",
    ) -> None:
        super().__init__()
        self.backend = backend
        self.workspace = workspace
        self.user = user
        self.session_id = session
        self.opened: Opened | None = None
        self.ready = asyncio.Event()
        self.lines: list[tuple[float, str, str]] = []
        self.picked: list[Recommendation] = []
        self.chat = ChatScreen(id="_default")
        self.turns = Turns(self)
        self.opinions = Opinions(self)
        self._started = time.monotonic()
        for own in OWN:
            self.register_theme(own)
        self.theme = theme
        backend.log = self.log_line

    def get_default_screen(self) -> Screen[None]:
        return self.chat

    def on_chat_screen_drawn(self) -> None:
        """The first frame is on the screen: now what takes longer may begin."""
        self.run_worker(self._begin(), group="open", exclusive=True, exit_on_error=False)
        self.run_worker(self.turns.run(), group="turns", exit_on_error=False)

    def log_line(self, source: str, text: str) -> None:
        """Keep a line for the log screen."""
        self.lines.append((time.monotonic() - self._started, source, text))
        del self.lines[:-LOG_KEPT]

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A fault in the app's own work is told in the conversation and the work goes on."""
        if event.state is not WorkerState.ERROR:
            return
        error = event.worker.error
        self.log_line("app", f"{type(error).__name__}: {error}")
        self.call_later(self.tell, f"Something went wrong inside the app ({type(error).__name__}: {error}).", "error")
        if event.worker.group == "turns":
            self.run_worker(self.turns.run(), group="turns", exit_on_error=False)

    async def tell(self, text: str, kind: str = "info") -> None:
        """Say something in the conversation."""
        await self.chat.conversation.add(Note(text, "error" if kind == "error" else "info"))

    # Opening

    def reopen(self, **changes: str | None) -> None:
        """Open again: after a crash, for another person, another conversation or another catalogue."""
        self.workspace = changes.get("workspace", self.workspace)
        self.user = changes.get("user", self.user)
        self.session_id = changes.get("session", self.session_id)
        fresh = bool(changes)
        self.run_worker(self._begin(fresh=fresh), group="open", exclusive=True, exit_on_error=False)

    async def _begin(self, *, fresh: bool = True) -> None:
        self.ready.clear()
        self.chat.status.set(engine="starting", user=self.user)
        try:
            opened = await self.backend.open(self.workspace, self.user, self.session_id)
        except WorkerFailureError as error:
            await self._cannot_open(error)
            return
        except ConvrecError as error:
            self.chat.status.set(engine="stopped")
            await self.tell(str(error), "error")
            return
        self.opened = opened
        self.workspace, self.session_id = opened.workspace, opened.session
        self._show_opened(opened)
        if fresh:
            await self._show_conversation(opened)
        self.chat.status.set(engine="loading")
        self.ready.set()
        try:
            await self.backend.warm()
        except ConvrecError as error:
            self.chat.status.set(engine="stopped")
            await self.tell(str(error), "error")
            return
        self.chat.status.set(engine="ready")
        self.log_line("app", f"models loaded after {time.monotonic() - self._started:.1f} s")

    async def _cannot_open(self, error: WorkerFailureError) -> None:
        self.chat.status.set(engine="closed")
        if error.kind == "WorkspaceMissingError":
            from convrec.tui.screen_start import StartScreen

            self.push_screen(StartScreen(), self._started_with)
            return
        await self.tell(str(error), "error")
        if error.kind == "SessionError":
            self.reopen(session=None)

    def _started_with(self, workspace: str | None) -> None:
        if workspace is not None:
            self.reopen(workspace=workspace, session=None)
        elif self.opened is None:
            self.exit()

    def _show_opened(self, opened: Opened) -> None:
        schema = opened.catalogue
        place = f"{schema.count:,} {schema.plural}"
        if opened.interactions:
            place += f" · {opened.interactions:,} interactions of {opened.people:,} people"
        self.chat.show_place(place)
        self.chat.status.set(
            mode=opened.mode, model=opened.model, catalogue=Path(opened.workspace).name, user=opened.user, turn_ms=None
        )

    async def _show_conversation(self, opened: Opened) -> None:
        waiting = [child for child in self.chat.conversation.children if isinstance(child, Said)]
        self.opinions.forget()
        self.picked.clear()
        if not waiting:
            self.turns.forget()
            await self.chat.conversation.clear()
            await self.chat.say_no_list(NO_LIST)
            await self._greet(opened)
        await self.chat.show_request(opened.request, opened.catalogue)
        self.turns.request = opened.request
        self.chat.composer.sent = [turn.message for turn in opened.turns]
        for turn in opened.turns:
            await self.chat.conversation.add(Said(turn.message))
            answer = Answer()
            await self.chat.conversation.add(answer)
            await self.turns.show(turn.reply, listed=bool(turn.reply.items))
            answer.step(f"turn {turn.turn}")
            await answer.finish(turn.reply)

    async def _greet(self, opened: Opened) -> None:
        schema = opened.catalogue
        if opened.turns:
            return
        who = f" for {opened.user}" if opened.user else ""
        hint = OFFLINE_HINT if opened.mode == "offline" else ""
        await self.tell(f"Ready to choose among {schema.count:,} {schema.plural}{who}. {hint}".strip())
        if opened.suggestions:
            from convrec.tui.widget_suggestions import Suggestions

            await self.chat.conversation.mount(Suggestions(opened.suggestions))

    # Messages and commands

    async def on_composer_submitted(self, event: Composer.Submitted) -> None:
        await self.say(event.text)

    async def say(self, text: str) -> None:
        """Send a message, or carry out a command."""
        try:
            found = parse(text)
        except UnknownCommandError as error:
            self.notify(line(str(error)), severity="warning", markup=False)
            self.chat.composer.put(text)
            return
        if found is not None:
            await self._command(*found)
            return
        await self.chat.conversation.query("Suggestions").remove()
        await self.turns.submit(text.removeprefix("/") if text.startswith("//") else text)

    async def _command(self, command: Command, arguments: list[str]) -> None:
        carry_out = getattr(self, f"action_{command.action}")
        done = carry_out(*arguments) if command.takes else carry_out()
        if isawaitable(done):
            await done

    async def on_answer_chosen(self, event: Answer.Chosen) -> None:
        await self.say(event.text)
        self.chat.go_to_input()

    def on_said_again(self, event: Said.Again) -> None:
        self.chat.composer.put(event.text)
        self.chat.composer.focus()

    async def on_answer_list_wanted(self, event: Answer.ListWanted) -> None:
        if self.opened is not None:
            title = f"list of turn {event.reply.trace.turn}"
            await self.chat.show_items(event.reply.items, self.opened.catalogue, marks=self.opinions.marks, title=title)
            self.turns.items = event.reply.items

    async def on_composer_titles_wanted(self, event: Composer.TitlesWanted) -> None:
        if self.opened is None:
            return
        try:
            found = await self.backend.complete(event.text)
        except ConvrecError as error:
            self.log_line("app", str(error))
            return
        rest = self.chat.composer.text[len(event.text) :]
        if found.titles:
            self.chat.prompt.offer(found.start, found.titles, rest=rest)
        else:
            self.notify("No title begins like that.", timeout=2)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield from super().get_system_commands(screen)
        for command in COMMANDS:
            if command.takes in ("", "[FILE]", "[NAME]", "[2]"):
                yield SystemCommand(f"/{command.name}", command.help, getattr(self, f"action_{command.action}"))

    # The request

    async def on_chip_acted(self, event: Chip.Acted) -> None:
        if self.opened is None or self.turns.request is None:
            return
        schema, face = self.opened.catalogue, event.face
        constraint = next((c for c in self.turns.request.constraints if c.id == face.target), None)
        if event.action == "remove":
            await self.edit([removal(face)])
        elif event.action == "toggle":
            if constraint is None:
                self.notify("Only a condition can be firm or soft; this is matched by meaning.", timeout=4)
            else:
                await self.edit([toggled(constraint, schema)])
        elif face.editable:
            from convrec.tui.screen_edit import EditScreen

            self.push_screen(EditScreen(self.turns.request, face, schema), self._edited)
        else:
            self.notify("Remove it with Delete to change it.", timeout=4)

    async def _edited(self, edits: Sequence[RequestEdit] | None) -> None:
        if edits:
            await self.edit(edits)

    async def edit(self, edits: Sequence[RequestEdit]) -> None:
        """Change the request by hand; the list follows."""
        await self.turns.submit("", edits)

    # The list

    def _items(self, ranks: Sequence[str]) -> list[Recommendation]:
        """The items that are meant: by their ranks, else the one whose card has the focus."""
        if not ranks:
            return [self.chat.focused_item] if self.chat.focused_item is not None else []
        by_rank = {str(item.rank): item for item in self.turns.items}
        return [by_rank[rank.strip(".,#")] for rank in ranks if rank.strip(".,#") in by_rank]

    def _one(self, ranks: Sequence[str], command: str) -> Recommendation | None:
        found = self._items(ranks)
        if not found:
            shown = len(self.turns.items)
            known = f"a number from 1 to {shown}" if shown else "an item; there is no list yet"
            self.notify(f"/{command} needs {known}.", severity="warning", markup=False)
            return None
        return found[0]

    async def on_card_acted(self, event: Card.Acted) -> None:
        if event.what == "why":
            await self.action_why(str(event.item.rank))
        elif event.what == "similar":
            await self._similar(event.item)
        elif event.what == "pick":
            self._pick(event.item)
        elif event.what == "copy":
            self._copy(event.item.title, "the title")
        else:
            await self.opinions.give(event.item, event.what)

    def _pick(self, item: Recommendation) -> None:
        if item in self.picked:
            self.picked.remove(item)
        elif len(self.picked) == MOST_COMPARED:
            self.notify(f"{MOST_COMPARED} can be compared at once; C shows them.", timeout=4)
            return
        else:
            self.picked.append(item)
        self.chat.cards.pick(item.id, item in self.picked)
        if len(self.picked) >= 2:
            self.notify("C compares them.", timeout=3)

    async def _similar(self, item: Recommendation) -> None:
        from convrec.retrieval.request import Provenance, Reference, RequestEdit

        origin = Provenance(words=f"more like {item.title}", source="click")
        part = Reference(item_id=item.id, title=item.title, provenance=origin)
        await self.edit([RequestEdit(op="add", part=part)])

    async def action_why(self, *ranks: str) -> None:
        item = self._one(ranks, "why 2")
        if item is not None:
            from convrec.tui.screen_why import WhyScreen

            self.push_screen(WhyScreen(item))

    async def action_compare(self, *ranks: str) -> None:
        items = self._items(ranks) if ranks else list(self.picked)
        if len(items) < 2:
            self.notify("Pick two or three with c, or say /compare 1 3.", severity="warning")
            return
        from convrec.tui.screen_compare import CompareScreen

        self.push_screen(CompareScreen(items[:MOST_COMPARED]))

    async def _opinion(self, kind: str, ranks: Sequence[str]) -> None:
        item = self._one(ranks, kind)
        if item is not None:
            await self.opinions.give(item, kind)

    async def action_like(self, *ranks: str) -> None:
        await self._opinion("like", ranks)

    async def action_dislike(self, *ranks: str) -> None:
        await self._opinion("dislike", ranks)

    async def action_seen(self, *ranks: str) -> None:
        await self._opinion("seen", ranks)

    async def action_never(self, *ranks: str) -> None:
        await self._opinion("never", ranks)

    async def action_similar(self, *ranks: str) -> None:
        item = self._one(ranks, "similar")
        if item is not None:
            await self._similar(item)

    async def action_more(self) -> None:
        await self.turns.submit("more")

    async def action_undo(self) -> None:
        if await self.opinions.undo():
            return
        if self.turns.taken:
            await self.turns.submit("undo")
        else:
            self.notify("There is nothing to take back.", timeout=3)

    async def action_cancel(self) -> None:
        if not await self.turns.cancel():
            self.chat.go_to_input()

    # Other screens

    def action_help(self) -> None:
        from convrec.tui.screen_help import HelpScreen

        self.push_screen(HelpScreen())

    def action_profile(self) -> None:
        from convrec.tui.screen_profile import ProfileScreen

        self._push_when_open(ProfileScreen())

    def action_history(self) -> None:
        from convrec.tui.screen_history import HistoryScreen

        self._push_when_open(HistoryScreen())

    def action_sessions(self) -> None:
        from convrec.tui.screen_sessions import SessionsScreen

        if self.opened is None:
            self.notify("The catalogue is still opening.", timeout=3)
        else:
            self.push_screen(SessionsScreen(), self._resume)

    def _resume(self, session_id: str | None) -> None:
        if session_id is not None:
            self._start_over(session=session_id)

    def action_settings(self) -> None:
        from convrec.tui.screen_settings import SettingsScreen

        self._push_when_open(SettingsScreen())

    def action_start(self) -> None:
        from convrec.tui.screen_start import StartScreen

        self.push_screen(StartScreen(), self._started_with)

    def action_log(self) -> None:
        from convrec.tui.screen_log import LogScreen

        self.push_screen(LogScreen())

    def action_search_history(self) -> None:
        from convrec.tui.screen_search import SearchScreen

        self.push_screen(SearchScreen(self.chat.composer.sent), self._found)

    def _found(self, text: str | None) -> None:
        if text is not None:
            self.chat.composer.put(text)

    def _push_when_open(self, screen: Screen[None]) -> None:
        if self.opened is None:
            self.notify("The catalogue is still opening.", timeout=3)
        else:
            self.push_screen(screen)

    def action_new(self) -> None:
        self._start_over(session=None)

    def action_user(self, *names: str) -> None:
        name = " ".join(names)
        if not name:
            self.notify("Say who: /user NAME.", severity="warning")
            return
        self._start_over(user=name, session=None)

    def _start_over(self, **changes: str | None) -> None:
        for said in self.chat.conversation.query(Said):
            said.remove()
        self.turns.forget()
        self.reopen(**changes)

    def action_theme(self, *names: str) -> None:
        if not names:
            self.search_themes()
        elif names[0] in self.available_themes:
            self.theme = names[0]
        else:
            self.notify(f"There is no theme {names[0]}.", severity="warning", markup=False)

    # Out of the app

    def _copy(self, text: str, what: str) -> None:
        self.copy_to_clipboard(text)
        self.notify(f"Copied {what}.", timeout=2)

    def action_copy(self, *ranks: str) -> None:
        if ranks and (item := self._one(ranks, "copy 2")) is not None:
            self._copy(item.title, "the title")
        elif not ranks:
            self.action_copy_list()

    def action_copy_list(self) -> None:
        text = "\n".join(f"{item.rank}. {line(item.title)}" for item in self.turns.items)
        if text:
            self._copy(text, "the list")
        else:
            self.notify("There is no list yet.", timeout=2)

    def action_copy_text(self) -> None:
        focused = self.focused
        if isinstance(focused, Said | Answer | Note):
            self._copy(focused.text, "the message")

    async def action_save(self, *names: str) -> None:
        if self.session_id is None:
            self.notify("There is nothing to save yet.", severity="warning")
            return
        path = _expanded(" ".join(names) or f"convrec-{self.session_id}.md")
        form = "json" if path.suffix == ".json" else "markdown"
        try:
            text = await self.backend.transcript(self.session_id, form)
            await asyncio.to_thread(path.write_text, text, "utf-8")
        except (ConvrecError, OSError) as error:
            self.notify(f"Not saved: {line(str(error))}", severity="error", markup=False)
            return
        self.notify(f"Saved to {cut(str(path), 60)}.", markup=False)

    def resume_command(self) -> str | None:
        """How to go on with this conversation; None before its first turn."""
        if self.session_id is None:
            return None
        words = ["convrec", "chat", "--session", self.session_id]
        if self.user:
            words += ["--user", self.user]
        if self.workspace:
            words += ["--workspace", self.workspace]
        return shlex.join(words)

    async def on_unmount(self) -> None:
        await self.backend.stop()


def _expanded(name: str) -> Path:
    return Path(name).expanduser()
