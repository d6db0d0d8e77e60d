"""What the person saw, rated and liked: search, add, rate, import."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from convrec.retrieval.errors import ConvrecError
from convrec.tui.screen_ask import AskScreen
from convrec.tui.screen_panel import Panel
from convrec.tui.text import counted, cut, fit, line

if TYPE_CHECKING:
    from convrec.agent.views import HistoryEntry, ItemHit

KINDS = {"like": "♥ liked", "dislike": "✗ not for me", "seen": "✓ seen", "never": "⊘ never", "rate": "★ rated"}


class HistoryScreen(Panel[None]):
    """The history, filtered as one types; `a` looks in the whole catalogue for something to add."""

    HEADING = "History"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+f,slash", "search", "search", key_display="/"),
        Binding("a", "add", "add"),
        *(Binding(str(stars), f"rate({stars})", "rate", show=stars == 5, key_display="1–5") for stars in range(1, 6)),
        Binding("delete,x", "remove", "remove"),
        Binding("i", "import_file", "import"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._entries: Sequence[HistoryEntry] = ()
        self._hits: Sequence[ItemHit] = ()
        self._adding = False

    def compose_body(self) -> ComposeResult:
        yield Input(placeholder="part of a title", id="query")
        yield OptionList(id="found")
        yield Static("", classes="hint", id="told")

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        self._reload()

    def on_input_changed(self) -> None:
        self._reload()

    def on_input_submitted(self) -> None:
        self.query_one(OptionList).focus()

    def _reload(self) -> None:
        words = self.query_one(Input).value
        self.run_worker(self._find(words) if self._adding else self._load(words), exclusive=True)

    async def _load(self, words: str) -> None:
        try:
            page = await self.backend.history(words)
        except ConvrecError as error:
            self.query_one("#told", Static).update(Content(line(str(error))))
            return
        self._entries = page.entries
        self.redraw()
        left = page.total - len(page.entries)
        more = f" {left:,} more; search to see them." if left > 0 else ""
        self.query_one("#told", Static).update(Content(f"{counted(page.total, 'entry', 'entries')}.{more}"))

    async def _find(self, words: str) -> None:
        if len(words.strip()) < 2:
            self._hits = ()
            self.redraw()
            return
        try:
            self._hits = await self.backend.find(words)
        except ConvrecError as error:
            self.query_one("#told", Static).update(Content(line(str(error))))
            return
        self.redraw()
        self.query_one("#told", Static).update(Content("Enter adds it as seen; 1 to 5 rates it. Esc goes back."))

    def redraw(self) -> None:
        columns = max(self.query_one(OptionList).size.width - 4, 30)
        if not self._adding:
            rows = [_entry(entry, columns) for entry in self._entries]
            self._show(rows, "Nothing here yet; a adds something.")
            return
        typed = len(self.query_one(Input).value.strip()) >= 2
        rows = [Content(cut(f"{hit.title}  {hit.note}", columns)) for hit in self._hits]
        self._show(rows, "No title is like that." if typed else "Type a part of the title.")

    def _show(self, rows: Sequence[Content], empty: str) -> None:
        found = self.query_one(OptionList)
        held = found.highlighted or 0
        found.clear_options()
        found.add_options([Option(row) for row in rows])
        if rows:
            found.highlighted = min(held, len(rows) - 1)
        else:
            found.add_option(Option(Content(empty), disabled=True))

    def _marked(self) -> str | None:
        place = self.query_one(OptionList).highlighted
        rows = self._hits if self._adding else self._entries
        return rows[place].id if place is not None and place < len(rows) else None

    def action_search(self) -> None:
        self.query_one(Input).focus()

    def action_add(self) -> None:
        self._adding = True
        self.head("History: add from the whole catalogue")
        self.query_one(Input).value = ""
        self.query_one(Input).focus()
        self._reload()

    def action_leave(self) -> None:
        if not self._adding:
            self.dismiss(None)
            return
        self._adding = False
        self.head("History")
        self.query_one(Input).value = ""
        self.query_one(OptionList).focus()
        self._reload()

    def on_option_list_option_selected(self) -> None:
        item_id = self._marked()
        if self._adding and item_id is not None:
            self.run_worker(self._then_load(self.backend.rate(item_id, None)))

    def action_rate(self, stars: int) -> None:
        item_id = self._marked()
        if item_id is not None:
            self.run_worker(self._then_load(self.backend.rate(item_id, float(stars))))

    def action_remove(self) -> None:
        place = self.query_one(OptionList).highlighted
        if self._adding or place is None or place >= len(self._entries):
            return
        entry = self._entries[place]
        if entry.source == "log":
            self.notify("This is in the catalogue's own log; it stays. Rate it to correct it.", timeout=5)
        else:
            self.run_worker(self._then_load(self.backend.forget_item(entry.id)))

    def action_import_file(self) -> None:
        self.app.push_screen(
            AskScreen("File with your history (an export of another service, or any CSV)", ""), self._import
        )

    def _import(self, path: str | None) -> None:
        if path:
            self.run_worker(self._read(path))

    async def _read(self, path: str) -> None:
        try:
            summary = await self.backend.import_history(path)
        except ConvrecError as error:
            self.notify(line(str(error)), severity="error", markup=False)
            return
        self.notify(line(summary.text), markup=False, timeout=10)
        self._reload()

    async def _then_load(self, work: Awaitable[None]) -> None:
        if await self.attempt(work):
            if self._adding:
                self.notify("Added.", timeout=2)
            else:
                self._reload()


def _entry(entry: HistoryEntry, columns: int) -> Content:
    kind = KINDS.get(entry.kind, entry.kind)
    if entry.value is not None:
        kind = f"★ {entry.value:g}"
    when = datetime.fromtimestamp(entry.time, UTC).strftime("%Y-%m-%d") if entry.time else ""
    tail = f"{fit(kind, 12)} {fit(entry.source, 12)} {when:<10}"
    if columns < 60:
        tail = fit(kind, 12)
    return Content.assemble(fit(entry.title, max(columns - len(tail) - 2, 10)), "  ", (tail, "$foreground 62%"))
