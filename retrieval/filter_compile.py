"""Filters compiled: to a mask over all rows, and to a `where` of Chroma for what Chroma can say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from convrec.retrieval.catalogue import Catalogue, CategoryColumn, Column, FlagColumn, NumberColumn, TextColumn
from convrec.retrieval.errors import FilterError
from convrec.retrieval.filters import (
    And,
    Contains,
    Filter,
    In,
    Leaf,
    Mentions,
    Missing,
    Not,
    NotIn,
    Or,
    Range,
    Value,
    leaves,
)
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema

Mask = NDArray[np.bool_]

MAX_TERMS = 200
"""Chroma fails on some hundreds of terms in one clause; longer filters go to the mask."""


class NotExpressibleError(FilterError):
    """Chroma has no clause for this filter; the mask has."""


def value_key(name: str) -> str:
    """Metadata key that holds an attribute's value."""
    return f"a:{name}"


def presence_key(name: str) -> str:
    """Metadata key that says whether an item has the attribute at all."""
    return f"has:{name}"


def validate(node: Filter, schema: CatalogueSchema, catalogue: Catalogue | None = None) -> None:
    """Check that a filter makes sense for a catalogue.

    Without `catalogue` only attributes and kinds are checked; with it also that every named value exists, which is
    what a reader of requests wants and what recall does not ask for (a value that no item has matches nothing).

    Raises:
        FilterError: an unknown attribute or value (with the nearest known ones), or a test of the wrong kind.
    """
    for leaf in leaves(node):
        if leaf.field not in schema:
            names = [a.name for a in schema.attributes if a.filterable]
            raise FilterError(f"There is no attribute {leaf.field!r}; {_nearest(leaf.field, names)}.")
        attribute = schema.attribute(leaf.field)
        _check_kind(leaf, attribute)
        if catalogue is not None and isinstance(leaf, In | NotIn | Contains):
            _check_values(leaf, catalogue)


def _check_kind(leaf: Leaf, attribute: Attribute) -> None:
    name, kind = attribute.name, attribute.kind
    if isinstance(leaf, Missing):
        return
    if not attribute.filterable:
        raise FilterError(f"{name!r} is free text: describe what you want in words instead of filtering by it.")
    if isinstance(leaf, Range):
        if not attribute.numeric:
            raise FilterError(f"{name!r} has no order: name its values instead of a range.")
        if any(bound is not None and math.isnan(bound) for bound in (leaf.minimum, leaf.maximum)):
            raise FilterError(f"A bound of {name!r} is not a number: give a number or leave that side open.")
    elif isinstance(leaf, Contains):
        if kind not in (AttributeKind.CATEGORY, AttributeKind.CATEGORIES):
            raise FilterError(f"{name!r} is a {kind.value}: compare it by value or by range.")
    else:
        expected: type = str
        if attribute.numeric:
            expected = float
        elif kind is AttributeKind.FLAG:
            expected = bool
        for value in leaf.values:
            if type(value) is not expected:
                wanted = {str: "one of its values", float: "a number", bool: "true or false"}[expected]
                raise FilterError(f"{name!r} is a {kind.value}: compare it with {wanted}, not with {value!r}.")


def _check_values(leaf: In | NotIn | Contains, catalogue: Catalogue) -> None:
    column = catalogue.columns[leaf.field]
    if not isinstance(column, CategoryColumn):
        return
    for value in leaf.values:
        if isinstance(value, str) and column.code(value) is None:
            raise FilterError(f"No item has {value!r} as {leaf.field!r}; {_nearest(value, column.vocabulary)}.")


def _nearest(word: str, known: Sequence[str], count: int = 5) -> str:
    """'did you mean X, Y or Z', or what there is at all when nothing is near."""
    from rapidfuzz import fuzz, process, utils

    if not known:
        return "there is nothing to filter by"
    hits = process.extract(
        word, known, scorer=fuzz.WRatio, processor=utils.default_process, limit=count, score_cutoff=60
    )
    if hits:
        return "did you mean " + " or ".join(repr(name) for name, _, _ in hits)
    more = ", …" if len(known) > count else ""
    return "known are " + ", ".join(repr(name) for name in known[:count]) + more


def mask(node: Filter, catalogue: Catalogue) -> Mask:
    """Which rows meet a filter: (I,) bool, the same set as `filters.holds` on every item.

    Raises:
        FilterError: an unknown attribute, or a test of the wrong kind.
    """
    validate(node, catalogue.schema)
    return _mask(node, catalogue)


def _mask(node: Filter, catalogue: Catalogue) -> Mask:
    if isinstance(node, And):
        result = np.ones(len(catalogue), dtype=np.bool_)
        for part in node.parts:
            result &= _mask(part, catalogue)
        return result
    if isinstance(node, Or):
        result = np.zeros(len(catalogue), dtype=np.bool_)
        for part in node.parts:
            result |= _mask(part, catalogue)
        return result
    if isinstance(node, Not):
        return ~_mask(node.part, catalogue)
    if isinstance(node, Mentions):
        return catalogue.mentioning(node.words)
    column = catalogue.columns[node.field]
    if isinstance(node, Missing):
        return ~present(column)
    if isinstance(node, NotIn):
        return ~_equals_any(column, node.values)
    if isinstance(node, In):
        return _equals_any(column, node.values)
    if isinstance(node, Contains):
        return _contains(column, node)
    return _within(column, node)


def present(column: Column) -> Mask:
    """Rows that have a value: (I,) bool."""
    if isinstance(column, NumberColumn):
        return ~np.isnan(column.values)
    if isinstance(column, FlagColumn):
        return column.values >= 0
    if isinstance(column, CategoryColumn):
        return np.diff(column.indptr) > 0
    if isinstance(column, TextColumn):
        return np.fromiter((bool(text) for text in column.values), dtype=np.bool_, count=len(column.values))
    assert_never(column)


def _equals_any(column: Column, values: Sequence[Value]) -> Mask:
    if isinstance(column, NumberColumn):
        return np.isin(column.values, [v for v in values if not isinstance(v, str) and not math.isnan(v)])
    if isinstance(column, FlagColumn):
        return np.isin(column.values, [int(v) for v in values if isinstance(v, bool)])
    if isinstance(column, CategoryColumn):
        return _any_of(column, [v for v in values if isinstance(v, str)])
    raise FilterError("Free text cannot be filtered by value.")


def _any_of(column: CategoryColumn, values: Sequence[str]) -> Mask:
    hits = np.zeros(column.indptr.size - 1, dtype=np.bool_)
    for code in {column.code(value) for value in values}:
        if code is not None:
            hits[column.rows(code)] = True
    return hits


def _contains(column: Column, leaf: Contains) -> Mask:
    if not isinstance(column, CategoryColumn):
        raise FilterError(f"{leaf.field!r} has no values to contain.")
    if leaf.mode == "all":
        result = present(column)
        for value in leaf.values:
            result &= _any_of(column, [value])
        return result
    hits = _any_of(column, leaf.values)
    return hits if leaf.mode == "any" else ~hits


def _within(column: Column, leaf: Range) -> Mask:
    if not isinstance(column, NumberColumn):
        raise FilterError(f"{leaf.field!r} has no order.")
    values = column.values
    result = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        if leaf.minimum is not None:
            result &= values > leaf.minimum if leaf.minimum_open else values >= leaf.minimum
        if leaf.maximum is not None:
            result &= values < leaf.maximum if leaf.maximum_open else values <= leaf.maximum
    return result


Clause = dict[str, Any]


def where(node: Filter, schema: CatalogueSchema, *, max_terms: int = MAX_TERMS) -> Clause | None:
    """The `where` that selects the same items from a collection built with `metadata`; None when all pass.

    Raises:
        NotExpressibleError: nothing can meet the filter, it looks into texts or has too many terms: use `mask`.
        FilterError: an unknown attribute, or a test of the wrong kind.
    """
    validate(node, schema)
    clause = _clause(node, schema, negate=False)
    if clause is False:
        raise NotExpressibleError("No item can meet this filter, which Chroma has no clause for.")
    if clause is True:
        return None
    terms = _terms(clause)
    if terms > max_terms:
        raise NotExpressibleError(f"The filter has {terms} terms; Chroma takes at most {max_terms}.")
    return clause


def _terms(clause: Clause) -> int:
    for operator in ("$and", "$or"):
        if operator in clause:
            return sum(_terms(part) for part in clause[operator])
    return max((len(v) if isinstance(v, list) else 1) for test in clause.values() for v in test.values())


def _clause(node: Filter, schema: CatalogueSchema, *, negate: bool) -> Clause | bool:
    """The clause, or True or False where it is the same for every item. Chroma has no `$not`: leaves take it."""
    if isinstance(node, And | Or):
        parts = [_clause(part, schema, negate=negate) for part in node.parts]
        return _every(parts) if isinstance(node, And) != negate else _some(parts)
    if isinstance(node, Not):
        return _clause(node.part, schema, negate=not negate)
    if isinstance(node, Mentions):
        raise NotExpressibleError("Chroma has no clause for words of a text: use `mask`.")
    attribute = schema.attribute(node.field)
    if isinstance(node, Missing):
        return {presence_key(node.field): {"$eq": negate}}
    if isinstance(node, Range):
        return _outside(node) if negate else _inside(node)
    if isinstance(node, Contains) and node.mode == "all":
        each = [_one_of(attribute, (value,), inverted=negate) for value in node.values]
        has = {presence_key(node.field): {"$eq": not negate}}
        return _some([has, *each]) if negate else _every([has, *each])
    none = isinstance(node, NotIn) or (isinstance(node, Contains) and node.mode == "none")
    return _one_of(attribute, node.values, inverted=none != negate)


def _every(parts: Sequence[Clause | bool]) -> Clause | bool:
    if any(part is False for part in parts):
        return False
    kept = [part for part in parts if not isinstance(part, bool)]
    if len(kept) < 2:
        return kept[0] if kept else True
    return {"$and": kept}


def _some(parts: Sequence[Clause | bool]) -> Clause | bool:
    if any(part is True for part in parts):
        return True
    kept = [part for part in parts if not isinstance(part, bool)]
    if len(kept) < 2:
        return kept[0] if kept else False
    return {"$or": kept}


def _one_of(attribute: Attribute, values: Sequence[Value], *, inverted: bool) -> Clause | bool:
    """The value is one of `values`; `inverted`: it is none of them, or missing."""
    key = value_key(attribute.name)
    folded: list[str | float | bool] = list(dict.fromkeys(_stored(value) for value in values))
    absent: Clause = {presence_key(attribute.name): {"$eq": False}}
    if not folded:
        return inverted
    if attribute.kind is AttributeKind.CATEGORIES:
        if inverted:
            return _some([absent, _every([{key: {"$not_contains": value}} for value in folded])])
        return _some([{key: {"$contains": value}} for value in folded])
    test = {"$nin" if inverted else "$in": folded}
    return _some([absent, {key: test}]) if inverted else {key: test}


def _inside(leaf: Range) -> Clause | bool:
    key = value_key(leaf.field)
    parts: list[Clause | bool] = [{presence_key(leaf.field): {"$eq": True}}]
    if leaf.minimum is not None:
        parts.append({key: {"$gt" if leaf.minimum_open else "$gte": finite(leaf.minimum)}})
    if leaf.maximum is not None:
        parts.append({key: {"$lt" if leaf.maximum_open else "$lte": finite(leaf.maximum)}})
    return _every(parts)


def _outside(leaf: Range) -> Clause | bool:
    key = value_key(leaf.field)
    parts: list[Clause | bool] = [{presence_key(leaf.field): {"$eq": False}}]
    if leaf.minimum is not None:
        parts.append({key: {"$lte" if leaf.minimum_open else "$lt": finite(leaf.minimum)}})
    if leaf.maximum is not None:
        parts.append({key: {"$gte" if leaf.maximum_open else "$gt": finite(leaf.maximum)}})
    return _some(parts)


def _stored(value: Value) -> str | float | bool:
    if isinstance(value, str):
        return value.casefold()
    return value if isinstance(value, bool) else finite(value)


def finite(number: float) -> float:
    """The number itself, infinities as the largest float: Chroma loses a collection that holds an infinity."""
    return float(np.nan_to_num(float(number)))


def metadata(catalogue: Catalogue, row: int) -> dict[str, str | float | bool | list[str]]:
    """What Chroma stores with an item so that `where` can select it.

    Numbers always as floats (a float operand is truncated against stored ints), values in the form in which they
    compare, no empty lists, and for each attribute whether it is there at all.
    """
    stored: dict[str, str | float | bool | list[str]] = {}
    for attribute in catalogue.schema.attributes:
        if not attribute.filterable:
            stored[presence_key(attribute.name)] = catalogue.value(row, attribute.name) is not None
            continue
        value = catalogue.value(row, attribute.name)
        stored[presence_key(attribute.name)] = value is not None
        if value is None:
            continue
        if isinstance(value, tuple):
            stored[value_key(attribute.name)] = [v.casefold() for v in value]
        elif attribute.kind is AttributeKind.CATEGORIES:
            stored[value_key(attribute.name)] = [str(value).casefold()]
        else:
            stored[value_key(attribute.name)] = _stored(value)
    return stored
