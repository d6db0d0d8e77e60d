"""How much work training may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Effort(StrEnum):
    """Presets, so that nobody needs to tune."""

    QUICK = "quick"
    """a few minutes: what `build` and `demo` use"""
    DEFAULT = "default"
    """up to an hour on two cores"""
    MAX = "max"
    """wider, longer, several hours on a laptop"""


@dataclass(frozen=True, slots=True)
class EffortSettings:
    """What a preset stands for. `seconds` bounds the training of the sequence model, None leaves it open."""

    epochs: int
    seconds: float | None
    dim: int
    layers: int
    window: int
    cases: int
    """pseudo-requests that the weights are learned from"""
    patience: int
    tokens: int
    """events in a batch of the sequence model, for logs of many batches"""


PRESETS: dict[Effort, EffortSettings] = {
    Effort.QUICK: EffortSettings(
        epochs=20, seconds=180.0, dim=64, layers=1, window=64, cases=1200, patience=3, tokens=6144
    ),
    Effort.DEFAULT: EffortSettings(
        epochs=16, seconds=2400.0, dim=128, layers=2, window=128, cases=4000, patience=4, tokens=6144
    ),
    Effort.MAX: EffortSettings(
        epochs=60, seconds=None, dim=256, layers=2, window=200, cases=12000, patience=6, tokens=6144
    ),
}
