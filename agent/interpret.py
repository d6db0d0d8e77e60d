"""What reading a message yields, whoever reads it: the built-in rules or a language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from convrec.agent.types import Clarify
from convrec.retrieval.request import Constraint, Description, Request, RequestEdit


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, or a change of one."""

    kind: Literal["ask"] = "ask"


@dataclass(frozen=True, slots=True)
class MoreLikeShown:
    """More like an item of the last list; the reading already holds the references."""

    ranks: tuple[int, ...]
    kind: Literal["more_like"] = "more_like"


@dataclass(frozen=True, slots=True)
class RejectShown:
    """Not these items of the last list; the reading already holds the exclusions."""

    ranks: tuple[int, ...]
    kind: Literal["reject"] = "reject"


@dataclass(frozen=True, slots=True)
class SeenShown:
    """The person knows these items already; `item_ids` also holds items named by title."""

    item_ids: tuple[str, ...]
    kind: Literal["seen"] = "seen"


@dataclass(frozen=True, slots=True)
class LikeShown:
    """The person likes these items (shown, or named by title)."""

    item_ids: tuple[str, ...]
    kind: Literal["like"] = "like"


@dataclass(frozen=True, slots=True)
class Explain:
    """Why was this item shown?"""

    item_ids: tuple[str, ...]
    kind: Literal["explain"] = "explain"


@dataclass(frozen=True, slots=True)
class Compare:
    """How do these items differ?"""

    item_ids: tuple[str, ...]
    kind: Literal["compare"] = "compare"


@dataclass(frozen=True, slots=True)
class TellMore:
    """Tell about this item."""

    item_ids: tuple[str, ...]
    kind: Literal["tell_more"] = "tell_more"


@dataclass(frozen=True, slots=True)
class SortShown:
    """The shown items in the order of a numeric attribute; `words`: the extreme that was asked for, if one was."""

    item_ids: tuple[str, ...]
    field: str
    descending: bool
    words: str = ""
    kind: Literal["sort"] = "sort"


@dataclass(frozen=True, slots=True)
class Remember:
    """A lasting preference; `hard` for a veto ('never show me X')."""

    preferences: tuple[Constraint | Description, ...]
    hard: bool = False
    kind: Literal["remember"] = "remember"


@dataclass(frozen=True, slots=True)
class ProfileForget:
    """Forget what is remembered of the person: all of it, or what the words name."""

    what: str = ""
    kind: Literal["profile_forget"] = "profile_forget"


PlainKind = Literal[
    "more",
    "something_else",
    "undo",
    "start_over",
    "accept",
    "decline",
    "greeting",
    "thanks",
    "goodbye",
    "off_topic",
    "hostile",
    "help",
    "profile_show",
    "surprise",
]


@dataclass(frozen=True, slots=True)
class Plain:
    """A dialogue act without arguments.

    `more`: the next page. `something_else`: other items than those shown. `accept` and `decline`: of what was
    offered. `help`: what can you do. `profile_show`: what do you know about me.
    """

    kind: PlainKind


DialogueAct = (
    Ask
    | MoreLikeShown
    | RejectShown
    | SeenShown
    | LikeShown
    | Explain
    | Compare
    | TellMore
    | SortShown
    | Remember
    | ProfileForget
    | Plain
)


@dataclass(frozen=True, slots=True)
class UnknownValue:
    """A value that was asked for and that no item has, with the nearest ones that exist.

    `field` is empty for a thing that no item is and no text speaks of.
    """

    field: str
    words: str
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry of the last list."""

    rank: int
    id: str
    title: str


@dataclass(frozen=True)
class ReadingContext:
    """What was said and shown before the message."""

    request: Request = Request()
    shown: tuple[Shown, ...] = ()
    turn: int = 1
    offered: tuple[str, ...] = ()
    """answers or loosenings that the last reply offered, first one first"""
    last_focus: str | None = None
    """id of the item that was talked about last; the first of a list that was just shown"""

    @property
    def talked_of(self) -> str | None:
        """The item that was talked about since the list was shown."""
        first = self.shown[0].id if self.shown else None
        return self.last_focus if self.last_focus != first else None


@dataclass(frozen=True)
class Reading:
    """What a message means.

    `edits` change the request, in order. `unread` are content words that nothing could be done with. `notes` are
    sentences for the person. `clarify` is set only for an ambiguity that reading itself found. `nothing_to_go_on`:
    the message asks for something and says nothing about what.
    """

    edits: tuple[RequestEdit, ...] = ()
    act: DialogueAct = field(default_factory=Ask)
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    clarify: Clarify | None = None
    nothing_to_go_on: bool = False
    open_ended: bool = False
    """with `nothing_to_go_on`: asks for anything at all, so that a known taste is enough to go on"""
    unknown_values: tuple[UnknownValue, ...] = ()
    language: str = "en"


class Interpreter(Protocol):
    """Reads one message in its context. Never raises for anything a person can type."""

    def read(self, message: str, context: ReadingContext) -> Reading: ...


def shown_ids(context: ReadingContext, ranks: Sequence[int]) -> tuple[str, ...]:
    """Ids of the shown items of those ranks; unknown ranks are left out."""
    by_rank = {entry.rank: entry.id for entry in context.shown}
    return tuple(by_rank[rank] for rank in ranks if rank in by_rank)
