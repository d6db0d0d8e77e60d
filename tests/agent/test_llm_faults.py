"""Every fault of an endpoint, on the wire, at each call of a turn: the turn is answered, in time, and holds."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from convrec.agent import Recommender
from convrec.agent.capabilities import CACHE, Capabilities, _file
from convrec.agent.conversation import CancelledTurnError
from convrec.agent.settings import LLMSettings, Price
from convrec.agent.types import Done, Recommendation, Reply, Token
from tests.agent.test_cli import convrec
from tests.agent.wire_endpoint import FAULTS, Answer, Endpoint, serving
from tests.conftest import hashing_settings

MESSAGE = "a comedy under 120 minutes for grandma"
MAX_SECONDS = 3.0
KEY = "sk-secret-of-the-tests-0123456789"

READING = {"constraints": [{"words": "grandma", "field": "year", "minimum": 1960}]}
TELLING = {
    "message": "Something light and gentle to share.",
    "picks": [
        {"item": "c2", "reasons": [{"text": "It is a comedy.", "evidence": ["c2.genres"]}]},
        {"item": "c1", "reasons": [{"text": "It won six Oscars.", "evidence": ["c1.genres"]}]},
    ],
}


def answer(body: dict[str, Any]) -> Answer:
    if "present recommendations" in body["messages"][0]["content"]:
        return json.dumps(TELLING)
    if not body.get("tools"):
        return json.dumps(READING)
    if len(body["messages"]) <= 2:
        return [("look_up", {"item": "f5"})]
    return [("update_request", READING), ("recommend", {})]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with serving(answer) as one:
        yield one


def opened(workspace: Path, endpoint: Endpoint, **llm: Any) -> Recommender:
    given: dict[str, Any] = {
        "model": "scripted",
        "base_url": endpoint.url,
        "api_key": SecretStr(KEY),
        "mode": "structured",
        "timeout_s": 0.7,
        "max_seconds": MAX_SECONDS,
        "retries": 1,
        "prices": {"scripted": Price(input=1.0, output=2.0)},
    }
    settings = LLMSettings(**{**given, **llm})
    file = _file(settings, workspace)
    file.parent.mkdir(exist_ok=True)
    file.write_text(Capabilities(tools=settings.mode == "tools").model_dump_json(), "utf-8")
    return Recommender.open(workspace, hashing_settings().model_copy(update={"llm": settings}))


def violations(reply: Reply, recommender: Recommender) -> int:
    return sum(item.id not in recommender.catalogue or not _asked_for(item) for item in reply.items)


def _asked_for(item: Recommendation) -> bool:
    genres, runtime = item.fields.get("genres"), item.fields.get("runtime")
    return isinstance(genres, tuple) and "Comedy" in genres and isinstance(runtime, float) and runtime < 120


def sound(reply: Reply, recommender: Recommender) -> bool:
    """A full list without a repeated item, each with a reason and the ranker's own score."""
    ids = [item.id for item in reply.items]
    sums = all(abs(sum(item.breakdown.values()) - item.score) < 1e-5 for item in reply.items)
    whole = len(ids) == min(reply.request.wishes.count, reply.trace.eligible)
    return whole and len(set(ids)) == len(ids) and sums and all(item.reasons for item in reply.items)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["structured", "tools"])
def test_every_fault_at_every_call_is_answered_in_time(
    mode: str, film_workspace: Path, endpoint: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    positions = 2 if mode == "structured" else 3
    rows = []
    with opened(film_workspace, endpoint, mode=mode) as recommender:
        endpoint.fault = lambda _: None
        endpoint.bodies.clear()
        calm = recommender.session("u1", stored=False).send(MESSAGE)
        assert calm.trace.mode == mode
        assert any("year" in c.fields for c in calm.request.constraints)
        assert calm.trace.llm.calls == endpoint.calls == positions
        for fault in FAULTS:
            for position in range(positions):
                endpoint.bodies.clear()
                endpoint.fault = lambda n, p=position, f=fault: f if n >= p else None  # type: ignore[misc]
                started = time.perf_counter()
                reply = recommender.session("u1", stored=False).send(MESSAGE)
                took = time.perf_counter() - started
                wrong = violations(reply, recommender)
                rows.append((fault, position + 1, reply, took, wrong, sound(reply, recommender)))
    with capsys.disabled():
        print(f"\n{mode}: fault at call, mode of the answer, calls, seconds, items, violations")
        for fault, position, reply, took, wrong, _ in rows:
            calls, shown = reply.trace.llm.calls, len(reply.items)
            print(f"{fault:15}{position:3}  {reply.trace.mode:11}{calls:3}{took:7.2f}{shown:4}{wrong:3}")
    assert all(whole for *_, whole in rows), [(f, p) for f, p, *_, whole in rows if not whole]
    assert sum(wrong for *_, wrong, _ in rows) == 0
    assert max(took for _, _, _, took, _, _ in rows) < MAX_SECONDS + 1.5
    assert all(reply.trace.llm.calls <= 4 for _, _, reply, *_ in rows)
    unsaid = [(f, p) for f, p, reply, *_ in rows if not reply.trace.notes]
    assert unsaid == []


def test_a_fault_that_passes_is_tried_again(film_workspace: Path, endpoint: Endpoint) -> None:
    with opened(film_workspace, endpoint) as recommender:
        for fault in ("429", "500", "503", "timeout", "cut", "html"):
            endpoint.bodies.clear()
            endpoint.fault = lambda n, f=fault: f if n == 0 else None  # type: ignore[misc]
            reply = recommender.session(stored=False).send(MESSAGE)
            assert reply.trace.mode == "structured", fault
            assert reply.trace.llm.calls == 3, fault
            assert any("year" in c.fields for c in reply.request.constraints), fault


def test_usage_and_cost_are_counted_and_the_trace_holds_no_secret(
    film_workspace: Path, endpoint: Endpoint, tmp_path: Path
) -> None:
    endpoint.fault = lambda _: None
    file = tmp_path / "trace.jsonl"
    with opened(film_workspace, endpoint, trace=file) as recommender:
        conversation = recommender.session(stored=False)
        first = conversation.send(f"{MESSAGE}, my key is {KEY}")
        assert (first.trace.llm.calls, first.trace.llm.input_tokens, first.trace.llm.output_tokens) == (2, 200, 40)
        assert first.trace.llm.cost == pytest.approx((200 * 1.0 + 40 * 2.0) / 1e6)
        conversation.send("newer ones")
        assert conversation.state.spent.input_tokens == 400
    text = file.read_text("utf-8")
    records = [json.loads(line) for line in text.splitlines()]
    assert [record["kind"] for record in records] == ["read", "tell", "read", "tell"]
    assert all(record["ms"] > 0 and record["messages"] and record["reply"]["content"] for record in records)
    assert KEY not in text


def test_cancelling_hangs_up_at_once_and_changes_nothing(film_workspace: Path, endpoint: Endpoint) -> None:
    with opened(film_workspace, endpoint, timeout_s=20.0, max_seconds=30.0) as recommender:
        endpoint.fault = lambda _: None
        conversation = recommender.session(stored=False)
        conversation.send(MESSAGE)
        before = conversation.state
        endpoint.closed_early.clear()
        endpoint.fault = lambda _: "endless"
        cancel = threading.Event()
        threading.Timer(0.3, cancel.set).start()
        started = time.perf_counter()
        with pytest.raises(CancelledTurnError):
            list(conversation.stream("something newer for grandma", cancel=cancel))
        assert time.perf_counter() - started < 1.5
        assert conversation.state == before
        assert endpoint.closed_early.wait(2)


def test_true_sentences_stream_before_the_answer_is_complete(film_workspace: Path, endpoint: Endpoint) -> None:
    endpoint.fault = lambda _: None
    with opened(film_workspace, endpoint) as recommender:
        started = time.perf_counter()
        events, first = [], None
        for event in recommender.session(stored=False).stream(MESSAGE):
            first = first or time.perf_counter() - started
            events.append(event)
        done = events[-1]
        assert isinstance(done, Done)
        tokens = [event.text for event in events if isinstance(event, Token)]
        assert "".join(tokens) == done.reply.message
        assert tokens[0].strip() == TELLING["message"]
        assert first is not None
        assert first < 1.0


def test_an_endpoint_is_asked_once_what_it_can_do(film_workspace: Path, endpoint: Endpoint) -> None:
    endpoint.fault = lambda _: "500"
    settings = LLMSettings(model="new", base_url=endpoint.url, timeout_s=1.0)
    given = hashing_settings().model_copy(update={"llm": settings})
    with Recommender.open(film_workspace, given) as recommender:
        conversation = recommender.session(stored=False)
        first, second = conversation.send(MESSAGE), conversation.send("newer")
        assert first.trace.mode == second.trace.mode == "offline"
        assert any("without a language model" in note for note in first.trace.notes)
        assert second.trace.notes == ()
    assert not list((film_workspace / CACHE).glob("model-*")) if (film_workspace / CACHE).exists() else True


def test_flags_of_the_command_name_the_model(film_workspace: Path, endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.fault = lambda _: None
    endpoint.bodies.clear()
    flags = ("--model", "flagged", "--base-url", endpoint.url, "--mode", "structured", "--json")
    done = convrec("recommend", MESSAGE, "--workspace", str(film_workspace), *flags, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trace"]["mode"] == "structured"
    assert {body["model"] for body in endpoint.bodies} == {"flagged"}
