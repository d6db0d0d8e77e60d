"""The error tree of convrec.

Every expected failure is a `ConvrecError`. Its message is one sentence for the person that says what to do;
`exit_code` is what the command line returns.
"""

from __future__ import annotations

from typing import ClassVar


class ConvrecError(Exception):
    """Root of all expected failures."""

    exit_code: ClassVar[int] = 2


class InputFileError(ConvrecError):
    """A file given by the person cannot be used at all."""


class SchemaError(ConvrecError):
    """The schema of a catalogue cannot be inferred, or a given one does not fit the data."""


class FilterError(ConvrecError):
    """A filter names an unknown attribute or compares it with a value of another kind."""


class RequestError(ConvrecError):
    """A request, or an edit of one, contradicts its own contract."""


class EmbedderError(ConvrecError):
    """The embedding model is missing, damaged, out of reach, or not the one that built the index."""


class StoreError(ConvrecError):
    """The vector store or the lexical index cannot be opened, read or written."""


class WorkspaceError(ConvrecError):
    """The workspace cannot serve."""


class WorkspaceMissingError(WorkspaceError):
    """There is no built workspace at the path."""


class WorkspaceLockedError(WorkspaceError):
    """Another process is building this workspace."""


class WorkspaceLayoutError(WorkspaceError):
    """The workspace was written by another, incompatible version, or is damaged."""


class DiskFullError(WorkspaceError):
    """No room is left for a new generation; the old one serves on."""


class StarterError(ConvrecError):
    """The starter data set cannot be fetched or does not match its digest."""


class UnknownItemError(ConvrecError):
    """An item id is not in the catalogue."""
