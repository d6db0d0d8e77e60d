"""A catalogue with further attributes, whose values somebody else wrote than its own file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from convrec.retrieval.attribute_kinds import with_statistics
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.schema import Attribute, AttributeKind
from convrec.retrieval.types import AttributeValue


def extended(catalogue: Catalogue, added: Iterable[tuple[Attribute, Sequence[AttributeValue | None]]]) -> Catalogue:
    """The catalogue with attributes at its end: each with a value a row, None where there is none.

    Only categories and texts. The names must be new: nothing that a catalogue holds is replaced.
    """
    import polars as pl

    frame, attributes = catalogue.to_frame(), list(catalogue.schema.attributes)
    for attribute, values in added:
        if any(attribute.name == own.name for own in attributes):
            raise ValueError(f"the catalogue has {attribute.name} already")
        if attribute.kind is AttributeKind.CATEGORIES:
            series = pl.Series([[] if v is None else list(_several(v)) for v in values], dtype=pl.List(pl.String))
        elif attribute.kind in (AttributeKind.CATEGORY, AttributeKind.TEXT):
            series = pl.Series([None if v is None else str(v) for v in values], dtype=pl.String)
        else:
            raise ValueError(f"{attribute.kind} cannot be added")
        attributes.append(with_statistics(attribute, series))
        frame = frame.with_columns(series.alias(f"a:{attribute.name}"))
    return Catalogue.from_frame(frame, catalogue.schema.model_copy(update={"attributes": tuple(attributes)}))


def without(catalogue: Catalogue, names: Iterable[str]) -> Catalogue:
    """The catalogue without some attributes."""
    left_out = set(names)
    schema = catalogue.schema
    kept = tuple(attribute for attribute in schema.attributes if attribute.name not in left_out)
    return Catalogue(
        schema.model_copy(update={"attributes": kept}),
        catalogue.ids,
        catalogue.titles,
        catalogue.texts,
        {attribute.name: catalogue.columns[attribute.name] for attribute in kept},
    )


def _several(value: AttributeValue) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (str(value),)
