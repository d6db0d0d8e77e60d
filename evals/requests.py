"""The `requests` suite: how well are requests understood, judged by what is shown?"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convrec.agent.recommender import Recommender
from convrec.evals.errors import EvaluationError
from convrec.evals.request_cases import RequestCase
from convrec.evals.request_judge import Verdict, judge, list_ndcg


@dataclass(frozen=True)
class RequestFigures:
    """What the suite found. Rates in [0, 1]; times in milliseconds for a whole turn."""

    cases: int
    passed: float
    satisfying: float
    """share of shown items that meet every stated condition, over the cases that can be met"""
    outside: int
    ndcg: float | None
    """mean nDCG@10 of the cases that name relevant items"""
    ndcg_dense: float | None
    """the same for plain Chroma similarity on the same words"""
    p50_ms: float
    p95_ms: float
    by_tag: dict[str, tuple[int, float]]


def run_cases(
    recommender: Recommender, cases: Sequence[RequestCase], *, progress: Callable[[int, int], None] | None = None
) -> list[Verdict]:
    """Run every case as a fresh session that keeps nothing."""
    verdicts = []
    for number, case in enumerate(cases, 1):
        verdicts.append(run_case(recommender, case))
        if progress is not None:
            progress(number, len(cases))
    return verdicts


def run_case(recommender: Recommender, case: RequestCase) -> Verdict:
    """One conversation, judged at its end."""
    conversation = recommender.session(case.user, stored=False)
    previous = [tuple(item.id for item in conversation.send(turn).items) for turn in case.turns[:-1]]
    started = time.perf_counter()
    reply = conversation.send(case.turns[-1])
    seconds = time.perf_counter() - started
    catalogue = recommender.catalogue
    history = [catalogue.ids[row] for row in recommender.engine.person(case.user).items.tolist()]
    return judge(case, reply, previous, catalogue, history, seconds=seconds)


def dense_ndcg(recommender: Recommender, cases: Sequence[RequestCase], k: int = 10) -> float | None:
    """Mean nDCG@k of plain Chroma similarity: the words of each case's turns, nothing read, nothing filtered."""
    graded = [case for case in cases if case.expect.relevant_ids]
    if not graded:
        return None
    vectors = recommender.engine.encode([" ".join(case.turns) for case in graded])
    scores = []
    for case, vector in zip(graded, vectors, strict=True):
        ids, _ = recommender.generation.store.query(vector, k)
        scores.append(list_ndcg(ids, set(case.expect.relevant_ids), k))
    return float(np.mean(scores))


def figures(verdicts: Sequence[Verdict], ndcg_dense: float | None = None) -> RequestFigures:
    """Sum up the verdicts.

    Raises:
        EvaluationError: there are none.
    """
    if not verdicts:
        raise EvaluationError("No case was run: no case carries every tag that was asked for.")
    possible = [v for v in verdicts if not v.case.expect.impossible]
    shown = sum(v.shown for v in possible)
    milliseconds = np.array([v.seconds * 1000 for v in verdicts])
    graded = [v.ndcg for v in verdicts if v.ndcg is not None]
    tags: dict[str, list[bool]] = defaultdict(list)
    for verdict in verdicts:
        for tag in verdict.case.tags:
            tags[tag].append(verdict.passed)
    return RequestFigures(
        cases=len(verdicts),
        passed=float(np.mean([v.passed for v in verdicts])),
        satisfying=sum(v.satisfying for v in possible) / shown if shown else 1.0,
        outside=sum(v.outside for v in verdicts),
        ndcg=float(np.mean(graded)) if graded else None,
        ndcg_dense=ndcg_dense,
        p50_ms=float(np.percentile(milliseconds, 50)),
        p95_ms=float(np.percentile(milliseconds, 95)),
        by_tag={tag: (len(found), float(np.mean(found))) for tag, found in sorted(tags.items())},
    )


def result_line(verdict: Verdict) -> dict[str, object]:
    """What the results file says of a case."""
    reply = verdict.reply
    question = reply.clarify.question if reply.clarify is not None else None
    if question is None and not reply.items:
        question = reply.message
    return {
        "id": verdict.case.id,
        "items": [{"id": item.id, "title": item.title} for item in reply.items],
        "clarify": question,
        "relaxed": [r.model_dump(mode="json") for r in reply.relaxed if r.applied],
        "previous": [list(shown) for shown in verdict.previous],
    }


def write_results(verdicts: Sequence[Verdict], path: Path) -> None:
    """One JSON line a case."""
    lines = (json.dumps(result_line(verdict), ensure_ascii=False) for verdict in verdicts)
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
