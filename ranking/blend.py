"""The learned sum for next-item prediction: named terms, one weight each, fitted listwise.

Every model's scores are first brought to a common footing a person (log-probability or z-score over the catalogue),
then `score = Σ_k w_k(n) · term_k`, where the weight may lean on the history's length n: `w_k(n) = a_k + b_k · ℓ(n)`.
The weights maximise the likelihood of the held-out next item among the unseen ones (softmax cross entropy).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convrec.ranking.errors import TrainingError

Floats = NDArray[np.float32]


def as_log_probability(scores: Floats, prior: NDArray[np.floating], share: float = 0.01) -> Floats:
    """(B, I) log of non-negative mixture scores, smoothed with `share` of a prior (I,) so that none is zero."""
    return np.asarray(np.log(np.maximum(scores, 0) + share * np.asarray(prior)), np.float32)


def as_z_score(scores: Floats) -> Floats:
    """(B, I) scores with mean 0 and spread 1 a person; a constant row becomes zero."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    spread = scores.std(axis=1, keepdims=True)
    return np.asarray(np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-12), np.float32)


def as_prior(counts: NDArray[np.floating]) -> Floats:
    """(I,) popularity as probabilities, every item counted once more than it was met."""
    raised = np.asarray(counts, np.float64) + 1
    return np.asarray(raised / raised.sum(), np.float32)


@dataclass(frozen=True, eq=False)
class LearnedSum:
    """Weights of named terms: `base` (K,) and `slope` (K,) per unit of standardised log history length."""

    names: tuple[str, ...]
    base: NDArray[np.float64]
    slope: NDArray[np.float64]
    centre: float = 0.0
    scale: float = 1.0

    def weights(self, lengths: NDArray[np.integer]) -> NDArray[np.float64]:
        """(B, K) weights for histories of these lengths."""
        lean = (np.log1p(np.asarray(lengths, np.float64)) - self.centre) / self.scale
        return self.base + np.clip(lean, -2, 2)[:, None] * self.slope

    def terms(self, columns: Mapping[str, Floats], lengths: NDArray[np.integer]) -> dict[str, Floats]:
        """Each term (B, I) with its weight applied; the score is their sum."""
        weights = self.weights(lengths).astype(np.float32)
        return {name: columns[name] * weights[:, k, None] for k, name in enumerate(self.names)}

    def scores(self, columns: Mapping[str, Floats], lengths: NDArray[np.integer]) -> Floats:
        """(B, I) the sum of the terms."""
        weights = self.weights(lengths).astype(np.float32)
        total = np.zeros_like(columns[self.names[0]])
        for k, name in enumerate(self.names):
            total += columns[name] * weights[:, k, None]
        return total


def fit_sum(
    columns: Mapping[str, Floats],
    targets: NDArray[np.integer],
    seen: Sequence[NDArray[np.integer]],
    *,
    lean: bool = True,
    decay: float = 1e-4,
) -> LearnedSum:
    """Fit the weights by full-batch L-BFGS on mean cross entropy plus `decay` times the squared slopes.

    `columns` (B, I) each; `targets` (B,); `seen` the histories, whose items are no alternatives. With `lean` off the
    weights are the same for every length of history.
    """
    import torch

    names = tuple(columns)
    people = len(targets)
    if not names or not people:
        raise TrainingError("the weights of the sum need at least one term and one person with a held-out item")
    lengths = np.array([len(h) for h in seen], np.float64)
    logs = np.log1p(lengths)
    centre, scale = float(logs.mean()), float(max(logs.std(), 1e-6))
    tensors = [torch.from_numpy(np.ascontiguousarray(columns[name])) for name in names]
    wanted = torch.from_numpy(np.asarray(targets, np.int64))
    away = torch.zeros(tensors[0].shape, dtype=torch.bool)
    for row, history in enumerate(seen):
        away[row, torch.from_numpy(np.asarray(history, np.int64))] = True
    away[torch.arange(people), wanted] = False
    tilt = torch.from_numpy(np.clip((logs - centre) / scale, -2, 2).astype(np.float32))
    base = torch.full((len(names),), 1.0 / len(names), requires_grad=True)
    slope = torch.zeros(len(names), requires_grad=lean)
    optimizer = torch.optim.LBFGS(
        [base, slope] if lean else [base], lr=0.5, max_iter=60, line_search_fn="strong_wolfe", tolerance_change=1e-7
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = decay * (slope**2).sum()
        loss = torch.zeros(())
        for start in range(0, people, 1024):
            rows = slice(start, start + 1024)
            weights = base + tilt[rows, None] * slope  # (b, K)
            total = torch.zeros_like(tensors[0][rows])
            for k, tensor in enumerate(tensors):
                total = total + weights[:, k, None] * tensor[rows]
            total = total.masked_fill(away[rows], -torch.inf)
            part = torch.nn.functional.cross_entropy(total, wanted[rows], reduction="sum") / people
            part.backward()  # type: ignore[no-untyped-call]
            loss = loss + part.detach()
        if lean:
            value.backward()  # type: ignore[no-untyped-call]
        return loss + value.detach()

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return LearnedSum(names, base.detach().double().numpy(), slope.detach().double().numpy(), centre, scale)
