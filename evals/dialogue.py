"""The `dialogue` suite: how soon does somebody with a need, and no title in mind, find something?"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from convrec.agent.recommender import Recommender
from convrec.evals.endpoint import EvaluationModel
from convrec.evals.model_people import ModelPerson, Spoken
from convrec.evals.simulator import Need, SimulatedPerson, draw_needs
from convrec.evals.talkers import SYSTEMS, Talker
from convrec.evals.types import Curve, Figure, Plot, SuiteResult, count_figure, mean_figure

TURNS = 5


@dataclass(frozen=True)
class Dialogue:
    """How one conversation went. `success` is the turn, from 1, of the first acceptable item; None for giving up."""

    person: str
    success: int | None
    turns: int
    questions: int
    rejections: int
    """lists with nothing acceptable"""
    repeated: int
    """items shown that had been shown before in the conversation"""
    violating: int
    """items looked at that go against what the person had said"""
    looked_at: int
    messages: tuple[str, ...]


def converse(person: SimulatedPerson, talker: Talker) -> Dialogue:
    """One person talks to one system until something acceptable is shown or patience is out."""
    need = person.need
    message = person.first_message()
    messages, shown = [message], set[str]()
    success, questions, rejections, repeated, violating, looked_at = None, 0, 0, 0, 0, 0
    turn_number = 0
    for turn_number in range(1, need.patience + 1):
        turn = talker.say(message)
        questions += turn.question is not None
        repeated += len(shown & set(turn.ids))
        shown |= set(turn.ids)
        broken, seen = person.violations(turn)
        violating, looked_at = violating + broken, looked_at + seen
        if person.satisfied(turn):
            success = turn_number
            break
        rejections += bool(turn.ids)
        if turn_number < need.patience:
            message = person.answer(turn)
            messages.append(message)
    return Dialogue(
        need.name, success, turn_number, questions, rejections, repeated, violating, looked_at, tuple(messages)
    )


def run_dialogue(
    recommender: Recommender,
    *,
    people: int = 60,
    seed: int = 0,
    systems: Mapping[str, Callable[[Recommender], Talker]] | None = None,
    model: EvaluationModel | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SuiteResult:
    """The same people talk to every system; with `model`, it finds their words."""
    started = time.perf_counter()
    systems = systems or SYSTEMS
    spoken = Spoken()

    def person(need: Need) -> SimulatedPerson:
        if model is None:
            return SimulatedPerson(need, recommender.catalogue, seed=seed)
        return ModelPerson(need, recommender.catalogue, model, spoken, seed=seed)

    needs = draw_needs(recommender.catalogue, recommender.engine.recall.popularity, people, seed, TURNS)
    done: dict[str, list[Dialogue]] = {name: [] for name in systems}
    partial = False
    try:
        for number, need in enumerate(needs):
            for name, start in systems.items():
                done[name].append(converse(person(need), start(recommender)))
            if progress is not None:
                progress(number + 1, len(needs))
    except KeyboardInterrupt:
        partial = True
    figures = [figure for name, dialogues in done.items() for figure in dialogue_figures(name, dialogues)]
    notes = ["Everybody has seen the best known items already, so popularity alone cannot succeed by construction."]
    if model is not None:
        figures += _spoken_figures(spoken)
        notes += [f"{model.out}: from there on the rules spoke for everybody."] if model.out else []
    return SuiteResult(
        suite="dialogue",
        figures=tuple(figures),
        parameters={
            "people": len(needs),
            "seed": seed,
            "turns": TURNS,
            "simulator": "rules" if model is None else model.name,
        },
        plots=(_plot(done),),
        notes=tuple(notes),
        seconds=time.perf_counter() - started,
        partial=partial,
    )


def dialogue_figures(system: str, dialogues: Sequence[Dialogue]) -> list[Figure]:
    """What the dialogues with one system amount to."""

    def mean(name: str, value: Callable[[Dialogue], float | None], better: str = "higher", unit: str = "") -> Figure:
        samples = {d.person: float(v) for d in dialogues if (v := value(d)) is not None}
        direction = "neutral" if system != "convrec" else better
        return mean_figure(f"{system}: {name}", samples, better=direction, unit=unit)  # type: ignore[arg-type]

    figures = [
        mean(f"success by turn {turn}", lambda d, t=turn: float(d.success is not None and d.success <= t), unit="share")  # type: ignore[misc]
        for turn in range(1, TURNS + 1)
    ]
    return [
        *figures,
        mean("turns to success", lambda d: d.success, "lower"),
        mean("questions", lambda d: d.questions, "neutral"),
        mean("lists rejected", lambda d: d.rejections, "lower"),
        mean("items repeated", lambda d: d.repeated, "lower"),
        mean("looked at against the person's words", lambda d: d.violating / max(d.looked_at, 1), "lower", "share"),
    ]


def _spoken_figures(spoken: Spoken) -> list[Figure]:
    """Whose words the people's messages were: a run that the rules spoke for says nothing about a model."""
    parts = {
        "messages of the language model": spoken.by_model,
        "messages of the rules, the model gave none": spoken.unanswered,
        "messages of the rules, the model's named an acceptable item": spoken.leaking,
    }
    total = sum(parts.values())
    return [
        count_figure(name, part / total if total else float("nan"), better="neutral", unit="share", n=total)
        for name, part in parts.items()
    ]


def _plot(done: Mapping[str, Sequence[Dialogue]]) -> Plot:
    curves = []
    for name, dialogues in done.items():
        turns, all_of_them = tuple(range(1, TURNS + 1)), max(len(dialogues), 1)
        rates = [sum(d.success is not None and d.success <= t for d in dialogues) / all_of_them for t in turns]
        curves.append(Curve(label=name, x=tuple(float(t) for t in turns), y=tuple(rates)))
    return Plot(title="Success by turn", kind="line", x_label="turn", y_label="people served", curves=tuple(curves))
