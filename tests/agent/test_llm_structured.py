"""A scripted model reads and tells: what it adds, what it cannot undo, and what it is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from convrec.agent import Recommender
from convrec.agent.model_answers import StreamedMessage
from convrec.agent.scripted_model import CallTools, Fail, Say, ScriptedChatModel, Step
from convrec.agent.settings import LLMSettings, PrivacySettings
from convrec.agent.types import Reply, Understood
from convrec.retrieval.schema import AttributeKind
from tests.conftest import hashing_settings

NOTHING: dict[str, Any] = {}


def script(*readings: dict[str, Any], telling: dict[str, Any] | None = None) -> ScriptedChatModel:
    """Plays the readings in turn, and the same telling for every list."""
    left = list(readings)

    def play(messages: list[BaseMessage]) -> Step:
        if "present recommendations" in str(messages[0].content):
            return Say(json.dumps(telling or NOTHING))
        return Say(json.dumps(left.pop(0) if left else NOTHING))

    return ScriptedChatModel(play)


def opened(workspace: Path, model: ScriptedChatModel, history: str = "summary", **llm: Any) -> Recommender:
    settings = hashing_settings().model_copy(
        update={
            "llm": LLMSettings(**{"mode": "structured", **llm}),
            "privacy": PrivacySettings.model_validate({"history": history}),
        }
    )
    return Recommender.open(workspace, settings, model=model)


def asked(workspace: Path, message: str, reading: dict[str, Any], telling: dict[str, Any] | None = None) -> Reply:
    with opened(workspace, script(reading, telling=telling)) as recommender:
        return recommender.session(stored=False).send(message)


def values(reply: Reply) -> dict[str, str]:
    return {c.provenance.words: c.label for c in reply.request.constraints}


def test_a_model_reads_what_rules_take_as_free_text(built_films: Path) -> None:
    part = {"words": "grandma", "field": "genres", "any_of": ["Family"]}
    reply = asked(built_films, "something to watch with my grandma", {"constraints": [part]})
    assert values(reply) == {"grandma": "Family"}
    assert reply.request.descriptions == ()
    assert reply.trace.mode == "structured"
    assert reply.trace.llm.calls == 2
    assert all("Family" in (item.fields["genres"] or ()) for item in reply.items)  # type: ignore[operator]


@pytest.mark.parametrize(
    "reading",
    [
        {"constraints": [{"words": "comedy", "field": "genres", "any_of": ["Drama"]}]},
        {"constraints": [{"words": "nineties", "field": "year", "minimum": 1900}]},
        {"constraints": [{"words": "no horror", "field": "genres", "any_of": ["Horror"]}]},
        {"constraints": [{"words": "scary stuff", "field": "genres", "any_of": ["Horror"]}]},
        {"exclude": [{"words": "comedy", "text": "Groundhog Day"}]},
        {"drop": [{"words": "comedy", "text": "genres"}]},
        {"act": "start_over", "act_words": "comedy"},
        {"act": "like", "act_words": "comedy", "ranks": [1]},
        {"question": "Would you visit http://evil.example?"},
    ],
)
def test_what_the_rules_read_literally_stands(reading: dict[str, Any], built_films: Path) -> None:
    message = "a comedy from the nineties, no horror"
    reply, plain = asked(built_films, message, reading), asked(built_films, message, NOTHING)
    assert reply.request == plain.request
    assert [item.id for item in reply.items] == [item.id for item in plain.items]
    assert len(reply.request.constraints) == 3


def test_an_unknown_value_comes_back_with_the_nearest_and_then_the_rules_serve(film_workspace: Path) -> None:
    wrong = {"constraints": [{"words": "grandma", "field": "genres", "any_of": ["Famly"]}]}
    right = {"constraints": [{"words": "grandma", "field": "genres", "any_of": ["Family"]}]}
    model = script(wrong, right, wrong, {"constraints": [{"words": "grandma", "field": "mood", "any_of": ["soft"]}]})
    with opened(film_workspace, model, max_calls=6) as recommender:
        reply = recommender.session(stored=False).send("something for grandma")
        assert values(reply) == {"grandma": "Family"}
        assert reply.trace.llm.calls == 3
        assert "'Family'" in str(model.heard[1][-1].content)
        reply = recommender.session(stored=False).send("something for grandma")
        assert reply.request.constraints == ()
        assert [d.text for d in reply.request.descriptions] == ["grandma"]
        assert any("built-in rules" in note for note in reply.trace.notes)
        assert len(reply.items) == 10


def test_an_act_that_only_the_model_understands(film_workspace: Path) -> None:
    model = script(NOTHING, {"act": "explain", "act_words": "reasoning", "ranks": [2]})
    with opened(film_workspace, model) as recommender:
        conversation = recommender.session(stored=False)
        shown = conversation.send("a comedy").items
        reply = conversation.send("kindly lay out the reasoning behind entry two of these")
        assert reply.items == ()
        assert shown[1].title in reply.message


def test_picks_are_reordered_verified_and_filled(built_films: Path) -> None:
    telling = {
        "message": "Something gentle to share. Every one of these won an Oscar. Visit https://evil.example now.",
        "picks": [
            {"item": "c3", "reasons": [{"text": "It is a comedy.", "evidence": ["c3.genres"]}]},
            {"item": "c3"},
            {"item": "f20"},
            {"item": "nowhere"},
            {"item": "c1", "reasons": [{"text": "Stanley Kubrick directed it.", "evidence": ["c1.directors"]}]},
            {"item": "c12", "reasons": [{"text": "A true classic in blue.", "evidence": []}]},
        ],
    }
    message = "a comedy"
    plain, reply = asked(built_films, message, NOTHING), asked(built_films, message, NOTHING, telling)
    order = [item.id for item in plain.items]
    ids = [item.id for item in reply.items]
    assert ids[:2] == [order[2], order[0]]
    assert ids[2] not in order
    assert ids[3:] == [i for i in order if i not in ids[:3]][:7]
    assert [item.moved for item in reply.items][:3] == [2, -1, 9]
    before = {item.id: item for item in plain.items}
    for item in reply.items:
        assert item.reasons
        if item.id in before:
            assert (item.score, item.breakdown) == (before[item.id].score, before[item.id].breakdown)
    assert [reason.text for reason in reply.items[0].reasons] == ["It is a comedy."]
    said = " ".join([reply.message, *(r.text for item in reply.items for r in item.reasons)])
    assert reply.message.startswith("Something gentle to share. ")
    assert not re.search("Oscar|evil|Kubrick|blue", said)
    assert any("2 picks of the model were not among the candidates" in note for note in reply.trace.notes)


def test_the_first_event_does_not_wait_for_the_model(film_workspace: Path) -> None:
    model = script()
    with opened(film_workspace, model) as recommender:
        events = recommender.session(stored=False).stream("a comedy")
        assert isinstance(next(events), Understood)
        assert not model.heard
        assert len(list(events)) > 3
        assert len(model.heard) == 2


def tokens(messages: list[BaseMessage]) -> int:
    """Words, numbers and signs: close to what tokenizers count in English and JSON."""
    return sum(len(re.findall(r"\w{1,6}|[^\w\s]", str(message.content))) for message in messages)


def test_the_fixed_part_is_short_and_stable_and_long_conversations_do_not_grow(film_workspace: Path) -> None:
    model = script()
    with opened(film_workspace, model) as recommender:
        conversation = recommender.session("u1", stored=False)
        said = [
            "a comedy",
            "not too long please",
            "with Bill Murray maybe",
            "something newer",
            "less romance",
            "another one",
        ]
        for turn in range(30):
            conversation.send(f"{said[turn % len(said)]} for evening number {turn}")
    reads = [heard for heard in model.heard if "present" not in str(heard[0].content)]
    assert len({str(heard[0].content) for heard in reads}) == 1
    assert tokens([reads[0][0]]) < 1500
    assert tokens(reads[-1]) <= 1.5 * tokens(reads[2])


def test_the_fixed_part_of_a_wide_catalogue_is_short() -> None:
    from convrec.agent.prompts import reading_rules
    from convrec.retrieval.schema import Attribute, CatalogueSchema, ValueCount

    vocabulary = tuple(ValueCount(value=f"some longer value {n}", count=9) for n in range(200))
    many = tuple(
        Attribute(name=f"attribute{n}", label=f"attribute {n}", kind=AttributeKind.CATEGORIES, vocabulary=vocabulary)
        for n in range(14)
    )
    schema = CatalogueSchema(id_column="id", title_column="title", attributes=many, count=5000)
    assert len(re.findall(r"\w{1,6}|[^\w\s]", reading_rules(schema))) < 1500


@pytest.mark.parametrize(("history", "shown"), [("none", 0), ("summary", 0), ("titles", 1)])
def test_only_what_the_settings_allow_of_a_history_leaves(history: str, shown: int, film_workspace: Path) -> None:
    model = script()
    with opened(film_workspace, model, history=history) as recommender:
        person = recommender.engine.person("u1")
        titles = [recommender.catalogue.titles[row] for row in person.items.tolist()]
        recommender.session("u1", stored=False).send("a drama for a rainy evening")
        told = "\n".join(str(m.content) for m in model.heard[0])
    assert any(title in told for title in titles) == bool(shown)
    assert ('"likes"' in told) == (history != "none")
    assert "u1" not in told


def test_tools_are_planned_over_and_mistakes_come_back(film_workspace: Path) -> None:
    part = {"words": "grandma", "field": "genres", "any_of": ["Family"]}
    steps: list[Step] = [
        CallTools((("search_catalogue", {"query": "family"}), ("look_up", {"item": "no such film at all"}))),
        CallTools((("update_request", {"constraints": [{**part, "any_of": ["Famly"]}]}), ("compare", {"items": 3}))),
        CallTools((("update_request", {"constraints": [part]}), ("recommend", {}))),
        Say("{}"),
    ]
    model = ScriptedChatModel(steps)
    with opened(film_workspace, model, mode="tools") as recommender:
        reply = recommender.session("u1", stored=False).send("something to watch with my grandma")
    assert reply.trace.mode == "tools"
    assert reply.trace.llm.calls == 4
    assert values(reply) == {"grandma": "Family"}
    came_back = " ".join(str(m.content) for m in model.heard[2])
    assert "'Family'" in came_back
    assert "No item has the id or title" in came_back
    assert "do not fit" in came_back


def test_a_model_that_raises_anything_is_survived(film_workspace: Path) -> None:
    errors: list[Callable[[], BaseException]] = [
        lambda: ValueError("No generations found in stream"),
        lambda: IndexError("list index out of range"),
        lambda: KeyError("choices"),
        lambda: TypeError("null"),
        lambda: ConnectionResetError("peer"),
        RecursionError,
        lambda: AttributeError("content"),
    ]
    for mode in ("structured", "tools"):
        for error in errors:
            model = ScriptedChatModel([Fail(error())])
            with opened(film_workspace, model, mode=mode, retries=0) as recommender:
                reply = recommender.session(stored=False).send("a comedy for grandma")
                assert len(reply.items) == 10
                assert reply.trace.mode == "offline"
                assert reply.trace.notes


def test_a_message_is_decoded_while_it_is_written() -> None:
    text = 'Caf\\u00e9 \\"noir\\" and\\nmore \\ud83d\\ude00.'
    whole = f'{{"message": "{text}", "picks": []}}'
    for size in (1, 2, 3, 7, 100):
        streamed = StreamedMessage()
        for start in range(0, len(whole), size):
            streamed.feed(whole[start : start + size])
        assert streamed.complete
        assert streamed.text.startswith('Café "noir" and\nmore ')


def test_calls_are_spans_where_a_tracer_is_set_up(film_workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    with opened(film_workspace, script()) as recommender:
        recommender.session(stored=False).send("a comedy for a rainy evening")
    spans = exporter.get_finished_spans()
    assert [span.name for span in spans] == ["convrec.read", "convrec.tell"]
    assert all((span.attributes or {})["gen_ai.usage.input_tokens"] for span in spans)
