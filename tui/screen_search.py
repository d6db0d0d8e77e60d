"""Search in the messages sent so far."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from convrec.tui.screen_panel import Panel
from convrec.tui.text import line


class SearchScreen(Panel[str]):
    """Type a part of a message; Enter takes the marked one."""

    HEADING = "Search what you said"

    def __init__(self, sent: Sequence[str]) -> None:
        super().__init__()
        self._sent = list(dict.fromkeys(reversed(sent)))
        self._shown: list[str] = []

    def compose_body(self) -> ComposeResult:
        yield Input(placeholder="part of a message", id="query")
        yield OptionList(id="found")

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self._search("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._search(event.value)

    def on_input_submitted(self) -> None:
        place = self.query_one(OptionList).highlighted
        self.dismiss(self._shown[place] if place is not None and self._shown else None)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._shown[event.option_index])

    def key_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def key_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()

    def _search(self, words: str) -> None:
        self._shown = [text for text in self._sent if words.casefold() in text.casefold()]
        found = self.query_one(OptionList)
        found.clear_options()
        found.add_options([Option(Content(line(text))) for text in self._shown])
        found.highlighted = 0 if self._shown else None
