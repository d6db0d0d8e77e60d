"""Where messages are written: several lines, history, completion of commands and titles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, TextArea
from textual.widgets.option_list import Option

from convrec.tui.commands import completions
from convrec.tui.text import clean, cut

OFFER_KEYS = {"up": "up", "down": "down", "tab": "take", "enter": "accept", "escape": "close"}
"""what keys mean while completions are on offer"""


class Composer(TextArea):
    """The input. Enter sends; Ctrl+J, Shift+Enter or Alt+Enter make a new line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "send", priority=False),
        Binding("tab", "complete", "complete", show=False),
        Binding("ctrl+r", "app.search_history", "search history", show=False),
    ]

    class Submitted(Message):
        """A message is to be sent."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class TitlesWanted(Message):
        """Tab was pressed after this text."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Moved(Message):
        """A key for the list of completions; one of the values of `OFFER_KEYS`."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id, soft_wrap=True, show_line_numbers=False, tab_behavior="focus", compact=True)
        self.sent: list[str] = []
        self.offering = False
        """whether completions are on offer, so that arrows and Tab go to them"""
        self._place: int | None = None
        self._draft = ""

    async def _on_key(self, event: events.Key) -> None:
        if event.key in ("ctrl+j", "shift+enter", "alt+enter"):
            event.prevent_default().stop()
            self.insert("\n")
            return
        if self.offering and event.key in OFFER_KEYS:
            event.prevent_default().stop()
            self.post_message(self.Moved(OFFER_KEYS[event.key]))
            return
        if event.key == "enter":
            event.prevent_default().stop()
            self.action_submit()
            return
        if event.key == "tab":
            event.prevent_default().stop()
            self.action_complete()
            return
        if event.key == "up" and self.cursor_location[0] == 0 and self.sent:
            event.prevent_default().stop()
            self._recall(-1)
            return
        if event.key == "down" and self._place is not None and self.cursor_location[0] == self.document.line_count - 1:
            event.prevent_default().stop()
            self._recall(1)
            return
        await super()._on_key(event)

    def action_submit(self) -> None:
        """Send what is written."""
        text = self.text.strip()
        if not text:
            return
        if not self.sent or self.sent[-1] != text:
            self.sent.append(text)
        self._place = None
        self.put("")
        self.post_message(self.Submitted(text))

    def action_complete(self) -> None:
        """Offer titles for the words before the cursor; on an empty line go to the next widget."""
        before = self.get_text_range((0, 0), self.cursor_location)
        if before.strip():
            self.post_message(self.TitlesWanted(before))
        else:
            self.screen.focus_next()

    def put(self, text: str) -> None:
        """Replace what is written, with the cursor at its end."""
        self.text = text
        self.move_cursor(self.document.end)

    def _recall(self, step: int) -> None:
        if self._place is None:
            self._draft = self.text
            self._place = len(self.sent)
        self._place = max(0, self._place + step)
        if self._place >= len(self.sent):
            self._place = None
            self.put(self._draft)
        else:
            self.put(self.sent[self._place])


class Prompt(Vertical):
    """The composer with its completions above it."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self.composer = Composer(id="composer")
        self.offers = OptionList(id="offers")
        self.offers.can_focus = False
        self._texts: list[str] = []
        self._start = 0
        self._rest = ""
        self._chosen = False

    def compose(self) -> ComposeResult:
        yield self.offers
        yield self.composer

    def on_mount(self) -> None:
        self.offers.display = False

    def offer(
        self, start: int, texts: Sequence[str], shown: Sequence[Content] | None = None, *, rest: str = ""
    ) -> None:
        """Offer texts that would replace what is written from character `start` on, up to `rest`."""
        self._texts, self._start, self._rest, self._chosen = list(texts), start, rest, False
        self.offers.clear_options()
        self.offers.add_options([Option(face) for face in shown or [Content(clean(text)) for text in texts]])
        self.offers.display = self.composer.offering = bool(texts)
        if texts:
            self.offers.highlighted = 0

    def close(self) -> None:
        self.offer(0, ())

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        text = self.composer.text
        if text.startswith("/") and not text.startswith("//") and " " not in text and "\n" not in text:
            found = completions(text)
            columns = max(self.size.width - 6, 20)
            shown = [
                Content.assemble(
                    (f"{command.usage:<16}", "$text-primary"), (cut(command.help, columns - 16), "$foreground 62%")
                )
                for command in found
            ]
            self.offer(0, [f"/{command.name}{' ' if command.takes else ''}" for command in found], shown)
        elif self.composer.offering:
            self.close()

    def on_composer_moved(self, event: Composer.Moved) -> None:
        event.stop()
        if event.key == "close":
            self.close()
        elif event.key == "accept" and self.composer.text.startswith("/") and not self._chosen:
            # What was typed is a command already, or its unique beginning. Sent by the composer itself: a message that
            # its parent sends would not rise above the parent.
            self.composer.call_next(self.composer.action_submit)
        elif event.key in ("take", "accept"):
            self._take(self.offers.highlighted or 0)
        elif event.key == "up":
            self._chosen = True
            self.offers.action_cursor_up()
        else:
            self._chosen = True
            self.offers.action_cursor_down()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._take(event.option_index)
        self.composer.focus()

    def _take(self, place: int) -> None:
        if 0 <= place < len(self._texts):
            taken = self.composer.text[: self._start] + self._texts[place] + self._rest
            self.close()
            with self.prevent(TextArea.Changed):
                self.composer.put(taken)
