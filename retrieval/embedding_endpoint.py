"""Embeddings of an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import SecretStr

from convrec.retrieval.errors import EmbedderError
from convrec.retrieval.progress import Progress, silent
from convrec.retrieval.vectors import EMBEDDING, EmbedderIdentity, Vectors, normalised

if TYPE_CHECKING:
    import httpx


LONGEST_TEXT = 16_000
"""characters: endpoints refuse longer texts instead of cutting them"""


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
            progress(EMBEDDING, start + len(batch), len(texts))
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
        body: dict[str, Any] = {"model": self._model, "input": [text[:LONGEST_TEXT] or " " for text in texts]}
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
            raise EmbedderError(
                f"The embedding endpoint {self._url} did not answer in JSON: check base_url."
            ) from error


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
