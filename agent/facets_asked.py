"""What the person asked for and the item has: critiques of an example, constraints, words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convrec.agent.claim_index import stems
from convrec.agent.claim_lexicon import FUNCTION_WORDS
from convrec.agent.facet import Facet, field_evidence, words_evidence
from convrec.agent.grounding import Facts
from convrec.agent.labels import join_words, label_number
from convrec.agent.narration_context import NarrationContext
from convrec.agent.phrases import (
    COMPARATIVE_WORDS,
    fragment,
    plural_label,
    quoted_title,
    states_value,
    value_words,
    with_article,
)
from convrec.agent.types import (
    Evidence,
    ReferenceEvidence,
    ScoreEvidence,
)
from convrec.retrieval.filters import Contains, In, Range, holds, leaves
from convrec.retrieval.request import Constraint
from convrec.retrieval.schema import Attribute, CatalogueSchema, Role
from convrec.retrieval.types import AttributeValue, Item


def asked_facets(context: NarrationContext, facts: Facts) -> Iterator[Facet]:
    """What the person asked for and the item has: critiques of an example, constraints, words."""
    yield from _critique_facets(context, facts)
    yield from _constraint_facets(context, facts)
    yield from _description_facets(context, facts)


def _met_values(constraint: Constraint, facts: Facts) -> Iterator[tuple[Attribute, AttributeValue]]:
    """The item's values by which it meets a constraint."""
    for leaf in leaves(constraint.filter):
        if leaf.field not in facts.schema or not states_value(leaf) or not holds(leaf, facts.item):
            continue
        attribute = facts.schema.attribute(leaf.field)
        value = facts.item.attributes.get(leaf.field)
        if isinstance(leaf, Range) and value is not None:
            yield attribute, value
        elif isinstance(leaf, In | Contains) and value is not None:
            own = value if isinstance(value, tuple) else (value,)
            wanted = {v.casefold() if isinstance(v, str) else v for v in leaf.values}
            for part in own:
                if (part.casefold() if isinstance(part, str) else part) in wanted:
                    yield attribute, part


def _constraint_facets(context: NarrationContext, facts: Facts) -> Iterator[Facet]:
    met: dict[str, tuple[str, tuple[Evidence, ...], str]] = {}
    for constraint in context.request.constraints:
        if constraint.negated or constraint.relative_to or constraint.provenance.source == "profile":
            continue
        if not holds(constraint.filter, facts.item):
            continue
        for attribute, value in _met_values(constraint, facts):
            text = fragment(attribute, value)
            said = words_evidence(constraint.provenance.words, facts)
            met.setdefault(text, (attribute.name, (*field_evidence(attribute.name, value), *said), text))
    if not met:
        return
    chosen = sorted(met.values(), key=lambda m: _placing(facts, m[0]))[:4]
    evidence = tuple(dict.fromkeys(e for _, proof, _ in chosen for e in proof))
    listed = _noun_phrase([(facts.schema.attribute(name), text) for name, _, text in chosen], facts.schema)
    yield Facet(
        "asked",
        (
            f"{listed}, as you asked.",
            f"Just what you asked for: {listed}.",
            f"{listed}: that is what you asked for.",
            f"As you wanted, {listed}.",
            f"This one fits what you asked: {listed}.",
            f"Fits your request: {listed}.",
        ),
        evidence,
        frozenset(name for name, _, _ in chosen),
    )


def _placing(facts: Facts, name: str) -> int:
    """Topics first, then who and where from, numbers last."""
    attribute = facts.schema.attribute(name)
    order = {Role.TOPIC: 0, Role.YEAR: 1, Role.LANGUAGE: 2, Role.COUNTRY: 3, Role.PERSON: 4}
    return order.get(attribute.role, 6 if attribute.numeric else 5) if attribute.role else 5


def _noun_phrase(chosen: Sequence[tuple[Attribute, str]], schema: CatalogueSchema) -> str:
    """Fragments as one phrase: 'a comedy film from 1982 in French, 1 h 37'; a plain list where no kind is said."""
    topics = [text for attribute, text in chosen if attribute.role is Role.TOPIC]
    back = [text for a, text in chosen if a.role in (Role.YEAR, Role.LANGUAGE, Role.COUNTRY)]
    rest = [text for a, text in chosen if a.role not in (Role.TOPIC, Role.YEAR, Role.LANGUAGE, Role.COUNTRY)]
    if not topics and not back:
        return join_words(rest)
    if schema.noun == CatalogueSchema.model_fields["noun"].default:
        phrase = " ".join([join_words(topics), *back]).strip()
    else:
        phrase = with_article(" ".join([join_words(topics), schema.noun, *back]).strip())
    return ", ".join([phrase, *rest])


def _critique_facets(context: NarrationContext, facts: Facts) -> Iterator[Facet]:
    """'20 min shorter than "X"'."""
    for constraint in context.request.constraints:
        other_id = constraint.relative_to
        title = context.references.get(other_id or "")
        if other_id is None or title is None or other_id not in context.catalogue:
            continue
        other = context.catalogue.item(context.catalogue.row(other_id))
        for name in constraint.fields:
            compared = _compared(facts, other, name)
            if compared is None or not holds(constraint.filter, facts.item):
                continue
            shown = quoted_title(title)
            value = facts.item.attributes[name]
            own = fragment(facts.schema.attribute(name), value)
            yield Facet(
                "critique",
                (
                    f"{compared} than {shown}, as you asked: {own}.",
                    f"As you asked, {compared} than {shown}: {own}.",
                ),
                (
                    *field_evidence(name, value),
                    ReferenceEvidence(item_id=other.id, title=title),
                    *words_evidence(constraint.provenance.words, facts),
                ),
                frozenset({name}),
            )


def _compared(facts: Facts, other: Item, name: str) -> str | None:
    """How the item stands to another one in an attribute: '20 min shorter'; None where that cannot be said."""
    attribute = facts.schema.attribute(name)
    mine, theirs = facts.item.attributes.get(name), other.attributes.get(name)
    if not attribute.numeric or attribute.role not in COMPARATIVE_WORDS:
        return None
    if not isinstance(mine, float | int) or not isinstance(theirs, float | int) or mine == theirs:
        return None
    word = COMPARATIVE_WORDS[attribute.role][mine > theirs]
    gap = abs(float(mine) - float(theirs))
    if attribute.role in (Role.DURATION, Role.PRICE) and attribute.unit:
        return f"{label_number(attribute, gap)} {word}"
    return word


def _description_facets(context: NarrationContext, facts: Facts) -> Iterator[Facet]:
    """Where the person's own words meet the item's values or its text."""
    for description in context.request.descriptions:
        if description.weight <= 0:
            continue
        said = words_evidence(description.text, facts)
        found = list(_values_in_words(description.text, facts))[:3]
        if found:
            attribute = found[0][0]
            values = [value_words(attribute, v) for a, v in found if a is attribute]
            listed = join_words(values)
            noun = plural_label(attribute) if len(values) > 1 else attribute.label
            yield Facet(
                "words",
                (
                    f'You said "{description.text}": {listed} is among its {plural_label(attribute)}.'
                    if len(values) == 1
                    else f'You said "{description.text}": {listed} are among its {plural_label(attribute)}.',
                    f'For your "{description.text}" it brings the {noun} {listed}.',
                ),
                (*said, *field_evidence(attribute.name, [str(v) for a, v in found if a is attribute])),
                frozenset({attribute.name}),
            )
        term = next((t for t in ("request", "semantic", "text", "dense") if facts.breakdown.get(t, 0.0) > 0), None)
        if said and term is not None:
            yield Facet(
                "meaning",
                (
                    f'In meaning it comes close to your "{description.text}".',
                    f'You said "{description.text}"; its description reads close to that.',
                    f'Close in meaning to what you described as "{description.text}".',
                    f'Its description answers to your "{description.text}".',
                ),
                (*said, ScoreEvidence(term=term, value=facts.breakdown[term])),
            )


def _values_in_words(text: str, facts: Facts) -> Iterator[tuple[Attribute, str]]:
    """The item's topics that share a content word with a text."""
    wanted = {s for s in stems(text) if s not in FUNCTION_WORDS and len(s) > 2}
    for attribute in facts.schema.with_role(Role.TOPIC):
        value = facts.item.attributes.get(attribute.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, str) and wanted & set(stems(part)):
                yield attribute, part
