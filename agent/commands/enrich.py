"""`convrec enrich`: a language model adds attributes to the catalogue."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from convrec.agent.commands.options import BaseUrlOption, ModelOption, WorkspaceOption

if TYPE_CHECKING:
    from rich.console import Console

    from convrec.agent.enrichment import Enriched, EnrichmentPlan
    from convrec.agent.settings import Settings


def enrich(
    field: Annotated[
        list[str] | None,
        typer.Option(
            help="What to write: themes, moods, summary (by default all three), or one of your own: NAME=VALUE,VALUE "
            "for one value an item, NAME+=VALUE,VALUE for several.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first items, for a trial.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the estimate only; nothing is sent.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Start without asking.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, max=50, help="Items of one call.")] = 8,
    drop: Annotated[
        str | None, typer.Option(help="Take a field out again that was written before.", show_default=False)
    ] = None,
    model: ModelOption = None,
    base_url: BaseUrlOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Let the language model add attributes to the catalogue. Ctrl-C keeps what is answered; run it again to go on.

    Example: convrec enrich --field themes --field pace=slow,steady,fast --limit 20
    """
    from rich.console import Console

    from convrec.agent.commands.build import progress_bars
    from convrec.agent.enrichment import ask_model, plan_enrichment, rebuild, serve_enriched
    from convrec.agent.enrichment_fields import parse_field
    from convrec.agent.enrichment_store import EnrichmentStore
    from convrec.agent.settings import load_settings
    from convrec.retrieval.workspace import Workspace, default_workspace

    console = Console(stderr=True)
    settings = load_settings(workspace=workspace, llm__model=model, llm__base_url=base_url)
    place = settings.workspace or default_workspace()
    serving = Workspace(place, chroma=settings.retrieval.chroma).open_current()
    if drop is not None:
        EnrichmentStore(place).drop(drop)
        with progress_bars(console) as progress:
            rebuild(place, settings, progress=progress)
        _say(console, f"{drop} is taken out; its answers are kept.")
        return
    fields = [parse_field(text) for text in field or ()]
    plan = plan_enrichment(serving.catalogue, place, settings.llm, fields, limit=limit, batch_size=batch_size)
    plural = serving.schema.plural
    for line in estimate(plan, plural, settings):
        _say(console, line)
    if dry_run or (plan.batches and not yes and not _agreed()):
        return
    done: Enriched | None = None
    try:
        with progress_bars(console) as progress:
            done = ask_model(plan, plural, place, settings.llm, progress=progress)
    except KeyboardInterrupt:
        _say(console, "What was answered is kept: run the same command again to go on.")
        raise
    with progress_bars(console) as progress:
        serve_enriched(place, plan, settings, progress=progress)
    _say(console, outcome(done, plan, plural))


def estimate(plan: EnrichmentPlan, plural: str, settings: Settings) -> list[str]:
    """What a run would do and take, in lines."""
    lines = [*plan.notes, "Fields: " + "; ".join(f.name + _allowed(f.allowed) for f in plan.fields) + "."]
    known = f", {plan.known:,} of them answered before" if plan.known else ""
    lines.append(f"{plan.items:,} {plural}{known}.")
    if not plan.batches:
        return [*lines, "Nothing is left to ask."]
    where = settings.llm.base_url or "OpenAI"
    calls = f"{len(plan.batches):,} calls" if len(plan.batches) > 1 else "one call"
    lines.append(
        f"About {calls} to {plan.model} at {where}: {plan.input_tokens:,} tokens in, {plan.output_tokens:,} out."
    )
    if plan.cost is None:
        table = f'[llm.prices."{plan.model}"]'
        lines.append(f"The price of {plan.model} is not known: put it into convrec.toml under {table}.")
    else:
        lines.append(f"About ${plan.cost:,.2f}.")
    return lines


def _allowed(values: tuple[str, ...]) -> str:
    shown = ", ".join(values[:6]) + (f" and {len(values) - 6} more" if len(values) > 6 else "")
    return f" ({shown})" if values else ""


def outcome(done: Enriched, plan: EnrichmentPlan, plural: str) -> str:
    """What a run did."""
    usage = done.usage
    cost = f", ${usage.cost:,.2f}" if usage.cost is not None else ""
    said = [f"{done.answered:,} {plural} answered in {usage.calls:,} calls ({usage.input_tokens:,} tokens in, "]
    said.append(f"{usage.output_tokens:,} out{cost}).")
    if done.dropped:
        said.append(f" {done.dropped:,} values did not fit and were dropped.")
    if done.unanswered:
        said.append(f" {len(done.unanswered):,} came to nothing; run it again to try them once more.")
    said.append(f"\nThe catalogue now has {', '.join(field.name for field in plan.fields)}.")
    return "".join(said)


def _agreed() -> bool:
    """Ask on a terminal.

    Raises:
        EnrichmentError: there is none.
    """
    from convrec.agent.errors import EnrichmentError

    if not sys.stdin.isatty():
        raise EnrichmentError("There is no terminal to ask on: give --yes to start.")
    return typer.confirm("Start?", default=False, err=True)


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
