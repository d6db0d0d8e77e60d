"""Why an item stands where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from convrec.retrieval.errors import ConvrecError
from convrec.tui.bars import Legend, legend_of, number, order_of, signed
from convrec.tui.screen_panel import Panel
from convrec.tui.text import fit, line, wrapped

if TYPE_CHECKING:
    from convrec.agent.types import Evidence, Recommendation
    from convrec.agent.views import Explanation

BAR = 25
LABEL = 15


class WhyScreen(Panel[None]):
    """The parts of the score, the claims with their evidence, what would change it, neighbours in the history."""

    HEADING = "Why"

    def __init__(self, item: Recommendation) -> None:
        super().__init__()
        self._item = item
        self._told: Explanation | None = None

    def compose_body(self) -> ComposeResult:
        yield VerticalScroll(Static("Asking …", classes="wait"), id="body")

    async def on_mount(self) -> None:
        self.head(f"Why {self._item.rank}. {self._item.title}")
        self.run_worker(self._load())

    async def _load(self) -> None:
        body = self.query_one("#body", VerticalScroll)
        try:
            self._told = await self.backend.explain(self._item.id)
        except ConvrecError as error:
            body.query_one(Static).update(Content(line(str(error))))
            return
        await self._draw()
        body.focus()

    def redraw(self) -> None:
        self.run_worker(self._draw(), exclusive=True, group="draw")

    async def _draw(self) -> None:
        body = self.query_one("#body", VerticalScroll)
        if self._told is None or not body.size.width:
            return
        columns = max(body.size.width - 4, 24)
        async with self.batch():
            await body.remove_children()
            await body.mount_all(_sections(self._told, columns))


def _sections(told: Explanation, columns: int) -> list[Static]:
    parts = [
        ("What the score is made of", _score(told, columns)),
        ("What was said, and what backs it", _claims(told)),
        ("The record", _record(told, columns)),
        ("What would move it", _what_if(told)),
        ("Nearest in your history", _neighbours(told, columns)),
    ]
    shown = []
    for title, content in parts:
        if content is None:
            continue
        section = Static(content, classes="section")
        section.border_title = Content(title)
        shown.append(section)
    return shown


def _score(told: Explanation, columns: int) -> Content:
    meaning = {term.term: term.meaning for term in told.terms}
    terms = {term.term: term.value for term in told.terms}
    legend = legend_of([terms])
    scale = max((abs(value) for value in terms.values()), default=1.0)
    wide = columns >= 76
    lines = []
    for name, value in order_of(terms):
        bar = signed(value, BAR if wide else 13, scale, legend.colour(name), legend.glyph(name))
        row: list[Content | str | tuple[str, str]] = [
            (fit(name, LABEL), "bold"),
            bar,
            f" {value:+6.2f}  ",
        ]
        room = columns - LABEL - BAR - 10
        if wide:
            said = wrapped(meaning[name], room, 3)
            row.append((said[0] if said else "", "$foreground 62%"))
            lines.append(Content.assemble(*row))
            lines += [Content.assemble(" " * (columns - room), (more, "$foreground 62%")) for more in said[1:]]
        else:
            lines.append(Content.assemble(*row))
            lines += [
                Content.assemble("  ", (part, "$foreground 62%")) for part in wrapped(meaning[name], columns - 2, 3)
            ]
    total = told.item.score
    among = f", number {told.item.rank} of {told.of:,}" if told.of else ""
    lines.append(Content.assemble((f"Together {number(total)}{among}.", "bold")))
    return Content("\n").join(lines)


def _claims(told: Explanation) -> Content | None:
    if not told.claims:
        return None
    lines = []
    for claim in told.claims:
        lines.append(Content(f"“{line(claim.text)}”"))
        lines += [Content.assemble("   ✓ ", *_evidence(evidence)) for evidence in claim.evidence]
    return Content("\n").join(lines)


def _evidence(evidence: Evidence) -> list[str | tuple[str, str]]:
    mark = "$text-primary underline"
    if evidence.kind == "field":
        source = f" ({line(evidence.provenance)})" if evidence.provenance else ""
        return [f"{line(evidence.field)}: ", (line(str(evidence.value)), mark), source]
    if evidence.kind == "history":
        return ["in your history: ", (line(evidence.title), mark)]
    if evidence.kind == "reference":
        return ["you named: ", (line(evidence.title), mark)]
    if evidence.kind == "score":
        return [f"part of the score {line(evidence.term)}: ", (f"{evidence.value:+.2f}", mark)]
    return ["you said: ", (f"“{line(evidence.words)}”", mark)]


def _record(told: Explanation, columns: int) -> Content:
    backed = {
        (evidence.field, line(str(evidence.value)).casefold())
        for claim in told.claims
        for evidence in claim.evidence
        if evidence.kind == "field"
    }
    fields = {name for name, _ in backed}
    lines = []
    for field in told.record.fields:
        proof = field.name in fields or field.label in fields
        sign = "✓ " if proof else "  "
        for place, part in enumerate(wrapped(field.text, columns - LABEL - 4, 3)):
            label = fit(field.label, LABEL + 2) if place == 0 else " " * (LABEL + 2)
            lines.append(
                Content.assemble(
                    (sign if place == 0 else "  ", "$text-primary"),
                    (label, "$foreground 62%"),
                    (part, "$text-primary underline" if proof else ""),
                )
            )
    if told.record.text:
        lines.append(Content(""))
        lines += [Content(part) for part in wrapped(told.record.text, columns, 8)]
    return Content("\n").join(lines)


def _what_if(told: Explanation) -> Content | None:
    if not told.what_if:
        return None
    here = told.item.rank
    lines = []
    for change in told.what_if:
        if change.rank is None:
            sign, where = "✗", "not on the list at all"
        elif change.rank == here:
            sign, where = "=", "the same place"
        else:
            sign = "▲" if change.rank < here else "▼"
            where = f"number {change.rank:,}"
        lines.append(Content.assemble((f"{sign} ", "$text-accent"), f"{line(change.change)}: ", (where, "bold")))
    return Content("\n").join(lines)


def _neighbours(told: Explanation, columns: int) -> Content | None:
    if not told.neighbours:
        return None
    legend = Legend(["similarity"])
    room = max(columns - 30, 16)
    lines = []
    for neighbour in told.neighbours:
        bar = legend.glyph("similarity") * max(1, round(max(neighbour.similarity, 0) * 10))
        lines.append(
            Content.assemble(
                fit(neighbour.title, room),
                " ",
                (f"{bar:<10}", "$primary"),
                f" {neighbour.similarity:.2f} ",
                (line(neighbour.note), "$foreground 62%"),
            )
        )
    return Content("\n").join(lines)
