"""What the person thinks of the items on the list, and how it is taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convrec.retrieval.errors import ConvrecError
from convrec.tui.text import line
from convrec.tui.widget_cards import MARKS

if TYPE_CHECKING:
    from convrec.agent.types import Recommendation
    from convrec.tui.app import ConvrecApp

UNDO_SECONDS = 8.0
SAID = {
    "like": "Liked {title}",
    "dislike": "{title} is not for you",
    "seen": "You know {title}",
    "never": "Never again {title}",
}


@dataclass(frozen=True, slots=True)
class Opinion:
    """One piece of feedback, with the mark that the card had before."""

    item_id: str
    title: str
    kind: str
    before: str


class Opinions:
    """Feedback by one key, with everything that was done kept for undo."""

    def __init__(self, app: ConvrecApp) -> None:
        self._app = app
        self.marks: dict[str, str] = {}
        self._done: list[Opinion | None] = []

    def turn_taken(self) -> None:
        """A turn is what undo takes back next."""
        self._done.append(None)

    def forget(self) -> None:
        """Another conversation begins."""
        self.marks.clear()
        self._done.clear()

    async def give(self, item: Recommendation, kind: str) -> None:
        """Record feedback; the same key again takes it back."""
        app = self._app
        before = self.marks.get(item.id, "")
        if before == kind:
            await self._take_back(Opinion(item.id, item.title, kind, ""))
            return
        try:
            await app.backend.feedback(item.id, kind)
        except ConvrecError as error:
            app.notify(line(str(error)), severity="error", markup=False)
            return
        self.marks[item.id] = kind
        self._done.append(Opinion(item.id, item.title, kind, before))
        app.chat.cards.mark(item.id, kind)
        said = SAID[kind].format(title=line(item.title))
        glyph = MARKS[kind][0]
        app.notify(f"{glyph} {said}. u takes it back.", timeout=UNDO_SECONDS, markup=False)

    async def undo(self) -> bool:
        """Take back what was done last. False: it was a turn, or nothing at all."""
        while self._done:
            last = self._done.pop()
            if last is None:
                return False
            if self.marks.get(last.item_id) == last.kind:
                await self._take_back(last)
                return True
        return False

    async def _take_back(self, opinion: Opinion) -> None:
        app = self._app
        try:
            await app.backend.take_back(opinion.item_id, opinion.kind)
            if opinion.before:
                await app.backend.feedback(opinion.item_id, opinion.before)
        except ConvrecError as error:
            app.notify(line(str(error)), severity="error", markup=False)
            return
        self.marks.pop(opinion.item_id, None)
        if opinion.before:
            self.marks[opinion.item_id] = opinion.before
        app.chat.cards.mark(opinion.item_id, opinion.before)
        app.notify(f"Taken back: {line(opinion.title)}.", timeout=3, markup=False)
