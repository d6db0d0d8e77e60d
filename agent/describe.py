"""Plain sentences about the request, an item, several items side by side, and a pick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from convrec.agent.labels import join_words, label_value
from convrec.agent.phrases import plural_label, quoted_title, request_phrase, sentence_case, standing_alone
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
    "content": "how close its content is to what you liked",
    "freshness": "how new it is",
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
    """The card of an item: its title, its text, and a line for each field that has a value."""
    lines = [catalogue.titles[row]]
    if catalogue.texts[row]:
        lines += [catalogue.texts[row], ""]
    for attribute in catalogue.schema.attributes:
        value = catalogue.value(row, attribute.name)
        if value is not None and value != catalogue.texts[row]:
            lines.append(f"{sentence_case(_name(attribute, value))}: {_shown(attribute, value)}")
    return "\n".join(lines).rstrip()


def compare_items(catalogue: Catalogue, rows: Sequence[int]) -> str:
    """Two to four items side by side: what all of them share, then a line for each field in which they differ.

    The values of an item stand below each other, so that the lines can be read as a table.
    """
    titles = [quoted_title(catalogue.titles[row]) for row in rows]
    if len(rows) < 2:
        return "Name two or more to compare."
    shared: list[str] = []
    table: list[tuple[str, ...]] = []
    for attribute in catalogue.schema.attributes:
        if attribute.kind is AttributeKind.TEXT:
            continue
        values = [catalogue.value(row, attribute.name) for row in rows]
        common = _common(values)
        if common is not None:
            shared.append(standing_alone(attribute, common, catalogue.schema))
        if any(v is not None for v in values) and any(v != values[0] for v in values):
            table.append((sentence_case(attribute.label), *_differing(attribute, values, common, len(rows))))
    lines = [f"{join_words(titles)} side by side."]
    if shared:
        lines.append(f"In common: {', '.join(shared)}.")
    if not table:
        return "\n".join([*lines, "They do not differ in any field of the catalogue."])
    width = _width(len(rows))
    table.insert(0, ("", *(_cut(title.strip('"'), width) for title in titles)))
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    for cells in table:
        padded = [cell.ljust(own) for cell, own in zip(cells, widths, strict=True)]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def order_of(catalogue: Catalogue, rows: Sequence[int], attribute: Attribute, extreme: str) -> str:
    """What an order by a number came to; `extreme`: the word that asked for its beginning, 'cheapest', or ''.

    `rows` are in that order, those without a value at the end.
    """
    column = catalogue.number(attribute.name)
    known = [row for row in rows if not np.isnan(column[row])]
    if not known:
        return f"The {attribute.label} of these is not known."
    values = [standing_alone(attribute, float(column[row]), catalogue.schema) for row in known]
    first = [
        quoted_title(catalogue.titles[row]) for row, value in zip(known, values, strict=True) if value == values[0]
    ]
    following = [
        f"{quoted_title(catalogue.titles[row])} ({value})"
        for row, value in list(zip(known, values, strict=True))[len(first) :][:2]
    ]
    then = f", then {join_words(following)}" if following else ""
    said = f"{join_words(first)} ({values[0]}){then}."
    told = f"Of these the {extreme}: {said}" if extreme else f"By {attribute.label}: {said}"
    missing = len(rows) - len(known)
    return f"{told} {missing} without a known {attribute.label} at the end." if missing else told


def _width(number: int) -> int:
    """Characters of a cell, for that many items on one line."""
    return {2: 38, 3: 24}.get(number, 18)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"


def _differing(
    attribute: Attribute, values: Sequence[AttributeValue | None], common: AttributeValue | None, number: int
) -> list[str]:
    """A cell for each item: what it has beyond what all share."""
    shared = set(common) if isinstance(common, tuple) else set()
    cells = []
    for value in values:
        own = tuple(v for v in value if v not in shared) if isinstance(value, tuple) else value
        if own is None:
            cells.append("not known")
        elif own == ():
            cells.append("nothing else")
        elif isinstance(own, tuple):
            cells.append(_some(attribute, own, _width(number)))
        else:
            cells.append(_cut(_shown(attribute, own), _width(number)))
    return cells


def _some(attribute: Attribute, values: tuple[str, ...], width: int) -> str:
    """As many of the values as the width holds, and how many more there are."""
    for kept in range(len(values), 0, -1):
        more = f" +{len(values) - kept}" if kept < len(values) else ""
        shown = f"{label_value(attribute, values[:kept])}{more}"
        if len(shown) <= width:
            return shown
    more = f" +{len(values) - 1}" if len(values) > 1 else ""
    return f"{_cut(label_value(attribute, values[0]), width - len(more))}{more}"


def explain_pick(
    title: str,
    rank: int,
    breakdown: Mapping[str, float],
    reasons: Sequence[Reason] = (),
    others: Sequence[tuple[int, str, Mapping[str, float]]] = (),
) -> str:
    """Why an item stands where it does: its reasons, the terms of its score, and what would have moved it.

    `others` are (rank, title, breakdown) of the other items of the list. The score is the sum of its terms: shares
    are those of the terms that count for the item, and the term in which a neighbour differs most is what would have
    moved the item past it.
    """
    lines = [f"{quoted_title(title)} is number {rank}."]
    if reasons:
        lines.append(" ".join(reason.text for reason in reasons))
    ordered = sorted(breakdown.items(), key=lambda term: -term[1])
    total = sum(value for _, value in ordered if value > 0)
    lifted = [f"{_term(name)} ({100 * value / total:.0f}%)" for name, value in ordered if value >= 0.005][:3]
    lowered = [_term(name) for name, value in reversed(ordered) if value <= -0.005][:2]
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
    return "\n".join(line for line in lines if line)


def _neighbour(breakdown: Mapping[str, float], other: tuple[int, str, Mapping[str, float]], *, ahead: bool) -> str:
    """The term that puts a neighbour ahead of the item, or the item ahead of it."""
    rank, title, theirs = other
    sign = 1 if ahead else -1
    gaps = {name: sign * (theirs.get(name, 0.0) - breakdown.get(name, 0.0)) for name in {*theirs, *breakdown}}
    if not gaps:
        return ""
    name = max(sorted(gaps), key=lambda n: gaps[n])
    if gaps[name] < 0.005:
        return ""
    if ahead:
        return f"Number {rank}, {quoted_title(title)}, is ahead mostly by {_term(name)}."
    return f"It is ahead of number {rank}, {quoted_title(title)}, mostly by {_term(name)}."


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
