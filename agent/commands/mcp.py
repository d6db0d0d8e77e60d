"""`convrec mcp`: the MCP server, over standard input and output or HTTP."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convrec.agent.commands.options import UserOption, WorkspaceOption
from convrec.agent.mcp_config import CLIENTS

if TYPE_CHECKING:
    from convrec.agent.recommender import Recommender
    from convrec.agent.settings import Settings

TOKEN_VARIABLE = "CONVREC_MCP_TOKEN"  # noqa: S105


def mcp(
    user: UserOption = None,
    http: Annotated[bool, typer.Option("--http", help="Serve streamable HTTP instead of stdio.")] = False,
    host: Annotated[str, typer.Option("--host", help="Address; beyond loopback every client needs a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8765,
    allow_host: Annotated[list[str] | None, typer.Option("--allow-host", help="Further Host name.")] = None,
    allow_origin: Annotated[list[str] | None, typer.Option("--allow-origin", help="Web Origin that may call.")] = None,
    token_for: Annotated[
        str | None, typer.Option("--token-for", metavar="NAME", help="Print the bearer token of a person, and stop.")
    ] = None,
    print_config: Annotated[
        str | None,
        typer.Option("--print-config", metavar="CLIENT", help=f"Print what to paste into {', '.join(CLIENTS)}."),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Serve the recommender to any MCP client: one person over stdio, or many over HTTP by their tokens.

    Over HTTP a client speaks for the person of its bearer token and nobody else. CONVREC_MCP_TOKEN is a token that
    everybody may share; it speaks for --user, or for nobody in particular.

    Example: convrec mcp --user ann
    Example: convrec mcp --print-config claude-desktop --user ann
    """
    from convrec.agent.settings import load_settings
    from convrec.retrieval.workspace import default_workspace

    settings = load_settings(workspace=workspace)
    place = settings.workspace or default_workspace()
    if print_config is not None:
        where, text = _config(print_config, place, user)
        typer.echo(f"# goes into {where}", err=True)
        typer.echo(text)
        return
    if token_for is not None:
        from convrec.agent.mcp_http import Tokens

        typer.echo(Tokens(_built(place)).issue(token_for))
        return
    if http:
        _serve_http(_built(place), settings, user, host, port, (allow_host or [], allow_origin or []))
    else:
        _serve_stdio(_built(place), settings, user)


def _config(client: str, place: Path, user: str | None) -> tuple[str, str]:
    from convrec.agent.errors import SettingsError
    from convrec.agent.mcp_config import client_config

    for known in CLIENTS:
        if client == known:
            return client_config(known, place, user)  # type: ignore[arg-type]
    raise SettingsError(f"There is no configuration for {client!r}; known clients are: {', '.join(CLIENTS)}.")


def _built(place: Path) -> Path:
    """The workspace, which must be there before anybody is let in."""
    from convrec.retrieval.workspace import Workspace

    Workspace(place).open_current()
    return place


def _serve_stdio(place: Path, settings: Settings, user: str | None) -> None:
    import signal

    import anyio

    from convrec.agent.mcp_server import create_server

    server, service = create_server(lambda: _opened(place, settings), lambda _: user)

    async def serve() -> None:
        from mcp.server.stdio import stdio_server

        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    def stop(*_: object) -> None:
        # A read of standard input cannot be interrupted; what is stored was committed turn by turn.
        service.close()
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        anyio.run(serve)
    finally:
        service.close()


def _serve_http(
    place: Path, settings: Settings, user: str | None, host: str, port: int, allowed: tuple[list[str], list[str]]
) -> None:
    from convrec.agent.mcp_http import Tokens, access_for, application, person_of_request, serve
    from convrec.agent.mcp_server import create_server

    tokens = Tokens(place, os.environ.get(TOKEN_VARIABLE) or None, user)
    access = access_for(host, tokens, user, *allowed)
    server, service = create_server(lambda: _opened(place, settings), person_of_request)
    if access.required:
        print(
            f"convrec: every client needs a bearer token: {TOKEN_VARIABLE}, or one of `convrec mcp --token-for NAME`",
            file=sys.stderr,
        )
    try:
        serve(application(server, access), host, port)
    finally:
        service.close()


def _opened(place: Path, settings: Settings) -> Recommender:
    from convrec.agent.recommender import Recommender

    return Recommender.open(place, settings)
