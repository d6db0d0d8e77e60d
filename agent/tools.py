"""The tools that any agent can call: their names, descriptions and arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from convrec.agent.errors import ToolError
from convrec.agent.tool_types import (
    Arguments,
    CompareArguments,
    CompareResult,
    FeedbackArguments,
    FeedbackResult,
    ItemArguments,
    ItemResult,
    ProfileArguments,
    ProfileResult,
    RecommendArguments,
    RefineArguments,
    SearchArguments,
    SearchResult,
    SimilarArguments,
)
from convrec.agent.types import Reply

if TYPE_CHECKING:
    from convrec.retrieval.schema import CatalogueSchema


@dataclass(frozen=True)
class Tool:
    """What a caller must know of a tool. `writes`: it changes what is stored."""

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    result: type[BaseModel]
    writes: bool = False
    about_catalogue: bool = False
    """whether the description goes on with the attributes of the catalogue"""


TOOLS: tuple[Tool, ...] = (
    Tool(
        "recommend",
        "Recommend",
        "Recommend items to the person. Give what they said as `message`, or fill `constraints`, `like` and the rest "
        "yourself, or both. Every condition holds for every item shown; where nothing fits, the smallest loosening is "
        "applied and stated in `relaxed`. Each item comes with reasons and the evidence for them; tell the person only "
        "what stands there. Go on with `refine` and the `trace.session` of the answer. If `clarify` is set, ask the "
        "person that question.",
        RecommendArguments,
        Reply,
        writes=True,
        about_catalogue=True,
    ),
    Tool(
        "refine",
        "Refine in a session",
        "Change an earlier answer in its conversation: another message ('shorter', 'not the second', 'more', 'why?'), "
        "further conditions, or conditions taken back. Everything else that was asked for still holds.",
        RefineArguments,
        Reply,
        writes=True,
        about_catalogue=True,
    ),
    Tool(
        "similar",
        "Similar items",
        "Items like a given one, for this person, with reasons.",
        SimilarArguments,
        Reply,
        about_catalogue=True,
    ),
    Tool(
        "search",
        "Search the catalogue",
        "Look items up by title or by words, with conditions. Nobody's taste plays a part. Use it to find ids.",
        SearchArguments,
        SearchResult,
        about_catalogue=True,
    ),
    Tool("item", "One item", "The whole record of one item.", ItemArguments, ItemResult),
    Tool("compare", "Compare items", "Two to four items side by side.", CompareArguments, CompareResult),
    Tool(
        "feedback",
        "Feedback",
        "Remember, or take back, what the person thinks of an item. Call it only for what they really said.",
        FeedbackArguments,
        FeedbackResult,
        writes=True,
    ),
    Tool(
        "profile",
        "Profile",
        "What is known of the person: feedback, lasting wishes, history. There is no way to ask about anybody else.",
        ProfileArguments,
        ProfileResult,
    ),
)
_BY_NAME = {tool.name: tool for tool in TOOLS}


def tool_named(name: str) -> Tool:
    """The tool of that name.

    Raises:
        ToolError: there is none.
    """
    tool = _BY_NAME.get(name)
    if tool is None:
        raise ToolError(f"There is no tool {name[:60]!r}; there are: {', '.join(_BY_NAME)}.")
    return tool


def describe(tool: Tool, schema: CatalogueSchema) -> str:
    """The description of a tool for a model that sees nothing else, with the attributes of this catalogue."""
    text = f"{tool.description} The catalogue {schema.name!r} holds {schema.count:,} {schema.plural}."
    return f"{text}\n\n{catalogue_summary(schema)}" if tool.about_catalogue else text


def catalogue_summary(schema: CatalogueSchema) -> str:
    """Attributes with their kinds, ranges and commonest values, a line each."""
    from convrec.agent.tool_request import attribute_summary

    lines = [attribute_summary(attribute) for attribute in schema.attributes]
    return "\n".join([f"Attributes of each {schema.noun} for `constraints`:", *lines])


def parse_arguments(tool: Tool, arguments: Mapping[str, Any] | str | None) -> Any:
    """Checked arguments of a tool, from JSON text or an object.

    Raises:
        ToolError: they do not fit; the sentence names the first argument that is wrong and what is allowed.
    """
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except ValueError as error:
            raise ToolError(f"The arguments of {tool.name} are not JSON ({error}); send one object.") from error
    if not isinstance(arguments, Mapping | None):
        raise ToolError(f"The arguments of {tool.name} are not an object; send {{name: value}}.")
    try:
        return tool.arguments.model_validate(dict(arguments or {}))
    except ValidationError as error:
        raise ToolError(argument_fault(tool, error)) from error


def argument_fault(tool: Tool, error: ValidationError) -> str:
    """The first fault of a tool's arguments, in a sentence."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = ", ".join(tool.arguments.model_fields)
        return f"{tool.name} has no argument {place[:80]!r}; it has: {known}."
    if first["type"] == "missing":
        return f"{tool.name} needs the argument {place!r}."
    return f"The argument {place!r} of {tool.name} does not fit: {first['msg'][:200]}."


def tool_text(result: BaseModel, schema: CatalogueSchema) -> str:
    """A short text of a result, for callers that show no structured content."""
    from convrec.agent.plain import render

    if not isinstance(result, Reply):
        message = str(getattr(result, "message", ""))
        if not isinstance(result, SearchResult):
            return message
        return "\n".join([message, *(f"{item.title} (id {item.id})" for item in result.items)])
    text = render(result, schema)
    ids = ", ".join(f"{item.rank}: {item.id}" for item in result.items)
    parts = [text, f"Ids: {ids}" if ids else "", f"Session: {result.trace.session}" if result.trace.session else ""]
    return "\n\n".join(part for part in parts if part)
