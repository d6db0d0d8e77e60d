"""`convrec eval`: suites that anybody can run on their own catalogue, without a key."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convrec.agent.options import JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from convrec.evals.suites import Output

app = typer.Typer(help="Measure convrec on a catalogue, without a key.", no_args_is_help=True, rich_markup_mode=None)

OutOption = Annotated[Path | None, typer.Option("--out", help="Write the report here, as JSON.", show_default=False)]
ReportOption = Annotated[
    Path | None, typer.Option("--report", help="Write one HTML page with plots here.", show_default=False)
]
SeedOption = Annotated[int, typer.Option("--seed", help="What is drawn; equal seeds draw the same.")]


class SplitName(StrEnum):
    """How the end of a log is held out."""

    LEAVE_ONE_OUT = "leave-one-out"
    TEMPORAL = "temporal"


@app.command()
def requests(
    cases: Annotated[
        Path | None,
        typer.Option("--cases", help="Request cases, one JSON object a line (default: generated).", show_default=False),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="Only cases with this tag; may be repeated.", show_default=False)
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, help="How many cases are generated.")] = 150,
    seed: SeedOption = 0,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write a JSON line a case here: what was shown.", show_default=False)
    ] = None,
    save_cases: Annotated[
        Path | None, typer.Option("--save-cases", help="Write the cases that are run here.", show_default=False)
    ] = None,
    figures: Annotated[
        Path | None, typer.Option("--figures", help="Write the report here, as JSON.", show_default=False)
    ] = None,
    report: ReportOption = None,
    failures: Annotated[bool, typer.Option("--failures", help="List the cases that failed, with the reasons.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """How well are requests understood? Runs cases and judges what is shown.

    Example: convrec eval requests --cases cases.jsonl --out results.jsonl --workspace ./films
    """
    from convrec.evals.cli_requests import CaseSource, run

    source = CaseSource(cases, tuple(tag or ()), count, seed)
    run(
        source, out=out, save_cases=save_cases, failures=failures, workspace=workspace, to=_to(figures, report, as_json)
    )


@app.command()
def dialogue(
    people: Annotated[int, typer.Option("--people", min=1, help="How many simulated people.")] = 60,
    seed: SeedOption = 0,
    out: OutOption = None,
    report: ReportOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """How soon does somebody with a need find something? Simulated people talk to convrec and to simpler systems.

    Example: convrec eval dialogue --people 60 --report dialogue.html --workspace ./films
    """
    from convrec.evals.dialogue import run_dialogue
    from convrec.evals.suites import run_suite

    run_suite(
        workspace,
        "dialogue",
        lambda recommender, tick: run_dialogue(recommender, people=people, seed=seed, progress=tick),
        _to(out, report, as_json),
    )


@app.command()
def grounding(
    count: Annotated[int, typer.Option("--count", min=1, help="How many requests are generated.")] = 60,
    seed: SeedOption = 0,
    out: OutOption = None,
    report: ReportOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Is everything that is shown and said true? Claims are read again and checked against the items' records.

    Example: convrec eval grounding --out grounding.json --workspace ./films
    """
    from convrec.evals.grounding import run_grounding
    from convrec.evals.suites import run_suite

    run_suite(
        workspace,
        "grounding",
        lambda recommender, tick: run_grounding(recommender, count=count, seed=seed, progress=tick),
        _to(out, report, as_json),
    )


@app.command()
def robustness(
    count: Annotated[int, typer.Option("--count", min=1, help="How many requests are generated.")] = 40,
    seed: SeedOption = 0,
    out: OutOption = None,
    report: ReportOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Does the same wish said otherwise give the same list? Typos, case, word order, paraphrase, injected orders.

    Example: convrec eval robustness --workspace ./films
    """
    from convrec.evals.robustness import run_robustness
    from convrec.evals.suites import run_suite

    run_suite(
        workspace,
        "robustness",
        lambda recommender, tick: run_robustness(recommender, count=count, seed=seed, progress=tick),
        _to(out, report, as_json),
    )


@app.command()
def latency(
    count: Annotated[int, typer.Option("--count", min=1, help="How many conversations are timed.")] = 60,
    size: Annotated[
        list[int] | None,
        typer.Option("--size", min=10, help="Items of a synthetic catalogue; may be repeated.", show_default=False),
    ] = None,
    seed: SeedOption = 0,
    out: OutOption = None,
    report: ReportOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """How long does a turn take, stage by stage, and beside plain Chroma with LangChain?

    Example: convrec eval latency --size 10000 --size 100000 --workspace ./films
    """
    from convrec.evals.latency import SIZES, run_latency
    from convrec.evals.suites import run_suite

    run_suite(
        workspace,
        "latency",
        lambda recommender, tick: run_latency(
            recommender, count=count, seed=seed, sizes=tuple(size or SIZES), progress=tick
        ),
        _to(out, report, as_json),
    )


@app.command()
def ranking(
    split: Annotated[SplitName, typer.Option("--split", help="How the end of the log is held out.")] = (
        SplitName.LEAVE_ONE_OUT
    ),
    people: Annotated[
        int | None, typer.Option("--people", min=1, help="Ask only so many people.", show_default=False)
    ] = None,
    path: Annotated[
        Path | None,
        typer.Option(
            "--path",
            help="A public log instead of a workspace: a line a person, the person and then item ids in time order.",
            show_default=False,
        ),
    ] = None,
    seed: SeedOption = 0,
    out: OutOption = None,
    report: ReportOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """How well is what people take next foreseen? The ranker is trained anew on the past alone, beside its baselines.

    Example: convrec eval ranking --split temporal --out ranking.json --workspace ./films
    """
    from convrec.evals.cli_ranking import run

    run(
        split=split.value,
        people=people,
        path=path,
        seed=seed,
        workspace=workspace,
        to=_to(out, report, as_json),
    )


@app.command()
def crs(
    cases: Annotated[Path, typer.Option("--cases", help="Dialogues: a line {id, context, targets, mentioned}.")],
    candidates: Annotated[
        Path | None,
        typer.Option("--candidates", help="Titles that may be recommended, one a line.", show_default=False),
    ] = None,
    out: OutOption = None,
    report: ReportOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """What does the next message of a public dialogue recommend? Recall over a workspace of the dialogues' items.

    Example: convrec eval crs --cases dialogues.jsonl --workspace ./redial
    """
    from convrec.evals.cli_crs import run

    run(cases, candidates, workspace=workspace, to=_to(out, report, as_json))


@app.command()
def redial(
    raw: Annotated[Path, typer.Argument(help="ReDial's raw JSONL.")],
    out: Annotated[Path, typer.Argument(help="Where the dialogues go, in the form of `convrec eval crs`.")],
) -> None:
    """Convert ReDial's raw form.

    Example: convrec eval redial valid_data.jsonl dialogues.jsonl
    """
    from convrec.evals.cli_crs import convert

    convert(raw, out)


@app.command("all")
def all_suites(
    people: Annotated[int, typer.Option("--people", min=1, help="How many simulated people.")] = 60,
    cases: Annotated[int, typer.Option("--count", min=1, help="How many request cases are generated.")] = 150,
    seed: SeedOption = 0,
    out: OutOption = None,
    report: ReportOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every suite, one after the other; Ctrl-C keeps what is done.

    Example: convrec eval all --out today.json --report today.html --workspace ./films
    """
    from convrec.evals.suites import run_all

    run_all(workspace, people=people, cases=cases, seed=seed, to=_to(out, report, as_json))


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="The earlier report.")],
    after: Annotated[Path, typer.Argument(help="The later report.")],
    as_json: JsonOption = False,
) -> None:
    """What got better or worse beyond noise? Exits with 1 on a regression.

    Example: convrec eval compare yesterday.json today.json
    """
    from convrec.evals.cli_compare import run

    raise typer.Exit(run(before, after, as_json=as_json))


def _to(out: Path | None, report: Path | None, as_json: bool) -> Output:
    from convrec.evals.suites import Output

    return Output(out, report, as_json)
