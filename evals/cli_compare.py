"""What `convrec eval compare` prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from convrec.evals.compare import Change, compare_reports, regressions
from convrec.evals.report import read_report, shown

REGRESSION = 1
"""exit code"""


def run(before: Path, after: Path, *, as_json: bool) -> int:
    """Print what changed; the exit code."""
    first, second = read_report(before), read_report(after)
    changes = compare_reports(first, second)
    worse = regressions(changes)
    if as_json:
        sys.stdout.write(json.dumps([_plain(change) for change in changes], indent=2) + "\n")
        return REGRESSION if worse else 0
    console = Console()
    if first.machine != second.machine:
        console.print("The reports come from different machines: times say little.", markup=False)
    if first.fingerprints != second.fingerprints:
        console.print("The reports were measured on different generations or data.", markup=False)
    moved = [change for change in changes if change.outcome not in ("same", "not comparable")]
    if moved:
        console.print(_table(moved))
    kept = len(changes) - len(moved)
    console.print(f"{kept} figures are the same within noise, {len(worse)} got worse.", markup=False)
    return REGRESSION if worse else 0


def _table(changes: list[Change]) -> Table:
    table = Table(box=None)
    for name in ("figure", "before", "after", "outcome"):
        table.add_column(name, justify="left" if name in ("figure", "outcome") else "right", overflow="fold")
    for change in sorted(changes, key=lambda c: ("worse", "gone", "better", "new").index(c.outcome)):
        values = [shown(figure) if figure is not None else "" for figure in (change.before, change.after)]
        table.add_row(change.name, *values, change.outcome)
    return table


def _plain(change: Change) -> dict[str, object]:
    return {
        "figure": change.name,
        "before": change.before.value if change.before is not None else None,
        "after": change.after.value if change.after is not None else None,
        "outcome": change.outcome,
        "paired": change.paired,
    }
