"""Small made-up catalogues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role

KINDS = {
    "shelf": AttributeKind.CATEGORY,
    "tags": AttributeKind.CATEGORIES,
    "price": AttributeKind.NUMBER,
    "released": AttributeKind.DATE,
    "new": AttributeKind.FLAG,
    "notes": AttributeKind.TEXT,
}
WORDS = (
    "oak pine steel copper lamp chair table shelf kettle knife garden winter summer blue red green soft heavy small "
    "folding outdoor kitchen reading travel music paper glass wool leather stone river forest city night morning"
).split()


def schema() -> CatalogueSchema:
    """One attribute of each kind."""
    attributes = tuple(
        Attribute(
            name=name,
            label=name,
            kind=kind,
            role=Role.POPULARITY if name == "price" else None,
            separator="|" if kind is AttributeKind.CATEGORIES else None,
        )
        for name, kind in KINDS.items()
    )
    return CatalogueSchema(id_column="id", title_column="title", attributes=attributes)


def catalogue_of(rows: Sequence[dict[str, Any]]) -> Catalogue:
    """A catalogue of `schema` from rows with any of its attributes, and 'title' and 'text'."""
    types: dict[AttributeKind, Any] = {
        AttributeKind.CATEGORY: pl.String,
        AttributeKind.CATEGORIES: pl.List(pl.String),
        AttributeKind.NUMBER: pl.Float64,
        AttributeKind.DATE: pl.Float64,
        AttributeKind.FLAG: pl.Boolean,
        AttributeKind.TEXT: pl.String,
    }
    columns: dict[str, Any] = {
        "id": [f"i{row}" for row in range(len(rows))],
        "title": [str(own.get("title", f"Item {row}")) for row, own in enumerate(rows)],
        "text": [str(own.get("text", "")) for own in rows],
    }
    for name, kind in KINDS.items():
        columns[f"a:{name}"] = pl.Series([own.get(name) for own in rows], dtype=types[kind])
    return Catalogue.from_frame(pl.DataFrame(columns), schema())


def shop(count: int, seed: int = 0) -> Catalogue:
    """`count` products with random words, tags and prices; some values missing."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for number in range(count):
        words = [str(word) for word in rng.choice(WORDS, 8)]
        rows.append(
            {
                "title": f"{words[0].title()} {words[1]} {number}",
                "text": " ".join(words),
                "shelf": ["Kitchen", "Garden", "Études", None][int(rng.integers(4))],
                "tags": [str(tag) for tag in rng.choice(["Blue", "Red", "Soft", "Loud"], int(rng.integers(4)), False)],
                "price": None if rng.random() < 0.1 else float(np.round(rng.gamma(2, 30), 2)),
                "new": [True, False, None][int(rng.integers(3))],
            }
        )
    return catalogue_of(rows)


def log_of(catalogue: Catalogue, users: int = 20, seed: int = 0) -> InteractionLog:
    """Random histories of up to 9 items."""
    rng = np.random.default_rng(seed)
    sequences = [rng.permutation(len(catalogue))[: int(rng.integers(1, 10))].tolist() for _ in range(users)]
    return InteractionLog.from_sequences(sequences, [f"u{user}" for user in range(users)])
