"""The `judge` suite: a language model compares convrec's lists with those of plain dense retrieval, by a rubric.

Every pair is judged twice, the second time with the lists swapped: what a judge prefers only because of its place shows
as disagreement with itself. Both lists are given in the same form, so nothing but the choice of items is judged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from convrec.agent.prompts import as_data, clean
from convrec.agent.recommender import Recommender
from convrec.evals.endpoint import EvaluationModel, evaluation_model
from convrec.evals.errors import EvaluationError
from convrec.evals.request_cases import RequestCase
from convrec.evals.request_generator import generate
from convrec.evals.request_suite import searches
from convrec.evals.types import Curve, Figure, Plot, SuiteResult, count_figure, mean_figure
from convrec.retrieval.catalogue import Catalogue

LIST = 5
"""items of a list that are judged"""
MOST_VALUES = 6
"""values of an attribute that are shown"""
OURS, THEIRS = "convrec", "plain dense"
RUBRIC = ("fit", "relevance", "variety")

Outcome = Literal["win", "tie", "loss"]
Pair = tuple[Sequence[str], Sequence[str]]

_RULES = """You compare two lists of {plural}, `first` and `second`, that two recommenders gave one person for the \
same words (`person`, oldest message first). Score each list from 1 (bad) to 5 (good):
- `fit`: every item meets every condition that the person stated and has not taken back.
- `relevance`: the items are what the person would like to be shown.
- `variety`: the items are not all alike, as far as the words allow.
Then say which list serves the person better: "first", "second", or "tie". The order of the lists means nothing, and \
neither does how well known an item is, unless the person asks for it.
Answer as {{"first": {{"fit": 1, "relevance": 1, "variety": 1}}, "second": {{"fit": 1, "relevance": 1, "variety": 1}}, \
"better": "tie"}}."""


class Scores(BaseModel):
    """The rubric of one list, each 1 to 5."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    fit: int = Field(ge=1, le=5)
    relevance: int = Field(ge=1, le=5)
    variety: int = Field(ge=1, le=5)


class Verdict(BaseModel):
    """What the judge says of one order of a pair."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    first: Scores
    second: Scores
    better: Literal["first", "second", "tie"]


@dataclass(frozen=True)
class Judged:
    """One pair: the verdict with our list first, and the one with it second; None where the judge gave none."""

    case: str
    ours_first: Verdict | None
    ours_second: Verdict | None

    @property
    def outcomes(self) -> tuple[Outcome, Outcome] | None:
        """How our list did in either place; None unless both were judged."""
        if self.ours_first is None or self.ours_second is None:
            return None
        first: dict[str, Outcome] = {"first": "win", "second": "loss", "tie": "tie"}
        second: dict[str, Outcome] = {"first": "loss", "second": "win", "tie": "tie"}
        return first[self.ours_first.better], second[self.ours_second.better]


def run_judge(
    recommender: Recommender,
    *,
    count: int = 40,
    seed: int = 0,
    model: EvaluationModel | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SuiteResult:
    """Judge generated requests for which both systems show a list; `model` instead of the settings' endpoint.

    Raises:
        EvaluationError: there is no endpoint, or it never answered.
    """
    started = time.perf_counter()
    model = model or evaluation_model(recommender, temperature=0.0)
    if model is None:
        raise EvaluationError("A judge needs a language model: set CONVREC_LLM__BASE_URL and CONVREC_LLM__MODEL.")
    drawn = [case for case in generate(recommender.catalogue, 2 * count, seed) if not case.expect.no_items][:count]
    found: list[Judged] = []
    bare = 0
    partial = False
    try:
        for number, case in enumerate(drawn, 1):
            pair = both_lists(recommender, case)
            if pair is None:
                bare += 1
            elif not model.out:
                found.append(judge_pair(model, recommender.catalogue, case, pair))
            if progress is not None:
                progress(number, len(drawn))
    except KeyboardInterrupt:
        partial = True
    if model.out and not any(judged.outcomes for judged in found):
        raise EvaluationError(f"{model.out}, so nothing was judged.")
    return SuiteResult(
        suite="judge",
        figures=tuple(judge_figures(found)),
        parameters={"requests": len(drawn), "without two lists": bare, "seed": seed, "judge": model.name, "list": LIST},
        plots=(_plot(found),),
        notes=(
            "The figures are opinions of a model: they stand by themselves and are never compared by `eval compare`.",
            *([f"{model.out}: the rest was not judged."] if model.out else []),
        ),
        seconds=time.perf_counter() - started,
        partial=partial,
    )


def both_lists(recommender: Recommender, case: RequestCase) -> Pair | None:
    """Ids that convrec and plain dense retrieval show at the end of a case; None where one of them shows nothing."""
    conversation = recommender.session(stored=False)
    replies = [conversation.send(turn) for turn in case.turns]
    ours = [item.id for item in replies[-1].items][:LIST]
    theirs = searches(recommender)["plain Chroma"](" ".join(case.turns))[:LIST]
    return (ours, theirs) if ours and theirs else None


def judge_pair(model: EvaluationModel, catalogue: Catalogue, case: RequestCase, pair: Pair) -> Judged:
    """The verdicts on both orders of a pair."""
    rules = _RULES.format(plural=clean(catalogue.schema.plural))

    def verdict(first: Sequence[str], second: Sequence[str]) -> Verdict | None:
        data = {
            "person": list(case.turns),
            "first": [card(catalogue, item_id) for item_id in first],
            "second": [card(catalogue, item_id) for item_id in second],
        }
        return model.answer(rules, as_data(data), Verdict)

    ours, theirs = pair
    return Judged(case.id, verdict(ours, theirs), verdict(theirs, ours))


def card(catalogue: Catalogue, item_id: str) -> dict[str, object]:
    """What a judge reads of an item: its title, its attributes and the beginning of its text."""
    item = catalogue.item(catalogue.row(item_id))
    values = {
        name: list(value[:MOST_VALUES]) if isinstance(value, tuple) else value
        for name, value in item.attributes.items()
    }
    return {"title": item.title, **values, "text": item.text}


def judge_figures(found: Sequence[Judged]) -> list[Figure]:
    """Preference with its interval, agreement of the two places, ties, and the rubric of both systems."""
    both = {judged.case: judged.outcomes for judged in found if judged.outcomes is not None}
    worth = {"win": 1.0, "tie": 0.5, "loss": 0.0}
    samples = {
        "preferred to plain dense (a tie is a half)": {c: (worth[a] + worth[b]) / 2 for c, (a, b) in both.items()},
        "better in both places": {c: float(o == ("win", "win")) for c, o in both.items()},
        "worse in both places": {c: float(o == ("loss", "loss")) for c, o in both.items()},
        "tie in both places": {c: float(o == ("tie", "tie")) for c, o in both.items()},
        "the two places agree": {c: float(a == b) for c, (a, b) in both.items()},
        "the list shown first preferred (a tie is a half)": {
            c: (worth[a] + 1 - worth[b]) / 2 for c, (a, b) in both.items()
        },
    }
    figures = [mean_figure(name, values, better="neutral", unit="share") for name, values in samples.items()]
    asked = 2 * len(found)
    silent = sum(v is None for judged in found for v in (judged.ours_first, judged.ours_second))
    share = silent / asked if asked else float("nan")
    figures.append(count_figure("verdicts not given", share, better="neutral", unit="share", n=asked))
    return figures + [
        mean_figure(f"{system}: {name}, 1 to 5", values, better="neutral")
        for system, columns in _rubric(found).items()
        for name, values in columns.items()
    ]


def _rubric(found: Sequence[Judged]) -> Mapping[str, Mapping[str, dict[str, float]]]:
    """Each criterion of each system: the mean of both places, a case."""
    both = [(j.case, j.ours_first, j.ours_second) for j in found if j.ours_first is not None and j.ours_second]
    return {
        OURS: {n: {c: (getattr(a.first, n) + getattr(b.second, n)) / 2 for c, a, b in both} for n in RUBRIC},
        THEIRS: {n: {c: (getattr(a.second, n) + getattr(b.first, n)) / 2 for c, a, b in both} for n in RUBRIC},
    }


def _plot(found: Sequence[Judged]) -> Plot:
    curves = tuple(
        Curve(label=system, x=RUBRIC, y=tuple(sum(v.values()) / max(len(v), 1) for v in columns.values()))
        for system, columns in _rubric(found).items()
    )
    return Plot(title="The judge's scores", kind="bar", x_label="criterion", y_label="mean, 1 to 5", curves=curves)
