"""Reports: what is written can be read, compared and shown."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from convrec.evals.compare import compare_reports, regressions
from convrec.evals.errors import EvaluationError
from convrec.evals.html import html_page
from convrec.evals.report import EvaluationReport, interval, make_report, read_report, shown, write_report
from convrec.evals.types import Curve, Figure, Plot, SuiteResult, count_figure, mean_figure, percentile_figure


def report(*figures: Figure, plots: tuple[Plot, ...] = (), suite: str = "requests") -> EvaluationReport:
    result = SuiteResult(suite=suite, figures=figures, plots=plots, notes=("<b>note</b>",))
    return make_report([result], source="<films>")


def outcomes(before: Figure, after: Figure) -> list[str]:
    return [change.outcome for change in compare_reports(report(before), report(after))]


def test_means_and_percentiles_by_hand() -> None:
    figure = mean_figure("passed", {"a": 1.0, "b": 0.0, "c": 1.0, "d": 1.0})
    assert figure.value == 0.75
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low <= 0.75 <= figure.high
    assert math.isnan(mean_figure("none", {}).value)
    times = percentile_figure("p50", [1.0, 2.0, 9.0], 50)
    assert times.value == 2.0
    assert times.n == 3


def test_the_same_cases_are_compared_in_pairs() -> None:
    # One case of twenty failed before and passes now, nothing else moved: intervals overlap widely, and so it is noise.
    before = mean_figure("passed", {str(n): float(n > 0) for n in range(20)})
    after = mean_figure("passed", {str(n): 1.0 for n in range(20)})
    assert outcomes(before, after) == ["same"]
    # Six of twenty moved one way and none the other: beyond noise in pairs.
    worse = mean_figure("passed", {str(n): float(n >= 6) for n in range(20)})
    change = compare_reports(report(after), report(worse))[0]
    assert change.paired
    assert change.outcome == "worse"
    assert outcomes(worse, after) == ["better"]


def test_direction_and_neutrality() -> None:
    low = Figure(name="x", value=1.0, low=0.9, high=1.1, better="lower")
    high = low.model_copy(update={"value": 2.0, "low": 1.9, "high": 2.1})
    assert outcomes(low, high) == ["worse"]
    assert outcomes(high, low) == ["better"]
    assert outcomes(low, low.model_copy(update={"value": 1.1, "low": 1.0, "high": 1.2})) == ["same"]
    neutral = [figure.model_copy(update={"better": "neutral"}) for figure in (low, high)]
    assert outcomes(neutral[0], neutral[1]) == ["same"]


def test_exact_counts_have_no_noise_and_times_have_some() -> None:
    assert outcomes(count_figure("outside", 0), count_figure("outside", 1)) == ["worse"]
    assert outcomes(count_figure("outside", 1), count_figure("outside", 0)) == ["better"]
    fast, slower = percentile_figure("p95", [10.0] * 50, 95), percentile_figure("p95", [11.0] * 50, 95)
    assert outcomes(fast, slower) == ["same"]
    assert outcomes(fast, percentile_figure("p95", [20.0] * 50, 95)) == ["worse"]


def test_a_figure_that_is_gone_is_a_regression_and_a_suite_that_was_not_run_is_not() -> None:
    figure = count_figure("outside", 0)
    other = report(count_figure("more", 1))
    changes = compare_reports(report(figure), other)
    assert {c.outcome for c in changes} == {"gone", "new"}
    assert [c.name for c in regressions(changes)] == ["requests/outside"]
    assert compare_reports(report(figure), report(figure, suite="dialogue")) == []


def test_reports_come_back_as_they_went(tmp_path: Path) -> None:
    written = report(mean_figure("passed", {"a": 1.0, "b": 0.5}), mean_figure("empty", {}))
    write_report(written, tmp_path / "a.json")
    json.loads((tmp_path / "a.json").read_text("utf-8"), parse_constant=pytest.fail)
    back = read_report(tmp_path / "a.json")
    assert back.figures()["requests/passed"] == written.figures()["requests/passed"]
    assert math.isnan(back.figures()["requests/empty"].value)
    assert back.machine.cores >= 1
    assert "numpy" in back.versions
    (tmp_path / "b.json").write_text('{"a": 1}', "utf-8")
    for name in ("b.json", "missing.json"):
        with pytest.raises(EvaluationError):
            read_report(tmp_path / name)


def test_the_page_needs_nothing_else_and_escapes_what_it_shows() -> None:
    plots = (
        Plot(
            title="bars",
            kind="bar",
            x_label="x",
            y_label="y",
            curves=(Curve(label="<i>", x=("a", "b"), y=(1.0, 2.0)), Curve(label="c", x=("a", "b"), y=(2.0, 1.0))),
        ),
        Plot(
            title="growth",
            kind="line",
            x_label="x",
            y_label="y",
            curves=(Curve(label="l", x=(1.0, 1e4), y=(1.0, 2.0)),),
        ),
        Plot(title="points", kind="scatter", x_label="x", y_label="y", curves=(Curve(label="p", x=(0.5,), y=(0.5,)),)),
    )
    page = html_page(report(mean_figure("passed", {"a": 1.0, "b": 0.0}, unit="share"), plots=plots))
    assert page.count("<svg") == 3
    assert "<script" not in page
    assert "<b>note" not in page
    assert "&lt;films&gt;" in page
    assert re.findall(r"(?:src|href)=[\"'](?!#)[^\"']+", page.replace('xlink:href="#', 'x="#')) == []
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert "50.0%" in page


def test_figures_as_people_read_them() -> None:
    assert shown(count_figure("a", 0.125, unit="share")) == "12.5%"
    assert shown(count_figure("a", 1234.0)) == "1,234"
    assert shown(percentile_figure("a", [12.0], 50)) == "12 ms"
    assert shown(mean_figure("a", {})) == "–"
    assert interval(count_figure("a", 1)) == ""
    assert interval(Figure(name="a", value=0.5, low=0.25, high=0.75, unit="share")) == "25.0% to 75.0%"
