"""How long work reports on itself."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with a stage ('Embedding'), how much is done, and how much there is."""


def silent(_stage: str, _done: int, _total: int) -> None:
    """Report to nobody."""
