"""What is known of the person, where from, and taste as a plot."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from convrec.retrieval.errors import ConvrecError
from convrec.tui.bars import gauge
from convrec.tui.screen_ask import AskScreen
from convrec.tui.screen_panel import Panel
from convrec.tui.text import clean, counted, fit, line

if TYPE_CHECKING:
    from convrec.agent.views import ProfileLine, ProfileView, TastePlot

PLOT_HEIGHT = 12


class ProfileScreen(Panel[None]):
    """Summary, lasting wishes that can be corrected or removed, taste."""

    HEADING = "Profile"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete,x", "remove", "remove"),
        Binding("e", "correct", "correct"),
    ]

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="body", can_focus=False):
            yield Static("Asking …", id="summary", classes="section")
            yield OptionList(id="found")
            yield Horizontal(id="plots")

    def on_mount(self) -> None:
        self.query_one("#summary").border_title = Content("What is known")
        self.query_one(OptionList).border_title = Content("Lasting wishes")
        self._view: ProfileView | None = None
        self.run_worker(self._load(self.backend.profile()))

    async def _load(self, asked: Awaitable[ProfileView]) -> None:
        try:
            view = await asked
        except ConvrecError as error:
            self.query_one("#summary", Static).update(Content(line(str(error))))
            return
        self._view = view
        self.head(f"Profile of {view.user}" if view.user else "Profile")
        told = f"{counted(view.logged, 'interaction')} in the log, {counted(view.said, 'entry', 'entries')} of your own"
        source = (
            told if view.user else "Say who you are with /user NAME; nothing is remembered of nobody in particular."
        )
        summary = f"{clean(view.summary)}\n" if view.summary else ""
        self.query_one("#summary", Static).update(Content.assemble(summary, (source, "$foreground 62%")))
        self.redraw()
        plots = self.query_one("#plots")
        await plots.remove_children()
        await plots.mount_all([_plot(plot) for plot in view.plots])

    def redraw(self) -> None:
        view = self._view
        if view is None:
            return
        found = self.query_one(OptionList)
        found.clear_options()
        columns = max(found.size.width - 4, 30)
        found.add_options([Option(_wish(wish, columns)) for wish in view.lines])
        if view.lines:
            found.highlighted = 0
        else:
            found.add_option(Option(Content("None yet. Say “never show me …” or “always …”."), disabled=True))
        found.focus(scroll_visible=False)

    def _marked(self) -> ProfileLine | None:
        place = self.query_one(OptionList).highlighted
        lines = self._view.lines if self._view is not None else ()
        return lines[place] if place is not None and place < len(lines) else None

    def action_remove(self) -> None:
        wish = self._marked()
        if wish is not None:
            self.run_worker(self._remove(wish.id))

    async def _remove(self, wish_id: str) -> None:
        if await self.attempt(self.backend.drop_preference(wish_id)):
            await self._load(self.backend.profile())

    def action_correct(self) -> None:
        wish = self._marked()
        if wish is not None:
            self.app.push_screen(
                AskScreen("Say it again, better", wish.words), lambda words: self._correct(wish.id, words)
            )

    def on_option_list_option_selected(self) -> None:
        self.action_correct()

    def _correct(self, wish_id: str, words: str | None) -> None:
        if words:
            self.run_worker(self._load(self.backend.correct_preference(wish_id, words)))


def _wish(wish: ProfileLine, columns: int) -> Content:
    when = datetime.fromtimestamp(wish.time, UTC).astimezone().strftime("%Y-%m-%d")
    tail = f"{wish.source}, {when}"
    sign = "■" if wish.hard else "○"
    words = f"{wish.label} — “{wish.words}”" if wish.words and wish.words != wish.label else wish.label
    return Content.assemble(f"{sign} ", fit(words, max(columns - len(tail) - 4, 10)), "  ", (tail, "$foreground 62%"))


def _plot(plot: TastePlot) -> Static:
    if plot.kind == "timeline" and len(plot.names) > 2:
        return Timeline(plot)
    return Bars(plot)


class Bars(Static):
    """Counts of named values, a line each."""

    def __init__(self, plot: TastePlot) -> None:
        super().__init__(classes="plot")
        self._plot = plot
        self.border_title = Content(line(plot.label))

    def render(self) -> Content:
        columns = self.content_size.width
        label = min(18, max(columns // 2, 6))
        length = max(min(columns - label - 7, 24), 3)
        most = max(self._plot.counts, default=1)
        lines = [
            Content.assemble(
                fit(name, label), " ", (gauge(count / most, length), "$primary"), (f" {count:>4,}", "$foreground 62%")
            )
            for name, count in zip(self._plot.names, self._plot.counts, strict=True)
        ]
        return Content("\n").join(lines[:PLOT_HEIGHT])


class Timeline(Static):
    """Counts in order, drawn by plotext at the size there is."""

    def __init__(self, plot: TastePlot) -> None:
        super().__init__(classes="plot")
        self._plot = plot
        self.border_title = Content(line(plot.label))

    def render(self) -> Content:
        import plotext

        columns, height = self.content_size
        if columns < 12 or height < 4:
            return Content("")
        plotext.clear_figure()
        plotext.plotsize(columns, height)
        plotext.theme("clear")
        plotext.frame(False)
        places = list(range(len(self._plot.names)))
        plotext.bar(places, list(self._plot.counts), width=0.7)
        most = max(self._plot.counts)
        plotext.yticks(sorted({0, most // 2, most}))
        step = max(1, len(places) * 7 // columns)
        plotext.xticks(places[::step], [line(name) for name in self._plot.names[::step]])
        drawn = plotext.build()
        return Content.styled("\n".join(_plain(drawn)), "$text-primary")


def _plain(drawn: str) -> list[str]:
    from rich.text import Text

    return Text.from_ansi(drawn).plain.split("\n")
