"""Puts the parts of one generation together; the one place that knows all of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convrec.agent.build import TOPIC_CENTROIDS, VALUE_VECTORS
from convrec.agent.engine import Engine
from convrec.agent.mind import Mind, OfflineMind
from convrec.agent.people import PeopleStore
from convrec.agent.settings import Settings
from convrec.ranking.checkpoint import load_ranker
from convrec.ranking.rank import AdditiveScorer
from convrec.ranking.signals import CollaborativeSource
from convrec.retrieval.embedding import open_embedder
from convrec.retrieval.embedding_cache import QueryEncoder
from convrec.retrieval.recall import Recall, popularity_prior
from convrec.retrieval.tensors import map_tensors
from convrec.retrieval.topics import TopicSource

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from convrec.retrieval.generation import Generation


def make_engine(generation: Generation, people: PeopleStore, settings: Settings) -> Engine:
    """Recall and ranker over a generation. Loads the catalogue and its vectors, not the embedder.

    Raises:
        WorkspaceLayoutError: a file of the generation is damaged.
        EmbedderError: the settings name another embedder than the one that built the index.
        CheckpointError: the trained ranker is missing or does not fit the catalogue.
    """
    embedder = open_embedder(settings.retrieval.embedding)
    generation.check_embedder(embedder.identity)
    catalogue, log = generation.catalogue, generation.log
    small = len(catalogue) <= settings.retrieval.recall.small
    vectors = np.ascontiguousarray(generation.vectors) if small else generation.vectors
    recall = Recall(
        catalogue,
        vectors,
        lexical=generation.lexical,
        store=None if small else generation.store,
        popularity=popularity_prior(catalogue, log),
        settings=settings.retrieval.recall,
    )
    encode = QueryEncoder(embedder)
    ranker = load_ranker(generation.folder, catalogue, vectors, recall.popularity)
    prepared = prepared_vectors(generation)
    topics = TopicSource(
        catalogue, encode, vectors, vectors=prepared.get("topics"), centroids=prepared.get(TOPIC_CENTROIDS)
    )
    return Engine(
        catalogue=catalogue,
        log=log,
        recall=recall,
        vectors=vectors,
        encode=encode,
        ranker=AdditiveScorer(ranker.signals, ranker.net),
        sources=(CollaborativeSource(ranker.signals), topics),
        people=people,
    )


def prepared_vectors(generation: Generation) -> dict[str, NDArray[np.float32]]:
    """Vectors of vocabularies that the build prepared, by what they are for; empty where it did not."""
    file = generation.extra_path(VALUE_VECTORS)
    return {name: np.array(tensor) for name, tensor in map_tensors(file).items()} if file.is_file() else {}


def make_mind(
    generation: Generation,
    engine: Engine,
    settings: Settings,
    workspace: Path,
    model: BaseChatModel | None = None,
) -> Mind:
    """Reader and narrator: the offline mind, with a language model before it where one is configured or given."""
    from convrec.agent.claims.index import ClaimIndex
    from convrec.agent.narrate import TemplateNarrator
    from convrec.agent.rules import RulesInterpreter

    values = prepared_vectors(generation).get("values")
    interpreter = RulesInterpreter(engine.catalogue, engine.encode, value_vectors=values)
    index = ClaimIndex(engine.catalogue)
    offline = OfflineMind(interpreter, TemplateNarrator(engine.catalogue, index))
    if settings.llm.mode == "offline" or (model is None and not settings.llm.configured):
        return offline
    from convrec.agent.mind_llm import ModelMind
    from convrec.agent.mind_structured import ModelShelf

    shelf = ModelShelf(engine.catalogue, index)
    return ModelMind(offline, engine, shelf, settings=settings, workspace=workspace, model=model)
