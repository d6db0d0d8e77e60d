"""Simulated people: what they say, when they are served, and that nobody can read their minds."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from convrec.agent.recommender import Recommender
from convrec.agent.scripted_model import Say, ScriptedChatModel
from convrec.agent.settings import LLMSettings
from convrec.evals.dialogue import TURNS, Dialogue, converse, dialogue_figures, run_dialogue
from convrec.evals.simulator import Need, SimulatedPerson, draw_needs
from convrec.evals.talkers import SYSTEMS, FullSystem, Popular, Turn
from tests.conftest import hashing_settings


@pytest.fixture(scope="module")
def tools(built_tools: Path) -> Recommender:
    return Recommender.open(built_tools, hashing_settings())


@pytest.fixture(scope="module")
def needs(tools: Recommender) -> list[Need]:
    return draw_needs(tools.catalogue, tools.engine.recall.popularity, 20)


class Scripted:
    """Shows given lists, whatever is said, and remembers what it heard."""

    def __init__(self, *turns: Turn) -> None:
        self._turns = list(turns)
        self.heard: list[str] = []

    def say(self, message: str) -> Turn:
        self.heard.append(message)
        return self._turns[min(len(self.heard), len(self._turns)) - 1]


class Watched(FullSystem):
    """convrec, and every id that it showed."""

    def __init__(self, recommender: Recommender) -> None:
        super().__init__(recommender)
        self.shown: set[str] = set()

    def say(self, message: str) -> Turn:
        turn = super().say(message)
        self.shown.update(turn.ids)
        return turn


def ids_of(need: Need, tools: Recommender, *, fitting: bool) -> tuple[str, ...]:
    rows = np.flatnonzero(need.acceptable if fitting else ~need.acceptable)
    return tuple(tools.catalogue.ids[row] for row in rows[:5].tolist())


def test_needs_can_be_met_and_hold_what_they_say(needs: list[Need]) -> None:
    assert len({need.name for need in needs}) == len(needs) == 20
    for need in needs:
        wishes = (*need.stated, *need.hidden)
        assert need.acceptable.any()
        assert not (need.acceptable & need.seen).any()
        for wish in wishes:
            assert wish.mask[need.acceptable].all()
            assert not wish.mask.all()


def test_success_is_the_turn_of_the_first_acceptable_item(needs: list[Need], tools: Recommender) -> None:
    need = needs[0]
    good, bad = ids_of(need, tools, fitting=True), ids_of(need, tools, fitting=False)
    at_once = converse(SimulatedPerson(need, tools.catalogue), Scripted(Turn(good)))
    assert (at_once.success, at_once.turns, at_once.rejections) == (1, 1, 0)
    later = converse(SimulatedPerson(need, tools.catalogue), Scripted(Turn(bad), Turn(bad), Turn((*bad[:2], *good))))
    assert (later.success, later.turns, later.rejections) == (3, 3, 2)
    assert later.repeated == len(bad) + 2
    never = converse(SimulatedPerson(need, tools.catalogue), Scripted(Turn(bad)))
    assert (never.success, never.turns, never.rejections) == (None, TURNS, TURNS)


def test_only_what_is_looked_at_counts(needs: list[Need], tools: Recommender) -> None:
    need = needs[0]
    good, bad = ids_of(need, tools, fitting=True), ids_of(need, tools, fitting=False)
    assert converse(SimulatedPerson(need, tools.catalogue), Scripted(Turn((*bad[:5], *good)))).success is None
    assert converse(SimulatedPerson(need, tools.catalogue), Scripted(Turn((*bad[:4], *good)))).success == 1


def test_people_answer_what_they_are_asked(needs: list[Need], tools: Recommender) -> None:
    for need in needs:
        for wish in need.hidden:
            label = tools.schema.attribute(wish.condition.field).label
            person = SimulatedPerson(need, tools.catalogue)
            answer = person.answer(Turn((), f"Which {label} would you like?", ()))
            assert person.said[-1].condition.field == wish.condition.field
            assert answer.endswith(wish.words.removeprefix("about ").removeprefix("with ").removeprefix("by "))


def test_nothing_said_names_an_acceptable_item(needs: list[Need], tools: Recommender) -> None:
    """A system learns of a need by the messages alone, and these hold no id and no title that would satisfy it."""
    for need in needs:
        bad = ids_of(need, tools, fitting=False)
        deaf = Scripted(Turn(bad, "Anything else?"), Turn(()), Turn(bad))
        done = converse(SimulatedPerson(need, tools.catalogue), deaf)
        assert list(done.messages) == deaf.heard
        text = " | ".join(deaf.heard).casefold()
        for row in np.flatnonzero(need.acceptable).tolist():
            assert tools.catalogue.titles[row].casefold() not in text
            assert f" {tools.catalogue.ids[row]} ".casefold() not in f" {text} "


def test_no_target_enters_what_a_model_reads_or_a_log(
    built_films: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A measured system with a language model learns of a target only once it has found it by itself."""
    caplog.set_level(logging.DEBUG)
    settings = hashing_settings()
    settings = settings.model_copy(update={"llm": LLMSettings(model="scripted", mode="structured", retries=0)})
    chat = ScriptedChatModel([Say("{}")])
    with Recommender.open(built_films, settings, model=chat) as films:
        needs = draw_needs(films.catalogue, films.engine.recall.popularity, 8)
        for need in needs:
            chat.heard.clear()
            system = Watched(films)
            converse(SimulatedPerson(need, films.catalogue), system)
            read = [str(m[-1].content) for m in chat.heard if str(m[0].content).startswith("You read messages")]
            assert read
            found = need.acceptable.copy()
            found[films.catalogue.rows(system.shown)] = False
            targets = [films.catalogue.titles[row] for row in np.flatnonzero(found).tolist()]
            for text in (*read, caplog.text, *capfd.readouterr()):
                assert not [title for title in targets if title in text]


def test_a_system_that_ignores_people_does_badly(needs: list[Need], tools: Recommender) -> None:
    def success(name: str) -> float:
        done = [converse(SimulatedPerson(need, tools.catalogue), SYSTEMS[name](tools)) for need in needs]
        return float(np.mean([d.success is not None and d.success <= 3 for d in done]))

    assert success("convrec") >= success("popularity") + 0.3
    # Everybody has seen the best known quarter, and popularity shows just that before anything else.
    first = Popular(tools).say("anything")
    seen = needs[0].seen[tools.catalogue.rows(first.ids)]
    assert seen.all()


def test_full_system_passes_questions_on(tools: Recommender) -> None:
    turn = FullSystem(tools).say("the one my neighbour has")
    assert turn.question is not None
    assert SYSTEMS["no questions"](tools).say("the one my neighbour has").question is None


def test_figures_by_hand() -> None:
    def one(person: str, success: int | None, violating: int = 0) -> Dialogue:
        return Dialogue(person, success, success or TURNS, 1, 0, 0, violating, 10, ())

    figures = {f.name: f for f in dialogue_figures("convrec", [one("a", 1), one("b", 3, 5), one("c", None)])}
    assert figures["convrec: success by turn 2"].value == pytest.approx(1 / 3)
    assert figures["convrec: success by turn 3"].value == pytest.approx(2 / 3)
    assert figures["convrec: turns to success"].value == pytest.approx(2)
    assert figures["convrec: turns to success"].n == 2
    assert figures["convrec: looked at against the person's words"].value == pytest.approx(0.5 / 3)


def test_a_run_compares_all_systems_on_the_same_people(tools: Recommender) -> None:
    result = run_dialogue(tools, people=4)
    for system in SYSTEMS:
        assert set(result.figure(f"{system}: success by turn 5").samples) == {f"person00{n}" for n in range(1, 5)}
    assert not result.partial
