"""Earlier conversations."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from convrec.retrieval.errors import ConvrecError
from convrec.tui.screen_ask import AskScreen
from convrec.tui.screen_panel import Panel
from convrec.tui.text import counted, fit, line

if TYPE_CHECKING:
    from convrec.agent.views import SessionRow


class SessionsScreen(Panel[str]):
    """The list, searched in titles and text; resume, rename, delete, export."""

    HEADING = "Conversations"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+f,slash", "search", "search", key_display="/"),
        Binding("r", "rename", "rename"),
        Binding("delete", "delete", "delete"),
        Binding("m", "export('markdown')", "Markdown"),
        Binding("o", "export('json')", "JSON"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._rows: Sequence[SessionRow] = ()

    def compose_body(self) -> ComposeResult:
        yield Input(placeholder="words in the conversation", id="query")
        yield OptionList(id="found")
        yield Static(Content("Enter goes on with the marked conversation."), classes="hint")

    def on_mount(self) -> None:
        self.run_worker(self._load(""), exclusive=True)
        self.query_one(OptionList).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.run_worker(self._load(event.value), exclusive=True)

    def on_input_submitted(self) -> None:
        self.query_one(OptionList).focus()

    async def _load(self, words: str) -> None:
        try:
            self._rows = await self.backend.sessions(words)
        except ConvrecError as error:
            self.notify(line(str(error)), severity="error", markup=False)
            return
        self.redraw()

    def redraw(self) -> None:
        found = self.query_one(OptionList)
        held = found.highlighted
        words = self.query_one(Input).value
        found.clear_options()
        columns = max(found.size.width - 4, 30)
        found.add_options([Option(_row(row, columns, row.id == self.convrec.session_id)) for row in self._rows])
        if self._rows:
            found.highlighted = min(held or 0, len(self._rows) - 1)
        else:
            found.add_option(
                Option(Content("No conversation has these words." if words else "None yet."), disabled=True)
            )

    def _marked(self) -> SessionRow | None:
        place = self.query_one(OptionList).highlighted
        return self._rows[place] if place is not None and place < len(self._rows) else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._rows[event.option_index].id)

    def action_search(self) -> None:
        self.query_one(Input).focus()

    def action_rename(self) -> None:
        row = self._marked()
        if row is not None:
            self.app.push_screen(
                AskScreen("Rename the conversation", row.name), lambda name: self._rename(row.id, name)
            )

    def _rename(self, session_id: str, name: str | None) -> None:
        if name:
            self.run_worker(self._then_load(self.backend.rename_session(session_id, name)))

    def action_delete(self) -> None:
        row = self._marked()
        if row is None:
            return
        if row.id == self.convrec.session_id:
            self.notify("This conversation is open; start a new one first.", severity="warning")
            return
        question = f"Delete “{line(row.name)}” with {counted(row.turns, 'turn')} for good?"
        self.app.push_screen(AskScreen(question, None), lambda sure: self._delete(row.id, sure))

    def _delete(self, session_id: str, sure: str | None) -> None:
        if sure is not None:
            self.run_worker(self._then_load(self.backend.delete_session(session_id)))

    async def _then_load(self, work: object) -> None:
        if await self.attempt(work):  # type: ignore[arg-type]
            await self._load(self.query_one(Input).value)

    async def action_export(self, form: str) -> None:
        row = self._marked()
        if row is None:
            return
        path = Path(f"convrec-{row.id}.{'json' if form == 'json' else 'md'}")
        try:
            text = await self.backend.transcript(row.id, form)
            await asyncio.to_thread(path.write_text, text, "utf-8")
        except (ConvrecError, OSError) as error:
            self.notify(f"Not written: {line(str(error))}", severity="error", markup=False)
            return
        self.notify(f"Written to {path}.", markup=False)


def _row(row: SessionRow, columns: int, here: bool) -> Content:
    when = datetime.fromtimestamp(row.updated, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    tail = f"{counted(row.turns, 'turn'):>9}  {when}"
    name = fit(("▸ " if here else "  ") + (row.name or "(no name)"), max(columns - len(tail) - 2, 10))
    return Content.assemble((name, "bold" if here else ""), "  ", (tail, "$foreground 62%"))
