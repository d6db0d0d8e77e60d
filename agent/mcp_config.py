"""Ready-to-paste configurations of the clients that people use."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import Literal, get_args

Client = Literal["claude-desktop", "claude-code", "cursor", "vscode", "openai-agents"]
CLIENTS: tuple[str, ...] = get_args(Client)


def command_line(workspace: Path, user: str | None) -> tuple[str, list[str]]:
    """The command that starts the server for one person, with whole paths: clients start it from anywhere."""
    found = shutil.which("convrec", path=str(Path(sys.executable).parent)) or shutil.which("convrec")
    command, first = (found, ["mcp"]) if found else (sys.executable, ["-m", "convrec.agent", "mcp"])
    person = ["--user", user] if user else []
    return command, [*first, "--workspace", str(workspace.expanduser().resolve()), *person]


def client_config(client: Client, workspace: Path, user: str | None) -> tuple[str, str]:
    """(where it goes, what to paste)."""
    command, arguments = command_line(workspace, user)
    server: dict[str, object] = {"command": command, "args": arguments}
    if client == "claude-desktop":
        return "claude_desktop_config.json (Settings, Developer, Edit Config)", _servers(server)
    if client == "cursor":
        return "~/.cursor/mcp.json, or .cursor/mcp.json of a project", _servers(server)
    if client == "vscode":
        text = json.dumps({"servers": {"convrec": {"type": "stdio", **server}}}, indent=2)
        return ".vscode/mcp.json of a project, or `MCP: Open User Configuration`", text
    if client == "claude-code":
        line = shlex.join(["claude", "mcp", "add", "--transport", "stdio", "convrec", "--", command, *arguments])
        return "a terminal, once", line
    return "your agent's Python file", _OPENAI_AGENTS.format(command=command, arguments=arguments)


def _servers(server: dict[str, object]) -> str:
    return json.dumps({"mcpServers": {"convrec": server}}, indent=2)


_OPENAI_AGENTS = """# pip install openai-agents
from agents import Agent, Runner
from agents.mcp import MCPServerStdio


async def main() -> None:
    params = {{"command": {command!r}, "args": {arguments!r}}}
    async with MCPServerStdio(name="convrec", params=params) as convrec:
        agent = Agent(name="Planner", instructions="Recommend with the tools of convrec.", mcp_servers=[convrec])
        print((await Runner.run(agent, "Something funny for tonight?")).final_output)
"""
