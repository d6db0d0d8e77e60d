"""`convrec eval`: suites that anybody can run on their own catalogue, without a key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from convrec.agent.options import JsonOption, WorkspaceOption

app = typer.Typer(help="Measure convrec on a catalogue, without a key.", no_args_is_help=True, rich_markup_mode=None)

OutOption = Annotated[Path | None, typer.Option("--out", help="Write the results here.", show_default=False)]


@app.command()
def requests(
    cases: Annotated[Path, typer.Option("--cases", help="Request cases, one JSON object a line.")],
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="Only cases with this tag; may be repeated.", show_default=False)
    ] = None,
    out: OutOption = None,
    failures: Annotated[bool, typer.Option("--failures", help="List the cases that failed, with the reasons.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """How well are requests understood? Runs cases and judges what is shown.

    Example: convrec eval requests --cases cases.jsonl --out results.jsonl --workspace ./films
    """
    from convrec.evals.cli_requests import run

    run(cases, tags=tag or [], out=out, failures=failures, workspace=workspace, as_json=as_json)
