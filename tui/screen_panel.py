"""What the screens beside the main one have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen, ScreenResultType
from textual.widgets import Footer

from convrec.retrieval.errors import ConvrecError
from convrec.tui.text import line
from convrec.tui.theme import HEIGHTS, WIDTHS

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from convrec.tui.app import ConvrecApp
    from convrec.tui.backend import Backend


class Panel(ModalScreen[ScreenResultType]):
    """A titled panel over the main screen. Escape leaves it."""

    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back")]
    HEADING = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="panel") as panel:
            panel.border_title = Content(self.HEADING)
            yield from self.compose_body()
        yield Footer(show_command_palette=False)

    def compose_body(self) -> ComposeResult:
        """The widgets inside the panel."""
        yield from ()

    def on_resize(self) -> None:
        self.call_after_refresh(self.redraw)

    def redraw(self) -> None:
        """Draw what depends on the width; called whenever that changes and when there is something new to draw."""

    def head(self, text: str) -> None:
        """Change the title."""
        self.query_one("#panel").border_title = Content(line(text))

    @property
    def backend(self) -> Backend:
        return self.convrec.backend

    @property
    def convrec(self) -> ConvrecApp:
        from convrec.tui.app import ConvrecApp

        app = self.app
        if not isinstance(app, ConvrecApp):
            raise TypeError("the panel belongs to another app")
        return app

    async def attempt(self, work: Awaitable[object]) -> bool:
        """Await something; a failure becomes a toast. Whether it went well."""
        try:
            await work
        except ConvrecError as error:
            self.notify(line(str(error)), severity="error", markup=False)
            return False
        return True

    def action_leave(self) -> None:
        self.dismiss(None)
