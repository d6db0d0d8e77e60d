"""From scores to a list: greedy selection with list-wide terms that stay part of the breakdown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convrec.ranking.types import Scored, ScoredItem

DEFAULT_DIVERSITY = 0.15
DUPLICATE = 0.985
"""cosine from which two items are the same one twice"""
SMOOTHING = 0.01


@dataclass(frozen=True, eq=False)
class Calibration:
    """A person's tastes over the values of one attribute, to be kept in proportion.

    `taste` (G,) sums to 1; `values` (n, G) are the candidates' shares of each value, rows sum to 1 or to 0.
    """

    taste: NDArray[np.float64]
    values: NDArray[np.float64]
    strength: float = 0.3


def select(
    scored: Scored,
    vectors: NDArray[np.float32],
    *,
    count: int,
    diversity: float | None = None,
    titles: tuple[str, ...] | None = None,
    calibration: Calibration | None = None,
) -> tuple[ScoredItem, ...]:
    """Pick up to `count` candidates, one by one, each time the one with the highest sum of all terms.

    `diversity` is the penalty of maximal marginal relevance (Carbonell & Goldstein 1998): the knob, times the spread of
    the scores, times the highest cosine to what was already picked. `calibration` is what the pick gains in closeness
    to the tastes, `n · (KL(taste ‖ list) before - after)` (Steck, RecSys 2018), for a list that grows to n, times
    its strength and the spread.
    Both stand in the breakdown as they were at selection. A near-duplicate of a picked item (the same title, or almost
    the same vector) waits until nothing else is left.

    Args:
        vectors: (n, d) unit embeddings of the candidates, in their order.
        titles: of the candidates, folded; None leaves titles out of the search for duplicates.
    """
    base = scored.score
    size = base.size
    spread = max(float(base.std()), 1e-9) if size else 0.0
    knob = DEFAULT_DIVERSITY if diversity is None else diversity
    closest, waiting = np.zeros(size), np.zeros(size, bool)
    open_ = np.ones(size, bool)
    gains = _Gains(calibration, spread) if calibration is not None else None
    picked: list[ScoredItem] = []
    for _ in range(min(count, size)):
        penalty = -knob * spread * closest
        bonus = gains.now() if gains is not None else np.zeros(size)
        free = open_ & ~waiting if (open_ & ~waiting).any() else open_
        position = int(np.argmax(np.where(free, base + penalty + bonus, -np.inf)))
        open_[position] = False
        breakdown = {name: float(column[position]) for name, column in scored.terms.items()}
        breakdown["diversity"] = float(penalty[position])
        if gains is not None:
            breakdown["calibration"] = float(bonus[position])
            gains.take(position)
        picked.append(ScoredItem(int(scored.rows[position]), sum(breakdown.values()), breakdown))
        cosines = np.clip(vectors @ vectors[position], 0, 1)
        closest = np.maximum(closest, cosines)
        waiting |= cosines >= DUPLICATE
        if titles is not None:
            waiting |= np.fromiter((title == titles[position] for title in titles), bool, size)
    return tuple(picked)


class _Gains:
    """How much nearer each candidate would bring the list to the person's tastes."""

    def __init__(self, calibration: Calibration, spread: float) -> None:
        self._taste = calibration.taste
        self._values = calibration.values
        self._scale = calibration.strength * spread
        self._sum = np.zeros(calibration.taste.size)
        self._count = 0

    def now(self) -> NDArray[np.float64]:
        """(n,) the gain of each candidate."""
        before = self._distance(self._sum[None] / self._count)[0] if self._count else 0.0
        after = self._distance((self._sum + self._values) / (self._count + 1))
        if not self._count:
            # Nothing is there to improve on: the first pick is compared with the average candidate.
            before = float(after.mean())
        # One more item changes the shares of a longer list less; counting it for the list keeps the knob's meaning.
        return np.asarray(self._scale * (self._count + 1) * (before - after))

    def take(self, position: int) -> None:
        self._sum = self._sum + self._values[position]
        self._count += 1

    def _distance(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) KL(taste ‖ shares), smoothed with a little of the taste itself."""
        mixed = (1 - SMOOTHING) * shares + SMOOTHING * self._taste
        wanted = self._taste > 0
        ratio = np.log(self._taste[wanted] / np.maximum(mixed[:, wanted], 1e-12))
        return np.asarray((self._taste[wanted] * ratio).sum(axis=1))
