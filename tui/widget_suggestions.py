"""Openings to begin with."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button

from convrec.tui.text import line
from convrec.tui.widget_conversation import Answer


class Suggestions(Vertical):
    """Buttons that each send a message."""

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__()
        self._texts = [line(text) for text in texts]

    def compose(self) -> ComposeResult:
        for text in self._texts:
            yield Button(Content(f"› {text}"), compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(Answer.Chosen(str(event.button.label).removeprefix("› ")))
