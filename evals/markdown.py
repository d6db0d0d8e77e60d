"""Reports as Markdown: one table a report, convrec beside the simpler systems that its suites measured."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

from convrec.evals.report import EvaluationReport, interval, read_report, shown
from convrec.evals.types import Figure

SYSTEMS: dict[str, tuple[str, ...]] = {
    "convrec": ("convrec",),
    "plain Chroma similarity": ("plain Chroma", "plain dense", "plain Chroma with LangChain"),
    "BM25": ("BM25",),
    "popularity": ("popularity",),
    "item-kNN": ("item-kNN",),
}
"""rows of the table, and the names that the suites give each system"""

COLUMNS: dict[str, tuple[str, str]] = {
    "ranking, nDCG@10": ("ranking", "{}: ndcg@10"),
    "requests passed": ("requests", "{}: cases passed"),
    "served by turn 3": ("dialogue", "{}: success by turn 3"),
    "served by turn 5": ("dialogue", "{}: success by turn 5"),
    "turn p50": ("latency", "{} p50"),
    "turn p95": ("latency", "{} p95"),
}
"""heading -> the suite, and its figure of a system"""

_OWN = {"{}: cases passed": "cases passed", "{} p50": "total p50", "{} p95": "total p95"}
"""figures of convrec that bear no system's name"""


def print_tables(paths: Sequence[Path]) -> None:
    """Write a table for each report to standard output.

    Raises:
        EvaluationError: a file is no report.
    """
    sys.stdout.write("\n".join(markdown_table(read_report(path), path.name) for path in paths))


def markdown_table(report: EvaluationReport, name: str) -> str:
    """The table of one report, with what it was measured on and the cell left open where a system cannot do a task."""
    columns = [heading for heading, (suite, _) in COLUMNS.items() if _suite_has(report, suite)]
    lines = [
        f"{report.catalogue}, {report.created[:10]}, {report.machine.cores} cores ({name})",
        "",
        f"| system | {' | '.join(columns)} |",
        f"| --- |{' --- |' * len(columns)}",
    ]
    for label, names in SYSTEMS.items():
        cells = [_cell(_figure(report, *COLUMNS[heading], names)) for heading in columns]
        strong = f"**{label}**" if label == "convrec" else label
        lines.append(f"| {strong} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _suite_has(report: EvaluationReport, suite: str) -> bool:
    return any(result.suite.split(",")[0] == suite for result in report.suites)


def _figure(report: EvaluationReport, suite: str, pattern: str, names: Sequence[str]) -> Figure | None:
    wanted = {pattern.format(name) for name in names}
    if "convrec" in names and pattern in _OWN:
        wanted.add(_OWN[pattern])
    for result in report.suites:
        if result.suite.split(",")[0] == suite:
            return next((figure for figure in result.figures if figure.name in wanted), None)
    return None


def _cell(figure: Figure | None) -> str:
    if figure is None or math.isnan(figure.value):
        return "–"
    bounds = interval(figure).replace(" to ", ", ")
    return f"{shown(figure)} [{bounds}]" if bounds and figure.unit != "ms" else shown(figure)
