"""The status line: how it works, where, for whom, and how long the last turn took."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from textual.content import Content
from textual.widgets import Static

from convrec.tui.text import cut


@dataclass(frozen=True, slots=True)
class Status:
    """What the line tells."""

    engine: str = "starting"
    """'starting', 'loading', 'ready', 'building', 'stopped', 'closed'"""
    mode: str = "offline"
    model: str | None = None
    catalogue: str = ""
    user: str | None = None
    turn_ms: float | None = None
    tokens: int = 0
    cost: float | None = None
    waiting: int = 0


ENGINE_WORDS = {
    "starting": "◌ starting",
    "loading": "◔ loading models",
    "ready": "● ready",
    "building": "◑ building",
    "stopped": "✗ stopped",
    "closed": "○ no catalogue",
}


class StatusLine(Static):
    """One line; what matters least goes first where it is narrow."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self.status = Status()

    def set(self, **changes: Any) -> None:
        """Change parts of the status."""
        self.status = replace(self.status, **changes)
        self.refresh()

    def render(self) -> Content:
        status = self.status
        mode = status.mode if status.mode == "offline" else f"{status.mode} · {status.model or 'model'}"
        parts = [
            ENGINE_WORDS.get(status.engine, status.engine),
            mode,
            f"user {status.user}" if status.user else "no user",
        ]
        if status.waiting:
            parts.insert(1, f"{status.waiting} waiting")
        if status.turn_ms is not None:
            parts.append(f"{status.turn_ms:,.0f} ms")
        if status.tokens:
            parts.append(f"{status.tokens:,} tokens")
        if status.cost is not None:
            parts.append(f"${status.cost:.4f}")
        if status.catalogue:
            parts.append(status.catalogue)
        return Content.styled(cut(" │ ".join(parts), max(self.size.width - 2, 10)), "$foreground 62%")
