"""Simulated people whose words a model finds: it never learns a target, and what it must not say is not sent."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.messages import BaseMessage

from convrec.agent.cli import run
from convrec.agent.recommender import Recommender
from convrec.agent.scripted_model import Fail, Say, ScriptedChatModel, Step
from convrec.agent.settings import LLMSettings
from convrec.evals.dialogue import converse, run_dialogue
from convrec.evals.endpoint import EvaluationModel
from convrec.evals.model_people import ModelPerson, Spoken
from convrec.evals.simulator import Need, draw_needs
from convrec.evals.talkers import Turn
from convrec.retrieval.catalogue import Catalogue
from tests.agent.wire_endpoint import serving
from tests.conftest import hashing_settings


@pytest.fixture(scope="module")
def films(built_films: Path) -> Recommender:
    return Recommender.open(built_films, hashing_settings())


@pytest.fixture(scope="module")
def needs(films: Recommender) -> list[Need]:
    return draw_needs(films.catalogue, films.engine.recall.popularity, 12)


def data_of(messages: list[BaseMessage]) -> dict[str, Any]:
    return dict(json.loads(str(messages[-1].content).removeprefix("DATA\n")))


def plays_well(messages: list[BaseMessage]) -> Step:
    """Says the first wishes at once, and then one more each time."""
    data = data_of(messages)
    opening = "recommender" not in data
    wishes = [w for w in data["need"] if (w["first"] if opening else not w["said"])][: 9 if opening else 1]
    message = " and ".join(w["wish"] for w in wishes) or "something else please"
    return Say(json.dumps({"message": message, "wishes": [w["handle"] for w in wishes]}))


def asked(script: Callable[[list[BaseMessage]], Step]) -> tuple[EvaluationModel, ScriptedChatModel]:
    chat = ScriptedChatModel(script)
    return EvaluationModel(chat, LLMSettings(model="scripted", retries=0)), chat


class Tempting:
    """Asks about a target by name, offers it as an option, and shows only what is not acceptable."""

    def __init__(self, need: Need, catalogue: Catalogue) -> None:
        self._target = catalogue.titles[int(np.flatnonzero(need.acceptable)[0])]
        self._bad = tuple(catalogue.ids[row] for row in np.flatnonzero(~need.acceptable).tolist()[:7])
        self.heard: list[str] = []

    def say(self, message: str) -> Turn:
        self.heard.append(message)
        return Turn(self._bad, f"Do you mean {self._target}?", (self._target, "another one"))


def test_no_target_enters_a_prompt_a_message_or_a_log(
    films: Recommender, needs: list[Need], caplog: pytest.LogCaptureFixture
) -> None:
    catalogue = films.catalogue
    caplog.set_level(logging.DEBUG)
    for need in needs:
        model, chat = asked(plays_well)
        talker = Tempting(need, catalogue)
        person = ModelPerson(need, catalogue, model, Spoken())
        assert converse(person, talker).success is None
        assert len(chat.heard) == len(talker.heard) == need.patience
        seen = "\n".join(str(m.content) for messages in chat.heard for m in messages)
        hidden = [
            row for row in np.flatnonzero(need.acceptable).tolist() if person.names_a_target(catalogue.titles[row])
        ]
        assert hidden
        for text in (seen, "\n".join(talker.heard), caplog.text):
            for row in hidden:
                assert catalogue.titles[row] not in text
                assert f'"{catalogue.ids[row]}"' not in text
                assert f" {catalogue.ids[row]} " not in text
        # What was shown is there: the model does see what the person looks at.
        assert all(catalogue.titles[catalogue.row(i)] in seen for i in talker._bad[:5])


def test_wishes_that_were_said_count_as_said(films: Recommender, needs: list[Need]) -> None:
    need = next(need for need in needs if len(need.hidden) == 2)
    model, _ = asked(plays_well)
    person = ModelPerson(need, films.catalogue, model, Spoken())
    person.first_message()
    assert person.said == list(need.stated)
    for number, wish in enumerate(need.hidden, 1):
        assert wish.words in person.answer(Turn(()))
        assert person.said == [*need.stated, *need.hidden[:number]]


def test_a_message_that_names_a_target_is_not_sent(films: Recommender, needs: list[Need]) -> None:
    need = needs[0]
    catalogue = films.catalogue
    spoken = Spoken()

    def leaks(_: list[BaseMessage]) -> Step:
        title = catalogue.titles[int(np.flatnonzero(need.acceptable)[0])]
        return Say(json.dumps({"message": f"show me {title.upper()}!", "wishes": []}))

    model, _ = asked(leaks)
    person = ModelPerson(need, catalogue, model, spoken)
    assert not person.names_a_target(person.first_message())
    assert (spoken.by_model, spoken.leaking) == (0, 1)


def test_the_rules_speak_where_the_model_does_not(films: Recommender) -> None:
    for script, out in ((Say("Ahoy!"), ""), (Fail(ConnectionError("no")), "could not be reached")):
        model, chat = asked(lambda _, step=script: step)  # type: ignore[misc]
        result = run_dialogue(films, people=3, model=model)
        plain = run_dialogue(films, people=3)
        assert result.figure("messages of the rules, the model gave none").value == 1
        assert out in model.out
        assert any(out in note for note in result.notes)
        name = "convrec: success by turn 5"
        assert result.figure(name).samples == plain.figure(name).samples
        if out:
            assert len(chat.heard) == 1


def test_by_an_endpoint_and_without_one(
    built_films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONVREC_RETRIEVAL__EMBEDDING__PROVIDER", "hashing")
    out = tmp_path / "dialogue.json"
    command = ["eval", "dialogue", "--people", "2", "--people-by", "model", "--out", str(out), "-w", str(built_films)]
    assert run(command) == 0
    assert "people's words come from rules" in " ".join(capsys.readouterr().err.split())
    assert json.loads(out.read_text("utf-8"))["suites"][0]["parameters"]["simulator"] == "rules"

    def answer(body: dict[str, Any]) -> str:
        need = json.loads(body["messages"][-1]["content"].removeprefix("DATA\n"))["need"]
        return json.dumps({"message": need[0]["wish"], "wishes": []})

    with serving(answer) as endpoint:
        monkeypatch.setenv("CONVREC_LLM__BASE_URL", endpoint.url)
        monkeypatch.setenv("CONVREC_LLM__MODEL", "scripted")
        monkeypatch.setenv("CONVREC_LLM__MODE", "offline")
        assert run(command) == 0
        assert endpoint.calls > 0
    suite = json.loads(out.read_text("utf-8"))["suites"][0]
    assert suite["parameters"]["simulator"] == "scripted"
    by_model = next(f for f in suite["figures"] if f["name"] == "messages of the language model")
    assert by_model["value"] == 1
    assert by_model["n"] == endpoint.calls
