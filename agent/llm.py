"""The client of an OpenAI-compatible endpoint, and every way in which one fails, named once.

One layer of retries exists, in `llm_calls`; the client below has none of its own and follows no redirects.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from convrec.agent.capabilities import Capabilities
from convrec.agent.errors import ModelEndpointError
from convrec.agent.settings import LLMSettings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

FaultKind = Literal[
    "timeout",
    "connection",
    "refused_key",
    "no_model",
    "rate_limit",
    "server",
    "redirect",
    "bad_request",
    "context",
    "refusal",
    "empty",
    "garbled",
    "endless",
    "budget",
]

_SENTENCES: dict[FaultKind, str] = {
    "timeout": "The language model took too long",
    "connection": "The language model could not be reached",
    "refused_key": "The language model refused the key",
    "no_model": "The endpoint has no such language model",
    "rate_limit": "The language model takes no more calls for now",
    "server": "The language model failed",
    "redirect": "The endpoint of the language model points elsewhere, which is not followed",
    "bad_request": "The language model refused the call",
    "context": "The prompt was too long for the language model",
    "refusal": "The language model declined to answer",
    "empty": "The language model said nothing",
    "garbled": "The language model's answer could not be read",
    "endless": "The language model did not stop",
    "budget": "The turn's calls or seconds for the language model are used up",
}
_AGAIN: frozenset[FaultKind] = frozenset({"timeout", "connection", "rate_limit", "server", "empty", "garbled"})
_ONE_CALL: frozenset[FaultKind] = frozenset({"refusal", "empty", "garbled", "endless", "context", "bad_request"})
_TOO_LONG = (
    "context_length",
    "context length",
    "context size",
    "maximum context",
    "too many tokens",
    "exceeds the",
)


class ModelCallError(ModelEndpointError):
    """A call that came to nothing. `again`: a second try may help, after `wait_s` seconds where that was said."""

    def __init__(self, kind: FaultKind, *, wait_s: float | None = None, again: bool | None = None) -> None:
        super().__init__(_SENTENCES[kind])
        self.kind = kind
        self.wait_s = wait_s
        self.again = kind in _AGAIN if again is None else again

    @property
    def of_endpoint(self) -> bool:
        """Whether further calls of this turn would fail alike."""
        return self.kind not in _ONE_CALL


def fault_of(error: BaseException) -> ModelCallError:
    """The fault that an exception of openai, LangChain or their transport stands for."""
    if isinstance(error, ModelCallError):
        return error
    if isinstance(error, TimeoutError):
        return ModelCallError("timeout")
    import openai

    if isinstance(error, openai.APITimeoutError):
        return ModelCallError("timeout")
    if isinstance(error, openai.APIStatusError):
        return _status_fault(error.status_code, str(error), error.response.headers)
    if isinstance(error, openai.APIConnectionError):
        return ModelCallError("connection")
    if isinstance(error, openai.LengthFinishReasonError):
        return ModelCallError("endless", again=False)
    if isinstance(error, openai.ContentFilterFinishReasonError):
        return ModelCallError("refusal")
    if isinstance(error, openai.APIError):
        return _said_fault(str(error), ModelCallError("server"))
    module = type(error).__module__
    if module.startswith(("httpx", "httpcore")) or isinstance(error, OSError):
        return ModelCallError("timeout" if "Timeout" in type(error).__name__ else "connection")
    return _said_fault(str(error), ModelCallError("garbled"))


def _status_fault(status: int, said: str, headers: Mapping[str, str]) -> ModelCallError:
    if status in (401, 403):
        return ModelCallError("refused_key")
    if status == 404:
        return ModelCallError("no_model")
    if status == 429:
        wait = _seconds(headers.get("retry-after"))
        return ModelCallError("rate_limit", wait_s=wait, again="insufficient_quota" not in said)
    if status in (408, 504):
        return ModelCallError("timeout")
    if status >= 500:
        return ModelCallError("server", wait_s=_seconds(headers.get("retry-after")))
    if 300 <= status < 400:
        return ModelCallError("redirect")
    return _said_fault(said, ModelCallError("bad_request"))


def _said_fault(said: str, otherwise: ModelCallError) -> ModelCallError:
    folded = said.casefold()
    return ModelCallError("context") if any(words in folded for words in _TOO_LONG) else otherwise


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header is not None else None
    except ValueError:
        return None


def chat_model(settings: LLMSettings, capabilities: Capabilities) -> BaseChatModel:
    """The configured model as a LangChain chat model."""
    import openai
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    return ChatOpenAI(
        model=settings.model or "",
        base_url=settings.base_url,
        # Local endpoints want no key, yet the client insists on one.
        api_key=settings.api_key or SecretStr("none"),
        temperature=settings.temperature,
        max_retries=0,
        timeout=settings.timeout_s,
        max_tokens=settings.max_output_tokens,
        stream_usage=capabilities.usage,
        use_responses_api=False,
        http_client=openai.DefaultHttpxClient(follow_redirects=False, timeout=settings.timeout_s),
        http_async_client=openai.DefaultAsyncHttpxClient(follow_redirects=False, timeout=settings.timeout_s),
    )


@cache
def model_loop() -> asyncio.AbstractEventLoop:
    """The event loop that all calls run in, on a thread of its own: only a task can be cancelled in the middle."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="convrec-model", daemon=True).start()
    return loop


def redacted(text: str, settings: LLMSettings) -> str:
    """Text without secrets: the key, and whatever looks like one."""
    import re

    if settings.api_key is not None and (key := settings.api_key.get_secret_value()):
        text = text.replace(key, "[key]")
    return re.sub(r"\b(sk-|Bearer\s+)[A-Za-z0-9_\-.]{8,}", r"\1[key]", text)


def price_of(settings: LLMSettings, input_tokens: int, output_tokens: int) -> float | None:
    """Cost of tokens in US dollars; None where the model's price is not in the settings."""
    price = settings.prices.get(settings.model or "")
    return None if price is None else (input_tokens * price.input + output_tokens * price.output) / 1e6


def extra_for(schema: dict[str, Any] | None, *, json_schema: bool) -> dict[str, Any]:
    """What a call carries so that the endpoint holds the model to a schema."""
    if schema is None or not json_schema:
        return {}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    # Through the body itself: the libraries' own handling of formats raises on answers that do not parse.
    return {"extra_body": {"response_format": form}}
