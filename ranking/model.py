"""The additive ranker: `score = Σ_s w_s(c) · x_s`, one weight a signal, leaning on the situation c.

x (n, S) are the standardised signals of the candidates, c (C,) describes what is known: whether words, examples or
soft wishes were given, how long the history is. A small gate turns c into positive weights,
`w = softplus(a + V tanh(U c))`, so every term is a plain product that can be shown, and their sum is the score.

Weights are learned listwise: softmax cross entropy of the item that the person really took next, among the
candidates (ListNet's top-one loss, Cao et al. 2007). Those of stated wishes are not learned: no log holds what people
said, and requests drawn from the values of the very item that is looked for would teach that a literal match is all.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from convrec.ranking.signals import SIGNALS
from convrec.ranking.types import Person
from convrec.retrieval.request import Request

PRIOR = {
    "dense": 1.0,
    "lexical": 0.25,
    "topics": 1.0,
    "like_item": 1.6,
    "soft": 1.2,
    "sequence": 0.8,
    "ease": 0.4,
    "decayed_ease": 0.2,
    "transitions": 0.8,
    "history": 0.3,
    "popularity": 0.3,
    "quality": 0.15,
    "freshness": 0.02,
}
"""weights before anything was learned; learning is pulled towards them"""

STATED = frozenset({"dense", "lexical", "topics", "soft"})
"""signals of what the person said: they keep their prior weight"""

CONTEXT = 6
HIDDEN = 12


def context_of(person: Person, request: Request, candidates: int) -> NDArray[np.float32]:
    """(C,) what is known in this turn, each entry in about [0, 1]."""
    return np.array(
        [
            bool(request.descriptions),
            bool(request.references),
            bool(request.soft),
            person.items.size == 0,
            min(np.log1p(person.items.size) / 6, 1.5),
            min(np.log10(max(candidates, 1)) / 3, 1.5),
        ],
        np.float32,
    )


class AdditiveRanker(nn.Module):
    """The gate; see the module for the formula."""

    def __init__(self) -> None:
        super().__init__()
        prior = torch.tensor([PRIOR[name] for name in SIGNALS])
        self.register_buffer("prior", torch.log(torch.expm1(prior)), persistent=False)  # softplus^-1
        learned = torch.tensor([float(name not in STATED) for name in SIGNALS])
        self.register_buffer("learned", learned, persistent=False)
        self.lean = nn.Parameter(torch.zeros(len(SIGNALS)))  # a, as a departure from the prior
        self.inner = nn.Linear(CONTEXT, HIDDEN)  # U
        self.outer = nn.Linear(HIDDEN, len(SIGNALS), bias=False)  # V
        nn.init.zeros_(self.outer.weight)
        self.prior: Tensor
        self.learned: Tensor

    def weights(self, context: Tensor) -> Tensor:
        """(B, S) positive weights for contexts (B, C)."""
        departure = self.lean + self.outer(torch.tanh(self.inner(context)))
        return functional.softplus(self.prior + self.learned * departure)

    def forward(self, signals: Tensor, context: Tensor) -> Tensor:
        """(B, n) scores of candidates (B, n, S)."""
        return torch.einsum("bns,bs->bn", signals, self.weights(context))

    @torch.inference_mode()
    def weights_for(self, context: NDArray[np.float32]) -> NDArray[np.float64]:
        """(S,) weights of one turn."""
        return self.weights(torch.from_numpy(context)[None])[0].double().numpy()
