"""What an item shares with the examples that the person named and with what they liked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from convrec.agent.claims.index import stems
from convrec.agent.facets.facet import Facet
from convrec.agent.grounding import Facts
from convrec.agent.narration_context import NarrationContext
from convrec.agent.phrases import (
    fragment,
    quoted_title,
)
from convrec.agent.types import (
    Evidence,
    FieldEvidence,
    HistoryEvidence,
    ReferenceEvidence,
    ScoreEvidence,
)
from convrec.agent.wording import credit, is_credit, says_about, says_how
from convrec.retrieval.filters import Contains, In, leaves
from convrec.retrieval.request import Constraint
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema, Role
from convrec.retrieval.types import Item

RESEMBLES = 0.5
"""cosine from which two items may be called close"""
AKIN = 0.35
"""cosine from which a rare topic in common is no accident"""
APART = 3
"""entries between two that name the same item of the history, or that both have a trade-off"""
MANY = 200
"""items from which a theme that one in fifty carries says little"""
LONGEST_WORD = 14
_SHARE_ORDER: dict[Role | None, int] = {Role.PERSON: 0, Role.TOPIC: 1}


def reference_facets(context: NarrationContext, facts: Facts) -> Iterator[Facet]:
    """What the item shares with the examples that the person named."""
    catalogue = context.catalogue
    for item_id, title in context.references.items():
        if item_id in catalogue and item_id != facts.item.id:
            yield from _shared_facets(facts, catalogue.item(catalogue.row(item_id)), title, named=True)


def history_facets(
    context: NarrationContext, facts: Facts, row: int, named: Mapping[str, int] | None = None, position: int = 0
) -> Iterator[Facet]:
    """What the item shares with what the person liked.

    `named` tells at which position of the list an item of the history was last named: those of the last `APART`
    entries are not named again, others only where nothing else fits as well.
    """
    named = named or {}
    catalogue = context.catalogue
    asked = frozenset(value for c in context.request.constraints for value in _asked_values(c))
    near = [
        (_telling(_shared_values(facts, catalogue.item(other_row), asked), cosine, facts), -place, other_row)
        for place, (other_row, cosine) in enumerate(_nearest_liked(context, facts, row))
    ]
    fresh = [entry for entry in near if position - named.get(catalogue.ids[entry[2]], -APART) >= APART]
    ranked = sorted(fresh, key=lambda entry: (catalogue.ids[entry[2]] not in named, *entry), reverse=True)
    for worth, _, other_row in [entry for entry in ranked if entry[0] >= 1][:2]:
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
    akin = cosine >= AKIN and (len(shared) >= 2 or (shared and len(catalogue) < 50))
    return 2.0 if akin else worth


def _taste_evidence(facts: Facts) -> tuple[Evidence, ...]:
    value = facts.breakdown.get("taste", 0.0)
    return (ScoreEvidence(term="taste", value=value),) if value > 0 else ()


def _nearest_liked(context: NarrationContext, facts: Facts, row: int) -> list[tuple[int, float]]:
    passed = {*facts.disliked, *context.references, facts.item.id}
    liked = {i for i in context.history if i not in passed}
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
                count = carriers(facts, attribute, value)
                if says_about(attribute, facts.schema) and not is_telling(facts, attribute, value):
                    continue
                shared.append((_SHARE_ORDER[attribute.role], count, len(shared), attribute, value))
    ranked = sorted(shared, key=lambda s: s[:3])
    return [(attribute, value) for *_, attribute, value in ranked]


def _shared_facets(
    facts: Facts, other: Item, title: str, *, named: bool, asked: frozenset[str] = frozenset()
) -> Iterator[Facet]:
    ranked = _shared_values(facts, other, asked)
    if not ranked:
        return
    attribute = ranked[0][0]
    most = 1 if attribute.role is Role.PERSON else 2
    values = [value for own, value in ranked if own is attribute][:most]
    shown = quoted_title(title)
    proof: Evidence = (
        ReferenceEvidence(item_id=other.id, title=title) if named else HistoryEvidence(item_id=other.id, title=title)
    )
    evidence = (proof, *(FieldEvidence(field=attribute.name, value=value) for value in values))
    if not named:
        evidence += _taste_evidence(facts)
    wordings = _sharing(attribute, values, shown, facts.schema, named=named)
    fields = frozenset({attribute.name}) if says_about(attribute, facts.schema) else frozenset[str]()
    yield Facet("example" if named else "history", wordings, evidence, fields)


def _sharing(
    attribute: Attribute, values: Sequence[str], shown: str, schema: CatalogueSchema, *, named: bool
) -> tuple[str, ...]:
    """How it is said that an item has values in common with another one."""
    listed = fragment(attribute, tuple(values), schema)
    lead = f"You named {shown}" if named else f"You liked {shown}"
    as_is = shown if named else f"{shown}, which you liked"
    if is_credit(attribute) and credit(attribute.label) != attribute.label:
        return (
            f"{listed}, just like {as_is}.",
            f"{lead}; this is another one {listed}.",
            f"Another one {listed}: {lead[0].lower()}{lead[1:]}.",
            f"{listed}, as in {as_is}.",
        )
    if says_about(attribute, schema):
        return (
            f"{listed}, like {as_is}.",
            f"{lead}; this one is {listed} too.",
            f"Another one {listed}: {lead[0].lower()}{lead[1:]}.",
            f"{lead}, also {listed}.",
        )
    if says_how(attribute):
        return (
            f"{listed}, like {as_is}.",
            f"{lead}; this one is {listed} too.",
            f"{listed}, as in {as_is}.",
            f"{lead}: this is {listed} as well.",
        )
    return (
        f"{listed} again, as in {as_is}.",
        f"{lead}; here is {listed} too.",
        f"It shares {listed} with {as_is}.",
        f"{lead}: {listed} again.",
    )


def carriers(facts: Facts, attribute: Attribute, value: str) -> int:
    """How many items carry a value."""
    column = facts.index.catalogue.categories(attribute.name)
    code = column.code(value)
    return int(column.counts[code]) if code is not None else 0


def is_telling(facts: Facts, attribute: Attribute, value: str) -> bool:
    """Whether a theme says something about an item: not one that many carry, nor a coined or technical tag."""
    if len(facts.index.catalogue) >= MANY and carriers(facts, attribute, value) * 50 > len(facts.index.catalogue):
        return False
    words = stems(value)
    coined = any(len(word) > LONGEST_WORD for word in words)
    return bool(words) and not coined and words[0] != "based" and not (facts.index.plain & set(words))
