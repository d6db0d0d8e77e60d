"""How long the ranker takes to score 1,000 candidates, the parts of every score included.

    python tests/benchmarks/scoring.py WORKSPACE [--people 200]

People are drawn from the log; each is new to the ranker, so the sequence model reads every history anew. Finding the
candidates is not counted.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from convrec.agent.recommender import Recommender
from convrec.ranking.types import Person
from convrec.retrieval.request import Request


def main() -> None:
    """Print the percentiles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--people", type=int, default=200)
    given = parser.parse_args()
    engine = Recommender.open(given.workspace).engine
    log = engine.log
    milliseconds, candidates = [], []
    for user in np.random.default_rng(0).choice(log.users, min(given.people, log.users), replace=False):
        events = slice(int(log.indptr[user]), int(log.indptr[user + 1]))
        person = Person(None, log.items[events], log.values[events], log.timestamps[events])
        request = Request()
        recalled = engine.recall.recall(engine.query(request, person), engine.sources)
        began = time.perf_counter()
        engine.ranker.score(recalled, person, request)
        milliseconds.append(1000 * (time.perf_counter() - began))
        candidates.append(len(recalled))
    # The first calls compile and load; a conversation pays for them once.
    warm = milliseconds[10:] or milliseconds
    p50, p95 = np.percentile(warm, [50, 95])
    print(f"{len(warm)} people, {int(np.median(candidates)):,} candidates: p50 {p50:.1f} ms, p95 {p95:.1f} ms")


if __name__ == "__main__":
    main()
