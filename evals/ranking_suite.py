"""The `ranking` suite over a log: the trained ranker and its baselines on what people really took next."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convrec.evals.errors import EvaluationError
from convrec.evals.ranking import CaseScorer, RankingResult, SystemResult, by_history, evaluate_ranking
from convrec.evals.types import Curve, Figure, Plot, SuiteResult, count_figure, mean_figure
from convrec.ranking.baselines import DecayedEase, Ease, ItemKNN, Popularity, Scorer, Transitions, UserKNN
from convrec.ranking.significance import bootstrap_interval
from convrec.ranking.splits import Cases, Split, global_temporal, leave_one_out
from convrec.retrieval.catalogue import Catalogue, CategoryColumn
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.schema import Role

if TYPE_CHECKING:
    from convrec.agent.recommender import Recommender

OURS = "convrec"
SPLITS: dict[str, Callable[[InteractionLog], Split]] = {"leave-one-out": leave_one_out, "temporal": global_temporal}
FEWEST_PEOPLE = 10
"""asked people below which no figure means anything"""


def run_ranking(
    recommender: Recommender,
    *,
    split: str = "leave-one-out",
    people: int | None = None,
    k: int = 10,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> SuiteResult:
    """Train on the training part of the workspace's log, then ask for the test part. `people` asks a sample of them.

    Raises:
        EvaluationError: the workspace has no log, or too small a one.
    """
    started = time.perf_counter()
    catalogue = recommender.catalogue
    made = split_log(recommender.log, split)
    cases = sampled(made.test, people, seed)
    vectors = np.asarray(recommender.engine.vectors, np.float32)
    systems = baselines(made.train, len(catalogue), progress)
    systems["plain dense"] = dense_scorer(vectors)
    progress("Training the ranker")
    systems = {OURS: full_scorer(recommender, made.train), **systems}
    progress("Ranking")
    counts = np.bincount(made.train.items, minlength=len(catalogue))
    result = evaluate_ranking(
        systems, cases, len(catalogue), k=k, counts=counts, vectors=vectors, categories=topic_matrix(catalogue)
    )
    return SuiteResult(
        suite=f"ranking, {split}",
        figures=(*ranking_figures(result, cases), *slices(result, cases, counts, catalogue)),
        parameters={"split": split, "people": len(cases), "k": k, "seed": seed, "trained on": len(made.train)},
        plots=(trade_off(result),),
        notes=("Full ranking over all items, seen ones removed; ties count against the system.",),
        seconds=time.perf_counter() - started,
    )


def rank_log(log: InteractionLog, items: int, *, split: str = "leave-one-out", k: int = 10) -> SuiteResult:
    """Only what can be learned from the log itself: for a public data set that comes without a catalogue.

    Raises:
        EvaluationError: too few people can be asked.
    """
    started = time.perf_counter()
    made = split_log(log, split)
    systems = baselines(made.train, items, lambda _: None)
    counts = np.bincount(made.train.items, minlength=items)
    result = evaluate_ranking(systems, made.test, items, k=k, counts=counts)
    return SuiteResult(
        suite=f"ranking, {split}",
        figures=tuple(ranking_figures(result, made.test)),
        parameters={"split": split, "people": len(made.test), "k": k, "trained on": len(made.train)},
        plots=(trade_off(result),),
        seconds=time.perf_counter() - started,
    )


def split_log(log: InteractionLog, name: str) -> Split:
    """A split by its name.

    Raises:
        EvaluationError: no split has that name, or it leaves too few people to ask.
    """
    if name not in SPLITS:
        raise EvaluationError(f"There is no split {name!r}; choose one of: {', '.join(SPLITS)}.")
    made = SPLITS[name](log)
    if len(made.test) < FEWEST_PEOPLE:
        raise EvaluationError(
            f"Only {len(made.test)} people can be asked by {name}; "
            f"at least {FEWEST_PEOPLE} with three events are needed."
        )
    return made


def sampled(cases: Cases, people: int | None, seed: int) -> Cases:
    """At most `people` of the cases, the same ones for the same seed."""
    if people is None or people >= len(cases):
        return cases
    chosen = np.random.default_rng(seed).choice(len(cases), people, replace=False)
    return cases.take(np.sort(chosen))


def baselines(train: InteractionLog, items: int, progress: Callable[[str], None]) -> dict[str, CaseScorer]:
    """Fitted baselines by the name of their figures."""
    made: dict[str, Scorer] = {
        "popularity": Popularity(),
        "item-kNN": ItemKNN(),
        "user-kNN": UserKNN(),
        "EASE": Ease(),
        "decayed EASE": DecayedEase(),
        "transitions": Transitions(),
    }
    fitted = {}
    for name, scorer in made.items():
        progress(f"Fitting {name}")
        fitted[name] = by_history(scorer.fit(train, items))
    return fitted


def dense_scorer(vectors: NDArray[np.float32], recent: int = 10) -> CaseScorer:
    """Cosine to the mean vector of the latest items of the history: what plain similarity search has to offer."""

    def scores(cases: Cases) -> NDArray[np.float32]:
        means = np.stack([vectors[history[-recent:]].mean(axis=0) for history in cases.histories()])
        return np.asarray(means @ vectors.T, np.float32)

    return scores


def full_scorer(recommender: Recommender, train: InteractionLog) -> CaseScorer:
    """The served path, recall and ranker, trained on `train` alone and asked without words."""
    from convrec.agent.engine import Engine
    from convrec.ranking.rank import AdditiveScorer
    from convrec.ranking.signals import CollaborativeSource
    from convrec.ranking.training import Material, train_ranker
    from convrec.ranking.types import Person
    from convrec.retrieval.recall import Recall, popularity_prior
    from convrec.retrieval.request import Request

    served = recommender.engine
    catalogue = served.catalogue
    settings = recommender.settings.retrieval.recall
    recall = Recall(
        catalogue,
        served.vectors,
        lexical=recommender.generation.lexical,
        popularity=popularity_prior(catalogue, train),
        settings=settings,
    )
    trained = train_ranker(Material(catalogue, train, served.vectors, recall, served.encode))
    engine = Engine(
        catalogue=catalogue,
        log=train,
        recall=recall,
        vectors=served.vectors,
        encode=served.encode,
        ranker=AdditiveScorer(trained.signals, trained.net),
        sources=(CollaborativeSource(trained.signals),),
        people=served.people,
    )
    request = Request()

    def scores(cases: Cases) -> NDArray[np.float32]:
        rows = np.full((len(cases), len(catalogue)), -np.inf, np.float32)
        log = cases.log
        for case in range(len(cases)):
            run = slice(int(log.indptr[cases.users[case]]), int(cases.positions[case]))
            person = Person(None, log.items[run], log.values[run], log.timestamps[run])
            recalled = recall.recall(engine.query(request, person), engine.sources)
            scored = engine.ranker.score(recalled, person, request)
            rows[case, scored.rows] = scored.score
        return rows

    return scores


def ranking_figures(result: RankingResult, cases: Cases) -> list[Figure]:
    """Accuracy of every system with intervals; ours against the best of the others, in pairs; the look of the lists."""
    names = [cases.log.user_ids[user] for user in cases.users.tolist()]
    ours = result.systems[0].name
    metrics = (f"hr@{result.k}", f"ndcg@{result.k}", f"mrr@{result.k}")
    figures = []
    for system in result.systems:
        direction = "higher" if system.name == ours else "neutral"
        for metric in metrics:
            samples = dict(zip(names, system.people[metric].tolist(), strict=True))
            keep = system.name == ours
            figures.append(mean_figure(f"{system.name}: {metric}", samples, better=direction, keep=keep))  # type: ignore[arg-type]
    best = max(result.systems[1:], key=lambda s: float(s.people[metrics[1]].mean()), default=None)
    if best is not None:
        gap = result.difference(ours, best.name)
        figures.append(
            Figure(
                name=f"{ours} minus {best.name}: {metrics[1]} (p {gap.p:.3f})",
                value=gap.mean,
                low=gap.low,
                high=gap.high,
                n=gap.people,
                better="neutral",
            )
        )
    for system in result.systems:
        for name, value in system.lists.items():
            figures.append(count_figure(f"{system.name}: {name}", value, better="neutral", n=result.cases))
    return figures


def slices(result: RankingResult, cases: Cases, counts: NDArray[np.integer], catalogue: Catalogue) -> list[Figure]:
    """Where ours is better and worse: by how much a person took, how well known the item is, and by kind of item."""
    system = result.systems[0]
    metric = f"ndcg@{result.k}"
    values = system.people[metric]
    lengths = np.array([len(history) for history in cases.histories()])
    known = counts[cases.targets]
    heavy = lengths > np.median(lengths)
    tail = known <= np.median(counts[counts > 0])
    parts = {
        "people with long histories": heavy,
        "people with short histories": ~heavy,
        "targets of the long tail": tail,
        "well-known targets": ~tail,
        "targets that nobody took in training": known == 0,
    }
    figures = [_slice(system, metric, name, part) for name, part in parts.items() if part.any()]
    figures += [
        _slice(system, metric, f"targets of {value}", part)
        for value, part in _topics(cases, catalogue)
        if part.sum() >= 10
    ]
    if heavy.any() and (~heavy).any():
        figures.append(_gap("fairness gap, long minus short histories", values[heavy], values[~heavy]))
    return figures


def _slice(system: SystemResult, metric: str, name: str, part: NDArray[np.bool_]) -> Figure:
    samples = {str(number): float(v) for number, v in enumerate(system.people[metric][part])}
    return mean_figure(f"{system.name}: {metric}, {name}", samples, better="neutral", keep=False)


def _gap(name: str, first: NDArray[np.float64], second: NDArray[np.float64]) -> Figure:
    """The difference of two groups' means, with the interval of independent groups."""
    a, b = bootstrap_interval(first), bootstrap_interval(second, seed=1)
    gap = a.mean - b.mean
    wide = float(np.hypot(a.high - a.low, b.high - b.low)) / 2
    return Figure(name=name, value=gap, low=gap - wide, high=gap + wide, better="neutral", n=first.size + second.size)


def _topics(cases: Cases, catalogue: Catalogue) -> list[tuple[str, NDArray[np.bool_]]]:
    """The five most frequent values of the first attribute that says what an item is about."""
    for attribute in catalogue.schema.with_role(Role.TOPIC):
        column = catalogue.columns[attribute.name]
        if isinstance(column, CategoryColumn):
            return [
                (column.vocabulary[code], np.isin(cases.targets, column.rows(code)))
                for code in np.argsort(-column.counts, kind="stable")[:5].tolist()
            ]
    return []


def topic_matrix(catalogue: Catalogue) -> NDArray[np.float64] | None:
    """(I, C) whether each item carries each value of the first topic attribute of a moderate vocabulary."""
    for attribute in catalogue.schema.with_role(Role.TOPIC):
        column = catalogue.columns[attribute.name]
        if isinstance(column, CategoryColumn) and len(column.vocabulary) <= 100:
            matrix = np.zeros((len(catalogue), len(column.vocabulary)))
            owners = np.repeat(np.arange(len(catalogue)), np.diff(column.indptr))
            matrix[owners, column.codes] = 1
            return matrix
    return None


def trade_off(result: RankingResult) -> Plot:
    """Beyond accuracy against accuracy: coverage of the catalogue over nDCG, a point a system."""
    metric = f"ndcg@{result.k}"
    curves = tuple(
        Curve(label=s.name, x=(float(s.people[metric].mean()),), y=(float(s.lists["coverage"]),))
        for s in result.systems
    )
    return Plot(title="Coverage against accuracy", kind="scatter", x_label=metric, y_label="coverage", curves=curves)
