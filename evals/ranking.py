"""Ranking quality of several systems on the same held-out events.

Full ranking over the whole catalogue, never sampled negatives; what the person had before the event is removed; ties
count against the system; every interval is a 95% bootstrap over people, every comparison is paired by person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from convrec.ranking import metrics
from convrec.ranking.baselines import Scorer
from convrec.ranking.significance import Difference, Interval, bootstrap_interval, paired_difference
from convrec.ranking.splits import Cases

CaseScorer = Callable[[Cases], NDArray[np.float32]]
"""Scores (B, I) for some cases; it may look at a case's history, never at its target."""


@dataclass(frozen=True, eq=False)
class SystemResult:
    """One system: `people` holds each metric a person (B,), `lists` what its lists look like as a whole."""

    name: str
    people: Mapping[str, NDArray[np.float64]]
    lists: Mapping[str, float]

    def interval(self, metric: str) -> Interval:
        """Mean of a metric with its 95% bootstrap interval."""
        return bootstrap_interval(self.people[metric])


@dataclass(frozen=True, eq=False)
class RankingResult:
    """Every system on the same cases."""

    k: int
    cases: int
    items: int
    systems: tuple[SystemResult, ...]

    def system(self, name: str) -> SystemResult:
        """One system by name; KeyError for a name that was not evaluated."""
        for system in self.systems:
            if system.name == name:
                return system
        raise KeyError(name)

    def difference(self, ours: str, theirs: str, metric: str | None = None) -> Difference:
        """Paired difference of two systems, of nDCG@k unless told."""
        metric = metric or f"ndcg@{self.k}"
        return paired_difference(self.system(ours).people[metric], self.system(theirs).people[metric])

    def to_json(self, ours: str | None = None) -> dict[str, object]:
        """Plain values for a report; with `ours`, also its difference to every other system."""
        systems: list[dict[str, object]] = []
        for system in self.systems:
            entry: dict[str, object] = {
                "name": system.name,
                "metrics": {metric: asdict(system.interval(metric)) for metric in system.people},
                "lists": dict(system.lists),
            }
            if ours is not None and system.name != ours:
                entry["ours_minus_this"] = {
                    metric: asdict(self.difference(ours, system.name, metric))
                    for metric in (f"hr@{self.k}", f"ndcg@{self.k}")
                }
            systems.append(entry)
        return {"k": self.k, "cases": self.cases, "items": self.items, "ours": ours, "systems": systems}


def by_history(scorer: Scorer) -> CaseScorer:
    """A fitted scorer of histories as a scorer of cases."""
    return lambda cases: scorer.scores(cases.histories())


def evaluate_ranking(
    systems: Mapping[str, CaseScorer],
    cases: Cases,
    items: int,
    *,
    k: int = 10,
    counts: NDArray[np.number] | None = None,
    vectors: NDArray[np.floating] | None = None,
    categories: NDArray[np.floating] | None = None,
    batch: int = 512,
) -> RankingResult:
    """Score every case with every system.

    `counts` (I,) training interactions an item adds popularity bias and novelty; `vectors` (I, F) adds intra-list
    diversity; `categories` (I, C) adds calibration of the lists to the histories. Memory is `batch` rows of scores.
    """
    results = []
    for name, score in systems.items():
        ranks, shown, mixes = [], [], []
        for start in range(0, len(cases), batch):
            part = cases.take(np.arange(start, min(start + batch, len(cases))))
            histories = part.histories()
            scores = score(part)
            ranks.append(metrics.target_ranks(scores, part.targets, histories))
            lists = best_unseen(scores, histories, k)
            shown.append(lists)
            if categories is not None:
                past = np.stack([categories[h].sum(axis=0) for h in histories])
                mixes.append(metrics.calibration(past, categories[lists].sum(axis=1)))
        every = np.concatenate(shown) if shown else np.zeros((0, min(k, items)), np.int64)
        looks = {"coverage": metrics.coverage(every, items), "gini": metrics.gini(every, items)}
        if counts is not None:
            looks["popularity"] = metrics.popularity_bias(every, counts)
            looks["novelty"] = metrics.novelty(every, counts)
        if vectors is not None and every.size:
            looks["diversity"] = float(metrics.intra_list_diversity(every, vectors).mean())
        if mixes:
            looks["miscalibration"] = float(np.concatenate(mixes).mean())
        merged = np.concatenate(ranks) if ranks else np.zeros(0, np.int64)
        results.append(SystemResult(name, metrics.ranking_metrics(merged, k), looks))
    return RankingResult(k, len(cases), items, tuple(results))


def best_unseen(scores: NDArray[np.floating], seen: list[NDArray[np.int32]], k: int) -> NDArray[np.int64]:
    """(B, k) the best unseen items, best first; of equal scores the smaller row first."""
    kept = np.array(scores, np.float64)
    kept[~np.isfinite(kept)] = -np.inf
    for row, history in enumerate(seen):
        kept[row, history] = -np.inf
    k = min(k, kept.shape[1])
    return np.argsort(-kept, axis=1, kind="stable")[:, :k]
