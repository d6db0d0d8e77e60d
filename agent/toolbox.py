"""One toolbox for MCP, LangChain, OpenAI and the built-in language model: every person's agent sees its own."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from pydantic import BaseModel

from convrec.agent.errors import SessionError, ToolError
from convrec.agent.tool_types import (
    CompareArguments,
    CompareResult,
    FeedbackArguments,
    FeedbackResult,
    FoundItem,
    ItemArguments,
    ItemResult,
    KnownFeedback,
    ProfileArguments,
    ProfileResult,
    RecommendArguments,
    RefineArguments,
    SearchArguments,
    SearchResult,
    SimilarArguments,
)
from convrec.agent.tools import parse_arguments, tool_named
from convrec.agent.types import Done, Event, Reply

if TYPE_CHECKING:
    from convrec.agent.conversation import Conversation
    from convrec.agent.recommender import Recommender
    from convrec.agent.title_match import TitleIndex
    from convrec.retrieval.catalogue import Catalogue
    from convrec.retrieval.request import RequestEdit
    from convrec.retrieval.schema import CatalogueSchema

SESSIONS_KEPT = 512
"""conversations of one toolbox that stay in memory; those of known people are on disk as well"""
NOBODY = (
    "It is not known who is asking, so nothing can be remembered: start the server, or open the tools, with a user."
)


@dataclass(frozen=True, eq=False)
class _Session:
    """A conversation whose turns are taken one after the other, whoever sends them."""

    conversation: Conversation
    lock: threading.Lock = field(default_factory=threading.Lock)


class ToolBox:
    """The tools over one recommender. Safe to share between threads and callers."""

    def __init__(self, recommender: Recommender) -> None:
        self.recommender = recommender
        self._sessions: OrderedDict[tuple[str | None, str], _Session] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def catalogue(self) -> Catalogue:
        return self.recommender.catalogue

    @cached_property
    def titles(self) -> TitleIndex:
        """For items named by title."""
        from convrec.agent.title_match import TitleIndex

        return TitleIndex(self.recommender.catalogue)

    def caller(self, user: str | None = None) -> Caller:
        """The tools for one person, or for nobody in particular. What they ask is theirs alone."""
        return Caller(self, user)

    def find_session(self, person: str | None, session_id: str) -> _Session:
        """A conversation of that person.

        Raises:
            ToolError: they have none of that id.
        """
        with self._lock:
            known = self._sessions.get((person, session_id))
            if known is not None:
                self._sessions.move_to_end((person, session_id))
                return known
        refusal = f"There is no session {session_id[:60]!r} of yours; start one with recommend."
        if person is None:
            # Without a person a conversation lives in memory only: on disk anybody's could be asked for.
            raise ToolError(refusal)
        try:
            conversation = self.recommender.session(person, session_id)
        except SessionError as error:
            raise ToolError(refusal) from error
        return self.keep_session(person, session_id, _Session(conversation))

    def keep_session(self, person: str | None, session_id: str, session: _Session) -> _Session:
        with self._lock:
            kept = self._sessions.setdefault((person, session_id), session)
            self._sessions.move_to_end((person, session_id))
            while len(self._sessions) > SESSIONS_KEPT:
                self._sessions.popitem(last=False)
        return kept


_shared: dict[Path, ToolBox] = {}
_given: WeakKeyDictionary[Recommender, ToolBox] = WeakKeyDictionary()
_sharing = threading.Lock()


def shared_toolbox(workspace: Path | str | Recommender | None = None) -> ToolBox:
    """The toolbox of a workspace, opened once a process; opened again after a new build. An open recommender is used.

    Raises:
        WorkspaceError: nothing was built there.
    """
    from convrec.agent.recommender import Recommender
    from convrec.agent.settings import load_settings
    from convrec.retrieval.workspace import Workspace, default_workspace

    if isinstance(workspace, Recommender):
        with _sharing:
            return _given.setdefault(workspace, ToolBox(workspace))
    settings = load_settings()
    place = Path(workspace) if workspace is not None else settings.workspace or default_workspace()
    place = place.expanduser().resolve()
    with _sharing:
        known = _shared.get(place)
        if known is None or known.recommender.generation.id != Workspace(place).current_id():
            known = _shared[place] = ToolBox(Recommender.open(place, settings))
    return known


class Caller:
    """The tools as one person's agent sees them."""

    def __init__(self, box: ToolBox, user: str | None) -> None:
        from convrec.agent.identity import stored_id

        recommender = box.recommender
        self._box = box
        self.user = user
        self._person = stored_id(recommender.people.path.parent, user, recommender.settings)

    @property
    def schema(self) -> CatalogueSchema:
        """Of the catalogue."""
        return self._box.recommender.schema

    def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | str | None = None,
        *,
        on_event: Callable[[Event], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> BaseModel:
        """Call a tool; its typed result. `on_event` sees a turn as it goes; `cancel` ends it.

        Raises:
            ToolError: the tool, its arguments, an attribute, a value, an item or a session is not as it must be.
        """
        tool = tool_named(name)
        parsed = parse_arguments(tool, arguments)
        watch = _Watch(on_event, cancel or threading.Event())
        with _sentences():
            if isinstance(parsed, RecommendArguments):
                return self._recommend(parsed, watch)
            if isinstance(parsed, RefineArguments):
                return self._refine(parsed, watch)
            if isinstance(parsed, SimilarArguments):
                return self._similar(parsed, watch)
            if isinstance(parsed, SearchArguments):
                return self._search(parsed)
            if isinstance(parsed, ItemArguments):
                return self._item(parsed)
            if isinstance(parsed, CompareArguments):
                return self._compare(parsed)
            if isinstance(parsed, FeedbackArguments):
                return self._feedback(parsed)
            return self._profile(parsed)

    def _recommend(self, asked: RecommendArguments, watch: _Watch) -> Reply:
        from convrec.agent.tool_request import edits_of

        edits = edits_of(asked, self._box)
        session = _Session(self._box.recommender.session(self.user, stored=self._person is not None))
        reply = watch.turn(session, asked.message, edits)
        session_id = session.conversation.id or secrets.token_urlsafe(16)
        self._box.keep_session(self._person, session_id, session)
        return _in_session(reply, session_id)

    def _refine(self, asked: RefineArguments, watch: _Watch) -> Reply:
        from convrec.agent.tool_request import dropped, edits_of

        session = self._box.find_session(self._person, asked.session)
        taken_back = dropped(asked.drop or (), session.conversation.state.request)
        edits = [*taken_back, *edits_of(asked, self._box)]
        if asked.message is None and not edits:
            raise ToolError("refine needs a message, a condition, or something to drop.")
        return _in_session(watch.turn(session, asked.message, edits), asked.session)

    def _similar(self, asked: SimilarArguments, watch: _Watch) -> Reply:
        from convrec.agent.tool_request import edits_of

        wanted = RecommendArguments(like=[asked.item], constraints=asked.constraints, count=asked.count)
        session = _Session(self._box.recommender.session(self.user, stored=False))
        return watch.turn(session, None, edits_of(wanted, self._box))

    def _search(self, asked: SearchArguments) -> SearchResult:
        from convrec.agent.tool_request import constraints_of, search

        constraints = constraints_of(asked.constraints or (), self._box)
        rows, eligible = search(self._box.recommender.engine, self._box, asked.query, constraints, asked.count or 10)
        items = tuple(self._found(row) for row in rows)
        noun = self._box.recommender.schema
        message = f"{len(items)} {noun.noun if len(items) == 1 else noun.plural} for {asked.query[:80]!r}."
        return SearchResult(message=message, items=items, eligible=eligible)

    def _item(self, asked: ItemArguments) -> ItemResult:
        from convrec.agent.describe import describe_item
        from convrec.agent.tool_request import row_of

        row = row_of(asked.item, self._box)
        catalogue = self._box.recommender.catalogue
        return ItemResult(message=describe_item(catalogue, row), item=self._found(row), text=catalogue.texts[row])

    def _compare(self, asked: CompareArguments) -> CompareResult:
        from convrec.agent.describe import compare_items
        from convrec.agent.tool_request import row_of

        rows = list(dict.fromkeys(row_of(name, self._box) for name in asked.items))
        if len(rows) < 2:
            raise ToolError("These are one and the same item; name two or more different ones.")
        catalogue = self._box.recommender.catalogue
        values = {a.name: {catalogue.value(row, a.name) for row in rows} for a in catalogue.schema.attributes}
        return CompareResult(
            message=compare_items(catalogue, rows),
            items=tuple(self._found(row) for row in rows),
            same=tuple(name for name, own in values.items() if len(own) == 1 and own != {None}),
            different=tuple(name for name, own in values.items() if len(own) > 1),
        )

    def _feedback(self, asked: FeedbackArguments) -> FeedbackResult:
        from convrec.agent.tool_request import row_of

        if (asked.value is not None) != (asked.kind == "rate") and not asked.undo:
            raise ToolError("A value (0 to 5) belongs to kind 'rate', and to no other.")
        if self._person is None:
            raise ToolError(NOBODY)
        row = row_of(asked.item, self._box)
        item = self._found(row)
        people = self._box.recommender.people
        session = self._box.find_session(self._person, asked.session) if asked.session else None
        if asked.undo:
            if session is not None:
                with session.lock:
                    session.conversation.take_back(item.id, asked.kind)
            people.retract(self._person, item.id, asked.kind)
            message = f"Taken back: {asked.kind} of {item.title}."
        else:
            if session is not None:
                with session.lock:
                    session.conversation.feedback(item.id, asked.kind, asked.value)
            people.record(self._person, item.id, asked.kind, value=asked.value, source="tool")
            message = f"Kept: {asked.kind} of {item.title}."
        return FeedbackResult(message=message, item=item, kind=asked.kind, kept=not asked.undo)

    def _profile(self, asked: ProfileArguments) -> ProfileResult:
        if self._person is None or self.user is None:
            raise ToolError(NOBODY)
        recommender = self._box.recommender
        people, catalogue, log = recommender.people, recommender.catalogue, recommender.log
        limit = asked.limit or 20
        feedback = [f for f in people.feedback(self._person) if f.item_id in catalogue]
        latest = tuple(
            KnownFeedback(
                id=f.item_id, title=catalogue.titles[catalogue.row(f.item_id)], kind=f.kind, value=f.value, time=f.time
            )
            for f in reversed(feedback[-limit:])
        )
        wishes = tuple(p.words for p in people.preferences(self._person))
        row = log.row(self._person)
        known = log.history(row).tolist() if row is not None else []
        history = tuple(self._found(r) for r in reversed(known[-limit:]))
        sessions = len(people.sessions(self._person))
        message = (
            f"Known of {self.user}: {len(feedback):,} pieces of feedback, {len(wishes):,} lasting wishes, "
            f"{len(known):,} entries of history, {sessions:,} conversations."
        )
        return ProfileResult(
            message=message,
            person=self.user,
            feedback=latest,
            preferences=wishes,
            history=history,
            conversations=sessions,
        )

    def _found(self, row: int) -> FoundItem:
        from convrec.agent.mind import shown_fields

        catalogue = self._box.recommender.catalogue
        return FoundItem(id=catalogue.ids[row], title=catalogue.titles[row], fields=shown_fields(catalogue, row))


@dataclass(frozen=True, slots=True)
class _Watch:
    on_event: Callable[[Event], None] | None
    cancel: threading.Event

    def turn(self, session: _Session, message: str | None, edits: Sequence[RequestEdit]) -> Reply:
        """A turn: typed changes first, then the words. One that fails or is cancelled changes nothing."""
        conversation = session.conversation
        with session.lock:
            before = conversation.state
            reply = None
            try:
                for event in self._events(conversation, message, edits):
                    if self.on_event is not None:
                        self.on_event(event)
                    if isinstance(event, Done):
                        reply = event.reply
            finally:
                if reply is None:
                    conversation.state = before
        if reply is None:
            raise ToolError("The turn ended without an answer; ask again.")
        return reply

    def _events(self, conversation: Conversation, message: str | None, edits: Sequence[RequestEdit]) -> Iterator[Event]:
        if message is None:
            return conversation.stream_edits(edits, cancel=self.cancel)
        if edits:
            conversation.prepare(edits)
        return conversation.stream(message, cancel=self.cancel)


def _in_session(reply: Reply, session_id: str) -> Reply:
    return reply.model_copy(update={"trace": reply.trace.model_copy(update={"session": session_id})})


@contextmanager
def _sentences() -> Iterator[None]:
    """What is wrong with a request is the caller's to put right, whatever layer noticed it."""
    from convrec.retrieval.errors import FilterError, RequestError, SchemaError, UnknownItemError

    try:
        yield
    except (FilterError, RequestError, SchemaError, SessionError, UnknownItemError) as error:
        raise ToolError(str(error)) from error
