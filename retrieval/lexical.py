"""BM25 over the documents of a catalogue."""

from __future__ import annotations

import json
import re
import threading
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convrec.retrieval.errors import StoreError
from convrec.retrieval.progress import Progress, silent

_WORD = re.compile(r"\w+")
_STOPWORDS = frozenset(
    "a an and are as at be but by for from has have if in into is it its no not of on or such that the their then "
    "there these they this to was were will with".split()
)
STAGE = "Indexing words"


@cache
def _stemmer() -> Callable[[list[str]], list[str]]:
    import Stemmer

    stem: Callable[[list[str]], list[str]] = Stemmer.Stemmer("english").stemWords
    return stem


_stemming = threading.Lock()


def tokens(text: str) -> list[str]:
    """Stems of the words of a text, without accents, case and function words."""
    plain = text.casefold()
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    words = [word for word in _WORD.findall(plain) if word not in _STOPWORDS]
    with _stemming:  # the stemmer keeps state between calls
        return _stemmer()(words)


class LexicalIndex:
    """BM25 (Lucene's form, Robertson and Zaragoza 2009) with scores computed when the index is built (bm25s)."""

    def __init__(self, model: Any, count: int) -> None:
        self._model = model
        self._count = count

    def __len__(self) -> int:
        return self._count

    @classmethod
    def build(cls, documents: Iterable[str], *, progress: Progress = silent, total: int = 0) -> LexicalIndex:
        """Index documents; row i is the i-th document."""
        import bm25s

        vocabulary: dict[str, int] = {}
        rows: list[list[int]] = []
        for document in documents:
            rows.append([vocabulary.setdefault(token, len(vocabulary)) for token in tokens(document)])
            if len(rows) % 2000 == 0:
                progress(STAGE, len(rows), total or len(rows))
        if not vocabulary:
            return cls(None, len(rows))
        model = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
        model.index((rows, vocabulary), create_empty_token=False, show_progress=False)
        progress(STAGE, len(rows), len(rows))
        return cls(model, len(rows))

    def scores(self, text: str) -> NDArray[np.float32] | None:
        """BM25 score of every document: (I,) float32, 0 where no word meets; None when no word of `text` is known."""
        if self._model is None:
            return None
        known: dict[str, int] = self._model.vocab_dict
        codes = [known[token] for token in dict.fromkeys(tokens(text)) if token in known]
        if not codes:
            return None
        postings = self._model.scores
        starts, rows, weights = postings["indptr"], postings["indices"], postings["data"]
        result = np.zeros(self._count, dtype=np.float32)
        for code in codes:
            own = slice(int(starts[code]), int(starts[code + 1]))
            result[rows[own]] += weights[own]
        return result

    def save(self, folder: Path) -> None:
        """Write the index to an empty folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.json").write_text(json.dumps({"count": self._count, "empty": self._model is None}))
        if self._model is not None:
            self._model.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """Open what `save` wrote; the postings stay on disk until they are asked for.

        Raises:
            StoreError: the folder is damaged.
        """
        try:
            about = json.loads((folder / "index.json").read_text())
            if about["empty"]:
                return cls(None, int(about["count"]))
            import bm25s

            return cls(bm25s.BM25.load(folder, mmap=True, show_progress=False), int(about["count"]))
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"The word index in {folder} is damaged: build the workspace again.") from error
