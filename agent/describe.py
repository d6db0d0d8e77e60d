"""Plain sentences about the request, an item, several items side by side, and a pick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convrec.agent.labels import join_words, label_value
from convrec.agent.phrases import plural_label, quoted_title, request_phrase, sentence_case
from convrec.agent.types import Reason
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.request import Request
from convrec.retrieval.schema import Attribute, AttributeKind, CatalogueSchema
from convrec.retrieval.types import AttributeValue

MOST_VALUES = 8
"""values of one attribute that are shown"""
TERMS = {
    "request": "what you asked for",
    "reference": "the examples you named",
    "taste": "your taste",
    "collaborative": "what people with your taste chose",
    "sequence": "what you chose last",
    "popularity": "how well known it is",
    "quality": "how well it is rated",
    "diversity": "variety in the list",
    "calibration": "the mix of kinds you usually choose",
    "novelty": "how well known you want them",
    "soft": "your preferences",
}


def describe_request(request: Request, schema: CatalogueSchema) -> str:
    """The request as understood, in one sentence."""
    if request.empty:
        return "You have not asked for anything in particular, so your taste alone decides."
    return f"You want {request_phrase(request, schema)}."


def describe_item(catalogue: Catalogue, row: int) -> str:
    """The card of an item: its title, each field that has a value, and its text."""
    lines = [catalogue.titles[row]]
    for attribute in catalogue.schema.attributes:
        value = catalogue.value(row, attribute.name)
        if value is not None:
            lines.append(f"{sentence_case(_name(attribute, value))}: {_shown(attribute, value)}")
    if catalogue.texts[row]:
        lines.append(catalogue.texts[row])
    return "\n".join(lines)


def compare_items(catalogue: Catalogue, rows: Sequence[int]) -> str:
    """Two to four items side by side: what all of them share, then each field in which they differ."""
    titles = [quoted_title(catalogue.titles[row]) for row in rows]
    if len(rows) < 2:
        return "Name two or more to compare."
    shared: list[str] = []
    differing: list[str] = []
    for attribute in catalogue.schema.attributes:
        if attribute.kind is AttributeKind.TEXT:
            continue
        values = [catalogue.value(row, attribute.name) for row in rows]
        if all(v is None for v in values):
            continue
        common = _common(values)
        if common is not None and all(v == values[0] for v in values):
            shared.append(f"{attribute.label} {_shown(attribute, common)}")
        else:
            if common:
                shared.append(f"{attribute.label} {_shown(attribute, common)}")
            differing.append(_difference(attribute, values, titles))
    lines = [f"{join_words(titles)} side by side."]
    if shared:
        lines.append(f"In common: {'; '.join(shared)}.")
    lines += differing or ["They do not differ in any field of the catalogue."]
    return "\n".join(lines)


def explain_pick(
    title: str,
    rank: int,
    breakdown: Mapping[str, float],
    reasons: Sequence[Reason] = (),
    others: Sequence[tuple[int, str, Mapping[str, float]]] = (),
) -> str:
    """Why an item stands where it does: its reasons, the terms of its score, and what would have moved it.

    `others` are (rank, title, breakdown) of the other items of the list. The score is the sum of its terms, so the
    term in which a neighbour differs most is what would have moved the item past it.
    """
    lines = [f"{quoted_title(title)} is number {rank}.", *(reason.text for reason in reasons)]
    ordered = sorted(breakdown.items(), key=lambda term: -term[1])
    lifted = [f"{_term(name)} (+{value:.2f})" for name, value in ordered if value >= 0.005][:3]
    lowered = [f"{_term(name)} (−{abs(value):.2f})" for name, value in reversed(ordered) if value <= -0.005][:2]
    if lifted:
        lines.append(f"What lifted it: {join_words(lifted)}.")
    if lowered:
        lines.append(f"What held it back: {join_words(lowered)}.")
    above = next((o for o in others if o[0] == rank - 1), None)
    below = next((o for o in others if o[0] == rank + 1), None)
    if above is not None:
        lines.append(_neighbour(breakdown, above, ahead=True))
    if below is not None:
        lines.append(_neighbour(breakdown, below, ahead=False))
    return " ".join(line for line in lines if line)


def _neighbour(breakdown: Mapping[str, float], other: tuple[int, str, Mapping[str, float]], *, ahead: bool) -> str:
    """The term that puts a neighbour ahead of the item, or the item ahead of it."""
    rank, title, theirs = other
    sign = 1 if ahead else -1
    gaps = {name: sign * (theirs.get(name, 0.0) - breakdown.get(name, 0.0)) for name in {*theirs, *breakdown}}
    if not gaps:
        return ""
    name = max(sorted(gaps), key=lambda n: gaps[n])
    total = sign * (sum(theirs.values()) - sum(breakdown.values()))
    if gaps[name] < 0.005:
        return ""
    if ahead:
        return (
            f"Number {rank}, {quoted_title(title)}, is ahead mostly by {_term(name)} ({gaps[name]:.2f}); "
            f"{max(total, 0.0):.2f} more there would have moved this one up."
        )
    return (
        f"It is ahead of number {rank}, {quoted_title(title)}, mostly by {_term(name)} ({gaps[name]:.2f}); "
        f"{max(total, 0.0):.2f} less there would have moved it down."
    )


def _term(name: str) -> str:
    return TERMS.get(name, name.replace("_", " "))


def _name(attribute: Attribute, value: AttributeValue) -> str:
    return plural_label(attribute) if isinstance(value, tuple) and len(value) > 1 else attribute.label


def _shown(attribute: Attribute, value: AttributeValue) -> str:
    if isinstance(value, tuple) and len(value) > MOST_VALUES:
        return f"{label_value(attribute, value[:MOST_VALUES])} and {len(value) - MOST_VALUES} more"
    return label_value(attribute, value)


def _common(values: Sequence[AttributeValue | None]) -> AttributeValue | None:
    """What all values share: the value itself, or the categories that each of them holds."""
    first = values[0]
    if isinstance(first, tuple):
        kept = [v for v in first if all(isinstance(own, tuple) and v in own for own in values)]
        return tuple(kept) or None
    return first if all(v == first for v in values) else None


def _difference(attribute: Attribute, values: Sequence[AttributeValue | None], titles: Sequence[str]) -> str:
    common = _common(values)
    shared = set(common) if isinstance(common, tuple) else set()
    parts = []
    for value, title in zip(values, titles, strict=True):
        own = tuple(v for v in value if v not in shared) if isinstance(value, tuple) else value
        if own is None:
            parts.append(f"{title} not known")
        elif own == ():
            parts.append(f"{title} nothing else")
        else:
            parts.append(f"{title} {_shown(attribute, own)}")
    return f"{sentence_case(attribute.label)}: {'; '.join(parts)}."
