"""What every suite yields: figures with intervals, and what they rest on."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from convrec.ranking.significance import bootstrap_interval

Direction = Literal["higher", "lower", "neutral"]
"""which way a figure gets better; neutral figures are shown and never judged"""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True)


class Figure(_Record):
    """One measured number.

    `low` and `high` are the bounds of its 95% interval, None for an exact count. `samples` holds the value of every
    case, person or dialogue by its name, so that two runs over the same ones can be compared in pairs.
    """

    name: str
    value: float
    better: Direction = "higher"
    low: float | None = None
    high: float | None = None
    unit: str = ""
    n: int = 1
    samples: dict[str, float] = Field(default_factory=dict)


class Curve(_Record):
    """Points of one line of a plot, or a bar each where `x` are names."""

    label: str
    x: tuple[float | str, ...]
    y: tuple[float, ...]


class Plot(_Record):
    """A plot of the report. `scatter` draws points with their labels, `line` joins them, `bar` stands them up."""

    title: str
    kind: Literal["line", "bar", "scatter"]
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]


class SuiteResult(_Record):
    """What one suite found. `partial`: it was interrupted, and the figures rest on what was done until then."""

    suite: str
    figures: tuple[Figure, ...]
    parameters: dict[str, Any] = Field(default_factory=dict)
    plots: tuple[Plot, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    partial: bool = False

    def figure(self, name: str) -> Figure:
        """One figure by name; KeyError where there is none."""
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)


def mean_figure(
    name: str, samples: dict[str, float], *, better: Direction = "higher", unit: str = "", keep: bool = True
) -> Figure:
    """The mean of one value a case, with its 95% bootstrap interval; NaN of no case."""
    interval = bootstrap_interval(np.array(list(samples.values()), np.float64))
    return Figure(
        name=name,
        value=interval.mean,
        low=interval.low,
        high=interval.high,
        better=better,
        unit=unit,
        n=len(samples),
        samples=samples if keep else {},
    )


def count_figure(name: str, value: float, *, better: Direction = "lower", unit: str = "", n: int = 1) -> Figure:
    """An exact count or share: any change of it is a change."""
    return Figure(name=name, value=value, better=better, unit=unit, n=n)


def percentile_figure(name: str, values: list[float], percent: float, *, seed: int = 0) -> Figure:
    """A percentile of milliseconds, with the 95% bootstrap interval of that percentile."""
    if not values:
        return Figure(name=name, value=float("nan"), better="lower", unit="ms", n=0)
    data = np.array(values, np.float64)
    drawn = np.random.default_rng(seed).integers(0, data.size, (500, data.size))
    low, high = np.quantile(np.percentile(data[drawn], percent, axis=1), [0.025, 0.975])
    return Figure(
        name=name,
        value=float(np.percentile(data, percent)),
        low=float(low),
        high=float(high),
        better="lower",
        unit="ms",
        n=data.size,
    )
