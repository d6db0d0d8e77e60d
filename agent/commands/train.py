"""`convrec train`: the ranker again, or on from where it stands with what people said since."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from convrec.agent.commands.options import JsonOption, WorkspaceOption
from convrec.ranking.settings import Effort


def train(
    update: Annotated[
        bool, typer.Option("--update", help="Continue from the last ranker, with the feedback given since.")
    ] = False,
    effort: Annotated[Effort, typer.Option(help="How long to train.")] = Effort.DEFAULT,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train the ranker of a workspace. Ctrl-C ends training early and keeps the best so far.

    Example: convrec train --effort default --workspace ./films
    """
    import json

    from rich.console import Console

    from convrec.agent.commands.build import progress_bars
    from convrec.agent.retraining import retrain
    from convrec.agent.settings import load_settings
    from convrec.retrieval.workspace import default_workspace

    console = Console(stderr=True)
    settings = load_settings(workspace=workspace)
    place = settings.workspace or default_workspace()
    with progress_bars(console) as progress:
        outcome = retrain(place, settings, effort, update=update, progress=progress)
    if as_json:
        sys.stdout.write(json.dumps({"ndcg": outcome.ndcg, "notes": outcome.notes, "seconds": outcome.seconds}) + "\n")
        return
    for kind, value in outcome.ndcg.items():
        console.print(f"nDCG@10 on validation, {kind}: {value:.3f}", markup=False, highlight=False)
    for note in outcome.notes:
        console.print(f"Note: {note}", markup=False, highlight=False)
    console.print(f"Trained in {outcome.seconds:.0f} s.", markup=False, highlight=False)
