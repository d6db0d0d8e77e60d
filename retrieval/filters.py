"""The filter algebra: one meaning, three readings (one item, a mask over all items, a `where` of Chroma).

Two-valued logic: on a missing value every leaf is false except `NotIn`, `Contains(mode="none")` and `Missing`;
`Not` is the complement. Values match as whole elements, case-insensitively (Unicode casefold).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from convrec.retrieval.types import AttributeValue, Item

Value = str | float | bool


class _Node(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class In(_Node):
    """The value is one of `values` (category, flag or number)."""

    op: Literal["in"] = "in"
    field: str
    values: tuple[Value, ...]


class NotIn(_Node):
    """The value is none of `values`, or is missing."""

    op: Literal["not_in"] = "not_in"
    field: str
    values: tuple[Value, ...]


class Contains(_Node):
    """The values of the item contain any, all or none of `values` (categories; a category counts as one value)."""

    op: Literal["contains"] = "contains"
    field: str
    values: tuple[str, ...]
    mode: Literal["any", "all", "none"] = "any"


class Range(_Node):
    """minimum ≤ value ≤ maximum; an open side excludes its bound. Dates in days since 1970."""

    op: Literal["range"] = "range"
    field: str
    minimum: float | None = None
    maximum: float | None = None
    minimum_open: bool = False
    maximum_open: bool = False


class Missing(_Node):
    """The item has no value."""

    op: Literal["missing"] = "missing"
    field: str


class Mentions(_Node):
    """The title or the free text of the item has these words, in any inflection that only adds an ending."""

    op: Literal["mentions"] = "mentions"
    words: str


class And(_Node):
    """Every part holds; holds when empty."""

    op: Literal["and"] = "and"
    parts: tuple[Filter, ...]


class Or(_Node):
    """At least one part holds; fails when empty."""

    op: Literal["or"] = "or"
    parts: tuple[Filter, ...]


class Not(_Node):
    """The part does not hold."""

    op: Literal["not"] = "not"
    part: Filter


Filter = Annotated[In | NotIn | Contains | Range | Missing | Mentions | And | Or | Not, Field(discriminator="op")]
Leaf = In | NotIn | Contains | Range | Missing

And.model_rebuild()
Or.model_rebuild()
Not.model_rebuild()


def leaves(node: Filter) -> Iterator[Leaf]:
    """All tests of attributes, left to right."""
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from leaves(part)
    elif isinstance(node, Not):
        yield from leaves(node.part)
    elif not isinstance(node, Mentions):
        yield node


@lru_cache(maxsize=256)
def _mention(words: str) -> re.Pattern[str]:
    *first, last = [re.escape(part) for part in words.casefold().split()]
    stem = last.removesuffix("ie").removesuffix("y")
    ending = f"{last}(?:s|es)?" if stem == last else f"{stem}(?:y|ie|ies)"
    phrase = r"\W+".join([*first, ending])
    return re.compile(rf"(?<!\w){phrase}(?:['’]s)?(?!\w)")


def mentioned(words: str, text: str) -> bool:
    """Whether a casefolded text has these words."""
    first = words.casefold().split()[:1]
    return bool(first) and first[0].removesuffix("ie").removesuffix("y") in text and bool(_mention(words).search(text))


def searched(title: str, text: str) -> str:
    """The casefolded text of an item in which `Mentions` looks; no phrase reaches from the title into the text."""
    return f"{title} _ {text}".casefold()


def fold(value: Value) -> str | float | bool:
    """The form in which values compare."""
    return value.casefold() if isinstance(value, str) else value


def holds(node: Filter, item: Item) -> bool:
    """Whether one item meets the filter: the reference that masks and `where` clauses are tested against."""
    if isinstance(node, And):
        return all(holds(part, item) for part in node.parts)
    if isinstance(node, Or):
        return any(holds(part, item) for part in node.parts)
    if isinstance(node, Not):
        return not holds(node.part, item)
    if isinstance(node, Mentions):
        return mentioned(node.words, searched(item.title, item.text))
    return _leaf_holds(node, item.attributes.get(node.field))


def _leaf_holds(leaf: Leaf, value: AttributeValue | None) -> bool:
    if isinstance(leaf, Missing):
        return value is None
    if value is None:
        return isinstance(leaf, NotIn) or (isinstance(leaf, Contains) and leaf.mode == "none")
    if isinstance(leaf, Range):
        return isinstance(value, float | int) and not isinstance(value, bool) and _in_range(leaf, float(value))
    if isinstance(leaf, Contains):
        present = {v.casefold() for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, str)}
        wanted = [v.casefold() for v in leaf.values]
        if leaf.mode == "all":
            return all(v in present for v in wanted)
        return any(v in present for v in wanted) == (leaf.mode == "any")
    own = {fold(v) for v in (value if isinstance(value, tuple) else (value,))}
    hit = any(fold(v) in own for v in leaf.values)
    return hit if isinstance(leaf, In) else not hit


def _in_range(leaf: Range, value: float) -> bool:
    if leaf.minimum is not None and (value < leaf.minimum or (leaf.minimum_open and value == leaf.minimum)):
        return False
    return not (leaf.maximum is not None and (value > leaf.maximum or (leaf.maximum_open and value == leaf.maximum)))
