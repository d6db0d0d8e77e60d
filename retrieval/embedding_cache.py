"""What was embedded before is not embedded again: queries in memory, documents on disk."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from convrec.retrieval.progress import Progress, silent
from convrec.retrieval.vectors import EMBEDDING, Embedder, EmbedderIdentity, Vectors


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
    return hashlib.sha256(
        f"{identity.name}\0{identity.revision}\0{identity.dim}\0{text}".encode("utf-8", "replace")
    ).digest()


class EmbeddingCache:
    """Vectors by text on disk, so that a rebuild, or a build that was cut off, embeds only what is new.

    One SQLite file; every chunk is committed as it is done, and a file that is damaged is started afresh.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.used: set[bytes] = set()
        """keys of the texts asked for so far: what `prune` keeps"""

    def encode(
        self, embedder: Embedder, texts: Sequence[str], *, progress: Progress = silent, chunk: int = 256
    ) -> tuple[Vectors, int]:
        """Vectors of all texts, and how many of them had to be computed.

        Raises:
            EmbedderError: the model fails. What was computed before is kept.
        """
        identity = embedder.identity
        keys = [text_key(identity, text) for text in texts]
        self.used.update(keys)
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
            progress(EMBEDDING, len(texts), len(texts))
        return result, len(rows)

    def prune(self) -> None:
        """Forget what was not asked for once that is more than what was."""
        with closing(_open_cache(self._path)) as database:
            (count,) = database.execute("SELECT count(*) FROM vectors").fetchone()
            if count <= 2 * len(self.used) + 10_000:
                return
            with database:
                database.execute("CREATE TEMP TABLE used (key BLOB PRIMARY KEY)")
                database.executemany("INSERT INTO used VALUES (?)", [(key,) for key in self.used])
                database.execute("DELETE FROM vectors WHERE key NOT IN (SELECT key FROM used)")
            database.execute("VACUUM")


def _shifted(progress: Progress, done: int, total: int) -> Progress:
    return lambda stage, now, _: progress(stage, min(done + now, total), total)


def _open_cache(path: Path) -> sqlite3.Connection:
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
    raise AssertionError("unreachable")


def _stored_vectors(database: sqlite3.Connection, keys: Sequence[bytes], dim: int) -> Iterator[tuple[bytes, Vectors]]:
    for start in range(0, len(keys), 500):
        part = keys[start : start + 500]
        marks = ",".join("?" * len(part))
        for key, blob in database.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", part):  # noqa: S608
            if len(blob) == dim * 4:
                yield key, np.frombuffer(blob, dtype=np.float32)
