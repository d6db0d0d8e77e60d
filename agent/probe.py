"""Asks an OpenAI-compatible endpoint what it can do, in a few small calls."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from convrec.agent.settings import LLMSettings
from convrec.agent.views import ModelCheck

if TYPE_CHECKING:
    import httpx

OPENAI = "https://api.openai.com/v1"
QUESTION = [{"role": "user", "content": 'Answer with the JSON object {"ok": true}.'}]
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "answer",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"ok": {"type": "boolean"}},
            "required": ["ok"],
            "additionalProperties": False,
        },
    },
}
TOOL = {
    "type": "function",
    "function": {"name": "answer", "description": "Give the answer.", "parameters": SCHEMA["json_schema"]["schema"]},  # type: ignore[index]
}


def probe(settings: LLMSettings, *, transport: httpx.BaseTransport | None = None) -> ModelCheck:
    """Whether the model answers, and whether it can stream, follow a schema and call tools. Never raises."""
    import httpx

    headers = {}
    if settings.api_key is not None:
        headers["Authorization"] = f"Bearer {settings.api_key.get_secret_value()}"
    base = (settings.base_url or OPENAI).rstrip("/")
    with httpx.Client(base_url=base, headers=headers, timeout=settings.timeout_s, transport=transport) as client:
        started = time.perf_counter()
        fault = _fault(client, settings, {})
        if fault is not None:
            return ModelCheck(ok=False, text=f"{settings.model} at {base} does not answer: {fault}")
        took = (time.perf_counter() - started) * 1000
        abilities = {
            "structured output": _structured(client, settings),
            "tool calls": _calls_tools(client, settings),
            **_streams(client, settings),
        }
    return ModelCheck(ok=True, text=f"{settings.model} at {base} answers in {took:,.0f} ms.", abilities=abilities)


def _ask(client: httpx.Client, settings: LLMSettings, extra: dict[str, Any]) -> httpx.Response:
    body = {"model": settings.model, "messages": QUESTION, "max_completion_tokens": 200, **extra}
    response = client.post("/chat/completions", json=body)
    if response.status_code == 400 and "max_completion_tokens" in response.text:
        body["max_tokens"] = body.pop("max_completion_tokens")
        response = client.post("/chat/completions", json=body)
    return response


def _fault(client: httpx.Client, settings: LLMSettings, extra: dict[str, Any]) -> str | None:
    """What is wrong with the simplest answer, in a sentence that says what to do."""
    import httpx

    try:
        response = _ask(client, settings, extra)
    except httpx.TimeoutException:
        return "it takes too long; try again, or raise CONVREC_LLM__TIMEOUT_S."
    except httpx.HTTPError as error:
        return f"it cannot be reached ({type(error).__name__}); check the address."
    except httpx.InvalidURL:
        return "this is no address; it looks like http://localhost:11434/v1."
    if response.status_code in (401, 403):
        return "the key is refused; check it."
    if response.status_code == 404:
        return "there is no such model or path; the address usually ends with /v1."
    if response.status_code >= 400:
        return f"it says {response.status_code}; check the model's name."
    return None if _message(response) is not None else "what it says is no chat completion; check the address."


def _message(response: httpx.Response) -> dict[str, Any] | None:
    try:
        message = response.json()["choices"][0]["message"]
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    return message if isinstance(message, dict) else None


def _structured(client: httpx.Client, settings: LLMSettings) -> bool:
    import httpx

    try:
        message = _message(_ask(client, settings, {"response_format": SCHEMA}))
        answer = json.loads(str((message or {}).get("content")))
    except (httpx.HTTPError, ValueError):
        return False
    return isinstance(answer, dict) and isinstance(answer.get("ok"), bool)


def _calls_tools(client: httpx.Client, settings: LLMSettings) -> bool:
    import httpx

    try:
        message = _message(_ask(client, settings, {"tools": [TOOL], "tool_choice": "required"}))
    except httpx.HTTPError:
        return False
    return bool((message or {}).get("tool_calls"))


def _streams(client: httpx.Client, settings: LLMSettings) -> dict[str, bool]:
    """Whether it streams, and whether a stream ends with the tokens that it took."""
    import httpx

    found = {"streaming": False, "usage": False}
    for extra in ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}):
        try:
            response = _ask(client, settings, extra)
        except httpx.HTTPError:
            continue
        if response.status_code < 400 and response.text.lstrip().startswith("data:"):
            return {"streaming": True, "usage": '"prompt_tokens"' in response.text and "stream_options" in extra}
    return found
