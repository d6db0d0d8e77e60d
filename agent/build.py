"""From two files to a serving generation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from convrec.agent.settings import Settings
from convrec.retrieval.progress import Progress, silent

if TYPE_CHECKING:
    from convrec.retrieval.catalogue import Catalogue
    from convrec.retrieval.generation import Generation
    from convrec.retrieval.ingest import ColumnOverrides
    from convrec.retrieval.interactions import InteractionLog
    from convrec.retrieval.reports import RowReport

VALUE_VECTORS = "values.safetensors"
"""file of a generation with the vectors of the vocabulary that is matched by meaning"""


@dataclass(frozen=True, eq=False)
class SourceFiles:
    """What a catalogue is built from."""

    items: Path
    interactions: Path | None = None
    schema: Path | None = None
    overrides: ColumnOverrides | None = None
    name: str | None = None
    noun: str | None = None


@dataclass(frozen=True, eq=False)
class Loaded:
    """The files as they were read, with what was wrong with them."""

    catalogue: Catalogue
    log: InteractionLog
    reports: tuple[RowReport, ...]


def load(files: SourceFiles) -> Loaded:
    """Read and check the files; nothing is written.

    Raises:
        InputFileError, SchemaError: a file cannot be used at all.
    """
    from convrec.retrieval.ingest import read_interactions, read_items
    from convrec.retrieval.interactions import InteractionLog
    from convrec.retrieval.schema_file import load_schema_toml

    schema = load_schema_toml(files.schema) if files.schema is not None else None
    catalogue, report = read_items(files.items, overrides=files.overrides, schema=schema, noun=files.noun)
    reports = [report]
    if files.interactions is not None:
        log, log_report = read_interactions(files.interactions, catalogue, overrides=files.overrides)
        reports.append(log_report)
    else:
        log = InteractionLog.from_sequences([])
    return Loaded(catalogue, log, tuple(reports))


def build(workspace: Path, loaded: Loaded, settings: Settings, *, progress: Progress = silent) -> Generation:
    """Embed, index and train what was loaded into a new generation, and switch to it.

    People who were forgotten in this workspace are left out.

    Raises:
        WorkspaceError, EmbedderError, StoreError: the old generation serves on.
    """
    from convrec.agent.forgetting import without_forgotten
    from convrec.agent.identity import pseudonymised
    from convrec.retrieval.embedding import open_embedder
    from convrec.retrieval.indexing import build_index
    from convrec.retrieval.workspace import Workspace

    place = Workspace(workspace, chroma=settings.retrieval.chroma)
    embedder = open_embedder(settings.retrieval.embedding)
    log = without_forgotten(loaded.log, workspace)
    if settings.profile.pseudonymise:
        log = pseudonymised(log, workspace)
    return build_index(place, loaded.catalogue, log, embedder, progress=progress)
