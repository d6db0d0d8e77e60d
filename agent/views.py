"""What an interface shows beside the one result: items, explanations, profiles, conversations, progress of a build.

All of them are plain values that travel as JSON between the worker process and whoever draws.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from convrec.agent.types import Evidence, Recommendation, Reply
from convrec.retrieval.request import Request
from convrec.retrieval.schema import CatalogueSchema


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldView(_View):
    """One attribute of an item in words: 'running time', '2 h 11'."""

    name: str
    label: str
    text: str


class ItemView(_View):
    """A whole record in words."""

    id: str
    title: str
    text: str = ""
    fields: tuple[FieldView, ...] = ()


class TurnView(_View):
    """One stored turn. `time` in seconds since 1970."""

    turn: int
    message: str
    reply: Reply
    time: float


class Opened(_View):
    """A workspace and a conversation in it, ready to take messages."""

    workspace: str
    catalogue: CatalogueSchema
    interactions: int = 0
    people: int = 0
    user: str | None = None
    session: str | None = None
    request: Request = Request()
    turns: tuple[TurnView, ...] = ()
    suggestions: tuple[str, ...] = ()
    """openings that this catalogue can answer"""
    mode: Literal["offline", "structured", "tools"] = "offline"
    model: str | None = None


class TermView(_View):
    """One term of the score and what it means."""

    term: str
    value: float
    meaning: str


class ClaimView(_View):
    """One sentence of the explanation with what backs it."""

    text: str
    evidence: tuple[Evidence, ...] = ()


class NeighbourView(_View):
    """An item of the person's history that is close to the one explained; `similarity` is a cosine."""

    id: str
    title: str
    similarity: float
    note: str = ""


class WhatIf(_View):
    """Where the item would stand if one part of the request, or the history, were not there.

    `rank` is None where it would not be recalled, or would not be eligible.
    """

    change: str
    rank: int | None


class Explanation(_View):
    """Why an item stands where it stands."""

    item: Recommendation
    record: ItemView
    terms: tuple[TermView, ...] = ()
    claims: tuple[ClaimView, ...] = ()
    what_if: tuple[WhatIf, ...] = ()
    neighbours: tuple[NeighbourView, ...] = ()
    of: int = 0
    """how many candidates were ranked"""


class ComparisonRow(_View):
    """One attribute of several items; `differs` where they do not all say the same."""

    label: str
    values: tuple[str, ...]
    differs: bool


class Comparison(_View):
    """Items side by side."""

    items: tuple[ItemView, ...]
    rows: tuple[ComparisonRow, ...]
    summary: str = ""


class HistoryEntry(_View):
    """An item that a person saw, rated, liked or disliked. `source`: 'log', 'conversation', 'import:NAME'."""

    id: str
    title: str
    kind: str
    value: float | None = None
    source: str = ""
    time: float | None = None


class HistoryPage(_View):
    """Entries that match a search, latest first; `total` counts them all."""

    entries: tuple[HistoryEntry, ...] = ()
    total: int = 0


class ProfileLine(_View):
    """One lasting wish that is remembered, and where it is from."""

    id: str
    label: str
    words: str
    source: str
    time: float
    hard: bool = False


class TastePlot(_View):
    """How often the values of one attribute occur in what a person liked, most frequent or in order."""

    label: str
    kind: Literal["bars", "timeline"]
    names: tuple[str, ...]
    counts: tuple[int, ...]


class ProfileView(_View):
    """What is known of a person."""

    user: str | None
    summary: str
    lines: tuple[ProfileLine, ...] = ()
    plots: tuple[TastePlot, ...] = ()
    logged: int = 0
    said: int = 0


class SessionRow(_View):
    """A line in the list of conversations."""

    id: str
    name: str
    updated: float
    turns: int


class ItemHit(_View):
    """An item that a search for titles found."""

    id: str
    title: str
    note: str = ""


class Completion(_View):
    """Titles that complete the end of a message; they replace it from character `start` on."""

    start: int
    titles: tuple[str, ...] = ()


class SchemaPreview(_View):
    """What was inferred from files before anything is built."""

    catalogue: CatalogueSchema
    loaded: int
    rejected: int
    interactions: int = 0
    people: int = 0
    warnings: tuple[str, ...] = ()


class BuildStep(_View):
    """How far a build is. The last step names the workspace that was built."""

    stage: str
    done: int
    total: int
    workspace: str | None = None


class ImportSummary(_View):
    """What a file of a person's own history held."""

    text: str
    stored: int
    doubtful: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class ModelCheck(_View):
    """Whether a language model answers and what it can do."""

    ok: bool
    text: str
    abilities: dict[str, bool] = {}


class Finding(_View):
    """One thing that `doctor` looked at."""

    subject: str
    state: Literal["ok", "note", "fault"]
    text: str
    remedy: str = ""
