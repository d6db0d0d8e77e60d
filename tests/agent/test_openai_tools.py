"""The tools in OpenAI's forms: schemas that strict mode accepts, and calls that always answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import openai
import pytest

from convrec.agent import Recommender, call_openai_tool, openai_tools
from convrec.agent.openai_functions import DESCRIPTION_LENGTH
from convrec.agent.tools import TOOLS
from tests.conftest import hashing_settings


@pytest.fixture
def recommender(film_workspace: Path) -> Iterator[Recommender]:
    with Recommender.open(film_workspace, hashing_settings()) as opened:
        yield opened


KEYWORDS = {
    "type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const", "description", "$defs",
    "$ref", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems",
}  # fmt: skip
"""what OpenAI's documentation allows in a strict schema"""


def check_strict(node: Any, place: str) -> None:
    assert isinstance(node, dict), place
    assert set(node) <= KEYWORDS, (place, set(node) - KEYWORDS)
    if "$ref" in node:
        assert set(node) == {"$ref"}, place
    if node.get("type") == "object":
        assert node["additionalProperties"] is False, place
        assert node["required"] == list(node["properties"]), place
    for group in ("properties", "$defs"):
        for name, part in node.get(group, {}).items():
            check_strict(part, f"{place}.{name}")
    for part in node.get("anyOf", []):
        check_strict(part, f"{place}|")
    if "items" in node:
        check_strict(node["items"], f"{place}[]")


def test_schemas_are_strict_and_know_the_catalogue(recommender: Recommender) -> None:
    chat = openai_tools(recommender)
    responses = openai_tools(recommender, api="responses")
    assert [entry["function"] for entry in chat] == [
        {key: value for key, value in entry.items() if key != "type"} for entry in responses
    ]
    assert {entry["name"] for entry in responses} == {tool.name for tool in TOOLS}
    for entry in responses:
        assert (entry["type"], entry["strict"]) == ("function", True)
        assert len(entry["description"]) <= DESCRIPTION_LENGTH
        assert entry["parameters"]["type"] == "object"
        assert "anyOf" not in entry["parameters"]
        check_strict(entry["parameters"], entry["name"])
        jsonschema.Draft202012Validator.check_schema(entry["parameters"])
    recommend = next(entry["parameters"] for entry in responses if entry["name"] == "recommend")
    assert "genres" in recommend["$defs"]["ConstraintArgument"]["properties"]["field"]["enum"]
    assert "1952 to 2013" in recommend["properties"]["constraints"]["description"]


def test_arguments_of_strict_mode_are_understood(recommender: Recommender) -> None:
    schema = next(e["parameters"] for e in openai_tools(recommender, api="responses") if e["name"] == "recommend")
    constraint = dict.fromkeys(schema["$defs"]["ConstraintArgument"]["properties"])
    arguments = dict.fromkeys(schema["properties"])
    arguments |= {"count": 3, "constraints": [{**constraint, "field": "genres", "any_of": ["Comedy"]}]}
    jsonschema.validate(arguments, schema)
    answer = json.loads(call_openai_tool("recommend", json.dumps(arguments), workspace=recommender, user="ann"))
    assert len(answer["items"]) == 3
    assert all("Comedy" in item["fields"]["genres"] for item in answer["items"])
    again = {"session": answer["trace"]["session"], "message": "older"}
    assert json.loads(call_openai_tool("refine", again, workspace=recommender, user="ann"))["trace"]["turn"] == 2
    assert "no session" in json.loads(call_openai_tool("refine", again, workspace=recommender, user="bob"))["error"]


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("recommend", "{", "are not JSON"),
        ("recommend", '{"constraints": [{"field": "genre", "any_of": ["Comedy"]}]}', "did you mean 'genres'"),
        ("profile", "{}", "not known who"),
        ("delete_everything", "{}", "There is no tool"),
    ],
)
def test_a_models_mistake_comes_back_as_a_sentence(
    recommender: Recommender, name: str, arguments: str, expected: str
) -> None:
    assert expected in json.loads(call_openai_tool(name, arguments, workspace=recommender))["error"]


def test_a_round_through_the_openai_client(recommender: Recommender) -> None:
    """The SDK sends the tools, hands over the call, and takes the result back."""
    sent: list[dict[str, Any]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        sent.append(body)
        message: dict[str, Any] = {"role": "assistant", "content": "Enjoy."}
        if body["messages"][-1]["role"] == "user":
            call = {"name": "recommend", "arguments": '{"message": "a comedy", "count": 1}'}
            message = {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "type": "function", "function": call}],
            }
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        record = {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        return httpx2.Response(200, json=record)

    client = openai.OpenAI(
        api_key="k",
        base_url="http://test.invalid/v1",
        http_client=openai.DefaultHttpxClient(transport=httpx2.MockTransport(answer)),
    )
    tools: Any = openai_tools(recommender)
    messages: list[Any] = [{"role": "user", "content": "Something funny?"}]
    asked = client.chat.completions.create(model="m", messages=messages, tools=tools).choices[0].message
    assert asked.tool_calls is not None
    call: Any = asked.tool_calls[0]
    result = call_openai_tool(call.function.name, call.function.arguments, workspace=recommender)
    messages += [asked, {"role": "tool", "tool_call_id": call.id, "content": result}]
    final = client.chat.completions.create(model="m", messages=messages, tools=tools).choices[0].message
    assert final.content == "Enjoy."
    assert json.loads(sent[1]["messages"][-1]["content"])["items"][0]["fields"]["genres"][0] == "Comedy"
    assert len(sent[0]["tools"]) == len(TOOLS)
