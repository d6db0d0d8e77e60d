"""A small question: a line of text, or yes and no."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from convrec.tui.text import line


class AskScreen(ModalScreen[str]):
    """Ends with the text, '' for a plain yes, or None."""

    BINDINGS = [("escape", "dismiss_none", "no")]  # noqa: RUF012  # Textual's own form

    def __init__(self, question: str, value: str | None) -> None:
        super().__init__()
        self._question = question
        self._value = value

    def compose(self) -> ComposeResult:
        with Vertical(id="ask"):
            yield Static(Content(line(self._question)))
            if self._value is not None:
                yield Input(self._value, id="answer")
            with Horizontal(classes="buttons"):
                yield Button("Yes" if self._value is None else "OK", id="yes", variant="primary", compact=True)
                yield Button("Cancel", id="no", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "no":
            self.dismiss(None)
        else:
            self._accept()

    def on_input_submitted(self) -> None:
        self._accept()

    def _accept(self) -> None:
        self.dismiss(self.query_one(Input).value.strip() if self._value is not None else "")

    def action_dismiss_none(self) -> None:
        self.dismiss(None)
