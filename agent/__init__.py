"""Conversation over a recommender: in Python, on the command line, and as a plugin of other agents."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convrec.agent.conversation import Conversation
    from convrec.agent.integrations import RecommenderRetriever, RecommenderTool, langchain_tools
    from convrec.agent.openai_functions import call_openai_tool, openai_tools
    from convrec.agent.recommender import Recommender
    from convrec.agent.settings import Settings, load_settings
    from convrec.agent.toolbox import ToolBox

_HOMES = {
    "Conversation": "conversation",
    "Recommender": "recommender",
    "RecommenderRetriever": "integrations",
    "RecommenderTool": "integrations",
    "Settings": "settings",
    "ToolBox": "toolbox",
    "call_openai_tool": "openai_functions",
    "langchain_tools": "integrations",
    "load_settings": "settings",
    "openai_tools": "openai_functions",
}

__all__ = [
    "Conversation",
    "Recommender",
    "RecommenderRetriever",
    "RecommenderTool",
    "Settings",
    "ToolBox",
    "call_openai_tool",
    "langchain_tools",
    "load_settings",
    "openai_tools",
]


def __getattr__(name: str) -> Any:
    # Importing the package must stay cheap: the command line imports it for every command.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
