"""`convrec eval` as a person meets it."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from convrec.agent.cli import run
from convrec.evals.grounding import Audit
from convrec.evals.report import make_report, read_report, write_report
from convrec.evals.types import Figure, SuiteResult, count_figure


@pytest.fixture(autouse=True)
def hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVREC_RETRIEVAL__EMBEDDING__PROVIDER", "hashing")


def test_cases_of_ones_own(built_films: Path, tmp_path: Path) -> None:
    cases, results = tmp_path / "cases.jsonl", tmp_path / "results.jsonl"
    cases.write_text(
        '{"id": "a", "tags": ["x"], "turns": ["a comedy", "more"], "expect": {"exclude_previous": "all"}}\n'
        '{"id": "b", "tags": ["y"], "turns": ["hello"], "expect": {"no_items": true}}\n',
        "utf-8",
    )
    common = ["eval", "requests", "--cases", str(cases), "-w", str(built_films)]
    assert run([*common, "--out", str(results)]) == 0
    lines = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    assert [line["id"] for line in lines] == ["a", "b"]
    assert set(lines[0]) == {"id", "items", "clarify", "relaxed", "previous"}
    assert len(lines[0]["previous"]) == 1
    assert not {item["id"] for item in lines[0]["items"]} & set(lines[0]["previous"][0])
    assert lines[1]["items"] == []
    assert isinstance(lines[1]["clarify"], str)
    assert run([*common, "--tag", "x", "--out", str(results)]) == 0
    assert len(results.read_text("utf-8").splitlines()) == 1


def test_generated_cases_can_be_kept_and_run_again(built_films: Path, tmp_path: Path) -> None:
    cases, first, second = (tmp_path / name for name in ("c.jsonl", "1.json", "2.json"))
    common = ["eval", "requests", "-w", str(built_films)]
    assert run([*common, "--count", "12", "--save-cases", str(cases), "--figures", str(first)]) == 0
    assert run([*common, "--cases", str(cases), "--figures", str(second)]) == 0
    passed = [read_report(path).figures()["requests/cases passed"].samples for path in (first, second)]
    assert passed[0] == passed[1]
    assert len(passed[0]) == 12


def test_compare_tells_a_regression_by_its_exit_code(built_films: Path, tmp_path: Path) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    page = tmp_path / "page.html"
    arguments = ["eval", "grounding", "--count", "6", "-w", str(built_films)]
    assert run([*arguments, "--out", str(before), "--report", str(page)]) == 0
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert run(["eval", "compare", str(before), str(before)]) == 0
    report = read_report(before)
    suite = report.suites[0]
    figures = [f.model_copy(update={"value": 0.5}) if "outside" in f.name else f for f in suite.figures]
    worse = report.model_copy(update={"suites": (suite.model_copy(update={"figures": tuple(figures)}),)})
    write_report(worse, after)
    assert run(["eval", "compare", str(before), str(after)]) == 1
    assert run(["eval", "compare", str(after), str(before), "--json"]) == 0


def test_ctrl_c_keeps_what_is_done(
    built_films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    count, calls = Audit.count, []

    def interrupted(self: Audit, *arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 4:
            signal.raise_signal(signal.SIGINT)
        count(self, *arguments)

    monkeypatch.setattr(Audit, "count", interrupted)
    out, page = tmp_path / "part.json", tmp_path / "part.html"
    arguments = ["eval", "grounding", "--count", "9", "--out", str(out), "--report", str(page), "-w", str(built_films)]
    assert run(arguments) == 130
    report = read_report(out)
    assert report.suites[0].partial
    assert report.suites[0].figure("items outside the catalogue").n > 0
    assert "Interrupted" in page.read_text("utf-8")
    assert "what was done until then is kept" in " ".join(capsys.readouterr().err.split())


def test_reports_as_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def suite(name: str, *figures: Figure) -> SuiteResult:
        return SuiteResult(suite=name, figures=figures)

    passed = Figure(name="cases passed", value=0.9, low=0.85, high=0.95, unit="share")
    suites = [
        suite("requests", passed, count_figure("BM25: cases passed", 0.125, unit="share")),
        suite("ranking, leave-one-out", count_figure("item-kNN: ndcg@10", 0.0625)),
        suite("latency", count_figure("total p50", 12.0, unit="ms"), count_figure("BM25 p50", 1.0, unit="ms")),
    ]
    write_report(make_report(suites, source="tools"), tmp_path / "a.json")
    assert run(["eval", "table", str(tmp_path / "a.json")]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert rows == [
        "| system | ranking, nDCG@10 | requests passed | turn p50 | turn p95 |",
        "| --- | --- | --- | --- | --- |",
        "| **convrec** | – | 90.0% [85.0%, 95.0%] | 12 ms | – |",
        "| plain Chroma similarity | – | – | – | – |",
        "| BM25 | – | 12.5% | 1.0 ms | – |",
        "| popularity | – | – | – | – |",
        "| item-kNN | 0.062 | – | – | – |",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["requests", "--cases", "missing.jsonl"],
        ["compare", "missing.json", "missing.json"],
        ["table", "missing.json"],
        ["ranking", "--path", "missing.txt"],
        ["ranking", "--split", "random"],
    ],
)
def test_mistakes_are_one_sentence(arguments: list[str], built_films: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = [] if arguments[0] in ("compare", "table") else ["-w", str(built_films)]
    assert run(["eval", *arguments, *where]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_no_log_no_ranking(built_tools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", "ranking", "-w", str(built_tools)]) == 2
    assert "people can be asked" in capsys.readouterr().err


@pytest.mark.slow
def test_all_suites(built_films: Path, tmp_path: Path) -> None:
    out = tmp_path / "all.json"
    assert run(["eval", "all", "--people", "4", "--count", "12", "--out", str(out), "-w", str(built_films)]) == 0
    names = [suite.suite for suite in read_report(out).suites]
    assert names == ["requests", "dialogue", "grounding", "robustness", "latency", "ranking, leave-one-out"]
