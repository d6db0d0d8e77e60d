"""The MCP server over HTTP: who may call, as whom, and how it stops."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convrec.agent.errors import SettingsError
from convrec.agent.identity import LocalKey

if TYPE_CHECKING:
    from mcp.server import ServerRequestContext
    from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/mcp"
BODY_BYTES = 1 << 20
"""larger requests are refused"""
STOP_S = 5
"""how long open requests may take to end when the server stops"""
KEY_FILE = "mcp.key"
"""signs the tokens of people; deleting it makes all of them void"""


class Tokens:
    """Bearer tokens: one that everybody may share, and one for each person that nobody else can make.

    A person's token is their name with an HMAC over it by a key of the workspace, so nothing needs to be stored.
    """

    def __init__(self, workspace: Path, shared: str | None = None, shared_person: str | None = None) -> None:
        self._key = LocalKey.of(workspace, KEY_FILE)
        self._shared = shared
        self._shared_person = shared_person

    def issue(self, person: str) -> str:
        """The token of a person."""
        name = base64.urlsafe_b64encode(person.encode()).decode().rstrip("=")
        return f"{name}.{self._key.digest('mcp', person)}"

    def person(self, token: str) -> tuple[bool, str | None]:
        """(whether a token is good, whose it is)."""
        if self._shared is not None and hmac.compare_digest(token.encode(), self._shared.encode()):
            return True, self._shared_person
        name, _, signature = token.partition(".")
        try:
            person = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
        except (binascii.Error, ValueError):
            return False, None
        good = hmac.compare_digest(signature.encode(), self._key.digest("mcp", person).encode())
        return (True, person) if good and person else (False, None)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call. Names of `hosts` and `origins` may end in ':*' for any port."""

    tokens: Tokens
    required: bool
    """whether a request without a token is refused"""
    default_person: str | None
    """who a request without a token speaks for"""
    hosts: tuple[str, ...]
    origins: tuple[str, ...]


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def access_for(
    host: str,
    tokens: Tokens,
    person: str | None,
    allowed_hosts: Sequence[str] = (),
    allowed_origins: Sequence[str] = (),
) -> Access:
    """The rules for listening on `host`: beyond loopback every request needs a token, and hosts must be named.

    Raises:
        SettingsError: the server would listen on every address without knowing under which names it is called.
    """
    hosts = ["127.0.0.1:*", "localhost:*", "[::1]:*", *(form for name in allowed_hosts for form in (name, f"{name}:*"))]
    origins = ["http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*", *allowed_origins]
    if not is_loopback(host):
        if host in ("0.0.0.0", "::") and not allowed_hosts:  # noqa: S104
            raise SettingsError(f"Listening on {host} needs --allow-host NAME: the name that clients call it by.")
        hosts += [host, f"{host}:*"]
    return Access(tokens, not is_loopback(host), person, tuple(hosts), tuple(origins))


class Gate:
    """ASGI: lets a request through with its person attached, or refuses it with a sentence."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        from starlette.responses import JSONResponse

        refusal = self._refusal(scope)
        if refusal is not None:
            status, sentence = refusal
            headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
            await JSONResponse({"error": sentence}, status, headers)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        from starlette.datastructures import Headers

        headers = Headers(scope=scope)
        if not _named(headers.get("host", ""), self._access.hosts):
            return 421, "This server is not called by that Host; allow it with --allow-host."
        origin = headers.get("origin")
        if origin is not None and not _named(origin, self._access.origins):
            return 403, "Web pages of that Origin may not call this server; allow it with --allow-origin."
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > BODY_BYTES:
            return 413, f"The request is larger than {BODY_BYTES:,} bytes; send less."
        return self._authenticate(headers.get("authorization"), scope)

    def _authenticate(self, header: str | None, scope: Scope) -> tuple[int, str] | None:
        from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
        from mcp.server.auth.provider import AccessToken

        if header is None:
            if self._access.required:
                return 401, "A bearer token is needed; `convrec mcp --token-for NAME` makes one."
            scope["convrec.person"] = self._access.default_person
            return None
        kind, _, token = header.partition(" ")
        good, person = self._access.tokens.person(token.strip()) if kind.casefold() == "bearer" else (False, None)
        if not good:
            return 401, "This bearer token is not valid; `convrec mcp --token-for NAME` makes one."
        scope["convrec.person"] = person
        # The session manager lets only the principal that opened a session use it.
        client = "shared" if person is None else f"person:{person}"
        scope["user"] = AuthenticatedUser(AccessToken(token="", client_id=client, scopes=[], subject=person))
        return None


def person_of_request(context: ServerRequestContext[Any, Any]) -> str | None:
    """The person that the gate attached to an HTTP request."""
    person = context.request.scope.get("convrec.person") if context.request is not None else None
    return person if isinstance(person, str) else None


def _named(value: str, allowed: Sequence[str]) -> bool:
    for name in allowed:
        if value == name:
            return True
        if name.endswith(":*"):
            start, _, port = value.rpartition(":")
            if start == name[:-2] and port.isdigit():
                return True
    return False


def application(server: Any, access: Access) -> ASGIApp:
    """The server as an ASGI application behind its gate."""
    from mcp.server.transport_security import TransportSecuritySettings

    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True, allowed_hosts=list(access.hosts), allowed_origins=list(access.origins)
    )
    return Gate(
        server.streamable_http_app(
            streamable_http_path=PATH, max_request_body_size=BODY_BYTES, transport_security=security
        ),
        access,
    )


def serve(app: ASGIApp, host: str, port: int) -> None:
    """Serve until interrupted or terminated; open requests get some seconds to end.

    Raises:
        SettingsError: the address is taken, or is not this machine's.
    """
    import uvicorn

    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host.strip("[]"), port), family=family)
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {host}:{port} ({error.strerror or error}); choose another --port or --host."
        ) from error
    with listener:
        shown = f"[{host}]" if ":" in host and not host.startswith("[") else host
        print(f"convrec: MCP at http://{shown}:{listener.getsockname()[1]}{PATH}", file=sys.stderr, flush=True)
        config = uvicorn.Config(
            app, log_level="warning", timeout_graceful_shutdown=STOP_S, server_header=False, lifespan="on"
        )
        # uvicorn stops in good order and then raises the signal once more; being terminated is no failure.
        signal.signal(signal.SIGTERM, lambda *_: None)
        uvicorn.Server(config).run(sockets=[listener])
