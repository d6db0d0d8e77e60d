"""Items that nobody has met yet: are they found for the people who took them?

    python tests/benchmarks/new_items.py WORKSPACE [--share 0.1] [--events 2000] [--seed 0]

A share of the items is hidden from training wholly; every interaction with one of them is a target, what the person
did before it is the history, and the ranking is over all items but the history. Beside it stands what needs no log:
the mean embedding of the history against the items (text-kNN), over the whole history and over its last ten items.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convrec.agent.recommender import Recommender
from convrec.evals.ranking import evaluate_ranking
from convrec.evals.ranking_suite import dense_scorer, full_scorer
from convrec.ranking.splits import Cases, subset
from convrec.retrieval.interactions import InteractionLog

FEWEST_BEFORE = 3
"""events before a target below which there is no history to speak of"""
WHOLE = 1_000_000


def hide(log: InteractionLog, items: int, share: float, seed: int) -> tuple[InteractionLog, Cases]:
    """The log without a share of the items that occur in it, and every event of those as a case."""
    rng = np.random.default_rng(seed)
    met = np.flatnonzero(np.bincount(log.items, minlength=items))
    hidden = np.zeros(items, bool)
    hidden[rng.choice(met, round(share * met.size), replace=False)] = True
    away: NDArray[np.bool_] = hidden[log.items]
    users = np.repeat(np.arange(log.users), np.diff(log.indptr))
    positions = np.flatnonzero(away & (np.arange(len(log)) - log.indptr[users] >= FEWEST_BEFORE))
    return subset(log, ~away), Cases(log, users[positions].astype(np.int64), positions.astype(np.int64))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--share", type=float, default=0.1, help="of the items to hide")
    parser.add_argument("--events", type=int, default=2000, help="targets, drawn from all")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with Recommender.open(given.workspace) as recommender:
        items = len(recommender.catalogue)
        train, cases = hide(recommender.log, items, given.share, given.seed)
        chosen = np.random.default_rng(given.seed).permutation(len(cases))[: given.events]
        cases = cases.take(np.sort(chosen))
        vectors = np.asarray(recommender.engine.vectors, np.float32)
        systems = {
            "convrec": full_scorer(recommender, train),
            "text-kNN": dense_scorer(vectors, WHOLE),
            "text-kNN, last ten": dense_scorer(vectors),
        }
        result = evaluate_ranking(systems, cases, items)
    print(f"{len(cases)} targets among {items} items")
    for system in result.systems:
        found = system.interval("hr@10")
        line = f"{system.name:20} HR@10 {found.mean:.4f} [{found.low:.4f}, {found.high:.4f}]"
        if system.name != "convrec":
            gap = result.difference("convrec", system.name, "hr@10")
            line += f"   convrec is ahead by {gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
        print(line)


if __name__ == "__main__":
    main()
