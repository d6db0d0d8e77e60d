"""What happens behind, for the curious."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from convrec.tui.screen_panel import Panel
from convrec.tui.text import fit, line

SHOWN = 400
"""the last lines; all of them are copied"""


class LogScreen(Panel[None]):
    """The log, growing while it is looked at."""

    HEADING = "Log"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "copy")]

    def compose_body(self) -> ComposeResult:
        yield VerticalScroll(Static("", classes="lines"), id="body")

    def on_mount(self) -> None:
        self._shown = -1
        self.set_interval(0.5, self._follow)
        self.query_one("#body").focus()
        self._follow()

    def _follow(self) -> None:
        lines = self.convrec.lines
        if len(lines) == self._shown:
            return
        body = self.query_one("#body", VerticalScroll)
        at_end = self._shown < 0 or body.is_vertical_scroll_end
        self._shown = len(lines)
        told = "\n".join(_entry(*entry) for entry in lines[-SHOWN:])
        body.query_one(Static).update(Content(told or "Nothing yet."))
        if at_end:
            body.scroll_end(animate=False)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard("\n".join(_entry(*entry) for entry in self.convrec.lines))
        self.notify("Copied the log.", timeout=2)


def _entry(seconds: float, source: str, text: str) -> str:
    return f"{seconds:8.2f}  {fit(source, 7)} {line(text)}"
