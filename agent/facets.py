"""What there is to say of an item: what was asked and holds, what it shares with examples, its facts, its drawbacks.

A `Facet` offers several wordings of one thing to say, alternately from two families, with the evidence of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from convrec.agent.claim_index import stems
from convrec.agent.claim_lexicon import FUNCTION_WORDS
from convrec.agent.grounding import Facts
from convrec.agent.labels import join_words, label_number, label_value
from convrec.agent.narration_context import NarrationContext
from convrec.agent.phrases import (
    COMPARATIVE_WORDS,
    fragment,
    plural_label,
    quoted_title,
    sentence_case,
    states_value,
    value_words,
    with_article,
)
from convrec.agent.types import (
    Evidence,
    FieldEvidence,
    HistoryEvidence,
    ReferenceEvidence,
    ScoreEvidence,
    WordsEvidence,
)
from convrec.retrieval.filters import Contains, In, Range, holds, leaves
from convrec.retrieval.request import Constraint, Strength
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role
from convrec.retrieval.types import AttributeValue, Item

RESEMBLES = 0.5
"""cosine from which two items may be called close"""
AKIN = 0.35
"""cosine from which a rare topic in common is no accident"""
_SHARE_ORDER = {Role.PERSON: 0, Role.TOPIC: 1}


@dataclass(frozen=True)
class Facet:
    """One thing to say. Wordings at even places read differently from those at odd places."""

    name: str
    wordings: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    fields: frozenset[str] = frozenset()


def _field_evidence(name: str, values: Sequence[str | float | bool] | str | float | bool) -> tuple[Evidence, ...]:
    parts = (values,) if isinstance(values, str | float | int | bool) else tuple(values)
    return tuple(FieldEvidence(field=name, value=part) for part in parts)


def _words_evidence(words: str, facts: Facts) -> tuple[Evidence, ...]:
    """The person's words where they really said them in this conversation."""
    said = stems(words)
    whole = facts.word_stems
    inside = said and any(whole[i : i + len(said)] == said for i in range(len(whole) - len(said) + 1))
    return (WordsEvidence(words=words),) if inside else ()


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
            said = _words_evidence(constraint.provenance.words, facts)
            met.setdefault(text, (attribute.name, (*_field_evidence(attribute.name, value), *said), text))
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
                    *_field_evidence(name, value),
                    ReferenceEvidence(item_id=other.id, title=title),
                    *_words_evidence(constraint.provenance.words, facts),
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
        said = _words_evidence(description.text, facts)
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
                (*said, *_field_evidence(attribute.name, [str(v) for a, v in found if a is attribute])),
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


def example_facets(context: NarrationContext, facts: Facts, row: int) -> Iterator[Facet]:
    """What the item shares with the examples that the person named and with what they liked."""
    catalogue = context.catalogue
    for item_id, title in context.references.items():
        if item_id in catalogue and item_id != facts.item.id:
            yield from _shared_facets(facts, catalogue.item(catalogue.row(item_id)), title, named=True)
    asked = frozenset(value for c in context.request.constraints for value in _asked_values(c))
    near = [
        (_telling(_shared_values(facts, catalogue.item(other_row), asked), cosine, facts), -place, other_row)
        for place, (other_row, cosine) in enumerate(_nearest_liked(context, facts, row))
    ]
    for worth, _, other_row in sorted(near, reverse=True)[:2]:
        other = catalogue.item(other_row)
        title = context.history[other.id]
        if worth >= 2:
            yield from _shared_facets(facts, other, title, named=False, asked=asked)
        elif worth >= 1:
            shown = quoted_title(title)
            yield Facet(
                "resembles",
                (
                    f"Close to {shown}, which you liked.",
                    f"You liked {shown}; this one is close to it.",
                    f"Not far from {shown}, which you liked.",
                    f"Because you liked {shown}, which it resembles.",
                ),
                (HistoryEvidence(item_id=other.id, title=title), *_taste_evidence(facts)),
            )


def _asked_values(constraint: Constraint) -> Iterator[str]:
    """Values that a constraint names, folded."""
    for leaf in leaves(constraint.filter):
        if isinstance(leaf, In | Contains):
            yield from (v.casefold() for v in leaf.values if isinstance(v, str))


def _telling(shared: Sequence[tuple[Attribute, str]], cosine: float, facts: Facts) -> float:
    """How much it says to name a liked item: a shared person most, rare topics next, then closeness in meaning."""
    worth = 1.0 if cosine >= RESEMBLES else 0.0
    if any(attribute.role is Role.PERSON for attribute, _ in shared):
        return 4.0
    catalogue = facts.index.catalogue
    for attribute, value in shared:
        column = catalogue.categories(attribute.name)
        code = column.code(value)
        if code is not None and int(column.counts[code]) * 20 <= len(catalogue) and cosine >= AKIN:
            return 3.0
    return 2.0 if len(shared) >= 2 or (shared and len(catalogue) < 50) else worth


def _taste_evidence(facts: Facts) -> tuple[Evidence, ...]:
    value = facts.breakdown.get("taste", 0.0)
    return (ScoreEvidence(term="taste", value=value),) if value > 0 else ()


def _nearest_liked(context: NarrationContext, facts: Facts, row: int) -> list[tuple[int, float]]:
    liked = {i for i in context.history if i not in facts.disliked and i != facts.item.id}
    if context.similar is None or not liked:
        return []
    ids = context.catalogue.ids
    return [(r, cosine) for r, cosine in context.similar(row) if ids[r] in liked][:5]


def _shared_values(facts: Facts, other: Item, asked: frozenset[str] = frozenset()) -> list[tuple[Attribute, str]]:
    """Values that both records hold but nobody `asked` for: people first, then topics, the rarer the better."""
    shared: list[tuple[int, int, int, Attribute, str]] = []
    for attribute in facts.schema.attributes:
        if attribute.role not in _SHARE_ORDER or attribute.kind is AttributeKind.TEXT or attribute.numeric:
            continue
        theirs = other.attributes.get(attribute.name)
        folded = {v.casefold() for v in (theirs if isinstance(theirs, tuple) else (theirs,)) if isinstance(v, str)}
        mine = facts.item.attributes.get(attribute.name)
        for value in mine if isinstance(mine, tuple) else (mine,):
            if isinstance(value, str) and value.casefold() in folded and value.casefold() not in asked:
                column = facts.index.catalogue.categories(attribute.name)
                code = column.code(value)
                count = int(column.counts[code]) if code is not None else 0
                shared.append((_SHARE_ORDER[attribute.role], count, len(shared), attribute, value))
    ranked = sorted(shared, key=lambda s: s[:3])
    return [(attribute, value) for *_, attribute, value in ranked]


def _shared_facets(
    facts: Facts, other: Item, title: str, *, named: bool, asked: frozenset[str] = frozenset()
) -> Iterator[Facet]:
    ranked = _shared_values(facts, other, asked)
    if not ranked:
        return
    chosen = ranked[:1] if ranked[0][0].role is Role.PERSON else ranked[:2]
    bits = join_words([fragment(attribute, value) for attribute, value in chosen])
    shown = quoted_title(title)
    proof: Evidence = (
        ReferenceEvidence(item_id=other.id, title=title) if named else HistoryEvidence(item_id=other.id, title=title)
    )
    wordings = (
        (
            f"Like {shown}, it has {bits}.",
            f"Shares {bits} with {shown}, which you named.",
            f"It has {bits} in common with {shown}.",
            f"You named {shown}; {bits} is what both have."
            if len(chosen) == 1
            else f"You named {shown}; {bits} are what both have.",
        )
        if named
        else (
            f"Shares {bits} with {shown}, which you liked.",
            f"You liked {shown}; here is {bits} again.",
            f"It has {bits} in common with {shown}, which you liked.",
            f"Because you liked {shown}: {bits} again.",
        )
    )
    evidence = (proof, *(FieldEvidence(field=a.name, value=v) for a, v in chosen))
    if not named:
        evidence += _taste_evidence(facts)
    yield Facet("example" if named else "history", wordings, evidence)


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
            parts.append((attribute.name, text, _field_evidence(attribute.name, value)))
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
        yield attribute.name, fragment(attribute, value), _field_evidence(attribute.name, value)


def _standing_facets(facts: Facts, used: frozenset[str]) -> Iterator[Facet]:
    """How well it is rated, where that is well."""
    quality = next((a for a in facts.schema.with_role(Role.QUALITY) if a.numeric), None)
    if quality is None or quality.name in used:
        return
    value = facts.measures.number(quality.name)
    if value is None or facts.index.share_below(quality.name, value) < 0.7:
        return
    shown = label_number(quality, value)
    evidence = _field_evidence(quality.name, value)
    tail = ""
    popularity = next((a for a in facts.schema.with_role(Role.POPULARITY) if a.numeric), None)
    number = facts.measures.number(popularity.name) if popularity else None
    if popularity and (number is None or facts.index.share_below(popularity.name, number) < 0.15):
        return
    if popularity and number is not None and facts.index.share_below(popularity.name, number) >= 0.4:
        tail = f", {popularity.label} {label_number(popularity, number)}"
        evidence += _field_evidence(popularity.name, number)
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
    said = _words_evidence(constraint.provenance.words, facts)
    if value is None:
        return
    if isinstance(node, Range) and isinstance(value, float | int) and attribute.role in COMPARATIVE_WORDS:
        above = node.maximum is not None and value > node.maximum
        if not above and (node.minimum is None or value >= node.minimum):
            return
        word = COMPARATIVE_WORDS[attribute.role][above]
        own = label_number(attribute, float(value))
        yield Facet(
            "beyond",
            (f"{word} than you asked: {own}.", f"The trade-off: at {own} it is {word} than you asked."),
            (*_field_evidence(attribute.name, value), *said),
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
                (*_field_evidence(attribute.name, values), *said),
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
                _field_evidence(attribute.name, value),
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
                _field_evidence(attribute.name, value),
                frozenset({attribute.name}),
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
            _field_evidence(attribute.name, first),
            frozenset({attribute.name}),
        )
