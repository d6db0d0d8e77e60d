"""What an item is, where that was not spoken of yet: its standing, its kind, one plain field."""

from __future__ import annotations

from collections.abc import Iterator

from convrec.agent.facet import Facet, field_evidence
from convrec.agent.grounding import Facts
from convrec.agent.labels import join_words, label_number, label_value
from convrec.agent.narration_context import NarrationContext
from convrec.agent.phrases import (
    fragment,
    plural_label,
    sentence_case,
    value_words,
)
from convrec.agent.types import (
    Evidence,
)
from convrec.retrieval.schema import Attribute, AttributeKind, Role
from convrec.retrieval.types import AttributeValue


def fact_facets(context: NarrationContext, facts: Facts, used: frozenset[str]) -> Iterator[Facet]:
    """What the item is, from fields that were not spoken of: its standing first, then its kind."""
    yield from _standing_facets(facts, used)
    asked = {name for c in context.request.constraints for name in c.fields}
    parts: list[tuple[str, str, tuple[Evidence, ...]]] = []
    for role in (Role.TOPIC, Role.YEAR, Role.PERSON, Role.DURATION, Role.PRICE):
        fresh = [a for a in facts.schema.with_role(role) if a.name not in used | asked and a.name in facts.values]
        for attribute in fresh[:1]:
            value = facts.item.attributes[attribute.name]
            if attribute.kind is AttributeKind.TEXT:
                continue
            if isinstance(value, tuple):
                value = value[:2]
            text = _topics(attribute, value, facts) if role is Role.TOPIC else fragment(attribute, value)
            parts.append((attribute.name, text, field_evidence(attribute.name, value)))
    parts += _others(facts, used | asked)
    if len(parts) > 1 or (parts and not used):
        chosen = parts[:3]
        listed = ", ".join(text for _, text, _ in chosen)
        yield Facet(
            "kind",
            (f"{listed}.", f"What it is: {listed}.", f"In short: {listed}.", f"Here you get: {listed}."),
            tuple(e for _, _, proof in chosen for e in proof),
            frozenset(name for name, _, _ in chosen),
        )


def _topics(attribute: Attribute, value: AttributeValue, facts: Facts) -> str:
    """Topics in a list of facts; tags of a large vocabulary say that they are tags."""
    shown = [value_words(attribute, v) for v in (value if isinstance(value, tuple) else (value,))]
    label = plural_label(attribute) if len(shown) > 1 else attribute.label
    return f"{label} {join_words(shown)}" if attribute.name in facts.index.large else join_words(shown)


def _others(facts: Facts, used: frozenset[str] | set[str]) -> Iterator[tuple[str, str, tuple[Evidence, ...]]]:
    """Attributes without a role: flags that hold, categories, measures."""
    for attribute in facts.schema.attributes:
        value = facts.item.attributes.get(attribute.name)
        if attribute.role is not None or value is None or attribute.name in used or value is False:
            continue
        if attribute.kind in (AttributeKind.TEXT, AttributeKind.DATE):
            continue
        if isinstance(value, tuple):
            value = value[:2]
        yield attribute.name, fragment(attribute, value), field_evidence(attribute.name, value)


def _standing_facets(facts: Facts, used: frozenset[str]) -> Iterator[Facet]:
    """How well it is rated, where that is well."""
    quality = next((a for a in facts.schema.with_role(Role.QUALITY) if a.numeric), None)
    if quality is None or quality.name in used:
        return
    value = facts.measures.number(quality.name)
    if value is None or facts.index.share_below(quality.name, value) < 0.7:
        return
    shown = label_number(quality, value)
    evidence = field_evidence(quality.name, value)
    tail = ""
    popularity = next((a for a in facts.schema.with_role(Role.POPULARITY) if a.numeric), None)
    number = facts.measures.number(popularity.name) if popularity else None
    if popularity and (number is None or facts.index.share_below(popularity.name, number) < 0.15):
        return
    if popularity and number is not None and facts.index.share_below(popularity.name, number) >= 0.4:
        tail = f", {popularity.label} {label_number(popularity, number)}"
        evidence += field_evidence(popularity.name, number)
    yield Facet(
        "standing",
        (
            f"Well rated: {shown}{tail}.",
            f"Its rating is high: {shown}{tail}.",
            f"Highly rated at {shown}{tail}.",
            f"People rate it {shown}{tail}.",
        ),
        evidence,
        frozenset({quality.name}),
    )


def plain_facets(facts: Facts) -> Iterator[Facet]:
    """One field, said as plainly as can be: what is left when nothing else passes."""
    for attribute in facts.schema.attributes:
        value = facts.item.attributes.get(attribute.name)
        if value is None or attribute.kind is AttributeKind.TEXT:
            continue
        first = value[0] if isinstance(value, tuple) else value
        shown = label_value(attribute, first)
        flag = attribute.kind is AttributeKind.FLAG
        yield Facet(
            "plain",
            (f"{fragment(attribute, first)}." if flag else f"{sentence_case(attribute.label)}: {shown}.",),
            field_evidence(attribute.name, first),
            frozenset({attribute.name}),
        )
