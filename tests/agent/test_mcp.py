"""The MCP server, driven by the SDK's own client: in memory, over stdio, and over HTTP with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import jsonschema
import psutil
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent, TextResourceContents

from convrec.agent.cli import run
from convrec.agent.mcp_config import CLIENTS
from convrec.agent.mcp_http import BODY_BYTES, Tokens
from convrec.agent.mcp_server import create_server
from convrec.agent.recommender import Recommender
from convrec.agent.toolbox import Caller
from tests.conftest import hashing_settings

MODES = ("legacy", "auto")
"""the handshake of 2025 and the self-contained requests of 2026"""
ENVIRONMENT = {**os.environ, "CONVREC_RETRIEVAL__EMBEDDING__PROVIDER": "hashing", "HF_HUB_OFFLINE": "1"}


@asynccontextmanager
async def in_memory(workspace: Path, user: str | None, mode: str = "auto") -> AsyncIterator[Client]:
    server, service = create_server(lambda: Recommender.open(workspace, hashing_settings()), lambda _: user)
    async with Client(server, mode=mode) as client:
        yield client
    service.close()


def content(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


def sentence(result: CallToolResult) -> str:
    assert result.is_error
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


async def drive_every_tool(client: Client) -> None:
    """One call of each tool, each result checked against the schema that the server announced."""
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    first = content(await client.call_tool("recommend", {"message": "a comedy", "count": 3}))
    session = first["trace"]["session"]
    assert len(first["items"]) == 3
    calls: dict[str, dict[str, Any]] = {
        "recommend": {"constraints": [{"field": "genres", "none_of": ["Horror"]}], "count": 2},
        "refine": {"session": session, "message": "older"},
        "similar": {"item": "f1", "count": 2},
        "search": {"query": "alien", "count": 2},
        "item": {"item": "f1"},
        "compare": {"items": ["f1", "f2"]},
        "feedback": {"item": "f1", "kind": "like"},
        "profile": {},
    }
    assert set(calls) == set(tools)
    for name, arguments in calls.items():
        result = await client.call_tool(name, arguments)
        schema = tools[name].output_schema
        assert schema is not None
        jsonschema.validate(content(result), schema)
        assert isinstance(result.content[0], TextContent)
        assert 0 < len(result.content[0].text) < 6000
    profile = content(await client.call_tool("profile", {}))
    assert [f["id"] for f in profile["feedback"]] == ["f1"]


@pytest.mark.parametrize("mode", MODES)
async def test_every_tool_by_either_protocol(film_workspace: Path, mode: str) -> None:
    async with in_memory(film_workspace, "ann", mode) as client:
        await drive_every_tool(client)


async def test_tools_tell_a_model_what_they_are(film_workspace: Path) -> None:
    async with in_memory(film_workspace, "ann") as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    reading = {name for name, tool in tools.items() if tool.annotations and tool.annotations.read_only_hint}
    assert reading == {"similar", "search", "item", "compare", "profile"}
    assert all(tool.annotations and tool.annotations.destructive_hint is False for tool in tools.values())
    for name in ("recommend", "refine", "similar", "search"):
        assert "runtime (number, minutes): 80 to 161" in (tools[name].description or "")
        field = tools[name].input_schema["$defs"]["ConstraintArgument"]["properties"]["field"]
        assert "genres" in field["enum"]
    for tool in tools.values():
        assert "user" not in tool.input_schema.get("properties", {})


async def test_resources_and_prompts(film_workspace: Path) -> None:
    async with in_memory(film_workspace, "u3") as client:
        assert {str(r.uri) for r in (await client.list_resources()).resources} == {
            "convrec://schema",
            "convrec://profile",
        }
        (template,) = (await client.list_resource_templates()).resource_templates
        assert template.uri_template == "item://{id}"
        read = {}
        for uri in ("convrec://schema", "convrec://profile", "item://f1"):
            result = await client.read_resource(uri)
            assert isinstance(result.contents[0], TextResourceContents)
            read[uri] = json.loads(result.contents[0].text)
        assert [a["name"] for a in read["convrec://schema"]["attributes"]][:2] == ["year", "genres"]
        assert read["convrec://profile"]["person"] == "u3"
        assert len(read["convrec://profile"]["history"]) > 5
        assert read["item://f1"]["item"]["title"] == "Alien"
        assert {p.name for p in (await client.list_prompts()).prompts} == {"find", "taste"}
        prompt = await client.get_prompt("find", {"wish": "something with robots"})
        assert isinstance(prompt.messages[0].content, TextContent)
        assert "something with robots" in prompt.messages[0].content.text
        with pytest.raises(MCPError, match="needs the argument 'wish'"):
            await client.get_prompt("find", {})
    async with in_memory(film_workspace, None) as client:
        assert [str(r.uri) for r in (await client.list_resources()).resources] == ["convrec://schema"]
        with pytest.raises(MCPError, match="not known who is asking"):
            await client.read_resource("convrec://profile")


@pytest.mark.parametrize(
    "uri",
    ["item://../../etc/passwd", "item://%2e%2e%2fusers.sqlite", "item://", "file:///etc/passwd", "convrec://profile/bob",
     "convrec://profile?user=bob", "item://f1/../f2", "item://" + "x" * 5000],
)  # fmt: skip
async def test_a_resource_that_is_none_is_refused_with_a_sentence(film_workspace: Path, uri: str) -> None:
    async with in_memory(film_workspace, "ann") as client:
        with pytest.raises(MCPError, match="There is no resource") as caught:
            await client.read_resource(uri)
        assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("recommend", {"user": "bob"}, "no argument 'user'"),
        ("profile", {"person": "bob"}, "no argument 'person'"),
        ("recommend", {"constraints": [{"field": "genres", "any_of": ["Comedi"]}]}, "did you mean 'Comedy'"),
        ("recommend", {"count": "many"}, "'count' of recommend does not fit"),
        ("item", {"item": "../../etc/passwd"}, "No item has the id or title"),
        ("refine", {"session": "../users", "message": "x"}, "no session"),
        ("no_such_tool", {}, "There is no tool"),
    ],
)
async def test_arguments_that_do_not_fit_are_refused_with_a_sentence(
    film_workspace: Path, name: str, arguments: dict[str, Any], expected: str
) -> None:
    async with in_memory(film_workspace, "ann") as client:
        assert expected in sentence(await client.session.call_tool(name, arguments))


@pytest.mark.parametrize("mode", MODES)
async def test_progress_follows_the_turn(film_workspace: Path, mode: str) -> None:
    seen: list[tuple[float, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        assert total == 4
        seen.append((progress, message))

    async with in_memory(film_workspace, "ann", mode) as client:
        content(await client.call_tool("recommend", {"message": "a comedy"}, progress_callback=note))
    assert [done for done, _ in seen] == [1, 2, 3, 4]
    assert "comedy" in str(seen[0][1])


@pytest.mark.parametrize("mode", MODES)
async def test_a_call_that_is_cancelled_ends_and_changes_nothing(
    film_workspace: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, ended = threading.Event(), threading.Event()
    whole = Caller.call

    def slow(self: Caller, name: str, arguments: Any = None, **options: Any) -> Any:
        if name == "refine":
            entered.set()
            options["cancel"].wait(20)
        try:
            return whole(self, name, arguments, **options)
        finally:
            ended.set()

    async with in_memory(film_workspace, "ann", mode) as client:
        first = content(await client.call_tool("recommend", {"message": "a comedy"}))
        session = first["trace"]["session"]
        monkeypatch.setattr(Caller, "call", slow)
        ended.clear()
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "refine", {"session": session, "message": "older"})
            await anyio.to_thread.run_sync(entered.wait)
            group.cancel_scope.cancel()
        assert await anyio.to_thread.run_sync(ended.wait, 10)
        monkeypatch.undo()
        after = content(await client.call_tool("refine", {"session": session, "message": "more"}))
        assert after["trace"]["turn"] == 2
        assert [c["id"] for c in after["request"]["constraints"]] == [c["id"] for c in first["request"]["constraints"]]


async def test_people_of_one_workspace_do_not_meet(film_workspace: Path) -> None:
    async with in_memory(film_workspace, "ann") as ann, in_memory(film_workspace, "bob") as bob:
        session = content(await ann.call_tool("recommend", {"message": "aliens in space"}))["trace"]["session"]
        assert "no session" in sentence(await bob.call_tool("refine", {"session": session, "message": "more"}))
        content(await ann.call_tool("feedback", {"item": "f1", "kind": "never"}))
        told = json.dumps(content(await bob.call_tool("profile", {})))
        assert "Alien" not in told
        assert "aliens" not in told


def test_the_handshake_loads_no_model(film_workspace: Path) -> None:
    """Whatever is heavy comes after the first answers."""
    code = (
        "import sys; from convrec.agent import mcp_http, mcp_server; from convrec.agent.commands import mcp\n"
        "server, service = mcp_server.create_server(lambda: None, lambda _: None)\n"
        "server.create_initialization_options()\n"
        "heavy = {'torch', 'sentence_transformers', 'chromadb', 'polars', 'scipy', 'bm25s', 'langchain', 'openai'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_over_stdio_with_a_real_process(film_workspace: Path) -> None:
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "convrec.agent", "mcp", "--workspace", str(film_workspace), "--user", "ann"],
        env=ENVIRONMENT,
    )
    before = {child.pid for child in psutil.Process().children()}
    started = time.perf_counter()
    async with Client(stdio_client(parameters), mode="legacy") as client:
        elapsed = time.perf_counter() - started
        (server,) = [child for child in psutil.Process().children() if child.pid not in before]
        times = server.cpu_times()
        # Processor time, because the tests share their processors with others; even that grows when both are busy.
        assert times.user + times.system < 3.0, f"{elapsed:.1f} s on the clock"
        assert client.server_info is not None
        assert client.server_info.name == "convrec"
        await drive_every_tool(client)
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_stdio_stops_at_once_when_terminated(film_workspace: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "convrec.agent", "mcp", "--workspace", str(film_workspace)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "0"},
        },
    }
    process.stdin.write(json.dumps(hello).encode() + b"\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "convrec"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (0, b"")
    assert b"Traceback" not in err


class HttpServer:
    """`convrec mcp --http` in its own process."""

    def __init__(self, workspace: Path, *options: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "convrec.agent", "mcp", "--http", "--port", "0", "-w", str(workspace), *options],
            stderr=subprocess.PIPE,
            text=True,
            env={**ENVIRONMENT, **environment},
        )
        assert self.process.stderr is not None
        self.said = []
        for line in self.process.stderr:
            self.said.append(line)
            if "MCP at " in line:
                break
        self.url = self.said[-1].split("MCP at ")[1].strip()

    def stop(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=20)
        return err


@pytest.fixture
def http_server(film_workspace: Path) -> Iterator[HttpServer]:
    server = HttpServer(film_workspace, CONVREC_MCP_TOKEN="everybodys-token")
    yield server
    if server.process.poll() is None:
        server.stop()


@asynccontextmanager
async def over_http(url: str, token: str | None, mode: str = "legacy") -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


@pytest.mark.parametrize("people", [4, pytest.param(32, marks=pytest.mark.slow)])
async def test_over_http_many_people_at_once_do_not_mix(
    http_server: HttpServer, film_workspace: Path, people: int
) -> None:
    tokens = Tokens(film_workspace)
    genres = ["Comedy", "Drama", "Science Fiction", "Thriller"]
    async with over_http(http_server.url, tokens.issue("ann")) as client:
        await drive_every_tool(client)
    sessions: dict[int, str] = {}
    failures: list[str] = []

    async def converse(number: int) -> None:
        genre, item = genres[number % 4], f"f{number % 30 + 1}"
        async with over_http(http_server.url, tokens.issue(f"p{number}"), MODES[number % 2]) as client:
            wanted = {"constraints": [{"field": "genres", "any_of": [genre]}], "count": 3}
            first = content(await client.call_tool("recommend", wanted))
            sessions[number] = first["trace"]["session"]
            content(await client.call_tool("feedback", {"item": item, "kind": "like"}))
            change = {"session": sessions[number], "constraints": [{"field": "year", "minimum": 1950 + number}]}
            second = content(await client.call_tool("refine", change))
            shown = [*first["items"], *second["items"]]
            failures.extend(f"{number}: {item}" for item in shown if genre not in item["fields"]["genres"])
            bounds = [c["filter"].get("minimum") for c in second["request"]["constraints"]]
            profile = content(await client.call_tool("profile", {}))
            if bounds[1:] != [1950 + number] or [f["id"] for f in profile["feedback"]] != [item]:
                failures.append(f"{number}: {bounds} {profile}")
            if profile["person"] != f"p{number}" or profile["conversations"] != 1:
                failures.append(f"{number}: {profile}")

    async with anyio.create_task_group() as group:
        for number in range(people):
            group.start_soon(converse, number)
    assert failures == []
    assert len(set(sessions.values())) == people
    async with over_http(http_server.url, tokens.issue("p1")) as client:
        refused = await client.call_tool("refine", {"session": sessions[2], "message": "more"})
        assert "no session" in sentence(refused)
    assert "Traceback" not in http_server.stop()
    assert http_server.process.returncode == 0


HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}},
}
JSON = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


async def test_over_http_whoever_should_not_is_kept_out(http_server: HttpServer, film_workspace: Path) -> None:
    ann = Tokens(film_workspace).issue("ann")
    forged = f"{Tokens(film_workspace).issue('bob').partition('.')[0]}.{ann.partition('.')[2]}"
    table: list[tuple[str, dict[str, str], int, str]] = [
        ("no token on loopback", {}, 200, "convrec"),
        ("the shared token", {"Authorization": "Bearer everybodys-token"}, 200, "convrec"),
        ("one's own token", {"Authorization": f"Bearer {ann}"}, 200, "convrec"),
        ("a wrong token", {"Authorization": "Bearer nonsense"}, 401, "is not valid"),
        ("somebody else's signature", {"Authorization": f"Bearer {forged}"}, 401, "is not valid"),
        ("another scheme", {"Authorization": "Basic YTpi"}, 401, "is not valid"),
        ("another Host", {"Host": "evil.example"}, 421, "not called by that Host"),
        ("a Host that begins alike", {"Host": "127.0.0.1.evil.example:80"}, 421, "not called by that Host"),
        ("a web page's Origin", {"Origin": "https://evil.example"}, 403, "may not call this server"),
        ("an Origin that begins alike", {"Origin": "http://localhost.evil.example:80"}, 403, "may not call"),
    ]
    async with httpx2.AsyncClient(timeout=30) as http:
        for what, headers, status, expected in table:
            answer = await http.post(http_server.url, json=HELLO, headers={**JSON, **headers})
            assert (answer.status_code, what) == (status, what)
            assert expected in answer.text
        large = await http.post(http_server.url, content=b"x" * (BODY_BYTES + 1), headers=JSON)
        assert (large.status_code, "send less" in large.text) == (413, True)

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(2 * BODY_BYTES // 65536):
                yield b"x" * 65536

        assert (await http.post(http_server.url, content=endless(), headers=JSON)).status_code == 413
        own = await http.post(http_server.url, json=HELLO, headers={**JSON, "Authorization": f"Bearer {ann}"})
        session = {**JSON, "Mcp-Session-Id": own.headers["mcp-session-id"]}
        listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        for other in ({}, {"Authorization": "Bearer everybodys-token"}):
            stolen = await http.post(http_server.url, json=listing, headers={**session, **other})
            assert stolen.status_code == 404


async def test_beyond_loopback_every_client_needs_a_token(film_workspace: Path) -> None:
    assert run(["mcp", "--http", "--host", "0.0.0.0", "--workspace", str(film_workspace)]) == 2
    server = HttpServer(film_workspace, "--host", "0.0.0.0", "--allow-host", "127.0.0.1")
    try:
        assert any("needs a bearer token" in line for line in server.said)
        url = server.url.replace("0.0.0.0", "127.0.0.1")
        async with httpx2.AsyncClient(timeout=30) as http:
            assert (await http.post(url, json=HELLO, headers=JSON)).status_code == 401
            token = Tokens(film_workspace).issue("ann")
            headers = {**JSON, "Authorization": f"Bearer {token}"}
            assert (await http.post(url, json=HELLO, headers=headers)).status_code == 200
            assert (await http.post(url, json=HELLO, headers={**headers, "Host": "evil.example"})).status_code == 421
    finally:
        server.stop()


def test_a_token_speaks_for_its_person_only(film_workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mcp", "--token-for", "Zoë Ünal", "--workspace", str(film_workspace)]) == 0
    printed = capsys.readouterr().out.strip()
    tokens = Tokens(film_workspace, shared="shared", shared_person="kiosk")
    assert tokens.person(printed) == (True, "Zoë Ünal")
    assert tokens.person("shared") == (True, "kiosk")
    for bad in ("", ".", "shared ", printed[:-1], printed.upper(), "Ö.ä", f".{printed.partition('.')[2]}"):
        assert tokens.person(bad) == (False, None)


def test_without_a_catalogue_the_server_does_not_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options in ([], ["--http"], ["--token-for", "ann"]):
        assert run(["mcp", "--workspace", str(tmp_path / "empty"), *options]) == 2
        assert "convrec build" in capsys.readouterr().err


def test_a_port_that_is_taken_is_said_in_a_sentence(film_workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = HttpServer(film_workspace)
    try:
        port = server.url.rsplit(":", 1)[1].split("/")[0]
        assert run(["mcp", "--http", "--port", port, "--workspace", str(film_workspace)]) == 2
        assert "choose another --port" in capsys.readouterr().err
    finally:
        server.stop()


@pytest.mark.parametrize("client", CLIENTS)
def test_configurations_are_ready_to_paste(
    client: str, film_workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["mcp", "--print-config", client, "--user", "ann", "--workspace", str(film_workspace)]
    assert run(arguments) == 0
    printed = capsys.readouterr()
    assert "goes into" in printed.err
    assert str(film_workspace) in printed.out
    if client in ("claude-desktop", "cursor", "vscode"):
        (servers,) = json.loads(printed.out).values()
        server = servers["convrec"]
        assert Path(server["command"]).is_file()
        assert server["args"][-2:] == ["--user", "ann"]
    elif client == "openai-agents":
        compile(printed.out, "snippet", "exec")
    else:
        assert printed.out.startswith("claude mcp add --transport stdio convrec -- ")
    assert run(["mcp", "--print-config", "netscape"]) == 2
