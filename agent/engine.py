"""From a request and a person to a scored list: recall, rank, select. No words are read or written here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from convrec.agent.people import PeopleStore
from convrec.agent.relaxation import Loosening, find_relaxations
from convrec.ranking.diversity import select
from convrec.ranking.rank import Ranker
from convrec.ranking.types import Person, ScoredItem
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.recall import CandidateSource, Recall, RecallQuery
from convrec.retrieval.request import Request, apply_edit
from convrec.retrieval.types import Recalled

POOL = 1000
"""candidates that recall hands to the ranker"""

HISTORY_DECAY = 0.9
"""weight of each older item of the history, for the history channel"""


@dataclass(frozen=True, eq=False)
class Ranked:
    """A selected list and how it came about.

    `request` is the one that was answered: the person's, or with `applied` loosened. `offered` are loosenings that
    would let more items in. `open_rows` (n,) are all ranked candidates, best first, selected ones included.
    """

    request: Request
    items: tuple[ScoredItem, ...]
    eligible: int
    recalled: int
    plan: str
    open_rows: NDArray[np.int32]
    applied: tuple[Loosening, ...] = ()
    offered: tuple[Loosening, ...] = ()
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
                said["seen"].append(row)
            else:
                said[entry.kind].append(row)
        return Person.from_log(
            self.log,
            user_id,
            liked=tuple(said["like"]),
            disliked=(*said["dislike"], *said["never"]),
            seen=tuple(said["seen"]),
        )

    def excluded(self, request: Request, person: Person) -> NDArray[np.int32]:
        """(m,) rows that must not be shown: named, rejected and reference items, dislikes, and the history."""
        ids = [*(e.item_id for e in request.exclusions), *(r.item_id for r in request.references)]
        rows = set(self.catalogue.rows(ids).tolist()) | person.disliked
        if not request.wishes.include_history:
            rows |= person.known
        return np.array(sorted(rows), np.int32)

    def query(self, request: Request, person: Person, leave_out: Sequence[str] = ()) -> RecallQuery:
        """The recall query of a request; `leave_out` are ids that must not come either."""
        wanted = [d for d in request.descriptions if d.weight]
        weights = person.weights()
        age = np.arange(person.items.size)[::-1]
        anchors = [(r.item_id, r.weight) for r in request.references if r.item_id in self.catalogue]
        return RecallQuery(
            filter=request.hard_filter(),
            exclude_rows=np.union1d(self.excluded(request, person), self.catalogue.rows(leave_out)).astype(np.int32),
            text=request.text,
            text_vectors=self.encode([d.text for d in wanted]) if wanted else None,
            text_weights=np.array([d.weight for d in wanted], np.float32),
            anchor_rows=self.catalogue.rows(item_id for item_id, _ in anchors),
            anchor_weights=np.array([weight for _, weight in anchors], np.float32),
            history_rows=person.items,
            history_weights=(np.clip(weights, 0, 1) * HISTORY_DECAY**age).astype(np.float32),
            user_row=self.log.row(person.user_id) if person.user_id is not None else None,
            count=POOL,
        )

    def recommend(
        self, request: Request, person: Person, *, leave_out: Sequence[str] = (), relax: bool = True
    ) -> Ranked:
        """The best list for a request and a person, without the items of `leave_out`.

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
        ranked = self.rank(recalled, person, request)
        return Ranked(
            request=request,
            items=ranked[0],
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
        self, recalled: Recalled, person: Person, request: Request
    ) -> tuple[tuple[ScoredItem, ...], NDArray[np.int32]]:
        """The selected list, and all candidates by score."""
        scored = self.ranker.score(recalled, person, request)
        order = np.argsort(-scored.score, kind="stable")
        wishes = request.wishes
        items = select(scored, np.asarray(self.vectors[scored.rows]), count=wishes.count, diversity=wishes.diversity)
        return items, scored.rows[order]
