"""The `crs` suite: what does the next message of a public dialogue recommend?"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from convrec.agent.recommender import Recommender
from convrec.evals.crs_cases import DialogueCase
from convrec.evals.errors import EvaluationError
from convrec.evals.request_judge import plain_title
from convrec.evals.types import Figure, SuiteResult, count_figure, mean_figure
from convrec.ranking.types import Person
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.request import Description, Reference, Request
from convrec.retrieval.schema import Role

DEPTHS = (1, 5, 10, 20, 50)
WORDS = 1000
"""characters at the end of the dialogue that describe what is wanted"""
MESSAGES = 3
"""latest messages that plain dense retrieval compares: it does worse with more (chosen on a part of ReDial)"""
NAMED = 12
"""latest titles that count, as examples and as what the person took before"""
FADE = 0.8
"""weight of each earlier example"""
_YEAR = re.compile(r"\((\d{4})\)\s*$")

Rows = NDArray[np.int32]
Hits = dict[tuple[str, str, int], dict[str, float]]
"""(system, condition, k) -> whether each target is among the best k"""


class TitleIndex:
    """Titles of a catalogue by their plain form, and by year where both sides know it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._rows: dict[str, list[tuple[int, int | None]]] = {}
        years = next((a.name for a in catalogue.schema.with_role(Role.YEAR) if a.numeric), None)
        for row, title in enumerate(catalogue.titles):
            value = catalogue.value(row, years) if years is not None else None
            own = _year(title) or (int(value) if isinstance(value, float) and value < 3000 else None)
            self._rows.setdefault(plain_title(title), []).append((row, own))

    def row(self, title: str) -> int | None:
        """The item of a title, its year within one of the title's; None where there is none."""
        year = _year(title)
        for row, own in self._rows.get(plain_title(title), []):
            if year is None or own is None or abs(own - year) <= 1:
                return row
        return None


def run_crs(
    recommender: Recommender,
    cases: Sequence[DialogueCase],
    *,
    candidates: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SuiteResult:
    """Recall@k in both published conditions: over all targets, and over those that the context does not name.

    A target that the catalogue does not have counts as missed; how many there are is a figure of its own.

    Raises:
        EvaluationError: no target is an item of the catalogue.
    """
    started = time.perf_counter()
    index, catalogue = TitleIndex(recommender.catalogue), recommender.catalogue
    allowed = np.ones(len(catalogue), bool)
    if candidates is not None:
        allowed[:] = False
        allowed[[row for title in candidates if (row := index.row(title)) is not None]] = True
    systems: dict[str, Callable[[DialogueCase], Rows]] = {
        "convrec": _Full(recommender, index),
        "plain dense": _Dense(recommender),
        "popularity": _Known(recommender),
    }
    hits: Hits = {}
    known = total = 0
    partial = False
    try:
        for number, case in enumerate(cases):
            targets = [index.row(title) for title in case.targets]
            known, total = known + sum(t is not None for t in targets), total + len(targets)
            named = {row for title in case.mentioned if (row := index.row(title)) is not None}
            for name, system in systems.items():
                order = [row for row in system(case).tolist() if allowed[row]]
                for condition, found in ranks(case, targets, order, named).items():
                    for place, rank in found.items():
                        for k in DEPTHS:
                            scores = hits.setdefault((name, condition, k), {})
                            scores[f"{case.id}/{place}"] = float(rank is not None and rank <= k)
            if progress is not None:
                progress(number + 1, len(cases))
    except KeyboardInterrupt:
        partial = True
    if not known:
        raise EvaluationError("No target of these dialogues is an item of the workspace: build it from their items.")
    return SuiteResult(
        suite="crs",
        figures=(
            *_figures(hits),
            count_figure("targets in the catalogue", known / total, better="neutral", unit="share"),
        ),
        parameters={"cases": len(cases), "candidates": int(allowed.sum()), "words": WORDS, "titles": NAMED},
        seconds=time.perf_counter() - started,
        partial=partial,
    )


def ranks(
    case: DialogueCase, targets: Sequence[int | None], order: Sequence[int], named: set[int]
) -> dict[str, dict[int, int | None]]:
    """The rank, from 1, of each target by its place, in both conditions; None where it is not ranked at all.

    For 'new items' what the context names leaves the ranking, and such targets are not asked for.
    """
    places = {row: rank for rank, row in enumerate(order, 1)}
    fresh = {row: rank for rank, row in enumerate((row for row in order if row not in named), 1)}
    new = [p for p, t in enumerate(targets) if t not in named and case.targets[p] not in case.mentioned]
    return {
        "all items": {p: places.get(t) if t is not None else None for p, t in enumerate(targets)},
        "new items": {p: fresh.get(t) if (t := targets[p]) is not None else None for p in new},
    }


def _figures(hits: Hits) -> list[Figure]:
    return [
        mean_figure(
            f"{system}: recall@{k}, {condition}",
            samples,
            better="higher" if system == "convrec" else "neutral",
            keep=system == "convrec",
        )
        for (system, condition, k), samples in sorted(hits.items(), key=lambda e: (e[0][0] != "convrec", *e[0]))
    ]


class _Full:
    """Recall and ranker over a typed request: the dialogue describes, the titles named are examples and a history."""

    def __init__(self, recommender: Recommender, index: TitleIndex) -> None:
        self._engine = recommender.engine
        self._ids = recommender.catalogue.ids
        self._titles = recommender.catalogue.titles
        self._index = index

    def __call__(self, case: DialogueCase) -> Rows:
        rows = [row for title in case.mentioned if (row := self._index.row(title)) is not None][-NAMED:]
        references = tuple(
            Reference(item_id=self._ids[row], title=self._titles[row], weight=FADE**age)
            for age, row in enumerate(reversed(rows))
        )
        described = Description(text=_tail(case.context))
        request = Request(descriptions=(described,), references=references)
        unrated = np.full(len(rows), np.nan)
        person = Person(None, np.array(rows, np.int32), unrated.astype(np.float32), unrated)
        # What was named may be recommended again: the condition 'all items' asks for it.
        query = replace(self._engine.query(request, person), exclude_rows=np.zeros(0, np.int32))
        recalled = self._engine.recall.recall(query, self._engine.sources)
        scored = self._engine.ranker.score(recalled, person, request)
        return np.asarray(scored.rows[np.argsort(-scored.score, kind="stable")], np.int32)


class _Dense:
    """Cosine to the words of the latest messages."""

    def __init__(self, recommender: Recommender) -> None:
        self._engine = recommender.engine

    def __call__(self, case: DialogueCase) -> Rows:
        cosines = np.asarray(self._engine.vectors @ self._engine.encode([_tail(case.context[-MESSAGES:])])[0])
        return np.argsort(-cosines, kind="stable")[:1000].astype(np.int32)


class _Known:
    """The best known items."""

    def __init__(self, recommender: Recommender) -> None:
        self._order = np.argsort(-recommender.engine.recall.popularity, kind="stable")[:1000].astype(np.int32)

    def __call__(self, case: DialogueCase) -> Rows:
        del case
        return self._order


def _tail(messages: Sequence[str]) -> str:
    return " ".join(messages)[-WORDS:]


def _year(title: str) -> int | None:
    found = _YEAR.search(title)
    return int(found[1]) if found else None
