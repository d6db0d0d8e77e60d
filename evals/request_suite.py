"""The `requests` suite as figures, with what plain retrieval makes of the same words beside it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from convrec.agent.recommender import Recommender
from convrec.agent.types import Recommendation, Reply
from convrec.evals.errors import EvaluationError
from convrec.evals.request_cases import RequestCase
from convrec.evals.request_judge import Verdict, judge
from convrec.evals.requests import run_cases
from convrec.evals.types import Curve, Figure, Plot, SuiteResult, count_figure, mean_figure, percentile_figure
from convrec.retrieval.request import Request

LIST = 10


def run_requests(
    recommender: Recommender,
    cases: Sequence[RequestCase],
    *,
    source: str = "",
    seed: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[SuiteResult, list[Verdict]]:
    """Judge the cases, and what Chroma similarity, BM25 and mere popularity show for the same words.

    Raises:
        EvaluationError: there are no cases.
    """
    if not cases:
        raise EvaluationError("No case was run: no case carries every tag that was asked for.")
    started = time.perf_counter()
    verdicts = run_cases(recommender, cases, progress=progress)
    partial = len(verdicts) < len(cases)
    cases = cases[: len(verdicts)]
    figures = [*request_figures(verdicts)]
    systems = {"convrec": verdicts}
    for name, search in searches(recommender).items():
        systems[name] = [_judge_list(recommender, case, search(" ".join(case.turns))) for case in cases]
        figures += _baseline_figures(name, systems[name])
    figures += tag_figures(verdicts)
    result = SuiteResult(
        suite="requests",
        figures=tuple(figures),
        parameters={"cases": len(cases), "from": source or "generated", "seed": seed},
        plots=(_plot(systems),),
        notes=tuple(dict.fromkeys(note for v in verdicts for note in v.notes)),
        seconds=time.perf_counter() - started,
        partial=partial,
    )
    return result, verdicts


def request_figures(verdicts: Sequence[Verdict]) -> list[Figure]:
    """The headline figures of judged cases."""
    possible = [v for v in verdicts if not v.case.expect.impossible]
    shown = sum(v.shown for v in possible)
    satisfying = sum(v.satisfying for v in possible) / shown if shown else 1.0
    figures = [
        mean_figure("cases passed", {v.case.id: float(v.passed) for v in verdicts}, unit="share"),
        count_figure("shown items that meet every condition", satisfying, better="higher", unit="share", n=shown),
        count_figure("items outside the catalogue", sum(v.outside for v in verdicts), n=shown),
    ]
    graded = {v.case.id: v.ndcg for v in verdicts if v.ndcg is not None}
    if graded:
        figures.append(mean_figure("nDCG@10 of theme requests", graded))
    times = [v.seconds * 1000 for v in verdicts]
    return [*figures, *(percentile_figure(f"turn p{p}", times, p) for p in (50, 95))]


def tag_figures(verdicts: Sequence[Verdict]) -> list[Figure]:
    """Pass rates by tag; a kind with few cases says little, which its interval shows."""
    tags: dict[str, dict[str, float]] = defaultdict(dict)
    for verdict in verdicts:
        for tag in verdict.case.tags:
            tags[tag][verdict.case.id] = float(verdict.passed)
    return [
        mean_figure(f"passed: {tag}", found, better="neutral", unit="share", keep=False)
        for tag, found in sorted(tags.items())
    ]


def searches(recommender: Recommender) -> dict[str, Callable[[str], list[str]]]:
    """Plain retrieval by name: from the words of all turns to ids, best first."""
    catalogue, generation = recommender.catalogue, recommender.generation

    def chroma(words: str) -> list[str]:
        return generation.store.query(recommender.engine.encode([words])[0], LIST)[0]

    def bm25(words: str) -> list[str]:
        scores = generation.lexical.scores(words)
        if scores is None:
            return []
        best = np.argsort(-np.nan_to_num(scores), kind="stable")[:LIST]
        return [catalogue.ids[row] for row in best.tolist() if scores[row] > 0]

    def popular(words: str) -> list[str]:
        del words
        order = np.argsort(-recommender.engine.recall.popularity, kind="stable")[:LIST]
        return [catalogue.ids[row] for row in order.tolist()]

    return {"plain Chroma": chroma, "BM25": bm25, "popularity": popular}


def _judge_list(recommender: Recommender, case: RequestCase, ids: Sequence[str]) -> Verdict:
    catalogue = recommender.catalogue
    items = tuple(
        Recommendation(rank=rank, id=i, title=catalogue.titles[catalogue.row(i)], score=0.0, breakdown={})
        for rank, i in enumerate(ids, 1)
    )
    history = [catalogue.ids[row] for row in recommender.engine.person(case.user).items.tolist()]
    return judge(case, Reply(message="", request=Request(), items=items), [], catalogue, history)


def _baseline_figures(name: str, verdicts: Sequence[Verdict]) -> list[Figure]:
    figures = [
        mean_figure(
            f"{name}: cases passed",
            {v.case.id: float(v.passed) for v in verdicts},
            better="neutral",
            unit="share",
            keep=False,
        )
    ]
    graded = {v.case.id: v.ndcg for v in verdicts if v.ndcg is not None}
    if graded:
        figures.append(mean_figure(f"{name}: nDCG@10 of theme requests", graded, better="neutral", keep=False))
    return figures


def _plot(systems: dict[str, list[Verdict]]) -> Plot:
    kinds = sorted({tag for v in systems["convrec"] for tag in v.case.tags})
    curves = []
    for name, verdicts in systems.items():
        rates = [float(np.mean([v.passed for v in verdicts if kind in v.case.tags])) for kind in kinds]
        curves.append(Curve(label=name, x=tuple(kinds), y=tuple(rates)))
    return Plot(
        title="Requests by kind", kind="bar", x_label="kind of request", y_label="cases passed", curves=tuple(curves)
    )
