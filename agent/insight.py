"""Looks behind a list: why an item stands where it stands, how items differ, what is known of a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from convrec.agent.describe import TERMS, compare_items
from convrec.agent.labels import label_constraint, label_value
from convrec.agent.taste import describe_taste, taste_of
from convrec.agent.types import Recommendation
from convrec.agent.views import (
    ClaimView,
    Comparison,
    ComparisonRow,
    Explanation,
    FieldView,
    HistoryEntry,
    HistoryPage,
    ItemView,
    NeighbourView,
    ProfileLine,
    ProfileView,
    TastePlot,
    TermView,
    WhatIf,
)
from convrec.ranking.types import Person
from convrec.retrieval.request import (
    Constraint,
    Description,
    Reference,
    Request,
    RequestEdit,
    Strength,
    apply_edit,
)
from convrec.retrieval.schema import Attribute, AttributeKind, Role

if TYPE_CHECKING:
    from convrec.agent.conversation import Conversation
    from convrec.agent.engine import Engine
    from convrec.agent.people import Preference
    from convrec.retrieval.catalogue import Catalogue

CHANGES_TRIED = 6
"""parts of a request that are taken away one at a time to see what they do"""
NEIGHBOURS = 5
HISTORY_SHOWN = 500
BARS = 10
BUCKETS = 12
LIKED_FROM = 0.0
"""weight in the history from which an item counts as liked"""


def item_view(catalogue: Catalogue, row: int) -> ItemView:
    """The whole record of a row in words."""
    fields = []
    for attribute in catalogue.schema.attributes:
        value = catalogue.value(row, attribute.name)
        if value is not None:
            fields.append(FieldView(name=attribute.name, label=attribute.label, text=label_value(attribute, value)))
    return ItemView(id=catalogue.ids[row], title=catalogue.titles[row], text=catalogue.texts[row], fields=tuple(fields))


def explain(conversation: Conversation, item: Recommendation) -> Explanation:
    """Everything behind one entry of a list.

    Raises:
        UnknownItemError: the catalogue no longer has the item.
    """
    engine = conversation.engine
    row = engine.catalogue.row(item.id)
    person = conversation.person()
    request = conversation.state.request
    ranked = engine.recommend(request, person, relax=False)
    return Explanation(
        item=item,
        record=item_view(engine.catalogue, row),
        terms=tuple(
            TermView(term=name, value=value, meaning=TERMS.get(name, name.replace("_", " ")))
            for name, value in item.breakdown.items()
        ),
        claims=tuple(ClaimView(text=reason.text, evidence=reason.evidence) for reason in item.reasons),
        what_if=tuple(_what_if(engine, request, person, row)),
        neighbours=_neighbours(engine, person, row),
        of=ranked.recalled,
    )


def _what_if(engine: Engine, request: Request, person: Person, row: int) -> Iterator[WhatIf]:
    """Where the item would stand after one change, for each of the most telling changes."""
    schema = engine.catalogue.schema
    parts = [part for part in request.parts() if not part.id.startswith("x")][:CHANGES_TRIED]
    for part in parts:
        if isinstance(part, Constraint):
            words = part.label or label_constraint(part, schema)
        elif isinstance(part, Description):
            words = part.text
        else:
            words = f"like {part.title}"
        changed = apply_edit(request, RequestEdit(op="drop", target=part.id))
        yield WhatIf(change=f"without “{words}”", rank=_place(engine, changed, person, row))
    for part in request.soft[:2]:
        firm = part.model_copy(update={"strength": Strength.HARD})
        changed = apply_edit(request, RequestEdit(op="replace", target=part.id, part=firm))
        words = (part.label or label_constraint(part, schema)).removeprefix("ideally ")
        yield WhatIf(change=f"if “{words}” were firm", rank=_place(engine, changed, person, row))
    if person.items.size:
        # What the person knows stays left out, so that only the taste is gone.
        nobody = Person(user_id=None, disliked=person.known)
        yield WhatIf(change="without your history", rank=_place(engine, request, nobody, row))


def _place(engine: Engine, request: Request, person: Person, row: int) -> int | None:
    """Rank of a row in the list for a request, further down by score alone; None where it is not recalled."""
    ranked = engine.recommend(request, person, relax=False)
    for place, item in enumerate(ranked.items, start=1):
        if item.row == row:
            return place
    found = np.flatnonzero(ranked.open_rows == row)
    return int(found[0]) + 1 if found.size else None


def _neighbours(engine: Engine, person: Person, row: int) -> tuple[NeighbourView, ...]:
    weights = person.weights()
    liked = np.flatnonzero(weights > LIKED_FROM)
    rows = person.items[liked]
    keep = rows != row
    rows, liked = rows[keep], liked[keep]
    if not rows.size:
        return ()
    cosines = np.asarray(engine.vectors[rows]) @ np.asarray(engine.vectors[row])
    views = []
    for place in np.argsort(-cosines, kind="stable")[:NEIGHBOURS]:
        value = person.values[liked[place]]
        own = int(rows[place])
        note = "liked" if own in person.liked else "" if np.isnan(value) else f"rated {value:g}"
        views.append(
            NeighbourView(
                id=engine.catalogue.ids[own],
                title=engine.catalogue.titles[own],
                similarity=float(cosines[place]),
                note=note,
            )
        )
    return tuple(views)


def compare(catalogue: Catalogue, item_ids: Sequence[str]) -> Comparison:
    """Items side by side, attribute by attribute.

    Raises:
        UnknownItemError: no item has that id.
    """
    rows = [catalogue.row(item_id) for item_id in item_ids]
    table = []
    for attribute in catalogue.schema.attributes:
        values = [catalogue.value(row, attribute.name) for row in rows]
        if attribute.kind is AttributeKind.TEXT or all(value is None for value in values):
            continue
        texts = tuple("" if value is None else label_value(attribute, value) for value in values)
        table.append(ComparisonRow(label=attribute.label, values=texts, differs=len(set(texts)) > 1))
    told = compare_items(catalogue, rows).splitlines()[1:2]
    return Comparison(
        items=tuple(item_view(catalogue, row) for row in rows),
        rows=tuple(table),
        # What is in common; the indented lines are the same table once more.
        summary=next((line for line in told if not line.startswith(" ")), ""),
    )


def history(engine: Engine, user_id: str | None, containing: str = "") -> HistoryPage:
    """What a person saw, rated or liked, by the log and by their own words, latest first."""
    if user_id is None:
        return HistoryPage()
    catalogue = engine.catalogue
    entries = []
    for entry in engine.people.feedback(user_id):
        if entry.item_id in catalogue:
            title = catalogue.titles[catalogue.row(entry.item_id)]
            told = HistoryEntry(
                id=entry.item_id,
                title=title,
                kind=entry.kind,
                value=entry.value,
                source=entry.source,
                time=entry.time,
            )
            entries.append(told)
    person = Person.from_log(engine.log, user_id)
    for row, value, moment in zip(person.items.tolist(), person.values, person.timestamps, strict=True):
        told = HistoryEntry(
            id=catalogue.ids[row],
            title=catalogue.titles[row],
            kind="seen" if np.isnan(value) else "rate",
            value=None if np.isnan(value) else float(value),
            source="log",
            time=None if np.isnan(moment) else float(moment),
        )
        entries.append(told)
    wanted = containing.casefold().strip()
    found = [entry for entry in entries if wanted in entry.title.casefold()]
    found.sort(key=lambda entry: -(entry.time or 0.0))
    return HistoryPage(entries=tuple(found[:HISTORY_SHOWN]), total=len(found))


def profile(engine: Engine, user_id: str | None) -> ProfileView:
    """What is known of a person, and their taste in the catalogue's main attributes."""
    person = engine.person(user_id)
    kept = engine.people.preferences(user_id) if user_id is not None else ()
    taste = taste_of(person, engine.catalogue)
    logged = Person.from_log(engine.log, user_id).items.size
    return ProfileView(
        user=user_id,
        summary=describe_taste(taste, engine.catalogue),
        lines=tuple(_line(preference, engine) for preference in kept),
        plots=tuple(_plots(engine.catalogue, person)),
        logged=int(logged),
        said=len(engine.people.feedback(user_id)) if user_id is not None else 0,
    )


def _line(preference: Preference, engine: Engine) -> ProfileLine:
    part = RequestEdit.model_validate({"op": "add", "part": preference.part}).part
    hard = isinstance(part, Constraint) and part.strength is not Strength.SOFT
    if isinstance(part, Constraint):
        label = part.label or label_constraint(part, engine.catalogue.schema)
    elif isinstance(part, Description):
        label = part.text if part.weight > 0 else f"not {part.text}"
    else:
        label = part.title if isinstance(part, Reference) else preference.words
    return ProfileLine(
        id=preference.id,
        label=label,
        words=preference.words,
        source=preference.source,
        time=preference.time,
        hard=hard,
    )


def _plots(catalogue: Catalogue, person: Person) -> Iterator[TastePlot]:
    """The liked part of a history by the main kind of thing, and by the main number."""
    liked = person.items[person.weights() > LIKED_FROM]
    if not liked.size:
        return
    schema = catalogue.schema
    named = [a for a in schema.attributes if a.kind in (AttributeKind.CATEGORY, AttributeKind.CATEGORIES)]
    kinds = sorted(named, key=lambda a: (a.role is not Role.TOPIC, a.distinct))
    if kinds:
        yield _bars(catalogue, kinds[0], liked.tolist())
    numbers = [*schema.with_role(Role.YEAR), *(a for a in schema.attributes if a.kind is AttributeKind.NUMBER)]
    years = [attribute for attribute in numbers if attribute.kind is AttributeKind.NUMBER]
    if years and (plot := _timeline(catalogue, years[0], liked.tolist())) is not None:
        yield plot


def _bars(catalogue: Catalogue, attribute: Attribute, liked: list[int]) -> TastePlot:
    counts: dict[str, int] = {}
    for row in liked:
        value = catalogue.value(row, attribute.name)
        for own in value if isinstance(value, tuple) else (value,):
            if isinstance(own, str):
                counts[own] = counts.get(own, 0) + 1
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:BARS]
    names = tuple(label_value(attribute, name) for name, _ in ranked)
    return TastePlot(label=attribute.label, kind="bars", names=names, counts=tuple(count for _, count in ranked))


def _timeline(catalogue: Catalogue, attribute: Attribute, liked: list[int]) -> TastePlot | None:
    values = catalogue.number(attribute.name)[liked]
    values = values[~np.isnan(values)]
    if values.size < 2 or values.min() == values.max():
        return None
    span = float(values.max() - values.min())
    width = next((w for w in (1, 2, 5, 10, 20, 50, 100, 1000) if span / w <= BUCKETS), span / BUCKETS)
    first = float(np.floor(values.min() / width) * width)
    places = ((values - first) // width).astype(np.int64)
    counts = np.bincount(places)
    names = tuple(f"{first + width * place:g}" for place in range(counts.size))
    return TastePlot(label=attribute.label, kind="timeline", names=names, counts=tuple(counts.tolist()))
