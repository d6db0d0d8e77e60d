"""The tools that any agent can call: one toolbox for MCP, LangChain, OpenAI and the built-in language model."""

from __future__ import annotations

import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from convrec.agent.errors import SessionError, ToolError
from convrec.agent.tool_types import (
    Arguments,
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
from convrec.agent.types import Done, Event, Reply

if TYPE_CHECKING:
    from convrec.agent.conversation import Conversation
    from convrec.agent.recommender import Recommender
    from convrec.agent.title_match import TitleIndex
    from convrec.retrieval.request import RequestEdit
    from convrec.retrieval.schema import CatalogueSchema

SESSIONS_KEPT = 512
"""conversations of one toolbox that stay in memory; those of known people are on disk as well"""
NOBODY = (
    "It is not known who is asking, so nothing can be remembered: start the server, or open the tools, with a user."
)


@dataclass(frozen=True)
class Tool:
    """What a caller must know of a tool. `writes`: it changes what is stored."""

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    result: type[BaseModel]
    writes: bool = False
    about_catalogue: bool = False
    """whether the description goes on with the attributes of the catalogue"""


TOOLS: tuple[Tool, ...] = (
    Tool(
        "recommend",
        "Recommend",
        "Recommend items to the person. Give what they said as `message`, or fill `constraints`, `like` and the rest "
        "yourself, or both. Every condition holds for every item shown; where nothing fits, the smallest loosening is "
        "applied and stated in `relaxed`. Each item comes with reasons and the evidence for them; tell the person only "
        "what stands there. Go on with `refine` and the `trace.session` of the answer. If `clarify` is set, ask the "
        "person that question.",
        RecommendArguments,
        Reply,
        writes=True,
        about_catalogue=True,
    ),
    Tool(
        "refine",
        "Refine in a session",
        "Change an earlier answer in its conversation: another message ('shorter', 'not the second', 'more', 'why?'), "
        "further conditions, or conditions taken back. Everything else that was asked for still holds.",
        RefineArguments,
        Reply,
        writes=True,
        about_catalogue=True,
    ),
    Tool(
        "similar",
        "Similar items",
        "Items like a given one, for this person, with reasons.",
        SimilarArguments,
        Reply,
        about_catalogue=True,
    ),
    Tool(
        "search",
        "Search the catalogue",
        "Look items up by title or by words, with conditions. Nobody's taste plays a part. Use it to find ids.",
        SearchArguments,
        SearchResult,
        about_catalogue=True,
    ),
    Tool("item", "One item", "The whole record of one item.", ItemArguments, ItemResult),
    Tool("compare", "Compare items", "Two to four items side by side.", CompareArguments, CompareResult),
    Tool(
        "feedback",
        "Feedback",
        "Remember, or take back, what the person thinks of an item. Call it only for what they really said.",
        FeedbackArguments,
        FeedbackResult,
        writes=True,
    ),
    Tool(
        "profile",
        "Profile",
        "What is known of the person: feedback, lasting wishes, history. There is no way to ask about anybody else.",
        ProfileArguments,
        ProfileResult,
    ),
)
_BY_NAME = {tool.name: tool for tool in TOOLS}


def tool_named(name: str) -> Tool:
    """The tool of that name.

    Raises:
        ToolError: there is none.
    """
    tool = _BY_NAME.get(name)
    if tool is None:
        raise ToolError(f"There is no tool {name[:60]!r}; there are: {', '.join(_BY_NAME)}.")
    return tool


def describe(tool: Tool, schema: CatalogueSchema) -> str:
    """The description of a tool for a model that sees nothing else, with the attributes of this catalogue."""
    text = f"{tool.description} The catalogue {schema.name!r} holds {schema.count:,} {schema.plural}."
    return f"{text}\n\n{catalogue_summary(schema)}" if tool.about_catalogue else text


def catalogue_summary(schema: CatalogueSchema) -> str:
    """Attributes with their kinds, ranges and commonest values, a line each."""
    from convrec.agent.tool_request import attribute_summary

    lines = [attribute_summary(attribute) for attribute in schema.attributes]
    return "\n".join([f"Attributes of each {schema.noun} for `constraints`:", *lines])


def parse_arguments(tool: Tool, arguments: Mapping[str, Any] | str | None) -> Any:
    """Checked arguments of a tool, from JSON text or an object.

    Raises:
        ToolError: they do not fit; the sentence names the first argument that is wrong and what is allowed.
    """
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except ValueError as error:
            raise ToolError(f"The arguments of {tool.name} are not JSON ({error}); send one object.") from error
    if not isinstance(arguments, Mapping | None):
        raise ToolError(f"The arguments of {tool.name} are not an object; send {{name: value}}.")
    try:
        return tool.arguments.model_validate(dict(arguments or {}))
    except ValidationError as error:
        raise ToolError(_sentence(tool, error)) from error


def _sentence(tool: Tool, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = ", ".join(tool.arguments.model_fields)
        return f"{tool.name} has no argument {place[:80]!r}; it has: {known}."
    if first["type"] == "missing":
        return f"{tool.name} needs the argument {place!r}."
    return f"The argument {place!r} of {tool.name} does not fit: {first['msg'][:200]}."


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


class Caller:
    """The tools as one person's agent sees them."""

    def __init__(self, box: ToolBox, user: str | None) -> None:
        from convrec.agent.identity import stored_id

        recommender = box.recommender
        self._box = box
        self.user = user
        self._person = stored_id(recommender.people.path.parent, user, recommender.settings)

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
        rows, eligible = search(self._box, asked.query, constraints, asked.count or 10)
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


def tool_text(result: BaseModel, schema: CatalogueSchema) -> str:
    """A short text of a result, for callers that show no structured content."""
    from convrec.agent.plain import render

    if not isinstance(result, Reply):
        message = str(getattr(result, "message", ""))
        if not isinstance(result, SearchResult):
            return message
        return "\n".join([message, *(f"{item.title} (id {item.id})" for item in result.items)])
    text = render(result, schema)
    ids = ", ".join(f"{item.rank}: {item.id}" for item in result.items)
    parts = [text, f"Ids: {ids}" if ids else "", f"Session: {result.trace.session}" if result.trace.session else ""]
    return "\n\n".join(part for part in parts if part)
