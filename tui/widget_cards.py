"""The list as cards: rank, title, the fields that matter, the parts of the score, the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from convrec.tui.bars import Legend, legend_of, named, stacked
from convrec.tui.text import cut, fit, line, padded, width, wrapped

if TYPE_CHECKING:
    from textual import events

    from convrec.agent.types import Recommendation

MARKS = {
    "like": ("♥", "liked"),
    "dislike": ("✗", "not for me"),
    "seen": ("✓", "seen"),
    "never": ("⊘", "never again"),
}
BAR = 16
RANK = 4


@dataclass(frozen=True)
class Entry:
    """What one card shows. `change` compares with the list before: 'new', '▲ 2', '▼ 1' or nothing."""

    item: Recommendation
    title: str
    fields: str
    change: str = ""
    mark: str = ""
    compared: bool = False


class Card(Widget, can_focus=True):
    """One entry of the list; keys act on it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "act('why')", "why"),
        Binding("l", "act('like')", "like"),
        Binding("d", "act('dislike')", "dislike"),
        Binding("s", "act('seen')", "seen"),
        Binding("m", "act('similar')", "more like it"),
        Binding("x", "act('never')", "never"),
        Binding("c", "act('pick')", "compare"),
        Binding("y", "act('copy')", "copy", show=False),
        Binding("u", "app.undo", "undo", show=False),
        Binding("C,shift+c", "app.compare", "compare", show=False),
        Binding("Y,shift+y", "app.copy_list", "copy list", show=False),
        Binding("down,j", "go(1)", "next", show=False),
        Binding("up,k", "go(-1)", "previous", show=False),
        *(Binding(str(n % 10), f"rank({n})", show=False) for n in range(1, 11)),
    ]

    class Left(Message):
        """Another card is to have the focus: some steps on, or the one of a rank."""

        def __init__(self, step: int = 0, rank: int | None = None) -> None:
            super().__init__()
            self.step = step
            self.rank = rank

    class Acted(Message):
        """A key or a click on a card."""

        def __init__(self, item: Recommendation, what: str) -> None:
            super().__init__()
            self.item = item
            self.what = what

    def __init__(self, entry: Entry, legend: Legend, scale: float) -> None:
        super().__init__()
        self.entry = entry
        self._legend = legend
        self._scale = scale

    @property
    def item(self) -> Recommendation:
        return self.entry.item

    def update_entry(self, entry: Entry) -> None:
        """Show something else on the same card."""
        self.entry = entry
        self.set_class(bool(entry.mark) and entry.mark != "like", "-set-aside")
        self.refresh(layout=True)

    def action_act(self, what: str) -> None:
        self.post_message(self.Acted(self.item, what))

    def action_go(self, step: int) -> None:
        self.post_message(self.Left(step=step))

    def action_rank(self, rank: int) -> None:
        self.post_message(self.Left(rank=rank))

    def on_click(self, event: events.Click) -> None:
        if event.chain == 2:
            self.action_act("why")

    def get_content_width(self, container: Size, viewport: Size) -> int:
        del viewport
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container, viewport
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.content_size.width))

    def _lines(self, columns: int) -> list[Content]:
        if columns <= 0:
            return [Content("")]
        inner = max(columns - RANK, 8)
        indent = " " * RANK
        lines = [self._head(columns)]
        if self.entry.fields:
            lines.append(Content.assemble(indent, (cut(self.entry.fields, inner), "$foreground 62%")))
        lines.append(Content.assemble(indent, self._score(inner)))
        reason = " ".join(line(reason.text) for reason in self.item.reasons)
        lines += [Content(f"{indent}{part}") for part in (wrapped(reason, inner, 3) if reason else [])]
        return lines

    def _head(self, columns: int) -> Content:
        glyph, word = MARKS.get(self.entry.mark, ("", ""))
        notes = [f"{glyph} {word}" if word else "", "⇄ compare" if self.entry.compared else "", self.entry.change]
        right = cut("  ".join(note for note in notes if note), max(0, columns // 2))
        room = columns - RANK - (width(right) + 1 if right else 0)
        title = fit(self.entry.title, room)
        return Content.assemble(
            (padded(f"{self.item.rank:>2}", RANK), "bold $accent"),
            (title, "bold"),
            (f" {right}" if right else "", "$text-accent"),
        )

    def _score(self, columns: int) -> Content:
        terms = self.item.breakdown
        bar = min(BAR, max(columns // 3, 6))
        told = (named(terms, self._legend, most) for most in (3, 2, 1))
        text = next((text for text in told if text.cell_length <= columns - bar - 2), named(terms, self._legend, 1))
        head = Content.assemble(stacked(terms, bar, self._scale, self._legend), "  ", text)
        return head.truncate(columns, ellipsis=True)


class CardList(VerticalScroll, can_focus=False):
    """The list that the conversation led to."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self._entries: list[Entry] = []

    @property
    def cards(self) -> list[Card]:
        return list(self.query(Card))

    @property
    def entries(self) -> Sequence[Entry]:
        return tuple(self._entries)

    async def show(self, entries: Sequence[Entry]) -> None:
        """Show a list from its top."""
        self._entries = list(entries)
        legend = legend_of([entry.item.breakdown for entry in entries])
        lifts = [sum(v for v in entry.item.breakdown.values() if v > 0) for entry in entries]
        scale = max(lifts, default=1.0) or 1.0
        async with self.batch():
            await self.remove_children()
            await self.mount_all([Card(entry, legend, scale) for entry in entries])
        self.scroll_home(animate=False)

    async def say(self, text: str) -> None:
        """Show a sentence in place of cards."""
        self._entries = []
        await self.remove_children()
        await self.mount(Static(Content(text), classes="empty"))

    def card(self, item_id: str) -> Card | None:
        """The card of an item, where it is shown."""
        return next((card for card in self.cards if card.item.id == item_id), None)

    def mark(self, item_id: str, mark: str) -> None:
        """Show feedback on a card; '' takes it off."""
        self._change(item_id, mark=mark)

    def pick(self, item_id: str, compared: bool) -> None:
        """Show that an item is picked for comparing."""
        self._change(item_id, compared=compared)

    def _change(self, item_id: str, mark: str | None = None, compared: bool | None = None) -> None:
        card = self.card(item_id)
        if card is None:
            return
        entry = card.entry
        if mark is not None:
            entry = replace(entry, mark=mark)
        if compared is not None:
            entry = replace(entry, compared=compared)
        self._entries[self.cards.index(card)] = entry
        card.update_entry(entry)

    def on_card_left(self, event: Card.Left) -> None:
        event.stop()
        self.focus_card(event.step, event.rank)

    def focus_card(self, step: int = 0, rank: int | None = None) -> None:
        """Focus the next or previous card, or the one of a rank."""
        cards = self.cards
        if not cards:
            return
        if rank is not None:
            place = next((i for i, card in enumerate(cards) if card.item.rank == rank), 0)
        else:
            held = next((i for i, card in enumerate(cards) if card.has_focus), None)
            place = 0 if held is None else max(0, min(len(cards) - 1, held + step))
        cards[place].focus(scroll_visible=False)
        self.scroll_to_widget(cards[place], animate=False)
