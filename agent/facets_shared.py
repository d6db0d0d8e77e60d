"""What an item shares with the examples that the person named and with what they liked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convrec.agent.facet import Facet
from convrec.agent.grounding import Facts
from convrec.agent.labels import join_words
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
from convrec.retrieval.filters import Contains, In, leaves
from convrec.retrieval.request import Constraint
from convrec.retrieval.schema import Attribute, AttributeKind, Role
from convrec.retrieval.types import Item

RESEMBLES = 0.5
"""cosine from which two items may be called close"""
AKIN = 0.35
"""cosine from which a rare topic in common is no accident"""
_SHARE_ORDER: dict[Role | None, int] = {Role.PERSON: 0, Role.TOPIC: 1}


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
