"""What a few words ask for: a filter, how firmly, and how it is said back."""

from __future__ import annotations

from dataclasses import dataclass

from convrec.agent.reading_ranges import Bounds, range_label
from convrec.retrieval.filters import And, Contains, Filter, In, Not, NotIn, Or
from convrec.retrieval.request import Strength
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
    describe = first.describe or second.describe
    if first.values and second.values and first.field == second.field and _plain(first) and _plain(second):
        values = tuple(dict.fromkeys((*first.values, *second.values)))
        joint: Filter = first.filter.model_copy(update={"values": values})
        against: Filter = first.negative.model_copy(update={"values": values})
        return Wanted(first.field, joint, against, label, first.how, strength, values, None, describe, soft)
    parts = (*_parts(first.filter), *_parts(second.filter))
    negatives = And(parts=(first.negative, second.negative))
    return Wanted(first.field, Or(parts=parts), negatives, label, first.how, strength, (), None, describe, soft)


def _plain(wanted: Wanted) -> bool:
    return isinstance(wanted.filter, In) or (isinstance(wanted.filter, Contains) and wanted.filter.mode == "any")


def _parts(node: Filter) -> tuple[Filter, ...]:
    return node.parts if isinstance(node, Or) else (node,)
