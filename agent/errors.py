"""Failures of the agent layer."""

from __future__ import annotations

from convrec.retrieval.errors import ConvrecError


class SessionError(ConvrecError):
    """A conversation cannot be found, read or stored."""


class ProfileError(ConvrecError):
    """What is known of a person cannot be read, changed or removed."""


class HistoryImportError(ConvrecError):
    """A file with a person's own history cannot be understood."""


class SettingsError(ConvrecError):
    """A setting is malformed or contradicts another."""


class ModelEndpointError(ConvrecError):
    """The language model cannot be reached or answers nonsense; a turn never ends with this, it goes on offline."""


class ToolError(ConvrecError):
    """A tool was called with arguments it cannot use; the sentence tells the caller what is allowed."""


class EnrichmentError(ConvrecError):
    """Attributes cannot be written as asked; answers that came are kept."""
