"""Answers made by hand, to judge."""

from __future__ import annotations

from collections.abc import Sequence

from convrec.agent.types import Clarify, Reason, Recommendation, Relaxation, Reply
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.request import Request

LOOSENED = Relaxation(constraint="year ≤ 1970", to="year ≤ 1975", fits_before=0, gained=3)


def reply(
    catalogue: Catalogue,
    titles: Sequence[str] = (),
    *,
    question: str | None = None,
    loosened: bool = False,
    reasons: tuple[Reason, ...] = (),
    request: Request | None = None,
) -> Reply:
    """A reply that shows the items of those titles, in that order."""
    rows = [catalogue.titles.index(title) for title in titles]
    items = tuple(
        Recommendation(
            rank=rank,
            id=catalogue.ids[row],
            title=catalogue.titles[row],
            score=0.0,
            breakdown={"request": 0.0},
            reasons=reasons,
        )
        for rank, row in enumerate(rows, 1)
    )
    return Reply(
        message="made by hand",
        request=request or Request(),
        items=items,
        clarify=Clarify(question=question) if question else None,
        relaxed=(LOOSENED,) if loosened else (),
    )
