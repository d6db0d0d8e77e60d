"""Failures of the evaluation layer."""

from __future__ import annotations

from convrec.retrieval.errors import ConvrecError


class EvaluationError(ConvrecError):
    """A suite cannot run with what it was given."""
