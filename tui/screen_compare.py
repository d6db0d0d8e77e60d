"""Two or three items side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from convrec.retrieval.errors import ConvrecError
from convrec.tui.bars import Legend, legend_of, number, stacked
from convrec.tui.screen_panel import Panel
from convrec.tui.text import fit, line, wrapped

if TYPE_CHECKING:
    from convrec.agent.types import Recommendation
    from convrec.agent.views import Comparison

LABEL = 14
NARROWEST = 14
"""columns of an item below which items stand under each other"""


class CompareScreen(Panel[None]):
    """A column an item, a row an attribute; rows that differ are marked."""

    HEADING = "Compare"

    def __init__(self, items: Sequence[Recommendation]) -> None:
        super().__init__()
        self._items = list(items)
        self._told: Comparison | None = None

    def compose_body(self) -> ComposeResult:
        yield VerticalScroll(Static("Asking …", classes="wait"), id="body")

    def on_mount(self) -> None:
        self.head("Compare " + " · ".join(f"{item.rank}" for item in self._items))
        self.run_worker(self._load())

    async def _load(self) -> None:
        body = self.query_one("#body", VerticalScroll)
        try:
            told = await self.backend.compare([item.id for item in self._items])
        except ConvrecError as error:
            body.query_one(Static).update(Content(line(str(error))))
            return
        self._told = told
        self.redraw()
        body.focus()

    def redraw(self) -> None:
        body = self.query_one("#body", VerticalScroll)
        if self._told is None or not body.size.width:
            return
        columns = max(body.size.width - 3, 30)
        body.query_one(Static).update(Content("\n").join(_table(self._told, self._items, columns)))


class _Grid:
    """Rows of a table with a column an item, drawn to a width."""

    def __init__(self, columns: int, items: int) -> None:
        self.columns = columns
        self.label = LABEL if columns >= 56 else 10
        self.own = (columns - self.label - 3) // items - 2

    def row(self, name: str, values: Sequence[str], *, style: str = "", sign: str = "", most: int = 1) -> list[Content]:
        """One row, as many lines as its longest cell needs."""
        cells = [wrapped(value, self.own, most) or ["–"] for value in values]
        lines = []
        for place in range(max(len(cell) for cell in cells)):
            parts: list[str | tuple[str, str]] = [
                (f"{sign if place == 0 else '':<2}", "$text-accent"),
                (fit(name if place == 0 else "", self.label), "$foreground 62%"),
            ]
            parts += [(fit(cell[place] if place < len(cell) else "", self.own) + "  ", style) for cell in cells]
            lines.append(Content.assemble(*parts))
        return lines

    def scores(self, items: Sequence[Recommendation], legend: Legend) -> Content:
        """The scores as bars."""
        scale = max((sum(v for v in item.breakdown.values() if v > 0) for item in items), default=1.0)
        parts: list[Content | str | tuple[str, str]] = [("  " + fit("score", self.label), "$foreground 62%")]
        for item in items:
            parts += [stacked(item.breakdown, max(self.own - 6, 4), scale, legend), f" {number(item.score):<5}  "]
        return Content.assemble(*parts)

    def rule(self) -> Content:
        return Content.styled("─" * self.columns, "$foreground 30%")


def _table(told: Comparison, items: Sequence[Recommendation], columns: int) -> list[Content]:
    grid = _Grid(columns, len(items))
    by_id = {item.id: item for item in items}
    ordered = [by_id[view.id] for view in told.items if view.id in by_id]
    legend = legend_of([item.breakdown for item in ordered])
    if grid.own < NARROWEST:
        return _blocks(told, ordered, columns)
    lines = grid.row("", [f"{item.rank}. {item.title}" for item in ordered], style="bold", most=3)
    lines += [grid.rule(), grid.scores(ordered, legend)]
    for name in dict.fromkeys(name for item in ordered for name in item.breakdown):
        values = [f"{legend.glyph(name)} {item.breakdown.get(name, 0.0):+.2f}" for item in ordered]
        lines += grid.row(name, values)
    lines.append(grid.rule())
    for row in told.rows:
        style, sign = ("", "≠") if row.differs else ("$foreground 62%", "=")
        lines += grid.row(row.label, row.values, style=style, sign=sign, most=4)
    for paragraph in told.summary.splitlines():
        lines += [Content(""), *(Content(part) for part in wrapped(paragraph, columns, 12))]
    return lines


def _blocks(told: Comparison, items: Sequence[Recommendation], columns: int) -> list[Content]:
    lines: list[Content] = []
    for place, item in enumerate(items):
        lines += [Content.styled(part, "bold") for part in wrapped(f"{item.rank}. {item.title}", columns, 3)]
        rows = [("", "score", number(item.score))]
        rows += [("≠" if row.differs else "=", row.label, row.values[place]) for row in told.rows]
        for sign, label, value in rows:
            for at, part in enumerate(wrapped(value, columns - LABEL - 2, 3) or ["–"]):
                head = ((f"{sign:<2}", "$text-accent"), (fit(label, LABEL), "$foreground 62%"))
                lines.append(Content.assemble(*head, part) if at == 0 else Content(" " * (LABEL + 2) + part))
        lines.append(Content(""))
    return lines
