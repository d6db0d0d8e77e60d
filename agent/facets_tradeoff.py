"""What may speak against an item, said openly."""

from __future__ import annotations

from collections.abc import Iterator

from convrec.agent.facet import Facet, field_evidence, words_evidence
from convrec.agent.grounding import Facts
from convrec.agent.labels import join_words, label_number, label_value
from convrec.agent.narration_context import NarrationContext
from convrec.agent.phrases import (
    COMPARATIVE_WORDS,
    value_words,
)
from convrec.retrieval.filters import Contains, In, Range, holds
from convrec.retrieval.request import Constraint, Strength
from convrec.retrieval.schema import Attribute, AttributeKind, Role


def tradeoff_facets(context: NarrationContext, facts: Facts) -> Iterator[Facet]:
    """What may speak against the item: a wish it misses, a bound it oversteps, few votes, another language."""
    for constraint in context.request.constraints:
        if not constraint.negated and not holds(constraint.filter, facts.item):
            yield from _missed_facets(constraint, facts)
    yield from _little_known_facets(context, facts)
    yield from _language_facets(context, facts)


def _missed_facets(constraint: Constraint, facts: Facts) -> Iterator[Facet]:
    node = constraint.filter
    if constraint.strength is Strength.MUST or (isinstance(node, Contains) and node.mode == "none"):
        return
    if not isinstance(node, Range | In | Contains) or node.field not in facts.schema:
        return
    attribute = facts.schema.attribute(node.field)
    value = facts.item.attributes.get(attribute.name)
    said = words_evidence(constraint.provenance.words, facts)
    if value is None:
        return
    if isinstance(node, Range) and isinstance(value, float | int):
        above = node.maximum is not None and value > node.maximum
        if not above and (node.minimum is None or value >= node.minimum):
            return
        word = COMPARATIVE_WORDS.get(attribute.role, ("less", "more"))[above]
        own = label_number(attribute, float(value))
        yield Facet(
            "beyond",
            (f"{word} than you asked: {own}.", f"The trade-off: at {own} it is {word} than you asked."),
            (*field_evidence(attribute.name, value), *said),
            frozenset({attribute.name}),
        )
    elif isinstance(node, In | Contains) and _telling_absence(attribute, facts):
        wanted = [value_words(attribute, v) for v in node.values if isinstance(v, str)]
        values = value[:3] if isinstance(value, tuple) else (value,)
        own = join_words([value_words(attribute, v) for v in values])
        if wanted:
            yield Facet(
                "missing",
                (
                    f"The trade-off: its {attribute.label} is {own}, not {join_words(wanted, 'or')}.",
                    f"Not {join_words(wanted, 'or')}, though: {own}.",
                ),
                (*field_evidence(attribute.name, values), *said),
                frozenset({attribute.name}),
            )


def _telling_absence(attribute: Attribute, facts: Facts) -> bool:
    """Whether lacking a value means something: the absence of one tag among thousands does not."""
    return attribute.kind is not AttributeKind.FLAG and attribute.name not in facts.index.large


def _little_known_facets(context: NarrationContext, facts: Facts) -> Iterator[Facet]:
    if context.request.wishes.novelty > 0:
        return
    for attribute in facts.schema.with_role(Role.POPULARITY)[:1]:
        value = facts.measures.number(attribute.name)
        if value is not None and attribute.numeric and facts.index.share_below(attribute.name, value) <= 0.15:
            shown = label_number(attribute, value)
            yield Facet(
                "little known",
                (f"Little known: {attribute.label} {shown}.", f"Few people know it: {attribute.label} {shown}."),
                field_evidence(attribute.name, value),
                frozenset({attribute.name}),
            )


def _language_facets(context: NarrationContext, facts: Facts) -> Iterator[Facet]:
    """An uncommon language that nobody asked for."""
    for attribute in facts.schema.with_role(Role.LANGUAGE)[:1]:
        value = facts.item.attributes.get(attribute.name)
        if not isinstance(value, str) or any(attribute.name in c.fields for c in context.request.constraints):
            continue
        vocabulary = facts.index.catalogue.vocabulary(attribute.name)
        if vocabulary and vocabulary[0].value.casefold() != value.casefold():
            shown = label_value(attribute, value)
            yield Facet(
                "language",
                (f"Note that it is in {shown}.", f"It is in {shown}."),
                field_evidence(attribute.name, value),
                frozenset({attribute.name}),
            )
