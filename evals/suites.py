"""Which suites there are, and how one or all of them run from the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from convrec.agent.recommender import Recommender
from convrec.evals.cli_options import Setting
from convrec.evals.errors import EvaluationError
from convrec.evals.report import EvaluationReport, make_report, suite_table, write_report
from convrec.evals.types import SuiteResult

Tick = Callable[[int, int], None]


@dataclass(frozen=True)
class Output:
    """Where results go: `out` a JSON file, `html` a page, `as_json` prints the JSON."""

    out: Path | None = None
    html: Path | None = None
    as_json: bool = False


def run_suite(setting: Setting, name: str, run: Callable[[Recommender, Tick], SuiteResult]) -> None:
    """Run one suite over a workspace and hand its report out.

    Raises:
        KeyboardInterrupt: Ctrl-C ended the suite early; what was done until then has been handed out.
    """
    console = Console(stderr=True)
    with Recommender.open(setting.workspace) as recommender:
        recommender.warm()
        with Progress(console=console, transient=True) as bars:
            task = bars.add_task(name, total=None)
            result = run(recommender, lambda done, total: bars.update(task, completed=done, total=total))
        hand_out(make_report([result], recommender=recommender), setting.output)
    if result.partial:
        _say_kept(console, name)
        raise KeyboardInterrupt


def run_all(setting: Setting, *, people: int, cases: int, seed: int) -> None:
    """Every suite that the workspace can have; one that cannot run is named and passed over.

    Raises:
        KeyboardInterrupt: Ctrl-C ended the run early; what was done until then has been handed out.
        EvaluationError: no suite could run.
    """
    console = Console(stderr=True)
    results: list[SuiteResult] = []
    to = setting.output
    interrupted = False
    with Recommender.open(setting.workspace) as recommender:
        recommender.warm()
        with Progress(console=console, transient=True) as bars:
            for name, run in _plan(recommender, people, cases, seed):
                task = bars.add_task(name, total=None)
                try:
                    results.append(run(lambda done, total, t=task: bars.update(t, completed=done, total=total)))  # type: ignore[misc]
                except EvaluationError as error:
                    console.print(f"{name}: {error}", markup=False, highlight=False)
                except KeyboardInterrupt:
                    interrupted = True
                finally:
                    bars.remove_task(task)
                interrupted = interrupted or (bool(results) and results[-1].partial)
                if interrupted:
                    _say_kept(console, name)
                    break
                if results and to.out is not None:
                    write_report(make_report(results, recommender=recommender), to.out)
        if results:
            hand_out(make_report(results, recommender=recommender), to)
        elif not interrupted:
            raise EvaluationError("No suite could run over this workspace.")
    if interrupted:
        raise KeyboardInterrupt


def _say_kept(console: Console, name: str) -> None:
    console.print(f"{name}: interrupted; what was done until then is kept.", markup=False, highlight=False)


def hand_out(report: EvaluationReport, to: Output) -> None:
    """Print a report's tables or its JSON, and write its files."""
    if to.out is not None:
        write_report(report, to.out)
    if to.html is not None:
        from convrec.evals.html import write_html

        write_html(report, to.html)
    if to.as_json:
        sys.stdout.write(report.model_dump_json(indent=2) + "\n")
        return
    console = Console()
    for suite in report.suites:
        console.print(suite_table(suite))
        console.print()


def _plan(
    recommender: Recommender, people: int, cases: int, seed: int
) -> list[tuple[str, Callable[[Tick], SuiteResult]]]:
    """The suites in the order in which people want to see them, the slow one last."""
    from convrec.evals.dialogue import run_dialogue
    from convrec.evals.grounding import run_grounding
    from convrec.evals.latency import run_latency
    from convrec.evals.ranking_suite import run_ranking
    from convrec.evals.request_generator import generate
    from convrec.evals.request_suite import run_requests
    from convrec.evals.robustness import run_robustness

    def requests(tick: Tick) -> SuiteResult:
        drawn = generate(recommender.catalogue, cases, seed)
        return run_requests(recommender, drawn, seed=seed, progress=tick)[0]

    def ranking(tick: Tick) -> SuiteResult:
        del tick
        if not len(recommender.log):
            raise EvaluationError("The workspace has no log of who liked what, so there is no ranking to measure.")
        return run_ranking(recommender, people=1000, seed=seed)

    return [
        ("requests", requests),
        ("dialogue", lambda tick: run_dialogue(recommender, people=people, seed=seed, progress=tick)),
        ("grounding", lambda tick: run_grounding(recommender, seed=seed, progress=tick)),
        ("robustness", lambda tick: run_robustness(recommender, seed=seed, progress=tick)),
        ("latency", lambda tick: run_latency(recommender, seed=seed, progress=tick)),
        ("ranking", ranking),
    ]
