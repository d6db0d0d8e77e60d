"""The `requests` suite: how well are requests understood, judged by what is shown?"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from convrec.agent.recommender import Recommender
from convrec.evals.request_cases import RequestCase
from convrec.evals.request_judge import Verdict, judge


def run_cases(
    recommender: Recommender, cases: Sequence[RequestCase], *, progress: Callable[[int, int], None] | None = None
) -> list[Verdict]:
    """Run every case as a fresh session that keeps nothing; Ctrl-C ends it with the verdicts so far."""
    verdicts: list[Verdict] = []
    try:
        for number, case in enumerate(cases, 1):
            verdicts.append(run_case(recommender, case))
            if progress is not None:
                progress(number, len(cases))
    except KeyboardInterrupt:
        if not verdicts:
            raise
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
