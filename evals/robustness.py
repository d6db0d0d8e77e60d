"""The `robustness` suite: the same wish said otherwise should give the same list, and never break a condition."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from convrec.agent.recommender import Recommender
from convrec.evals.generator_words import reword
from convrec.evals.request_cases import RequestCase
from convrec.evals.request_generator import generate
from convrec.evals.request_judge import field_value, meets
from convrec.evals.types import Curve, Plot, SuiteResult, mean_figure

KINDS = ("value", "number", "year", "conjunction", "alternatives")
"""kinds of generated cases that are one message and one wish"""
PERSISTENCE = 0.9
"""p of rank-biased overlap: the first ten ranks carry 86% of the weight"""


def rank_biased_overlap(first: Sequence[str], second: Sequence[str], p: float = PERSISTENCE) -> float:
    """Agreement of two rankings, in [0, 1]: 1 for equal ones, 0 for disjoint ones.

    Rank-biased overlap (Webber, Moffat & Zobel, TOIS 2010) cut at the longer list and divided by its greatest value
    there, so that equal short lists get 1. Two empty lists agree.
    """
    depth = max(len(first), len(second))
    if not depth:
        return 1.0
    total = weight = 0.0
    for rank in range(1, depth + 1):
        agreed = len(set(first[:rank]) & set(second[:rank])) / rank
        total += p ** (rank - 1) * agreed
        weight += p ** (rank - 1)
    return total / weight


def run_robustness(
    recommender: Recommender,
    *,
    count: int = 40,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> SuiteResult:
    """Every generated request once as it is, and once for each way of rewording."""
    import random

    started = time.perf_counter()
    drawn = [case for case in generate(recommender.catalogue, 4 * count, seed) if case.tags[0] in KINDS][:count]
    overlap: dict[str, dict[str, float]] = defaultdict(dict)
    broken: dict[str, dict[str, float]] = defaultdict(dict)
    partial = False
    try:
        for number, case in enumerate(drawn):
            ids, share = _list(recommender, case, case.turns[0])
            broken["as written"][case.id] = share
            for kind, message in reword(case.turns[0], random.Random(f"{seed}-{case.id}"), recommender.schema.plural):
                changed, share = _list(recommender, case, message)
                overlap[kind][case.id] = rank_biased_overlap(ids, changed)
                broken[kind][case.id] = share
            if progress is not None:
                progress(number + 1, len(drawn))
    except KeyboardInterrupt:
        partial = True
    figures = [mean_figure(f"{kind}: overlap of lists", values) for kind, values in overlap.items()]
    figures += [
        mean_figure(f"{kind}: shown against a condition", values, better="lower", unit="share")
        for kind, values in broken.items()
    ]
    bars = Curve(label="overlap", x=tuple(overlap), y=tuple(sum(v.values()) / max(len(v), 1) for v in overlap.values()))
    return SuiteResult(
        suite="robustness",
        figures=tuple(figures),
        parameters={"cases": len(drawn), "seed": seed, "p": PERSISTENCE},
        plots=(
            Plot(
                title="Lists after rewording",
                kind="bar",
                x_label="what was changed",
                y_label="rank-biased overlap",
                curves=(bars,),
            ),
        ),
        seconds=time.perf_counter() - started,
        partial=partial,
    )


def _list(recommender: Recommender, case: RequestCase, message: str) -> tuple[list[str], float]:
    """The ids shown for a message, and the share of them that breaks a condition of the case."""
    reply = recommender.session(stored=False).send(message)
    catalogue = recommender.catalogue
    ids = [item.id for item in reply.items]
    if not ids:
        return ids, 0.0
    fine = [all(meets(c, field_value(catalogue, i, c.field)) for c in case.expect.every) for i in ids]
    return ids, 1 - sum(fine) / len(ids)
