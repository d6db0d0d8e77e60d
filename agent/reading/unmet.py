"""What was asked for and does not exist."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unmet:
    """Words that name a value which no item has."""

    field: str
    words: str
    nearest: tuple[str, ...]
