"""What `convrec eval requests` prints."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from convrec.agent.recommender import Recommender
from convrec.evals.request_cases import read_cases
from convrec.evals.requests import RequestFigures, dense_ndcg, figures, run_cases, write_results


def run(
    cases: Path, *, tags: list[str], out: Path | None, failures: bool, workspace: Path | None, as_json: bool
) -> None:
    """Read the cases, run those that carry every tag, print the figures."""
    console = Console(stderr=True)
    found, problems = read_cases(cases)
    found = [case for case in found if set(tags) <= set(case.tags)]
    for problem in problems:
        console.print(f"{cases.name}: {problem}", markup=False, highlight=False)
    with Recommender.open(workspace) as recommender:
        recommender.warm()
        with Progress(console=console, transient=True) as bars:
            task = bars.add_task("Requests", total=len(found))
            verdicts = run_cases(
                recommender, found, progress=lambda done, total: bars.update(task, completed=done, total=total)
            )
        dense = dense_ndcg(recommender, found)
    if out is not None:
        write_results(verdicts, out)
    summary = figures(verdicts, dense)
    if as_json:
        sys.stdout.write(json.dumps(asdict(summary), indent=2) + "\n")
    else:
        Console().print(_table(summary))
    if failures:
        for verdict in verdicts:
            if not verdict.passed:
                line = f"{verdict.case.id}: {' | '.join(verdict.case.turns)}\n    {'; '.join(verdict.faults[:4])}"
                Console().print(line, markup=False, highlight=False)


def _table(summary: RequestFigures) -> Table:
    table = Table(box=None, title=f"requests: {summary.cases} cases", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_row("cases passed", f"{summary.passed:.1%}")
    table.add_row("shown items that meet every condition", f"{summary.satisfying:.2%}")
    table.add_row("items outside the catalogue", str(summary.outside))
    if summary.ndcg is not None:
        table.add_row("nDCG@10", f"{summary.ndcg:.3f}")
    if summary.ndcg_dense is not None:
        table.add_row("nDCG@10 of plain Chroma similarity", f"{summary.ndcg_dense:.3f}")
    table.add_row("turn p50 / p95", f"{summary.p50_ms:.0f} / {summary.p95_ms:.0f} ms")
    for tag, (count, passed) in summary.by_tag.items():
        table.add_row(f"  {tag} ({count})", f"{passed:.0%}")
    return table
