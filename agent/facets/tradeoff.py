"""What may speak against an item, said openly."""

from __future__ import annotations

from collections.abc import Iterator

from convrec.agent.facets.facet import Facet, field_evidence, words_evidence
from convrec.agent.grounding import Facts
from convrec.agent.labels import join_words, label_number
from convrec.agent.narration_context import NarrationContext
from convrec.agent.phrases import (
    COMPARATIVE_WORDS,
    standing_alone,
    value_words,
)
from convrec.retrieval.filters import Contains, In, Range, holds
from convrec.retrieval.request import Constraint, Strength
from convrec.retrieval.schema import Attribute, AttributeKind


def tradeoff_facets(context: NarrationContext, facts: Facts) -> Iterator[Facet]:
    """What may speak against the item: a stated number, language or value of a small vocabulary that it misses."""
    for constraint in context.request.constraints:
        if not constraint.negated and not holds(constraint.filter, facts.item):
            yield from _missed_facets(constraint, facts)


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
            f"beyond {attribute.name}",
            (f"{word} than you asked: {own}.", f"The trade-off: at {own} it is {word} than you asked."),
            (*field_evidence(attribute.name, value), *said),
            frozenset({attribute.name}),
        )
    elif isinstance(node, In | Contains) and _telling_absence(attribute, facts):
        named = [v for v in node.values if isinstance(v, str)]
        wanted = [standing_alone(attribute, v, facts.schema) for v in named]
        values = value[:3] if isinstance(value, tuple) else (value,)
        own = join_words([value_words(attribute, v) for v in values])
        if wanted:
            yield Facet(
                "missing",
                (
                    f"Not {join_words(wanted, 'or')}, though: {own}.",
                    f"The trade-off: it is {own}, not {join_words(wanted, 'or')}.",
                ),
                (*field_evidence(attribute.name, values), *said),
                frozenset({attribute.name}),
            )


def _telling_absence(attribute: Attribute, facts: Facts) -> bool:
    """Whether lacking a value means something: the absence of one tag among thousands does not."""
    return attribute.kind is not AttributeKind.FLAG and attribute.name not in facts.index.large
