"""The `latency` suite: how long a turn takes, stage by stage, and how that grows with the catalogue."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convrec.agent.recommender import Recommender
from convrec.evals.request_generator import generate
from convrec.evals.request_suite import searches
from convrec.evals.types import Curve, Figure, Plot, SuiteResult, count_figure, percentile_figure
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filters import And
from convrec.retrieval.recall import Recall, RecallQuery

STAGES = ("read", "recall", "relax", "rank", "narrate", "total")
PERCENTILES = (50, 95, 99)
WARM_UP = 5
SIZES = (1_000, 10_000, 100_000)
QUERIES = 30
"""recalls a size"""


def run_latency(
    recommender: Recommender,
    *,
    count: int = 60,
    seed: int = 0,
    sizes: Sequence[int] = SIZES,
    cold: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> SuiteResult:
    """Warm turns over generated requests; a cold start in a process of its own; recall over synthetic sizes."""
    started = time.perf_counter()
    cases = generate(recommender.catalogue, count + WARM_UP, seed)
    stages: dict[str, list[float]] = defaultdict(list)
    simple: dict[str, list[float]] = defaultdict(list)
    tokens = {"calls": 0, "input_tokens": 0, "output_tokens": 0}
    cost = 0.0
    figures: list[Figure] = []
    growth: dict[int, list[float]] = {}
    held: dict[int, float] = {}
    partial = False
    searched = {"plain Chroma with LangChain": _plain(recommender), "BM25": searches(recommender)["BM25"]}
    try:
        for number, case in enumerate(cases):
            conversation = recommender.session(stored=False)
            for turn in case.turns:
                reply = conversation.send(turn)
                took = {name: _milliseconds(search, turn) for name, search in searched.items()}
                if number < WARM_UP:
                    continue
                for stage, spent in reply.trace.timings_ms.items():
                    stages[stage].append(spent)
                for name, spent in took.items():
                    simple[name].append(spent)
                for name in tokens:
                    tokens[name] += getattr(reply.trace.llm, name)
                cost += reply.trace.llm.cost or 0.0
            if progress is not None:
                progress(number + 1, len(cases))
        for size in sizes:
            before = _memory()
            recall, vectors = synthetic(recommender, size, seed)
            held[size] = _memory() - before
            growth[size] = recall_times(recall, vectors)
            del recall, vectors
        if cold:
            figures.append(_cold_start(recommender.people.path.parent))
    except KeyboardInterrupt:
        partial = True
    named = [stage for stage in STAGES if stage in stages] + [stage for stage in stages if stage not in STAGES]
    figures += [percentile_figure(f"{stage} p{p}", stages[stage], p) for stage in named for p in PERCENTILES]
    others = [percentile_figure(f"{name} p{p}", times, p) for name, times in simple.items() for p in PERCENTILES]
    others += [percentile_figure(f"recall p{p}, {s:,} items", t, p) for s, t in growth.items() for p in PERCENTILES]
    figures += [figure.model_copy(update={"better": "neutral"}) for figure in others]
    figures += [
        count_figure(f"memory of {size:,} items", mib, better="neutral", unit="MiB") for size, mib in held.items()
    ]
    figures.append(count_figure("memory", _memory(), better="neutral", unit="MiB"))
    if tokens["calls"]:
        turns = len(stages["total"])
        figures += [count_figure(f"{name} a turn", tokens[name] / turns, unit="") for name in tokens]
        figures.append(count_figure("cost a turn", cost / turns, unit="USD"))
    return SuiteResult(
        suite="latency",
        figures=tuple(figures),
        parameters={"turns": len(stages["total"]), "seed": seed, "sizes": list(growth), "warm_up": WARM_UP},
        plots=_plots(stages, growth),
        notes=("Synthetic sizes hold copies of the catalogue's items with vectors that differ by a little noise.",),
        seconds=time.perf_counter() - started,
        partial=partial,
    )


def synthetic(recommender: Recommender, size: int, seed: int = 0) -> tuple[Recall, NDArray[np.float32]]:
    """Exact recall over a synthetic catalogue of `size` items, and their vectors (size, d)."""
    random = np.random.default_rng(seed)
    rows = random.integers(0, len(recommender.catalogue), size)
    vectors = np.asarray(recommender.engine.vectors, np.float32)[rows]
    vectors += random.standard_normal(vectors.shape, np.float32) * np.float32(0.02)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Recall(resampled(recommender.catalogue, rows), vectors), vectors


def recall_times(recall: Recall, vectors: NDArray[np.float32]) -> list[float]:
    """Milliseconds of each recall of `QUERIES` items' neighbours."""
    times = []
    for number in range(QUERIES + WARM_UP):
        query = RecallQuery(
            filter=And(parts=()),
            text_vectors=vectors[number % len(vectors)][None],
            text_weights=np.ones(1, np.float32),
        )
        times.append(_milliseconds(recall.recall, query))
    return times[WARM_UP:]


def resampled(catalogue: Catalogue, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Catalogue:
    """A catalogue of copies of the given rows, each with an id of its own."""
    import polars as pl

    frame = catalogue.to_frame()[rows.tolist()]
    frame = frame.with_columns(pl.Series("id", [f"copy{number}" for number in range(len(rows))]))
    return Catalogue.from_frame(frame, catalogue.schema)


def _plain(recommender: Recommender) -> Callable[[str], object]:
    from convrec.evals.plain_retriever import PlainRetriever

    return PlainRetriever(recommender=recommender).invoke


def _milliseconds(call: Callable[[Any], object], argument: object) -> float:
    began = time.perf_counter()
    call(argument)
    return (time.perf_counter() - began) * 1000


def _cold_start(workspace: Path) -> Figure:
    """From starting a process to its first answer, all imports and models included."""
    command = [sys.executable, "-m", "convrec.agent", "recommend", "something good", "--workspace", str(workspace)]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ}, timeout=300)
    seconds = time.perf_counter() - began
    return count_figure(
        "first answer of a new process", seconds if done.returncode == 0 else float("nan"), better="neutral", unit="s"
    )


def _memory() -> float:
    import psutil

    return round(float(psutil.Process().memory_info().rss) / 2**20, 1)


def _plots(stages: dict[str, list[float]], growth: dict[int, list[float]]) -> tuple[Plot, ...]:
    named = [stage for stage in STAGES if stages.get(stage)]
    bars = tuple(
        Curve(label=f"p{p}", x=tuple(named), y=tuple(float(np.percentile(stages[s], p)) for s in named))
        for p in (50, 95)
    )
    plots = [Plot(title="A warm turn", kind="bar", x_label="stage", y_label="milliseconds", curves=bars)]
    if growth:
        sizes = tuple(float(size) for size in growth)
        lines = tuple(
            Curve(label=f"recall p{p}", x=sizes, y=tuple(float(np.percentile(t, p)) for t in growth.values()))
            for p in (50, 95)
        )
        plots.append(Plot(title="Recall by size", kind="line", x_label="items", y_label="milliseconds", curves=lines))
    return tuple(plots)
