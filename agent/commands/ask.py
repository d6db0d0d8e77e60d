"""`convrec recommend`: one answer, on paper or as JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from convrec.agent.commands.options import BaseUrlOption, JsonOption, ModelOption, UserOption, WorkspaceOption

if TYPE_CHECKING:
    from convrec.agent.types import Reply
    from convrec.retrieval.schema import CatalogueSchema


def recommend(
    turns: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TURN]...", help="What you want; several are successive messages.", show_default=False),
    ] = None,
    user: UserOption = None,
    count: Annotated[int | None, typer.Option("-k", "--count", min=1, max=100, help="How many to show.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    model: ModelOption = None,
    base_url: BaseUrlOption = None,
    mode: Annotated[
        Literal["auto", "tools", "structured", "offline"] | None,
        typer.Option(help="How the language model is used.", show_default=False),
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option("--trace", help="Append every call of the language model to this file.", show_default=False),
    ] = None,
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="Settings file (default: convrec.toml here).", show_default=False)
    ] = None,
) -> None:
    """Recommend: one answer to one or several messages. Without any, what suits the person.

    Example: convrec recommend "something like Alien but funnier, under two hours" --user 42
    """
    from convrec.agent.recommender import Recommender
    from convrec.agent.settings import load_settings
    from convrec.retrieval.request import RequestEdit

    settings = load_settings(settings_file, llm__model=model, llm__base_url=base_url, llm__mode=mode, llm__trace=trace)
    with Recommender.open(workspace, settings) as recommender:
        conversation = recommender.session(user, stored=False)
        if count is not None:
            conversation.prepare([RequestEdit(op="wish", wishes={"count": count})])
        reply = conversation.send(turns[0]) if turns else conversation.edit([])
        for turn in (turns or [])[1:]:
            if not as_json:
                print_reply(reply, recommender.schema)
            reply = conversation.send(turn)
        if as_json:
            sys.stdout.write(reply.model_dump_json(indent=2) + "\n")
        else:
            print_reply(reply, recommender.schema)


def print_reply(reply: Reply, schema: CatalogueSchema) -> None:
    """The reply as plain text: the message, then numbered lines."""
    from convrec.agent.plain import render

    sys.stdout.write(render(reply, schema) + "\n")
    sys.stdout.flush()
