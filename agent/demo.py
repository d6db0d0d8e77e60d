"""The starter workspace, and a conversation that shows what it can do."""

from __future__ import annotations

import sys
import tomllib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from convrec.agent.build import SourceFiles, build, load
from convrec.agent.commands.build import progress_bars, report_rows
from convrec.agent.settings import load_settings
from convrec.retrieval.starter import LICENCE, fetch
from convrec.retrieval.workspace import Workspace, default_workspace

if TYPE_CHECKING:
    from rich.console import Console


def starter_workspace(workspace: Path | None, source: Path | None, console: Console) -> Path:
    """The workspace of the starter data set, fetched and built where it is not there yet.

    Raises:
        StarterError: the data set cannot be had.
    """
    settings = load_settings(workspace=workspace)
    place = settings.workspace or default_workspace().with_name("starter")
    if Workspace(place).current_id() is not None and source is None:
        return place
    from platformdirs import user_cache_path

    console.print(LICENCE, markup=False, highlight=False)
    with progress_bars(console) as progress:
        progress("Fetching MovieLens-100K", 0, 1)
        files = fetch(
            user_cache_path("convrec") / "movielens-100k",
            archive=source,
            progress=lambda done, total: progress("Fetching MovieLens-100K", done, max(total, done)),
        )
    console.print(f"MovieLens-100K from {files.source}.", markup=False, highlight=False)
    loaded = load(SourceFiles(files.items, files.interactions, files.schema))
    report_rows(loaded, place, console)
    with progress_bars(console) as progress:
        build(place, loaded, settings, progress=progress)
    return place


def suggestions() -> dict[str, list[str]]:
    """Opening suggestions and the turns of the worked conversation, for the starter catalogue."""
    text = resources.files("convrec.retrieval").joinpath("data/starter_demo.toml").read_text("utf-8")
    found = tomllib.loads(text)["demo"]
    return {"suggestions": list(found["suggestions"]), "turns": list(found["turns"])}


def worked_conversation(place: Path, user: str | None) -> None:
    """Print the conversation, turn by turn."""
    from convrec.agent.plain import render
    from convrec.agent.recommender import Recommender

    with Recommender.open(place) as recommender:
        conversation = recommender.session(user, stored=False)
        for turn in suggestions()["turns"]:
            sys.stdout.write(f"\nYou: {turn}\n\n")
            sys.stdout.flush()
            sys.stdout.write(render(conversation.send(turn), recommender.schema) + "\n")
            sys.stdout.flush()
    sys.stdout.write(f"\nGo on talking: convrec chat --workspace {place}\n")
