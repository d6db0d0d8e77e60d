"""`convrec eval`: suites that anybody can run on their own catalogue, without a key."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from convrec.agent.commands.options import JsonOption, WorkspaceOption
from convrec.evals.cli_options import ReportOption, SeedOption, Setting, with_setting

app = typer.Typer(help="Measure convrec on a catalogue, without a key.", no_args_is_help=True, rich_markup_mode=None)

PeopleOption = Annotated[int, typer.Option("--people", min=1, help="How many simulated people.")]
CountOption = Annotated[int, typer.Option("--count", min=1, help="How many requests are generated.")]


class SplitName(StrEnum):
    """How the end of a log is held out."""

    LEAVE_ONE_OUT = "leave-one-out"
    TEMPORAL = "temporal"


class Speaker(StrEnum):
    """Who finds the words of simulated people."""

    RULES = "rules"
    MODEL = "model"


@app.command()
def requests(
    cases: Annotated[
        Path | None,
        typer.Option("--cases", help="Request cases, one JSON object a line (default: generated).", show_default=False),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="Only cases with this tag; may be repeated.", show_default=False)
    ] = None,
    count: CountOption = 150,
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
    to = Setting(figures, report, workspace, as_json).output
    run(source, out=out, save_cases=save_cases, failures=failures, workspace=workspace, to=to)


@app.command()
@with_setting
def dialogue(
    setting: Setting,
    people: PeopleOption = 60,
    people_by: Annotated[
        Speaker, typer.Option("--people-by", help="Who finds their words; a model needs an endpoint.")
    ] = Speaker.RULES,
    seed: SeedOption = 0,
) -> None:
    """How soon does somebody with a need find something? Simulated people talk to convrec and to simpler systems.

    Example: convrec eval dialogue --people 60 --report dialogue.html --workspace ./films
    """
    from convrec.evals.cli_dialogue import run

    run(setting, people=people, by_model=people_by is Speaker.MODEL, seed=seed)


@app.command()
@with_setting
def grounding(setting: Setting, count: CountOption = 60, seed: SeedOption = 0) -> None:
    """Is everything that is shown and said true? Claims are read again and checked against the items' records.

    Example: convrec eval grounding --out grounding.json --workspace ./films
    """
    from convrec.evals.grounding import run_grounding
    from convrec.evals.suites import run_suite

    run_suite(setting, "grounding", lambda r, tick: run_grounding(r, count=count, seed=seed, progress=tick))


@app.command()
@with_setting
def robustness(setting: Setting, count: CountOption = 40, seed: SeedOption = 0) -> None:
    """Does the same wish said otherwise give the same list? Typos, case, word order, paraphrase, injected orders.

    Example: convrec eval robustness --workspace ./films
    """
    from convrec.evals.robustness import run_robustness
    from convrec.evals.suites import run_suite

    run_suite(setting, "robustness", lambda r, tick: run_robustness(r, count=count, seed=seed, progress=tick))


@app.command()
@with_setting
def latency(
    setting: Setting,
    count: Annotated[int, typer.Option("--count", min=1, help="How many conversations are timed.")] = 60,
    size: Annotated[
        list[int] | None,
        typer.Option("--size", min=10, help="Items of a synthetic catalogue; may be repeated.", show_default=False),
    ] = None,
    seed: SeedOption = 0,
) -> None:
    """How long does a turn take, stage by stage, and beside plain Chroma with LangChain?

    Example: convrec eval latency --size 10000 --size 100000 --workspace ./films
    """
    from convrec.evals.latency import SIZES, run_latency
    from convrec.evals.suites import run_suite

    sizes = tuple(size or SIZES)
    run_suite(setting, "latency", lambda r, tick: run_latency(r, count=count, seed=seed, sizes=sizes, progress=tick))


@app.command()
@with_setting
def ranking(
    setting: Setting,
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
) -> None:
    """How well is what people take next foreseen? The ranker is trained anew on the past alone, beside its baselines.

    Example: convrec eval ranking --split temporal --out ranking.json --workspace ./films
    """
    from convrec.evals.cli_ranking import run

    run(setting, split=split.value, people=people, path=path, seed=seed)


@app.command()
@with_setting
def crs(
    setting: Setting,
    cases: Annotated[Path, typer.Option("--cases", help="Dialogues: a line {id, context, targets, mentioned}.")],
    candidates: Annotated[
        Path | None,
        typer.Option("--candidates", help="Titles that may be recommended, one a line.", show_default=False),
    ] = None,
) -> None:
    """What does the next message of a public dialogue recommend? Recall over a workspace of the dialogues' items.

    Example: convrec eval crs --cases dialogues.jsonl --workspace ./redial
    """
    from convrec.evals.cli_crs import run

    run(setting, cases, candidates)


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


@app.command()
@with_setting
def judge(setting: Setting, count: CountOption = 40, seed: SeedOption = 0) -> None:
    """Which lists does a language model prefer, convrec's or plain dense retrieval's? Needs an endpoint.

    Example: convrec eval judge --count 40 --out judge.json --workspace ./films
    """
    from convrec.evals.judge import run_judge
    from convrec.evals.suites import run_suite

    run_suite(setting, "judge", lambda r, tick: run_judge(r, count=count, seed=seed, progress=tick))


@app.command("all")
@with_setting
def all_suites(
    setting: Setting,
    people: PeopleOption = 60,
    cases: Annotated[int, typer.Option("--count", min=1, help="How many request cases are generated.")] = 150,
    seed: SeedOption = 0,
) -> None:
    """Every suite that needs no language model, one after the other; Ctrl-C keeps what is done.

    Example: convrec eval all --out today.json --report today.html --workspace ./films
    """
    from convrec.evals.suites import run_all

    run_all(setting, people=people, cases=cases, seed=seed)


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


@app.command()
def table(reports: Annotated[list[Path], typer.Argument(help="Reports of `convrec eval all --out`.")]) -> None:
    """Reports as Markdown tables: convrec beside simpler systems.

    Example: convrec eval table today.json
    """
    from convrec.evals.markdown import print_tables

    print_tables(reports)
