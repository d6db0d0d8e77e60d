"""The conversation: what was said, what was done about it, and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ItemGrid, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from convrec.tui.text import clean, counted, cut, line

if TYPE_CHECKING:
    from convrec.agent.types import Reply

MOST_KEPT = 200
"""older messages leave the screen; the stored conversation keeps them"""
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Said(Static, can_focus=True):
    """What the person said."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "app.copy_text", "copy"),
        Binding("e", "again", "edit and send again"),
    ]

    class Again(Message):
        """The person wants to say something like this again."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, text: str, *, queued: bool = False) -> None:
        super().__init__(Content(clean(text)), classes="-queued" if queued else "")
        self.text = clean(text)
        self.border_title = "you · waiting" if queued else "you"

    def begin(self) -> None:
        """The message is no longer waiting."""
        self.remove_class("-queued")
        self.border_title = "you"

    def action_again(self) -> None:
        self.post_message(self.Again(self.text))


class Note(Static, can_focus=True):
    """Something that the app has to say."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "app.copy_text", "copy")]

    def __init__(self, text: str, kind: Literal["info", "warning", "error"] = "info") -> None:
        sign = {"info": "·", "warning": "!", "error": "✗"}[kind]
        self.text = clean(text)
        super().__init__(Content(f"{sign} {self.text}"), classes=f"-{kind}")


class Answer(Vertical, can_focus=True):
    """One answer as it comes: the steps, the words, the question with its options."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "app.copy_text", "copy"),
        Binding("enter", "show_list", "show its list"),
    ]

    class ListWanted(Message):
        """The list of an earlier answer is to be shown again."""

        def __init__(self, reply: Reply) -> None:
            super().__init__()
            self.reply = reply

    class Chosen(Message):
        """An option of a question was chosen."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self) -> None:
        super().__init__()
        self.border_title = "convrec"
        self.reply: Reply | None = None
        self._steps: list[str] = []
        self._text = ""
        self._running = True
        self._frame = 0

    @property
    def text(self) -> str:
        """The answer in words, for copying."""
        if self.reply is None:
            return clean(self._text)
        return "\n".join(
            [clean(self.reply.message), *(f"{item.rank}. {line(item.title)}" for item in self.reply.items)]
        )

    def compose(self) -> ComposeResult:
        yield Static("", classes="understood")
        yield Static("", classes="steps")
        yield Static(Content(""), classes="words")

    def on_mount(self) -> None:
        self.query_one(".words").display = self.query_one(".understood").display = False
        self._spin = self.set_interval(0.1, self._turn, pause=not self._running)
        self._draw_steps()

    def understood(self, summary: str) -> None:
        """How the message was read."""
        told = self.query_one(".understood", Static)
        told.display = bool(summary)
        told.update(Content(line(summary)))
        self.step("understood")

    def step(self, text: str) -> None:
        """One more step is done."""
        self._steps.append(text)
        self._draw_steps()

    def stream(self, text: str) -> None:
        """More words."""
        self._text += text
        self._draw_words(self._text)

    async def finish(self, reply: Reply) -> None:
        """The whole answer."""
        self._end()
        self.reply = reply
        self._draw_words(reply.message)
        extra = [Static(Content(f"! {clean(note)}"), classes="note") for note in reply.trace.notes]
        loosened = [change for change in reply.relaxed if change.to.lstrip("<>≤≥ ") not in reply.message]
        for change in loosened:
            verb = "loosened" if change.applied else "could be loosened"
            sentence = f"↔ {change.constraint} {verb} to {change.to}: {counted(change.gained, 'more', 'more')}"
            extra.append(Static(Content(clean(sentence)), classes="note"))
        await self.mount_all(extra)
        question = clean(reply.clarify.question) if reply.clarify is not None else ""
        if question and question not in clean(reply.message):
            await self.mount(Static(Content(question), classes="question"))
        options = reply.clarify.options if reply.clarify is not None else ()
        if not options and any(not change.applied for change in reply.relaxed):
            options = ("yes",)
        if options:
            buttons = [Button(Content(line(option)), compact=True) for option in options]
            await self.mount(ItemGrid(*buttons, min_column_width=18, classes="options"))
        if reply.items:
            titles = ", ".join(item.title for item in reply.items)
            listed = Static(Content(f"▤ {len(reply.items)}: {cut(titles, 400)}"), classes="listed")
            await self.mount(listed)

    def stop(self, text: str) -> None:
        """The turn ended without an answer."""
        self._end()
        self._steps.append(text)
        self._draw_steps()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.post_message(self.Chosen(str(event.button.label)))

    def action_show_list(self) -> None:
        if self.reply is not None and self.reply.items:
            self.post_message(self.ListWanted(self.reply))

    def on_click(self, event: events.Click) -> None:
        if event.chain == 2:
            self.action_show_list()

    def _end(self) -> None:
        self._running = False
        if self.is_mounted:
            self._spin.pause()
        self._draw_steps()

    def _turn(self) -> None:
        self._frame += 1
        self._draw_steps()

    def _draw_steps(self) -> None:
        if not self.is_mounted:
            return
        parts = [Content(clean(step)) for step in self._steps]
        if self._running:
            parts.append(Content(f"{SPINNER[self._frame % len(SPINNER)]} Esc cancels"))
        self.query_one(".steps", Static).update(Content(" → ").join(parts))

    def _draw_words(self, text: str) -> None:
        words = self.query_one(".words", Static)
        words.display = bool(text.strip())
        words.update(Content(clean(text)))


class ConversationView(VerticalScroll, can_focus=False):
    """All messages, the newest below."""

    async def add(self, message: Said | Note | Answer) -> None:
        """Add a message at the end."""
        await self.mount(message)
        self.to_end()
        children = list(self.children)
        if len(children) > MOST_KEPT:
            await self.remove_children(children[: len(children) - MOST_KEPT])

    def to_end(self) -> None:
        """Show the newest message."""
        self.call_after_refresh(self.scroll_end, animate=False)

    async def clear(self) -> None:
        """Begin with an empty page."""
        await self.remove_children()

    def texts(self) -> Sequence[str]:
        """What stands on the page, for tests and copies."""
        return [child.text for child in self.children if isinstance(child, Said | Note | Answer)]
