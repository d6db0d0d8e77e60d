"""What the person asked for and the item has: critiques of an example, constraints, words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convrec.agent.claims.index import normalise, stems, tokens
from convrec.agent.facets.facet import Facet, field_evidence, words_evidence
from convrec.agent.facets.text import tells
from convrec.agent.grounding import Facts
from convrec.agent.labels import join_words, label_number, label_value
from convrec.agent.narration_context import NarrationContext
from convrec.agent.phrases import (
    COMPARATIVE_WORDS,
    fragment,
    plural_label,
    quoted_title,
    standing_alone,
    states_value,
)
from convrec.agent.types import (
    Evidence,
    ReferenceEvidence,
    ScoreEvidence,
)
from convrec.retrieval.filters import Contains, In, Range, holds, leaves
from convrec.retrieval.request import Constraint, Strength
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role
from convrec.retrieval.types import AttributeValue, Item

MOST = 0.6
"""share of a list that meets a wish from which it is said of one entry in three only"""


def asked_facets(context: NarrationContext, facts: Facts, position: int = 0) -> Iterator[Facet]:
    """What the person asked for and this item has but not every other: critiques, wishes, alternatives, words."""
    yield from _critique_facets(context, facts)
    yield from _wish_facets(context, facts, position)
    yield from _description_facets(context, facts)


def measured(context: NarrationContext, facts: Facts) -> Facet | None:
    """The item's own value of a number that was asked for and differs in the list: 'At 1 h 33', to begin a sentence.

    Years are left out: lists show them with the title.
    """
    chosen: dict[str, tuple[Attribute, AttributeValue, tuple[Evidence, ...]]] = {}
    for constraint in context.request.constraints:
        if constraint.negated or constraint.relative_to or not holds(constraint.filter, facts.item):
            continue
        for leaf in leaves(constraint.filter):
            value = facts.item.attributes.get(leaf.field)
            if not isinstance(leaf, Range) or not isinstance(value, float | int) or leaf.field not in facts.schema:
                continue
            said = words_evidence(constraint.provenance.words, facts)
            if holds(leaf, facts.item) and context.varies(leaf.field):
                attribute = facts.schema.attribute(leaf.field)
                chosen.setdefault(leaf.field, (attribute, value, (*field_evidence(leaf.field, value), *said)))
    kept = [entry for entry in chosen.values() if entry[0].role is not Role.YEAR][:2]
    if not kept:
        return None
    text = join_words([_at(attribute, value, facts.schema) for attribute, value, _ in kept])
    evidence = tuple(dict.fromkeys(e for *_, proof in kept for e in proof))
    return Facet("measure", (f"{text}.",), evidence, frozenset(attribute.name for attribute, *_ in kept))


def _at(attribute: Attribute, value: AttributeValue, schema: CatalogueSchema) -> str:
    """A measure at the beginning of a sentence: 'at 1 h 33', 'rated 7.5', 'with 352 votes'."""
    shown = fragment(attribute, value, schema)
    if attribute.role is Role.POPULARITY:
        return f"with {shown}"
    if attribute.role is Role.QUALITY:
        return shown
    own = label_value(attribute, value)
    return f"at {own}" if attribute.unit else f"with {shown}"


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


def _wish_facets(context: NarrationContext, facts: Facts, position: int) -> Iterator[Facet]:
    """A preference that the item meets, or the alternative that it is, where the list holds others too."""
    for constraint in context.request.constraints:
        if constraint.negated or constraint.relative_to or constraint.provenance.source == "profile":
            continue
        if not holds(constraint.filter, facts.item):
            continue
        soft = constraint.strength is Strength.SOFT
        met = [
            (attribute, value)
            for attribute, value in _met_values(constraint, facts)
            if not attribute.numeric and attribute.kind is not AttributeKind.FLAG and isinstance(value, str)
        ]
        if not met or not (soft or _alternatives(constraint, context)):
            continue
        common = context.share_meeting(constraint) if soft else context.share_with(*met[0])
        if common == 1 or (common > MOST and position % 3):
            continue
        attribute = met[0][0]
        own = [value for other, value in met if other is attribute][:2]
        text = standing_alone(attribute, own[0] if len(own) == 1 else tuple(own), facts.schema)
        said = words_evidence(constraint.provenance.words, facts)
        yield Facet(
            "wish",
            (
                f"{text}, as you hoped.",
                f"{text}, which is what you were after.",
                f"The {_label(attribute, len(own))} you were after: {text}.",
                f"This one is {text}, as you wished.",
            )
            if soft
            else (
                f"Of what you named, this one is {text}.",
                f"{text}, out of what you named.",
                f"Here it is {text}.",
                f"This one is {text}.",
            ),
            (*field_evidence(attribute.name, own), *said),
            frozenset({attribute.name}),
        )


def _alternatives(constraint: Constraint, context: NarrationContext) -> bool:
    """Whether a constraint leaves a choice of values that the items of the list make differently."""
    for leaf in leaves(constraint.filter):
        several = isinstance(leaf, In) or (isinstance(leaf, Contains) and leaf.mode == "any")
        if several and isinstance(leaf, In | Contains) and len(leaf.values) > 1 and context.varies(leaf.field):
            return True
    return False


def _label(attribute: Attribute, number: int) -> str:
    return plural_label(attribute) if number > 1 else attribute.label


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
            own = fragment(facts.schema.attribute(name), value, facts.schema)
            yield Facet(
                "critique",
                (
                    f"{compared} than {shown}: {own}.",
                    f"It is {compared} than {shown}: {own}.",
                    f"{own}, so {compared} than {shown}.",
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
    """Where the person's own words are among the item's topics."""
    for description in context.request.descriptions:
        if description.weight <= 0:
            continue
        found = list(_values_in_words(description.text, facts))[:3]
        if not found:
            continue
        attribute = found[0][0]
        values = [v for a, v in found if a is attribute]
        word = _word_said(description.text, values)
        said = words_evidence(word, facts)
        text = standing_alone(attribute, values[0] if len(values) == 1 else tuple(values), facts.schema)
        if said:
            yield Facet(
                "words",
                (
                    f'You said "{word}": this one is {text}.',
                    f'For your "{word}": it is {text}.',
                    f'It is {text}, close to your "{word}".',
                    f'Your "{word}" is met here: it is {text}.',
                ),
                (*said, *field_evidence(attribute.name, values)),
                frozenset({attribute.name}),
            )


def meaning_facets(context: NarrationContext, facts: Facts) -> Iterator[Facet]:
    """That the item is close in meaning to what was described, where nothing plainer can be said."""
    term = next((t for t in ("request", "semantic", "text", "dense") if facts.breakdown.get(t, 0.0) > 0), None)
    for description in context.request.descriptions:
        said = words_evidence(description.text, facts)
        if description.weight > 0 and said and term is not None:
            yield Facet(
                "meaning",
                (
                    f'In meaning it comes close to your "{description.text}".',
                    f'Close in meaning to what you described as "{description.text}".',
                ),
                (*said, ScoreEvidence(term=term, value=facts.breakdown[term])),
            )


def _word_said(text: str, values: Sequence[str]) -> str:
    """The word of a text that one of the values shares."""
    own = {s for value in values for s in stems(value)}
    return next((t.text for t in tokens(normalise(text)) if t.stem in own), text)


def _values_in_words(text: str, facts: Facts) -> Iterator[tuple[Attribute, str]]:
    """The item's topics that share a content word with a text."""
    wanted = {s for s in stems(text) if tells(s, facts)}
    for attribute in facts.schema.with_role(Role.TOPIC):
        value = facts.item.attributes.get(attribute.name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, str) and wanted & set(stems(part)):
                yield attribute, part
