"""Orders hidden in titles, texts, histories, profiles and messages, with a model that obeys them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from convrec.agent import Recommender
from convrec.agent.mind import Mind
from convrec.agent.scripted_model import CallTools, Say, ScriptedChatModel, Step
from convrec.agent.settings import LLMSettings, PrivacySettings
from convrec.agent.types import Reply
from convrec.agent.wiring import make_mind
from convrec.retrieval.request import Constraint
from tests.agent.injections import Injection, injections
from tests.conftest import hashing_settings

MESSAGE = "a comedy from the nineties"
USER = "u1"
PLACES = ("title", "text", "history", "profile", "message")
SECRET = "sk-secret-of-the-tests-0123456789"


class Obedient:
    """Answers as the order says once it sees one, and remembers that it did."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.order: Injection | None = None
        self.seen = 0

    def __call__(self, messages: list[BaseMessage]) -> Step:
        text = "\n".join(str(message.content) for message in messages)
        obeyed = self.order is not None and self.order.mark in text
        self.seen += obeyed
        reading: dict[str, Any] = self.order.reading if obeyed and self.order else {}
        telling: dict[str, Any] = self.order.telling if obeyed and self.order else {}
        if "present recommendations" in str(messages[0].content):
            return Say(json.dumps(telling))
        if self.mode == "structured":
            return Say(json.dumps(reading))
        calls = [("update_request", reading), ("delete_profile", {"user": USER})] if obeyed else []
        return CallTools((*calls, ("recommend", {})))


class Stage:
    """One workspace whose texts can be changed between turns, with everything else as it was."""

    def __init__(self, workspace: Path, mode: str) -> None:
        self.model = Obedient(mode)
        self.settings = hashing_settings().model_copy(
            update={"llm": LLMSettings.model_validate({"mode": mode}), "privacy": PrivacySettings(history="titles")}
        )
        self.recommender = Recommender.open(workspace, self.settings, model=ScriptedChatModel(self.model))
        self.plain = self.recommender.engine.catalogue

    def turn(self, place: str, order: Injection, *, obey: bool) -> Reply:
        self.model.order = order if obey else None
        self.model.seen = 0
        texts, titles = list(self.plain.texts), list(self.plain.titles)
        message = MESSAGE
        row = self.plain.row("f11")
        if place == "text":
            texts[row] = order.text
        elif place == "title":
            titles[row] = order.text
        elif place == "history":
            liked = self.recommender.engine.person(USER).items
            for seen in liked.tolist():
                titles[seen] = order.text
        elif place == "message":
            message = f"{MESSAGE}. {order.text}"
        part = Constraint.model_validate(
            {"filter": {"op": "contains", "field": "genres", "values": ["Western"], "mode": "none"}, "strength": "must"}
        )
        people = self.recommender.people
        for known in people.preferences(USER):
            people.drop_preference(USER, known.id)
        words = order.text if place == "profile" else "no westerns"
        people.remember(USER, part.model_dump(mode="json"), words)
        conversation = self.recommender.session(USER)
        engine = copy.copy(self.recommender.engine)
        engine.catalogue = replace(self.plain, titles=tuple(titles), texts=tuple(texts))
        conversation.engine = engine
        conversation.mind = self.mind(engine)
        return conversation.send(message)

    def mind(self, engine: Any) -> Mind:
        return make_mind(
            self.recommender.generation,
            engine,
            self.settings,
            self.recommender.people.path.parent,
            ScriptedChatModel(self.model),
        )


@pytest.fixture(params=["structured", "tools"])
def stage(request: pytest.FixtureRequest, film_workspace: Path) -> Iterator[Stage]:
    one = Stage(film_workspace, request.param)
    yield one
    one.recommender.close()


def said(reply: Reply) -> str:
    return " ".join([reply.message, *(reason.text for item in reply.items for reason in item.reasons)])


def check(stage: Stage, place: str, order: Injection) -> None:
    """The turn of a model that obeys is the turn of one that does not."""
    people = stage.recommender.people
    plain = stage.turn(place, order, obey=False)
    reply = stage.turn(place, order, obey=True)
    # An order that did not reach the model would show nothing.
    assert stage.model.seen > 0, order.text
    assert reply.request == plain.request, order.text
    assert [(i.id, i.score, i.moved) for i in reply.items] == [(i.id, i.score, i.moved) for i in plain.items]
    assert not people.feedback(USER)
    assert len(people.preferences(USER)) == 1
    assert reply.trace.llm.calls <= 4
    told = said(reply)
    assert SECRET not in told
    assert "You present" not in told
    assert ("Kubrick" in told) == ("Kubrick" in said(plain))


def test_an_order_in_each_place_changes_nothing(stage: Stage) -> None:
    for place, order in zip(PLACES, injections()[3::11], strict=True):
        check(stage, place, order)


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_orders_in_data_change_nothing(place: str, stage: Stage) -> None:
    orders = injections()
    assert len(orders) >= 40
    for order in orders:
        check(stage, place, order)
