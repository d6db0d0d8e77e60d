"""Two or three items side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from convrec.retrieval.errors import ConvrecError
from convrec.tui.bars import legend_of, number, stacked
from convrec.tui.screen_panel import Panel
from convrec.tui.text import fit, line, wrapped

if TYPE_CHECKING:
    from convrec.agent.types import Recommendation
    from convrec.agent.views import Comparison

LABEL = 14


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


def _table(told: Comparison, items: Sequence[Recommendation], columns: int) -> list[Content]:
    label = LABEL if columns >= 56 else 10
    own = (columns - label - 3) // len(items) - 2
    by_id = {item.id: item for item in items}
    ordered = [by_id[view.id] for view in told.items if view.id in by_id]
    lines: list[Content] = []
    lines += _row("", [f"{item.rank}. {item.title}" for item in ordered], label, own, "bold", "", 3)
    lines.append(Content.styled("─" * columns, "$foreground 30%"))
    legend = legend_of([item.breakdown for item in ordered])
    scale = max((sum(v for v in item.breakdown.values() if v > 0) for item in ordered), default=1.0)
    bars: list[Content | str | tuple[str, str]] = [("  " + fit("score", label), "$foreground 62%")]
    for item in ordered:
        bar = stacked(item.breakdown, max(own - 6, 4), scale, legend)
        bars += [bar, f" {number(item.score):<5}  "]
    lines.append(Content.assemble(*bars))
    terms = list(dict.fromkeys(name for item in ordered for name in item.breakdown))
    for name in terms:
        values = [f"{legend.glyph(name)} {item.breakdown.get(name, 0.0):+.2f}" for item in ordered]
        lines += _row(name, values, label, own, "", "", 1)
    lines.append(Content.styled("─" * columns, "$foreground 30%"))
    for row in told.rows:
        style = "" if row.differs else "$foreground 62%"
        lines += _row(row.label, row.values, label, own, style, "≠" if row.differs else "=", 4)
    if told.summary:
        lines.append(Content(""))
        for paragraph in told.summary.splitlines():
            lines += [Content(part) for part in wrapped(paragraph, columns, 12)]
    return lines


def _row(name: str, values: Sequence[str], label: int, own: int, style: str, sign: str, most: int) -> list[Content]:
    cells = [wrapped(value, own, most) or ["–"] for value in values]
    lines = []
    for place in range(max(len(cell) for cell in cells)):
        head = fit(name, label) if place == 0 else " " * label
        parts: list[str | tuple[str, str]] = [
            (f"{sign if place == 0 else '':<2}", "$text-accent"),
            (head, "$foreground 62%"),
        ]
        parts += [(fit(cell[place] if place < len(cell) else "", own) + "  ", style) for cell in cells]
        lines.append(Content.assemble(*parts))
    return lines
