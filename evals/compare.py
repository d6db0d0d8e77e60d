"""Two reports beside each other: what got better or worse beyond noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from convrec.evals.report import EvaluationReport
from convrec.evals.types import Figure
from convrec.ranking.significance import paired_difference

Outcome = Literal["better", "worse", "same", "new", "gone", "not comparable"]

TIME_TOLERANCE = 0.25
"""a time within this share of the other is noise whatever its interval says: machines are not quiet"""


@dataclass(frozen=True)
class Change:
    """One figure of two reports. `outcome` is 'same' within noise; neutral figures are always 'same'."""

    name: str
    before: Figure | None
    after: Figure | None
    outcome: Outcome
    paired: bool = False


def compare_reports(before: EvaluationReport, after: EvaluationReport) -> list[Change]:
    """Every figure of either report. A suite that only one of them ran is left out: it says nothing of change."""
    both = {s.suite for s in before.suites} & {s.suite for s in after.suites}
    old = {name: f for name, f in before.figures().items() if name.split("/")[0] in both}
    new = {name: f for name, f in after.figures().items() if name.split("/")[0] in both}
    changes = []
    for name in [*old, *(n for n in new if n not in old)]:
        first, second = old.get(name), new.get(name)
        if first is None:
            changes.append(Change(name, None, second, "new"))
        elif second is None:
            changes.append(Change(name, first, None, "gone"))
        else:
            changes.append(_change(name, first, second))
    return changes


def regressions(changes: list[Change]) -> list[Change]:
    """The changes for the worse; a judged figure that is gone counts as one, or a crash would pass as progress."""
    return [
        c
        for c in changes
        if c.outcome == "worse" or (c.outcome == "gone" and c.before is not None and c.before.better != "neutral")
    ]


def _change(name: str, before: Figure, after: Figure) -> Change:
    if math.isnan(before.value) or math.isnan(after.value):
        return Change(name, before, after, "not comparable")
    common = sorted(before.samples.keys() & after.samples.keys())
    paired = len(common) >= 2 and len(common) == len(before.samples) == len(after.samples)
    gap = after.value - before.value
    if paired:
        ours = np.array([after.samples[key] for key in common])
        theirs = np.array([before.samples[key] for key in common])
        difference = paired_difference(ours, theirs)
        real = difference.low > 0 or difference.high < 0
    elif before.low is None or after.low is None:
        real = gap != 0
    else:
        real = abs(gap) > math.hypot(_half_width(before), _half_width(after))
    if before.unit == "ms":
        real = real and abs(gap) > TIME_TOLERANCE * max(before.value, after.value)
    if not real or before.better == "neutral":
        return Change(name, before, after, "same", paired)
    better = (gap > 0) == (before.better == "higher")
    return Change(name, before, after, "better" if better else "worse", paired)


def _half_width(figure: Figure) -> float:
    if figure.low is None or figure.high is None:
        return 0.0
    return (figure.high - figure.low) / 2
