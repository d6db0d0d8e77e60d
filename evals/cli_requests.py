"""What `convrec eval requests` runs and prints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from convrec.agent.recommender import Recommender
from convrec.evals.report import make_report
from convrec.evals.request_cases import RequestCase, read_cases, write_cases
from convrec.evals.request_generator import generate
from convrec.evals.request_suite import run_requests
from convrec.evals.requests import write_results
from convrec.evals.suites import Output, hand_out
from convrec.retrieval.catalogue import Catalogue


@dataclass(frozen=True)
class CaseSource:
    """A file of cases, of which those with every tag count; or, without a file, `count` generated ones."""

    file: Path | None
    tags: tuple[str, ...]
    count: int
    seed: int

    def cases(self, catalogue: Catalogue, console: Console) -> list[RequestCase]:
        """The cases; what of a file could not be used is said."""
        if self.file is None:
            found = generate(catalogue, self.count, self.seed)
        else:
            found, problems = read_cases(self.file)
            for problem in problems:
                console.print(f"{self.file.name}: {problem}", markup=False, highlight=False)
        return [case for case in found if set(self.tags) <= set(case.tags)]


def run(
    source: CaseSource,
    *,
    out: Path | None,
    save_cases: Path | None,
    failures: bool,
    workspace: Path | None,
    to: Output,
) -> None:
    """Run the cases and hand out what came of them."""
    console = Console(stderr=True)
    if source.file is not None:
        read_cases(source.file)
    with Recommender.open(workspace) as recommender:
        cases = source.cases(recommender.catalogue, console)
        if save_cases is not None:
            write_cases(cases, save_cases)
        recommender.warm()
        with Progress(console=console, transient=True) as bars:
            task = bars.add_task("requests", total=len(cases))
            result, verdicts = run_requests(
                recommender,
                cases,
                source=source.file.name if source.file is not None else "",
                seed=source.seed if source.file is None else None,
                progress=lambda done, total: bars.update(task, completed=done, total=total),
            )
        if out is not None:
            write_results(verdicts, out)
        hand_out(make_report([result], recommender=recommender), to)
    for note in result.notes:
        console.print(note, markup=False, highlight=False)
    if failures:
        for verdict in verdicts:
            if not verdict.passed:
                line = f"{verdict.case.id}: {' | '.join(verdict.case.turns)}\n    {'; '.join(verdict.faults[:4])}"
                Console().print(line, markup=False, highlight=False)
