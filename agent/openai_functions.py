"""The tools for OpenAI's Chat Completions and Responses, or any endpoint that speaks like them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from convrec.agent.recommender import Recommender
from convrec.agent.tool_schemas import strict_arguments_schema
from convrec.agent.toolbox import shared_toolbox
from convrec.agent.tools import TOOLS
from convrec.retrieval.errors import ConvrecError

DESCRIPTION_LENGTH = 1024
"""characters that a function's description may have"""


def openai_tools(
    workspace: Path | str | Recommender | None = None, *, api: Literal["chat", "responses"] = "chat"
) -> list[dict[str, Any]]:
    """The tools as entries of `tools=[…]`, with strict schemas for this catalogue.

    Args:
        workspace: a folder, an open recommender, or None for the default workspace.
        api: 'chat' for Chat Completions, 'responses' for Responses.

    Raises:
        WorkspaceError: nothing was built there.
    """
    schema = shared_toolbox(workspace).recommender.schema
    entries = []
    for tool in TOOLS:
        about = f"{tool.description} The catalogue {schema.name!r} holds {schema.count:,} {schema.plural}."
        function = {
            "name": tool.name,
            "description": about[:DESCRIPTION_LENGTH],
            "parameters": strict_arguments_schema(tool, schema),
            "strict": True,
        }
        entries.append(
            {"type": "function", **function} if api == "responses" else {"type": "function", "function": function}
        )
    return entries


def call_openai_tool(
    name: str,
    arguments: str | Mapping[str, Any],
    *,
    workspace: Path | str | Recommender | None = None,
    user: str | None = None,
) -> str:
    """Call a tool with the arguments that a model gave; the result as JSON text for the model.

    A mistake of the model's comes back as `{"error": "what is wrong and what is allowed"}`, for it to put right.

    Args:
        arguments: JSON text, as in `tool_call.function.arguments` or `item.arguments`, or an object.
        user: the person whom the answer is for; None for nobody in particular.
    """
    try:
        result = shared_toolbox(workspace).caller(user).call(name, arguments)
    except ConvrecError as error:
        return json.dumps({"error": str(error)}, ensure_ascii=False)
    return result.model_dump_json()
