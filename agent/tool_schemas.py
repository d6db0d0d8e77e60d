"""JSON schemas of the tools' arguments for one catalogue, plain and in the strict form of OpenAI."""

from __future__ import annotations

from typing import Any

from convrec.agent.tools import Tool, catalogue_summary
from convrec.retrieval.schema import CatalogueSchema

_NOT_STRICT = ("default", "title", "minLength", "maxLength")
"""keywords that strict schemas do not know"""


def arguments_schema(tool: Tool, schema: CatalogueSchema) -> dict[str, Any]:
    """The schema of a tool's arguments, with the names of this catalogue's attributes."""
    result = tool.arguments.model_json_schema()
    constraint = result.get("$defs", {}).get("ConstraintArgument")
    names = [attribute.name for attribute in schema.attributes if attribute.filterable]
    if constraint is not None and names:
        constraint["properties"]["field"]["enum"] = names
    return result


def strict_arguments_schema(tool: Tool, schema: CatalogueSchema) -> dict[str, Any]:
    """The same for strict function calling: every argument is named, and null where it is left out.

    The attributes of the catalogue stand with the argument `constraints`, because descriptions of functions are short.
    """
    result = arguments_schema(tool, schema)
    if tool.about_catalogue:
        own = result["properties"]["constraints"]
        own["description"] = f"{own['description']} {catalogue_summary(schema)}"
    return strict(result)


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema in the strict form: every property required, nothing else allowed."""
    return dict(_strict(schema))


def _strict(node: Any, *, named: bool = False) -> Any:
    """`named`: the keys of this object are names, not keywords."""
    if isinstance(node, list):
        return [_strict(part) for part in node]
    if not isinstance(node, dict):
        return node
    if named:
        return {name: _strict(part) for name, part in node.items()}
    if "$ref" in node:
        return {"$ref": node["$ref"]}
    result = {
        key: _strict(part, named=key in ("properties", "$defs")) for key, part in node.items() if key not in _NOT_STRICT
    }
    if result.get("type") == "object":
        result["required"] = list(result.get("properties", {}))
        result["additionalProperties"] = False
    return result
