"""What a few words ask for: a filter, how firmly, and how it is said back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

from convrec.agent.reading.ranges import Bounds, bounds_of, range_label
from convrec.retrieval.filters import And, Contains, Filter, In, Not, NotIn, Or, Range, leaves
from convrec.retrieval.request import Constraint, Strength
from convrec.retrieval.schema import Attribute, AttributeKind

Soft = tuple[Filter, str]
"""a companion that lifts scores only, and its label"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One reading of some words.

    `negative` is what the words mean when they are said as not wanted. `values`: of one category attribute.
    `describe`: the words also belong in the description. `how`: name, synonym, meaning, typo, part, nation, person,
    number, time, adjective, flag, keyword.
    """

    field: str
    filter: Filter
    negative: Filter
    label: str
    how: str
    strength: Strength = Strength.HARD
    values: tuple[str, ...] = ()
    bounds: Bounds | None = None
    describe: bool = False
    soft: tuple[Soft, ...] = ()
    novelty: float | None = None
    note: str = ""
    negative_label: str = ""
    degree: str = ""
    """'low', 'high' or 'top' where the bounds are a part of what there is"""
    extreme: bool = False
    """whether the degree is a superlative: 'the cheapest' of what else is asked for"""
    shun: bool = False
    """said as not wanted, the words also go to the description"""

    @property
    def not_label(self) -> str:
        return self.negative_label or f"not {self.label}"


def value_filter(attribute: Attribute, values: tuple[str, ...], mode: str = "any") -> Filter:
    """Items that carry any, all or none of the values."""
    if attribute.kind is AttributeKind.CATEGORIES:
        if mode == "all":
            return Contains(field=attribute.name, values=values, mode="all")
        return Contains(field=attribute.name, values=values, mode="none" if mode == "none" else "any")
    if mode == "none":
        return NotIn(field=attribute.name, values=values)
    return In(field=attribute.name, values=values)


def wanted_values(attribute: Attribute, values: tuple[str, ...], how: str, *, label: str = "") -> Wanted:
    """Any of some values of a category attribute."""
    return Wanted(
        field=attribute.name,
        filter=value_filter(attribute, values),
        negative=value_filter(attribute, values, "none"),
        label=label or " or ".join(values[:3]),
        how=how,
        values=values,
    )


def wanted_range(attribute: Attribute, bounds: Bounds, how: str, *, negative: Bounds | None = None) -> Wanted:
    """A range of a numeric attribute; its negation is the complement unless `negative` says better."""
    negative = negative or bounds.beyond
    against: Filter = negative.filter(attribute.name) if negative else Not(part=bounds.filter(attribute.name))
    label = range_label(attribute, bounds)
    return Wanted(
        field=attribute.name,
        filter=bounds.filter(attribute.name),
        negative=against,
        label=label,
        how=how,
        bounds=bounds,
        negative_label=range_label(attribute, negative) if negative else f"not {label}",
    )


def either(first: Wanted, second: Wanted) -> Wanted:
    """One or the other."""
    label = first.label if first.label == second.label else f"{first.label} or {second.label}"
    soft = (*first.soft, *second.soft)
    strength = Strength.SOFT if Strength.SOFT in (first.strength, second.strength) else first.strength
    node = either_filter(first.filter, second.filter)
    return Wanted(
        field=first.field,
        filter=node,
        negative=And(parts=(first.negative, second.negative)),
        label=label,
        how=first.how,
        strength=strength,
        values=tuple(str(v) for v in node.values) if isinstance(node, In | Contains) else (),
        bounds=bounds_of(node) if isinstance(node, Range) else None,
        describe=first.describe or second.describe,
        soft=soft,
    )


def either_filter(first: Filter, second: Filter) -> Filter:
    """Items that meet one or the other; values of one attribute, and ranges that touch, become one condition."""
    if _any_of(first) and _any_of(second) and first.field == second.field:
        values = tuple(dict.fromkeys((*first.values, *second.values)))
        return first.model_copy(update={"values": values})
    if isinstance(first, Range) and isinstance(second, Range) and first.field == second.field:
        joint = bounds_of(first).join(bounds_of(second))
        if joint is not None:
            return joint.filter(first.field)
    return Or(parts=(*_parts(first), *_parts(second)))


def mentions(part: Constraint, wanted: Wanted) -> bool:
    """Whether a constraint speaks of a value of a wish."""
    if wanted.bounds is not None:
        return True
    own = {v.casefold() for v in wanted.values}
    if not own:
        said = {leaf.model_dump_json() for leaf in leaves(wanted.filter)}
        return not said.isdisjoint(leaf.model_dump_json() for leaf in leaves(part.filter))
    return any(
        isinstance(leaf, In | NotIn | Contains) and {str(v).casefold() for v in leaf.values} & own
        for leaf in leaves(part.filter)
    )


def _any_of(node: Filter) -> TypeGuard[In | Contains]:
    return isinstance(node, In) or (isinstance(node, Contains) and node.mode == "any")


def _parts(node: Filter) -> tuple[Filter, ...]:
    return node.parts if isinstance(node, Or) else (node,)
