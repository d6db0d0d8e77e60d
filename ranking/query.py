"""From a request and a person to the recall query: the same for serving and for training."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from convrec.ranking.types import Person
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.filters import Contains, In, leaves
from convrec.retrieval.recall import RecallQuery
from convrec.retrieval.request import Request
from convrec.retrieval.schema import Role

Encode = Callable[[Sequence[str]], NDArray[np.float32]]

HISTORY_DECAY = 0.9
"""weight of each older item of the history, for the history channel"""


def relevance_texts(request: Request, catalogue: Catalogue) -> tuple[tuple[str, float], ...]:
    """What is compared with items by meaning: the descriptions with their weights, else the topics that were asked for.

    Where every word of a message became a constraint, all that fit would otherwise be equally relevant.
    """
    described = tuple((d.text, d.weight) for d in request.descriptions if d.weight)
    if any(weight > 0 for _, weight in described):
        return described
    values = [
        value
        for constraint in request.constraints
        if not constraint.negated
        for leaf in leaves(constraint.filter)
        if isinstance(leaf, In | Contains) and _tells_topic(leaf, catalogue)
        for value in leaf.values
        if isinstance(value, str)
    ]
    words = " ".join(dict.fromkeys(values))
    return (*described, (words, 1.0)) if words else described


def _tells_topic(leaf: In | Contains, catalogue: Catalogue) -> bool:
    # An unknown attribute is the filter compiler's to report.
    known = leaf.field in catalogue.schema
    return (
        known
        and catalogue.schema.attribute(leaf.field).role is Role.TOPIC
        and not (isinstance(leaf, Contains) and leaf.mode == "none")
    )


def excluded_rows(request: Request, person: Person, catalogue: Catalogue) -> NDArray[np.int32]:
    """(m,) rows that must not be shown: named, rejected and reference items, dislikes, and the history."""
    ids = [*(e.item_id for e in request.exclusions), *(r.item_id for r in request.references)]
    rows = set(catalogue.rows(ids).tolist()) | person.disliked
    if not request.wishes.include_history:
        rows |= person.known
    return np.array(sorted(rows), np.int32)


def recall_query(
    request: Request,
    person: Person,
    catalogue: Catalogue,
    encode: Encode,
    *,
    count: int,
    leave_out: Sequence[str] = (),
    user_row: int | None = None,
) -> RecallQuery:
    """The recall query of a request; `leave_out` are ids that must not come either, `user_row` the person's log row."""
    wanted = relevance_texts(request, catalogue)
    age = np.arange(person.items.size)[::-1]
    anchors = [(r.item_id, r.weight) for r in request.references if r.item_id in catalogue]
    excluded = np.union1d(excluded_rows(request, person, catalogue), catalogue.rows(leave_out))
    return RecallQuery(
        filter=request.hard_filter(),
        exclude_rows=excluded.astype(np.int32),
        text=request.text,
        text_vectors=encode([text for text, _ in wanted]) if wanted else None,
        text_weights=np.array([weight for _, weight in wanted], np.float32),
        anchor_rows=catalogue.rows(item_id for item_id, _ in anchors),
        anchor_weights=np.array([weight for _, weight in anchors], np.float32),
        history_rows=person.items,
        history_weights=(np.clip(person.weights(), 0, 1) * HISTORY_DECAY**age).astype(np.float32),
        user_row=user_row,
        count=count,
    )
