"""Failures of the ranking layer."""

from __future__ import annotations

from convrec.retrieval.errors import ConvrecError


class CheckpointError(ConvrecError):
    """A trained model is missing, damaged, or belongs to another catalogue."""


class TrainingError(ConvrecError):
    """Training cannot start with the given log or settings."""
