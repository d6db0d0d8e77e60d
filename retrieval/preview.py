"""The inferred schema and the row report as a person reads them, drawn with rich. Text of files is never markup."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from convrec.retrieval.catalogue import iso_date
from convrec.retrieval.reports import Reject, RowReport, count, lines_phrase
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema

_REASONS_SHOWN = 8


def render_preview(schema: CatalogueSchema, reports: Sequence[RowReport]) -> RenderableType:
    """All that `build --dry-run` shows."""
    parts: list[RenderableType] = [render_schema(schema)]
    for report in reports:
        parts += [Text(), render_report(report)]
    return Group(*parts)


def render_schema(schema: CatalogueSchema) -> RenderableType:
    """The schema as a table: one row an attribute."""
    text = ", ".join(schema.text_columns) or "none"
    head = Text(f"{schema.name}: {count(schema.count, schema.noun, schema.plural)}\n", style="bold")
    head.append(f"id: {schema.id_column}   title: {schema.title_column}   text: {text}", style="not bold")
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("attribute", overflow="fold", min_width=10)
    table.add_column("kind", no_wrap=True)
    table.add_column("role", no_wrap=True)
    table.add_column("values", overflow="fold", ratio=1)
    table.add_column("missing", justify="right", no_wrap=True)
    for attribute in schema.attributes:
        table.add_row(
            Text(attribute.name),
            Text(attribute.kind.value),
            Text(attribute.role.value if attribute.role else ""),
            Text(describe_values(attribute)),
            Text(f"{attribute.missing:,}" if attribute.missing else ""),
        )
    return Group(head, table)


def describe_values(attribute: Attribute) -> str:
    """'1916 to 2017', '20 values: Drama, Comedy, Thriller, …; separated by |'."""
    if attribute.numeric:
        if attribute.minimum is None or attribute.maximum is None:
            return "no values"
        date = attribute.kind is AttributeKind.DATE
        low, high = (
            iso_date(v) if date else f"{v:g}" if abs(v) < 1e6 else f"{v:,.0f}"
            for v in (attribute.minimum, attribute.maximum)
        )
        unit = f" {attribute.unit}" if attribute.unit else ""
        return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"
    if attribute.kind is AttributeKind.FLAG:
        return "yes or no"
    if attribute.kind is AttributeKind.TEXT:
        return "text, searched but not filtered"
    shown = ", ".join(entry.value for entry in attribute.vocabulary[:4])
    more = ", …" if attribute.distinct > 4 else ""
    separator = "a list" if attribute.separator == "json" else f"separated by {attribute.separator}"
    listed = f"; {separator}" if attribute.kind is AttributeKind.CATEGORIES else ""
    return f"{count(attribute.distinct, 'value')}: {shown}{more}{listed}"


def render_report(report: RowReport) -> RenderableType:
    """The row report: counts, why rows were rejected with the first lines, warnings and notes."""
    lines = Text()
    lines.append(f"{report.path.name}: ", style="bold")
    lines.append(f"{count(report.read, 'row')} read, {report.loaded:,} loaded, {len(report.rejected):,} rejected")
    for reason, number in list(report.reasons().items())[:_REASONS_SHOWN]:
        where = lines_phrase(_first_lines(report.rejected, reason, 3), 3)
        more = f" and {number - 3:,} more" if number > 3 else ""
        lines.append(f"\n  rejected {number:,}: {reason} ({where}{more})", style="red")
    for warning in report.warnings:
        lines.append(f"\n  warning: {warning}", style="yellow")
    for note in report.notes:
        lines.append(f"\n  {note}", style="dim")
    return lines


def _first_lines(rejected: Sequence[Reject], reason: str, limit: int) -> list[int]:
    found = []
    for reject in rejected:
        if reject.reason == reason:
            found.append(reject.line_number)
            if len(found) == limit:
                break
    return found
