"""Settings of the retrieval layer; the agent layer reads them from file and environment and passes them in."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EmbeddingSettings(_Section):
    """Which model turns texts into vectors."""

    provider: Literal["sentence-transformers", "openai", "hashing"] = "sentence-transformers"
    """'openai' is any OpenAI-compatible endpoint; 'hashing' needs no model and knows spelling only"""
    model: str | None = None
    """folder or name of a model; None: the all-MiniLM-L6-v2 that is installed with convrec"""
    base_url: str | None = None
    """of the endpoint, up to and including '/v1'"""
    api_key: SecretStr | None = None
    """sent to the endpoint as a bearer token"""
    dimensions: int | None = Field(default=None, ge=1)
    """length of the vectors that the endpoint is asked for; None: the model's own"""
    batch_size: int = Field(default=64, ge=1)
    """texts per call"""
    max_tokens: int | None = Field(default=None, ge=8)
    """of one text, the rest is cut off; None: the model's own limit"""
    timeout: float = Field(default=30.0, gt=0)
    """seconds that one call to the endpoint may take"""


class ChromaSettings(_Section):
    """Where Chroma runs. Without a host it is embedded and lies in the generation's folder."""

    host: str | None = None
    """of a Chroma server"""
    port: int = 8000
    """of the server"""
    ssl: bool = False
    """whether the server speaks HTTPS"""
    token: SecretStr | None = None
    """sent to the server as a bearer token"""
    max_neighbors: int = Field(default=32, ge=4)
    """edges per node of the HNSW graph (M)"""
    ef_construction: int = Field(default=200, ge=10)
    """breadth of the search while building; larger is slower and finds more"""
    ef_search: int = Field(default=400, ge=10)
    """breadth of the search while querying"""


class RecallSettings(_Section):
    """How candidates are found and fused."""

    small: int = Field(default=20_000, ge=0)
    """catalogues up to this size are always scanned exactly: nothing is faster"""
    exact_rows: int = Field(default=250_000, ge=0)
    """up to this many eligible rows a filtered query is answered exactly"""
    oversample: float = Field(default=2.0, ge=1)
    """how many times more neighbours are fetched than the share of eligible rows calls for"""
    history_cosine: float = Field(default=0.2, ge=-1, le=1)
    """below this similarity to what the person liked, an item is not recalled for it"""
    rank_constant: float = Field(default=60.0, gt=0)
    """k of reciprocal rank fusion"""
    weights: dict[str, float] = Field(
        default_factory=lambda: {"dense": 1.0, "lexical": 0.7, "like_item": 1.0, "history": 0.6, "popularity": 0.2}
    )
    """of the channels in the fusion; a channel that is not named counts 1"""


class RetrievalSettings(_Section):
    """Everything about finding items."""

    embedding: EmbeddingSettings = EmbeddingSettings()
    """the embedding model"""
    chroma: ChromaSettings = ChromaSettings()
    """the vector store"""
    recall: RecallSettings = RecallSettings()
    """recall and fusion"""
