"""Failures of the terminal layer."""

from __future__ import annotations

from convrec.retrieval.errors import ConvrecError


class WorkerCrashedError(ConvrecError):
    """The process that recommends ended unexpectedly; it is started again with the next call."""


class WorkerFailureError(ConvrecError):
    """The process that recommends reports a failure; the message is its sentence, `kind` its class."""

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind
