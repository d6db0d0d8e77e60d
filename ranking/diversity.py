"""From scores to a list: greedy selection with list-wide terms that stay part of the breakdown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convrec.ranking.types import Scored, ScoredItem

DEFAULT_DIVERSITY = 0.15


def select(
    scored: Scored,
    vectors: NDArray[np.float32],
    *,
    count: int,
    diversity: float | None = None,
) -> tuple[ScoredItem, ...]:
    """Pick `count` candidates by maximal marginal relevance (Carbonell & Goldstein 1998).

    At each step the candidate with the highest `score - penalty` is taken, where the penalty is `diversity` times the
    scores' spread times the highest cosine similarity to what was already picked. The penalty stands in the breakdown
    as `diversity`, as it was at selection. `vectors` (n, d) are the unit embeddings of the candidates, in their order.
    """
    base = scored.score
    strength = (
        (DEFAULT_DIVERSITY if diversity is None else diversity) * max(float(base.std()), 1e-9) if base.size else 0
    )
    closest = np.zeros(base.size)
    open_ = np.ones(base.size, bool)
    picked: list[ScoredItem] = []
    for _ in range(min(count, base.size)):
        penalty = strength * closest
        position = int(np.argmax(np.where(open_, base - penalty, -np.inf)))
        open_[position] = False
        breakdown = {name: float(column[position]) for name, column in scored.terms.items()}
        breakdown["diversity"] = -float(penalty[position])
        picked.append(ScoredItem(int(scored.rows[position]), sum(breakdown.values()), breakdown))
        closest = np.maximum(closest, np.clip(vectors @ vectors[position], 0, 1))
    return tuple(picked)
