"""From a request and a person to a scored list: recall, rank, select. No words are read or written here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from convrec.agent.people import PeopleStore, opinion
from convrec.agent.relaxation import Loosening, find_relaxations
from convrec.ranking.diversity import select
from convrec.ranking.query import recall_query
from convrec.ranking.rank import Ranker
from convrec.ranking.tastes import calibration_for
from convrec.ranking.types import Person, Scored, ScoredItem
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.recall import CandidateSource, Recall, RecallQuery
from convrec.retrieval.request import Request, apply_edit
from convrec.retrieval.types import Recalled

POOL = 1000
"""candidates that recall hands to the ranker"""

SHORTLIST = 100
"""best candidates that a list is selected from"""


@dataclass(frozen=True, eq=False)
class Ranked:
    """A selected list and how it came about.

    `request` is the one that was answered: the person's, or with `applied` loosened. `offered` are loosenings that
    would let more items in. `spare` are the next picks after the list. `open_rows` (n,) are all ranked candidates,
    best first, selected ones included.
    """

    request: Request
    items: tuple[ScoredItem, ...]
    eligible: int
    recalled: int
    plan: str
    open_rows: NDArray[np.int32]
    applied: tuple[Loosening, ...] = ()
    offered: tuple[Loosening, ...] = ()
    spare: tuple[ScoredItem, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)


class Engine:
    """Recall and ranker of one generation of a workspace, shared by all conversations."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        log: InteractionLog,
        recall: Recall,
        vectors: NDArray[np.float32],
        encode: Callable[[Sequence[str]], NDArray[np.float32]],
        ranker: Ranker,
        sources: Sequence[CandidateSource] = (),
        people: PeopleStore,
    ) -> None:
        self.catalogue = catalogue
        self.log = log
        self.recall = recall
        self.vectors = vectors
        self.encode = encode
        self.ranker = ranker
        self.people = people
        self.sources = tuple(sources)

    def person(self, user_id: str | None) -> Person:
        """Somebody as the log and their own feedback know them; nobody in particular for None."""
        if user_id is None:
            return Person()
        said: dict[str, list[int]] = {"like": [], "dislike": [], "seen": [], "never": []}
        for entry in self.people.feedback(user_id):
            if entry.item_id not in self.catalogue:
                continue
            row = self.catalogue.row(entry.item_id)
            if entry.kind == "rate":
                said[opinion(entry.value)].append(row)
            else:
                said[entry.kind].append(row)
        return Person.from_log(
            self.log,
            user_id,
            liked=tuple(said["like"]),
            disliked=(*said["dislike"], *said["never"]),
            seen=tuple(said["seen"]),
        )

    def query(self, request: Request, person: Person, leave_out: Sequence[str] = ()) -> RecallQuery:
        """The recall query of a request; `leave_out` are ids that must not come either."""
        row = self.log.row(person.user_id) if person.user_id is not None else None
        return recall_query(request, person, self.catalogue, self.encode, count=POOL, leave_out=leave_out, user_row=row)

    def recommend(
        self,
        request: Request,
        person: Person,
        *,
        leave_out: Sequence[str] = (),
        relax: bool = True,
        spare: int = 0,
    ) -> Ranked:
        """The best list for a request and a person, without the items of `leave_out`; `spare` more are picked besides.

        Where nothing fits and `relax` holds, the smallest loosening is applied and stated; where fewer fit than were
        asked for, loosenings are offered.
        """
        started = time.perf_counter()
        query = self.query(request, person, leave_out)
        recalled = self.recall.recall(query, self.sources)
        recalled_at = time.perf_counter()
        applied: tuple[Loosening, ...] = ()
        offered: tuple[Loosening, ...] = ()
        if relax and recalled.eligible < request.wishes.count and request.binding:
            mask = np.zeros(len(self.catalogue), bool)
            mask[query.exclude_rows] = True
            found = find_relaxations(request, self.catalogue, mask, request.wishes.count)
            if recalled.eligible:
                offered = found
            elif found:
                applied = found[:1]
                for edit in applied[0].edits:
                    request = apply_edit(request, edit)
                query = self.query(request, person, leave_out)
                recalled = self.recall.recall(query, self.sources)
        relaxed_at = time.perf_counter()
        ranked = self.rank(recalled, person, request, spare)
        shown = request.wishes.count
        return Ranked(
            request=request,
            items=ranked[0][:shown],
            spare=ranked[0][shown:],
            eligible=recalled.eligible,
            recalled=len(recalled),
            plan=recalled.plan,
            open_rows=ranked[1],
            applied=applied,
            offered=offered,
            timings_ms={
                "recall": (recalled_at - started) * 1000,
                "relax": (relaxed_at - recalled_at) * 1000,
                "rank": (time.perf_counter() - relaxed_at) * 1000,
            },
        )

    def rank(
        self, recalled: Recalled, person: Person, request: Request, spare: int = 0
    ) -> tuple[tuple[ScoredItem, ...], NDArray[np.int32]]:
        """The selected list with `spare` entries more, and all candidates by score."""
        scored = self.ranker.score(recalled, person, request)
        order = np.argsort(-scored.score, kind="stable")
        shortlist = order[: max(SHORTLIST, request.wishes.count * 5)]
        near = Scored(scored.rows[shortlist], {name: column[shortlist] for name, column in scored.terms.items()})
        items = select(
            near,
            np.asarray(self.vectors[near.rows]),
            count=request.wishes.count + spare,
            diversity=request.wishes.diversity,
            titles=tuple(self.catalogue.titles[row].casefold() for row in near.rows.tolist()),
            calibration=calibration_for(person, near.rows, self.catalogue) if request.empty else None,
        )
        return items, scored.rows[order]
