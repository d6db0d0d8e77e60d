"""The request as understood, as a line of chips that can be removed, made firm or soft, and edited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import HorizontalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from convrec.tui.text import cut

WIDEST = 34
GLYPHS = {"must": "■", "hard": "●", "soft": "○", "": "≈"}
MEANING = {"must": "must, never loosened", "hard": "firm", "soft": "a preference", "": "matched by meaning"}
Action = Literal["remove", "toggle", "edit"]


@dataclass(frozen=True, slots=True)
class ChipFace:
    """What a chip shows. `target` names the parts of the request it stands for."""

    target: str
    text: str
    strength: str = ""
    editable: bool = True


class Chip(Static, can_focus=True):
    """One part of the request."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "act('edit')", "edit"),
        Binding("space", "act('toggle')", "firm or soft"),
        Binding("delete,backspace,x", "act('remove')", "remove"),
        Binding("left", "step(-1)", "previous", show=False),
        Binding("right", "step(1)", "next", show=False),
    ]

    class Acted(Message):
        """A key or a click on a chip."""

        def __init__(self, face: ChipFace, action: Action) -> None:
            super().__init__()
            self.face = face
            self.action = action

    def __init__(self, face: ChipFace) -> None:
        self.face = face
        self._label = cut(face.text, WIDEST)
        super().__init__(Content(f"{GLYPHS[face.strength]} {self._label} ×"))
        self.tooltip = Content(f"{face.text}\n{MEANING[face.strength]}")

    def action_act(self, action: Action) -> None:
        self.post_message(self.Acted(self.face, action))

    def action_step(self, step: int) -> None:
        chips = list(self.screen.query(Chip))
        place = chips.index(self) + step
        if 0 <= place < len(chips):
            chips[place].focus()

    def on_click(self, event: events.Click) -> None:
        # The first cells are the strength, the last ones the cross.
        if event.x <= 2:
            self.action_act("toggle")
        elif event.x >= self.size.width - 3:
            self.action_act("remove")
        else:
            self.action_act("edit")


class ChipBar(HorizontalScroll, can_focus=False):
    """All parts of the request."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self._faces: list[ChipFace] = []

    async def show(self, faces: Sequence[ChipFace]) -> None:
        """Show these parts; the focus stays where it was."""
        if list(faces) == self._faces:
            return
        held = next((i for i, chip in enumerate(self.query(Chip)) if chip.has_focus), None)
        self._faces = list(faces)
        self.set_class(not faces, "-empty")
        async with self.batch():
            await self.remove_children()
            await self.mount_all([Chip(face) for face in faces])
        chips = list(self.query(Chip))
        if held is not None and chips:
            chips[min(held, len(chips) - 1)].focus()

    @property
    def faces(self) -> Sequence[ChipFace]:
        return tuple(self._faces)
