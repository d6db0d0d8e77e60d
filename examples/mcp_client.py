"""Talk to convrec over MCP: the server runs as a subprocess, as it does for desktop clients.

python examples/mcp_client.py --workspace FOLDER --user ann "a comedy, not too long"
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from typing import Any

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client


async def converse(wish: str, workspace: str | None, user: str) -> None:
    """Ask, refine in the same session, look at the best one, and say that it is liked."""
    options = ["--workspace", workspace] if workspace else []
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "convrec.agent", "mcp", "--user", user, *options], env=dict(os.environ)
    )

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        print(f"  [{progress:.0f}/{total:.0f}] {message}", file=sys.stderr)

    async with Client(stdio_client(server)) as client:
        print("Tools:", ", ".join(tool.name for tool in (await client.list_tools()).tools))

        async def call(name: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(name, arguments, progress_callback=progress)
            if result.is_error or not isinstance(result.structured_content, dict):
                raise SystemExit(f"{name}: {result.content}")
            return result.structured_content

        first = await call("recommend", message=wish, count=3)
        show("First", first)
        session = first["trace"]["session"]
        second = await call("refine", session=session, message="something else")
        show("Then", second)
        best = (second["items"] or first["items"])[0]
        print((await call("item", item=best["id"]))["message"])
        print((await call("feedback", item=best["id"], kind="like", session=session))["message"])
        print((await call("profile"))["message"])


def show(label: str, reply: dict[str, Any]) -> None:
    """The answer with a reason for each entry."""
    print(f"\n{label}: {reply['message']}")
    for item in reply["items"]:
        reason = item["reasons"][0]["text"] if item["reasons"] else ""
        print(f"  {item['rank']}. {item['title']}: {reason}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A conversation with convrec over MCP.")
    parser.add_argument("wish", nargs="?", default="a comedy")
    parser.add_argument("--workspace", help="folder that `convrec build` or `convrec demo` made")
    parser.add_argument("--user", default="me", help="who is asking")
    given = parser.parse_args(arguments)
    asyncio.run(converse(given.wish, given.workspace, given.user))


if __name__ == "__main__":
    main()
