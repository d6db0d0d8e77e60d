"""The main screen: conversation, list, request, input, status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static

from convrec.tui.faces import changes, chip_faces
from convrec.tui.text import cut, line
from convrec.tui.theme import HEIGHTS, WIDTHS
from convrec.tui.widget_cards import Card, CardList, Entry
from convrec.tui.widget_chips import ChipBar
from convrec.tui.widget_composer import Composer, Prompt
from convrec.tui.widget_conversation import ConversationView
from convrec.tui.widget_status import StatusLine

if TYPE_CHECKING:
    from convrec.agent.types import Recommendation
    from convrec.retrieval.request import Request
    from convrec.retrieval.schema import CatalogueSchema

PLACEHOLDER = "Say what you are in the mood for, or / for commands"
NO_LIST = (
    "The list comes here.\n\n"
    "Enter on an entry explains it; l d s m x say what you think of it; c picks it for comparing."
)


class ChatScreen(Screen[None]):
    """Draws; what things mean is up to the app."""

    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.cancel", "cancel", show=False),
        Binding("f8,ctrl+l", "other_pane", "list", key_display="F8", priority=True),
        Binding("ctrl+t", "chips", "request", show=False),
    ]
    AUTO_FOCUS = "#composer"

    class Drawn(Message):
        """The screen was painted for the first time."""

    def compose(self) -> ComposeResult:
        with Horizontal(id="top"):
            yield Static(Content.assemble(("convrec", "bold $primary")), id="brand")
            yield Static("", id="place")
        with Horizontal(id="panes"):
            yield ConversationView(id="conversation")
            with Vertical(id="side"):
                yield Static("", id="list-title")
                yield CardList(id="cards")
        yield ChipBar(id="chips")
        yield Prompt(id="prompt")
        yield StatusLine(id="status")
        yield Footer(show_command_palette=False)

    async def on_mount(self) -> None:
        self.composer.placeholder = Content(PLACEHOLDER)
        self.chips.add_class("-empty")
        await self.say_no_list(NO_LIST)
        self.call_after_refresh(self.post_message, self.Drawn())

    @property
    def conversation(self) -> ConversationView:
        return self.query_one(ConversationView)

    @property
    def cards(self) -> CardList:
        return self.query_one(CardList)

    @property
    def chips(self) -> ChipBar:
        return self.query_one(ChipBar)

    @property
    def prompt(self) -> Prompt:
        return self.query_one(Prompt)

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    @property
    def status(self) -> StatusLine:
        return self.query_one(StatusLine)

    @property
    def focused_item(self) -> Recommendation | None:
        """The item whose card has the focus."""
        return self.focused.item if isinstance(self.focused, Card) else None

    async def show_request(self, request: Request, schema: CatalogueSchema) -> None:
        """Show the request as chips."""
        await self.chips.show(chip_faces(request, schema))

    async def show_items(
        self,
        items: Sequence[Recommendation],
        schema: CatalogueSchema,
        *,
        before: Sequence[Recommendation] = (),
        marks: dict[str, str] | None = None,
        title: str | None = None,
    ) -> None:
        """Show a list; `before` is the list that it follows."""
        from convrec.agent.plain import headline, titled

        moved = changes(items, before)
        entries = [
            Entry(
                item,
                titled(item, schema),
                " · ".join(headline(item, schema)),
                change=moved.get(item.id, ""),
                mark=(marks or {}).get(item.id, ""),
            )
            for item in items
        ]
        held = self.focused_item
        count = f"{len(items)} {schema.noun if len(items) == 1 else schema.plural}"
        self._head(title or count, items, before)
        await self.cards.show(entries)
        if held is not None:
            self.cards.focus_card(rank=next((item.rank for item in items if item.id == held.id), 1))

    def _head(self, title: str, items: Sequence[Recommendation], before: Sequence[Recommendation]) -> None:
        moved = changes(items, before)
        new = sum(1 for word in moved.values() if word == "new")
        shifted = len(moved) - new
        told = [f"{new} new"] * bool(new) + [f"{shifted} moved"] * bool(shifted)
        tail = f"  {' · '.join(told)} since the last list" if told else ""
        self.query_one("#list-title", Static).update(Content.assemble((line(title), "bold"), (tail, "$foreground 62%")))

    async def say_no_list(self, text: str) -> None:
        """Show a sentence where the list would be."""
        self.query_one("#list-title", Static).update(Content.styled("nothing yet", "$foreground 62%"))
        await self.cards.say(text)

    def show_place(self, text: str) -> None:
        """What is open, in the line at the top."""
        self.query_one("#place", Static).update(Content.styled(cut(text, 200), "$foreground 62%"))

    def action_other_pane(self) -> None:
        """Go to the list, or back to the input; below 60 columns this is also what is seen."""
        to_list = not isinstance(self.focused, Card)
        if to_list and self.cards.cards:
            self.set_class(True, "-show-list")
            self.cards.focus_card(rank=1)
        elif to_list and self.has_class("-narrow") and not self.has_class("-show-list"):
            self.add_class("-show-list")
        else:
            self.go_to_input()

    def go_to_input(self) -> None:
        """Back to the conversation and its input."""
        self.remove_class("-show-list")
        self.composer.focus()

    def on_key(self, event: events.Key) -> None:
        """What is typed while nothing has the focus goes to the input."""
        if self.focused is None and event.is_printable and event.character:
            event.stop()
            self.composer.focus()
            self.composer.insert(event.character)

    def action_chips(self) -> None:
        """Go to the request."""
        try:
            self.query("Chip").first().focus()
        except NoMatches:
            self.notify("There is nothing in the request yet.", timeout=3)
