"""The sequence model: a causal transformer that reads a history and scores what comes next.

Pre-norm blocks as in SASRec (Kang & McAuley, ICDM 2018), with two changes: a short causal convolution before the
attention, so that the last few items speak directly, and a learned bias by distance in place of positions (T5; HSTU).
Scores are inner products with the item table that also embeds the input.

Shapes: B people, T events, I items, D width, H heads, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from convrec.ranking.collaborative import liking_weights
from convrec.ranking.types import Person
from convrec.retrieval.interactions import InteractionLog

LIKING_EDGES = (-0.3, 0.1, 0.5, 0.8)
PAUSE_EDGES = (60.0, 600.0, 3600.0, 86400.0, 604800.0, 2592000.0, 31536000.0)
"""Seconds since the event before, from a minute to a year."""


@dataclass(frozen=True, slots=True)
class SequenceConfig:
    """Everything that decides the shapes of the net."""

    items: int
    dim: int = 128
    heads: int = 2
    layers: int = 2
    window: int = 128
    """Events read at most, the last ones."""
    reach: int = 3
    """Events that the convolution sees, the current one included."""
    expansion: int = 4
    dropout: float = 0.2
    features: int = 0
    """Width of the content vectors; 0 where there are none."""
    feature_dropout: float = 0.3
    """How often training takes the learned vector from an item that has content, so that content can stand alone."""
    signals: bool = False
    """Read how each event was liked and how long after the one before it came."""


class Dropout(nn.Module):
    """Dropout from one random byte an element, which is less work for a CPU than a random float."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.limit = round(rate * 256)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.limit:
            return x
        keep = torch.randint(0, 256, x.shape, dtype=torch.uint8, device=x.device) >= self.limit
        return x * keep * (256 / (256 - self.limit))


class CausalConv(nn.Module):
    """Depthwise convolution over the last `reach` events; it starts as the identity."""

    def __init__(self, dim: int, reach: int) -> None:
        super().__init__()
        self.taps = nn.Parameter(torch.zeros(reach, dim))
        with torch.no_grad():
            self.taps[0] = 1

    def forward(self, x: Tensor) -> Tensor:
        out = x * self.taps[0]  # (B, T, D)
        for lag in range(1, min(self.taps.shape[0], x.shape[1])):
            out = out + functional.pad(x[:, :-lag], (0, 0, lag, 0)) * self.taps[lag]
        return out


class Attention(nn.Module):
    """Causal attention with a learned bias a head and distance.

    The product is written out: with the bias in need of a gradient no fused kernel serves, and at these sizes on a CPU
    the plain product is the fastest of all.
    """

    def __init__(self, config: SequenceConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.dim, 3 * config.dim)
        self.out = nn.Linear(config.dim, config.dim)
        self.distance_bias = nn.Parameter(torch.zeros(config.heads, config.window))

    def forward(self, x: Tensor) -> Tensor:
        people, events, dim = x.shape
        q, k, v = self.qkv(x).view(people, events, 3, self.heads, -1).permute(2, 0, 3, 1, 4)  # (B, H, T, D/H) each
        place = torch.arange(events, device=x.device)
        distance = place[:, None] - place[None]  # (T, T)
        bias = self.distance_bias[:, distance.clamp_min(0)].masked_fill(distance < 0, -1e9)  # (H, T, T)
        logits = (q * (dim // self.heads) ** -0.5) @ k.transpose(-1, -2) + bias  # (B, H, T, T)
        read = torch.softmax(logits, -1) @ v  # (B, H, T, D/H)
        return self.out(read.transpose(1, 2).reshape(people, events, dim))  # type: ignore[no-any-return]


class Block(nn.Module):
    """One residual step: convolution and attention, then a feed-forward layer."""

    def __init__(self, config: SequenceConfig) -> None:
        super().__init__()
        self.norm_read = nn.LayerNorm(config.dim)
        self.conv = CausalConv(config.dim, config.reach)
        self.attention = Attention(config)
        self.norm_think = nn.LayerNorm(config.dim)
        self.up = nn.Linear(config.dim, config.expansion * config.dim)
        self.down = nn.Linear(config.expansion * config.dim, config.dim)
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.conv(self.norm_read(x))))
        thought: Tensor = self.dropout(self.down(functional.gelu(self.up(self.norm_think(x)))))
        return x + thought


class SequenceNet(nn.Module):
    """Item table, blocks, and the state after each event.

    `content` (I, F) is not part of the checkpoint: it belongs to the catalogue. An item's vector is its learned vector
    plus a linear map of its content, and a `cold` item, met in no training event, is its content alone.
    """

    def __init__(self, config: SequenceConfig, content: Tensor | None = None, cold: Tensor | None = None) -> None:
        super().__init__()
        if (content is None) != (config.features == 0):
            raise ValueError("content vectors are given exactly when the config has features")
        self.config = config
        self.table = nn.Parameter(torch.randn(config.items, config.dim) * 0.5 * config.dim**-0.5)
        self.bias = nn.Parameter(torch.zeros(config.items))
        self.lift = nn.Linear(config.features, config.dim, bias=False) if config.features else None
        self.liking = nn.Embedding(len(LIKING_EDGES) + 2, config.dim) if config.signals else None
        self.pause = nn.Embedding(len(PAUSE_EDGES) + 2, config.dim) if config.signals else None
        self.dropout = Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.dim)
        self.content: Tensor | None
        self.cold: Tensor
        self.register_buffer("content", content, persistent=False)
        self.register_buffer("cold", torch.zeros(config.items, dtype=torch.bool) if cold is None else cold)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.7 * module.in_features**-0.5)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                nn.init.zeros_(module.weight)

    def item_vectors(self) -> Tensor:
        """(I, D) the vector of every item; in training some learned parts are missing."""
        if self.lift is None or self.content is None:
            return self.table
        dropped = self.cold
        if self.training and self.config.feature_dropout:
            chance = torch.rand(self.config.items, device=self.table.device)
            dropped = dropped | (chance < self.config.feature_dropout)
        return self.table.masked_fill(dropped[:, None], 0) + self.lift(self.content)  # type: ignore[no-any-return]

    def forward(self, items: Tensor, vectors: Tensor, signals: Tensor | None = None) -> Tensor:
        """State after each event (B, T, D).

        `items` (B, T) rows, padded at the end, which causality makes invisible to the events before; `vectors` (I, D)
        from `item_vectors`; `signals` (B, T, 2) buckets of liking and pause, 0 for unknown.
        """
        x = functional.embedding(items, vectors)  # (B, T, D)
        if signals is not None and self.liking is not None and self.pause is not None:
            x = x + self.liking(signals[..., 0]) + self.pause(signals[..., 1])
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)  # type: ignore[no-any-return]


def event_signals(
    liking: NDArray[np.floating], timestamps: NDArray[np.floating], rated: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """(N, 2) buckets of one history, or of a whole log whose first events a caller resets.

    The first column is how the event was liked (0 where nothing was said of it), the second the pause before it.
    """
    out = np.zeros((liking.size, 2), np.int64)
    out[rated, 0] = np.searchsorted(LIKING_EDGES, liking[rated], side="right") + 1
    pause = np.diff(timestamps, prepend=np.nan)
    known = ~np.isnan(pause)
    out[known, 1] = np.searchsorted(PAUSE_EDGES, np.maximum(pause[known], 0), side="right") + 1
    return out


def log_signals(log: InteractionLog) -> NDArray[np.int64] | None:
    """(N, 2) buckets of every event, or None where the log has neither ratings nor times."""
    rated = ~np.isnan(log.values)
    if not rated.any() and np.isnan(log.timestamps).all():
        return None
    out = event_signals(liking_weights(log), log.timestamps, rated)
    starts = log.indptr[:-1]
    out[starts[starts < len(log)], 1] = 0
    return out


def person_signals(person: Person) -> NDArray[np.int64]:
    """(N, 2) buckets of one person's history, what they said in words included."""
    said = np.fromiter((row in person.liked or row in person.disliked for row in person.items.tolist()), bool)
    rated = ~np.isnan(person.values) | said if said.size else np.zeros(0, dtype=bool)
    return event_signals(person.weights(), person.timestamps, rated)


@dataclass(frozen=True, eq=False)
class SequenceModel:
    """A trained net, ready to score."""

    net: SequenceNet

    @property
    def config(self) -> SequenceConfig:
        """The shapes of the net."""
        return self.net.config

    @cached_property
    def item_vectors(self) -> Tensor:
        """(I, D) the vector of every item, computed once: the net of a model no longer changes."""
        self.net.eval()
        with torch.inference_mode():
            return self.net.item_vectors()

    @torch.inference_mode()
    def states(
        self, histories: Sequence[NDArray[np.integer]], signals: Sequence[NDArray[np.int64]] | None = None
    ) -> Tensor:
        """(B, D) what the net makes of each history, oldest event first; zeros for an empty one."""
        self.net.eval()
        vectors = self.item_vectors
        window = self.config.window
        out = torch.zeros(len(histories), self.config.dim, device=vectors.device)
        order = sorted((b for b, h in enumerate(histories) if len(h)), key=lambda b: len(histories[b]))
        for start in range(0, len(order), 64):
            batch = order[start : start + 64]
            lengths = [min(len(histories[b]), window) for b in batch]
            items = np.zeros((len(batch), max(lengths)), np.int64)
            extra = np.zeros((*items.shape, 2), np.int64)
            for row, (b, length) in enumerate(zip(batch, lengths, strict=True)):
                items[row, :length] = histories[b][-length:]
                if signals is not None:
                    extra[row, :length] = signals[b][-length:]
            given = torch.from_numpy(extra).to(vectors.device) if self.config.signals else None
            states = self.net(torch.from_numpy(items).to(vectors.device), vectors, given)
            out[batch] = states[torch.arange(len(batch)), torch.tensor(lengths) - 1]
        return out

    @torch.inference_mode()
    def scores(
        self, histories: Sequence[NDArray[np.integer]], signals: Sequence[NDArray[np.int64]] | None = None
    ) -> NDArray[np.float32]:
        """(B, I) float32 log-probabilities of the next item; a history without events gets the net's prior."""
        states = self.states(histories, signals)
        logits = torch.addmm(self.net.bias, states, self.item_vectors.T)
        found: NDArray[np.float32] = torch.log_softmax(self._settle(logits), -1).float().cpu().numpy()
        return found

    @torch.inference_mode()
    def scores_for(
        self, history: NDArray[np.integer], rows: NDArray[np.integer], signals: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """(n,) float32 log-probabilities of the candidate `rows` alone, against the whole catalogue."""
        return np.asarray(self.scores([history], None if signals is None else [signals])[0, rows], np.float32)

    def _settle(self, logits: Tensor) -> Tensor:
        """A cold item without content has nothing to be scored by: it gets the lowest score of the row."""
        if self.net.lift is None and bool(self.net.cold.any()):
            lowest = logits.masked_fill(self.net.cold, torch.inf).amin(-1, keepdim=True)
            return torch.where(self.net.cold, lowest.clamp_max(0), logits)
        return logits

    def to_arrays(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        """Tensors for safetensors, and the config as plain values."""
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in self.net.state_dict().items()}
        return state, asdict(self.config)

    @classmethod
    def from_arrays(
        cls, tensors: dict[str, Tensor], config: SequenceConfig, content: NDArray[np.float32] | None = None
    ) -> SequenceModel:
        """The model that `to_arrays` described; RuntimeError from torch where tensors and config disagree."""
        net = SequenceNet(config, None if content is None else torch.from_numpy(content))
        net.load_state_dict(tensors)
        return cls(net.eval())
