"""`convrec chat`: the conversation in the terminal, in the browser, or line by line."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Annotated

import typer

from convrec.agent.commands.options import UserOption, WorkspaceOption


def chat(
    user: UserOption = None,
    workspace: WorkspaceOption = None,
    session: Annotated[
        str | None, typer.Option("--session", "-s", help="Go on with this conversation.", show_default=False)
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Line by line, for pipes and screen readers; so it is without a terminal.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Line by line, each answer as one line of JSON.")] = False,
    web: Annotated[bool, typer.Option("--web", help="Serve the same app to browsers on this machine.")] = False,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of --web.")] = 8000,
    theme: Annotated[str, typer.Option("--theme", help="Colours: convrec-dark, convrec-light or any of Textual's.")] = (
        "convrec-dark"
    ),
) -> int:
    """Talk about what you would like, and see the list that it leads to.

    Example: convrec chat --user ann
    """
    place = str(workspace) if workspace is not None else None
    if web:
        return _serve(_arguments(place, user, session, theme), port)
    in_browser = "TEXTUAL_DRIVER" in os.environ
    if plain or as_json or not (in_browser or (sys.stdin.isatty() and sys.stdout.isatty())):
        from convrec.tui.plain import converse

        return converse(place, user, session, as_json=as_json)
    return _open_app(place, user, session, theme, quiet=in_browser)


def _open_app(place: str | None, user: str | None, session: str | None, theme: str, *, quiet: bool) -> int:
    from convrec.tui.app import ConvrecApp
    from convrec.tui.backend import WorkerBackend

    app = ConvrecApp(WorkerBackend(), workspace=place, user=user, session=session, theme=theme)
    app.run()
    if (resume := app.resume_command()) is not None and not quiet:
        print(f"Go on with this conversation: {resume}")
    return app.return_code or 0


def _arguments(place: str | None, user: str | None, session: str | None, theme: str) -> list[str]:
    words = [sys.executable, "-m", "convrec.agent", "chat", "--theme", theme]
    for flag, value in (("--workspace", place), ("--user", user), ("--session", session)):
        if value is not None:
            words += [flag, value]
    return words


def _serve(words: list[str], port: int) -> int:
    from textual_serve.server import Server

    print(f"convrec is at http://localhost:{port} for browsers on this machine; Ctrl+C ends it.", flush=True)
    Server(shlex.join(words), host="localhost", port=port, title="convrec").serve()
    return 0
