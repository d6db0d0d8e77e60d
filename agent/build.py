"""From two files to a serving generation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from convrec.agent.settings import Settings
from convrec.ranking.settings import Effort
from convrec.retrieval.progress import Progress, silent

if TYPE_CHECKING:
    from convrec.retrieval.catalogue import Catalogue
    from convrec.retrieval.generation import Generation
    from convrec.retrieval.indexing import BuildContext
    from convrec.retrieval.ingest import ColumnOverrides
    from convrec.retrieval.interactions import InteractionLog
    from convrec.retrieval.reports import RowReport
    from convrec.retrieval.vectors import Embedder

VALUE_VECTORS = "values.safetensors"
"""file of a generation with the vectors of the vocabularies that are matched by meaning"""
TOPIC_CENTROIDS = "topic_centroids"
VOCABULARY_STAGE = "Embedding the vocabulary"


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
    from convrec.retrieval.schema_file import load_log_columns, load_schema_toml

    schema = load_schema_toml(files.schema) if files.schema is not None else None
    catalogue, report = read_items(files.items, overrides=files.overrides, schema=schema, noun=files.noun)
    reports = [report]
    if files.interactions is not None:
        overrides = files.overrides
        if files.schema is not None:
            named = load_log_columns(files.schema)
            overrides = overrides.or_else(named) if overrides is not None else named
        log, log_report = read_interactions(files.interactions, catalogue, overrides=overrides)
        reports.append(log_report)
    else:
        log = InteractionLog.from_sequences([])
    return Loaded(catalogue, log, tuple(reports))


def build(
    workspace: Path,
    loaded: Loaded,
    settings: Settings,
    *,
    effort: Effort = Effort.QUICK,
    progress: Progress = silent,
    retrain: bool = False,
    update: bool = False,
) -> Generation:
    """Embed, index and train what was loaded into a new generation, and switch to it.

    People who were forgotten in this workspace are left out, attributes that a model wrote here are put in. The ranker
    is taken over from the serving generation where items and log are the same, unless `retrain`; with `update` it goes
    on from the serving one.

    Raises:
        WorkspaceError, EmbedderError, StoreError, EnrichmentError: the old generation serves on.
    """
    from convrec.agent.enrichment_store import enriched
    from convrec.agent.forgetting import without_forgotten
    from convrec.agent.identity import pseudonymised
    from convrec.retrieval.embedding import open_embedder
    from convrec.retrieval.indexing import build_index
    from convrec.retrieval.workspace import Workspace

    place = Workspace(workspace, chroma=settings.retrieval.chroma)
    embedder = open_embedder(settings.retrieval.embedding)

    def add_files(context: BuildContext) -> None:
        add_value_vectors(context, embedder)
        add_ranker(context, embedder, settings, effort, retrain=retrain, update=update)

    log = without_forgotten(loaded.log, workspace)
    if settings.profile.pseudonymise:
        log = pseudonymised(log, workspace)
    catalogue = enriched(loaded.catalogue, workspace)
    return build_index(place, catalogue, log, embedder, progress=progress, extra=add_files)


def add_value_vectors(context: BuildContext, embedder: Embedder) -> None:
    """Embed the vocabularies that requests are matched with by meaning, so that no turn has to."""
    from convrec.agent.rules import RulesInterpreter
    from convrec.retrieval.tensors import save_tensors
    from convrec.retrieval.topics import TopicSource

    topics = TopicSource(context.catalogue, embedder.encode, context.vectors)
    texts = {"values": RulesInterpreter(context.catalogue).value_texts(), "topics": topics.texts}
    if _prepared_before(context, {name: len(own) for name, own in texts.items()}) and _taken_over(
        context, {"items", "embeddings"}, VALUE_VECTORS
    ):
        return
    unique = list(dict.fromkeys(text for own in texts.values() for text in own))
    context.progress(VOCABULARY_STAGE, 0, len(unique))
    vectors = context.encode(unique)
    context.progress(VOCABULARY_STAGE, len(unique), len(unique))
    row = {text: number for number, text in enumerate(unique)}
    tensors = {name: vectors[[row[text] for text in own]] for name, own in texts.items()}
    tensors[TOPIC_CENTROIDS] = topics.value_centroids()
    save_tensors(context.folder / VALUE_VECTORS, tensors)


def _prepared_before(context: BuildContext, sizes: dict[str, int]) -> bool:
    """Whether the previous generation holds all that this version of convrec prepares."""
    from convrec.retrieval.errors import StoreError
    from convrec.retrieval.tensors import map_tensors

    if context.previous is None:
        return False
    try:
        found = map_tensors(context.previous.extra_path(VALUE_VECTORS))
    except StoreError:
        return False
    return TOPIC_CENTROIDS in found and all(name in found and len(found[name]) == size for name, size in sizes.items())


def add_ranker(
    context: BuildContext,
    embedder: Embedder,
    settings: Settings,
    effort: Effort,
    *,
    retrain: bool = False,
    update: bool = False,
) -> None:
    """Train the ranker of a generation, or take it over where nothing it depends on changed."""
    from convrec.ranking.checkpoint import CONFIG, TENSORS, load_ranker, save_ranker
    from convrec.ranking.training import Material, train_ranker
    from convrec.retrieval.embedding_cache import QueryEncoder
    from convrec.retrieval.generation import LEXICAL
    from convrec.retrieval.lexical import LexicalIndex
    from convrec.retrieval.recall import Recall, popularity_prior
    from convrec.retrieval.tensors import map_tensors
    from convrec.retrieval.topics import TopicSource

    catalogue, log = context.catalogue, context.log
    if not retrain and (
        _taken_over(context, {"items", "interactions", "embeddings"}, TENSORS, CONFIG) or _transferred(context, effort)
    ):
        return
    encode = QueryEncoder(embedder)
    lexical = LexicalIndex.load(context.folder / LEXICAL)
    recall = Recall(
        catalogue,
        context.vectors,
        lexical=lexical,
        popularity=popularity_prior(catalogue, log),
        settings=settings.retrieval.recall,
    )
    prepared = map_tensors(context.folder / VALUE_VECTORS)
    topics = TopicSource(
        catalogue, encode, context.vectors, vectors=prepared["topics"], centroids=prepared[TOPIC_CENTROIDS]
    )
    material = Material(catalogue, log, context.vectors, recall, embedder.encode_queries, (topics,))
    before = None
    if update and context.previous is not None:
        before = load_ranker(context.previous.folder, catalogue, context.vectors, recall.popularity)
    trained = train_ranker(material, effort, start=before, progress=context.progress)
    save_ranker(context.folder, trained, catalogue, log, effort)


def _transferred(context: BuildContext, effort: Effort) -> bool:
    """Move the previous ranker to the present rows, where only items changed and the log did not."""
    from convrec.ranking.checkpoint import load_ranker, log_digest, read_config, save_ranker
    from convrec.ranking.errors import CheckpointError
    from convrec.ranking.transfer import transfer_ranker
    from convrec.retrieval.recall import popularity_prior

    previous = context.previous
    if previous is None:
        return False
    try:
        if read_config(previous.folder).get("log") != log_digest(context.catalogue, context.log):
            return False
        old = previous.catalogue
        before = load_ranker(previous.folder, old, np.array(previous.vectors), popularity_prior(old, previous.log))
    except CheckpointError:
        return False
    moved = transfer_ranker(before, old.ids, context.catalogue, context.vectors)
    save_ranker(context.folder, moved, context.catalogue, context.log, effort)
    return True


def _taken_over(context: BuildContext, parts: set[str], *files: str) -> bool:
    """Take files of the previous generation over, where the parts they depend on are the same."""
    previous = context.previous
    if previous is None or not parts <= context.unchanged:
        return False
    if not all(previous.extra_path(name).is_file() for name in files):
        return False
    for name in files:
        context.reuse(name)
    return True
