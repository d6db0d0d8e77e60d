"""What happens behind, for the curious."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import RichLog

from convrec.tui.screen_panel import Panel
from convrec.tui.text import fit, line


class LogScreen(Panel[None]):
    """The log, growing while it is looked at."""

    HEADING = "Log"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "copy", "copy")]

    def compose_body(self) -> ComposeResult:
        yield RichLog(id="body", wrap=True, markup=False, highlight=False, min_width=20)

    def on_mount(self) -> None:
        self._written = 0
        self._write()
        self.set_interval(0.5, self._write)
        self.query_one(RichLog).focus()

    def _write(self) -> None:
        log = self.query_one(RichLog)
        lines = self.convrec.lines
        for seconds, source, text in lines[self._written :]:
            log.write(_entry(seconds, source, text))
        self._written = len(lines)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard("\n".join(_entry(*entry) for entry in self.convrec.lines))
        self.notify("Copied the log.", timeout=2)


def _entry(seconds: float, source: str, text: str) -> str:
    return f"{seconds:8.2f}  {fit(source, 7)} {line(text)}"
