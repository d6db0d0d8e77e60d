"""A conversation: the typed state, and the turns that change it."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from convrec.agent.acts import Outcome, respond
from convrec.agent.clarify import Question, choose_question
from convrec.agent.describe import describe_request
from convrec.agent.errors import SessionError
from convrec.agent.interpret import Plain, Reading, ReadingContext, Shown, UnknownValue
from convrec.agent.mind import ListTelling, TurnScope
from convrec.agent.people import FeedbackKind, Preference
from convrec.agent.state import ConversationState, Offer
from convrec.agent.types import (
    Done,
    Event,
    RankDone,
    RecallDone,
    Recommendation,
    Relaxation,
    Reply,
    Trace,
    Understood,
)
from convrec.ranking.types import Person
from convrec.retrieval.request import (
    Constraint,
    Description,
    Exclusion,
    Provenance,
    Request,
    RequestEdit,
    apply_edits,
)

if TYPE_CHECKING:
    from convrec.agent.engine import Engine, Ranked
    from convrec.agent.mind import Mind, TurnMind

WORDS_KEPT = 60
"""messages whose words an explanation may rest on"""

FORGETTING = frozenset("forget that it this everything all about me my please what you know remember i said".split())
"""words of a wish to forget that name nothing in particular"""

MESSAGE_LIMIT = 8000
"""characters of a message that are read; what is longer is cut, and that is said"""


@dataclass(frozen=True, slots=True)
class TurnInput:
    """One turn to take: a message, or edits made by hand on the request's chips."""

    message: str = ""
    edits: tuple[RequestEdit, ...] = ()


class CancelledTurnError(SessionError):
    """The person cancelled; the conversation stands as it was before the turn."""


class Conversation:
    """One person's conversation. Turns are taken one at a time; every turn is stored before its last event."""

    def __init__(
        self,
        engine: Engine,
        mind: Mind,
        *,
        user_id: str | None = None,
        session_id: str | None = None,
        stored: bool = True,
    ) -> None:
        """Start a conversation, or go on with `session_id`. `stored=False` keeps nothing on disk.

        Raises:
            SessionError: there is no such conversation of that person.
        """
        self.engine = engine
        self.mind = mind
        self.user_id = user_id
        self._stored = stored
        self._lock = threading.Lock()
        self._id = session_id
        if session_id is not None:
            summary, state = engine.people.session(session_id, user_id)
            self.user_id = summary.user_id
            self.state = ConversationState.model_validate(state)
        else:
            self.state = ConversationState(request=self.lasting_request())

    @property
    def id(self) -> str | None:
        """Under which the conversation is stored; None before its first turn."""
        return self._id

    def send(self, message: str) -> Reply:
        """Take a turn; its whole result."""
        return _last(self.stream(message))

    async def asend(self, message: str) -> Reply:
        """`send` for asynchronous callers; runs in a thread."""
        return await asyncio.to_thread(self.send, message)

    def edit(self, edits: Sequence[RequestEdit]) -> Reply:
        """Change the request by hand and see the list that follows."""
        return _last(self.stream_edits(edits))

    def stream(self, message: str, *, cancel: threading.Event | None = None) -> Iterator[Event]:
        """Take a turn, event by event. Setting `cancel` ends it and leaves the conversation as it was.

        Raises:
            CancelledTurnError: `cancel` was set.
        """
        return self._stream(TurnInput(message=message), cancel or threading.Event())

    def stream_edits(self, edits: Sequence[RequestEdit], *, cancel: threading.Event | None = None) -> Iterator[Event]:
        """The same for edits made by hand."""
        return self._stream(TurnInput(edits=tuple(edits)), cancel or threading.Event())

    def prepare(self, edits: Sequence[RequestEdit]) -> None:
        """Change the request without answering: what comes next starts from there."""
        self.state = self.state.changed(apply_edits(self.state.request, list(edits)))

    def feedback(self, item_id: str, kind: FeedbackKind, value: float | None = None) -> None:
        """Record what the person thinks of an item; it counts from the next list on.

        Raises:
            UnknownItemError: no item has that id.
            SessionError: nobody in particular is talking, so nothing can be remembered.
        """
        row = self.engine.catalogue.row(item_id)
        if kind in ("dislike", "never", "seen"):
            reason = "seen" if kind == "seen" else "rejected"
            part = Exclusion(item_id=item_id, title=self.engine.catalogue.titles[row], reason=reason)
            request = apply_edits(self.state.request, [RequestEdit(op="add", part=part)])
            self.state = self.state.changed(request)
        if self.user_id is not None and self._stored:
            self.engine.people.record(self.user_id, item_id, kind, value=value)

    def take_back(self, item_id: str, kind: FeedbackKind) -> None:
        """Undo feedback."""
        kept = tuple(x for x in self.state.request.exclusions if x.item_id != item_id)
        self.state = self.state.changed(self.state.request.model_copy(update={"exclusions": kept}))
        if self.user_id is not None and self._stored:
            self.engine.people.retract(self.user_id, item_id, kind)

    def reading_context(self) -> ReadingContext:
        """What a reader of the next message needs to know."""
        return ReadingContext(
            request=self.state.request,
            shown=tuple(Shown(i.rank, i.id, i.title) for i in self.state.items),
            turn=self.state.turn + 1,
            offered=tuple(offer.option for offer in self.state.offers),
            last_focus=self.state.focus,
        )

    def person(self) -> Person:
        return self.engine.person(self.user_id)

    def preferences(self) -> tuple[str, ...]:
        """The words of the person's lasting preferences."""
        if self.user_id is None:
            return ()
        return tuple(preference.words for preference in self.engine.people.preferences(self.user_id))

    def lasting_request(self) -> Request:
        """The empty request with the person's lasting preferences in it."""
        if self.user_id is None:
            return Request()
        edits = [
            RequestEdit.model_validate({"op": "add", "part": preference.part})
            for preference in self.engine.people.preferences(self.user_id)
        ]
        return apply_edits(Request(), edits)

    def remember(self, part: Constraint | Description) -> None:
        """Keep a lasting preference of the person; nothing happens where nobody in particular is talking."""
        if self.user_id is None or not self._stored:
            return
        words = part.provenance.words or (part.label if isinstance(part, Constraint) else part.text)
        lasting = part.model_copy(update={"id": "", "provenance": Provenance(words=words, source="profile")})
        self.engine.people.remember(self.user_id, lasting.model_dump(mode="json"), words)

    def forget_preferences(self, what: str = "") -> tuple[str, ...]:
        """Drop lasting preferences: those that `what` names, the last one for 'that', all for 'everything' or nothing.

        Returns the words of what was dropped.
        """
        if self.user_id is None:
            return ()
        kept = self.engine.people.preferences(self.user_id)
        named = {word for word in re.findall(r"\w+", what.casefold()) if word not in FORGETTING}
        said = set(re.findall(r"\w+", what.casefold()))
        if named:
            dropped = [p for p in kept if any(word[:5] in _preference_text(p) for word in named)]
        else:
            dropped = list(kept[-1:]) if said & {"that", "it", "this"} else list(kept)
        for preference in dropped:
            self.engine.people.drop_preference(self.user_id, preference.id)
        return tuple(preference.words for preference in dropped)

    def _stream(self, turn: TurnInput, cancel: threading.Event) -> Iterator[Event]:
        if not self._lock.acquire(blocking=False):
            raise SessionError("This conversation is still answering; wait for it or cancel it.")
        before = self.state
        try:
            yield from self._take(turn, cancel)
        finally:
            # Whoever stops listening at any event, the last one included, ends the generator here.
            if self.state.turn == before.turn:
                self.state = before
            self._lock.release()

    def _take(self, turn: TurnInput, cancel: threading.Event) -> Iterator[Event]:
        started = time.perf_counter()
        scope = TurnScope(self.person(), self.preferences(), self.state.words, cancel)
        mind = self.mind.begin(scope)
        reading = yield from self._read(turn, mind)
        _check(cancel)
        outcome = respond(self, reading)
        self.state = outcome.state
        read_ms = (time.perf_counter() - started) * 1000
        _check(cancel)
        request = outcome.state.request
        # An answer without a list says itself what came of a message that asked for nothing.
        silent = outcome.message is not None and request.empty
        summary = "" if silent else describe_request(request, self.engine.catalogue.schema)
        yield Understood(request=request, summary=summary)
        if outcome.message is not None:
            message = " ".join([outcome.message, *reading.notes])
            reply = Reply(
                message=message,
                request=request,
                items=outcome.items,
                clarify=outcome.clarify,
                trace=Trace(notes=reading.notes),
            )
            state = outcome.state
        else:
            reply, state = yield from self._list(turn, outcome, reading, mind, cancel)
        timings = {"read": read_ms, **reply.trace.timings_ms, "total": (time.perf_counter() - started) * 1000}
        trace = reply.trace.model_copy(
            update={
                "mode": mind.mode,
                "llm": mind.usage,
                "notes": (*reply.trace.notes, *mind.notes),
                "timings_ms": {name: round(ms, 2) for name, ms in timings.items()},
            }
        )
        yield Done(reply=self._keep(turn, state, reply.model_copy(update={"trace": trace})))

    def _read(self, turn: TurnInput, mind: TurnMind) -> Generator[Event, None, Reading]:
        if not turn.message:
            return Reading(edits=turn.edits)
        context = self.reading_context()
        for offer in self.state.offers:
            if offer.option.casefold() == turn.message.strip().casefold() and (offer.edits or offer.remember):
                return Reading(act=Plain("accept"), edits=())
        reading = yield from mind.read(turn.message[:MESSAGE_LIMIT], context)
        if len(turn.message) > MESSAGE_LIMIT:
            note = f"I read only the first {MESSAGE_LIMIT:,} characters of your message."
            reading = replace(reading, notes=(*reading.notes, note))
        return reading

    def _list(
        self, turn: TurnInput, outcome: Outcome, reading: Reading, mind: TurnMind, cancel: threading.Event
    ) -> Generator[Event, None, tuple[Reply, ConversationState]]:
        state = outcome.state
        if outcome.next_page:
            state = state.model_copy(update={"page": (*state.page, *(item.id for item in state.items))})
            state = state.model_copy(update={"page": tuple(dict.fromkeys(state.page))})
        person = self.person()
        ranked = self.engine.recommend(state.request, person, leave_out=state.page, spare=mind.spare)
        _check(cancel)
        yield RecallDone(recalled=ranked.recalled, eligible=ranked.eligible)
        yield RankDone(count=len(ranked.items))
        question = None
        if outcome.clarify is None and not ranked.applied:
            question = choose_question(ranked.request, ranked.open_rows, self.engine.catalogue, frozenset(state.asked))
        clarify = outcome.clarify or (question.clarify if question else None)
        written_at = time.perf_counter()
        words = "\n".join((*state.words, turn.message))
        telling = ListTelling(self.engine, ranked, person, reading, outcome, state, clarify, words)
        told = yield from mind.tell(telling)
        narrate_ms = (time.perf_counter() - written_at) * 1000
        _check(cancel)
        relaxed = tuple(x.relaxation(applied=True) for x in ranked.applied) + tuple(
            x.relaxation(applied=False) for x in ranked.offered[:1]
        )
        relaxed += tuple(self._let_go(value, ranked.eligible) for value in reading.unknown_values)
        trace = Trace(
            recalled=ranked.recalled,
            eligible=ranked.eligible,
            plan=ranked.plan,
            timings_ms={**ranked.timings_ms, "narrate": narrate_ms},
            notes=reading.notes,
        )
        reply = Reply(
            message=told.message,
            request=state.request,
            items=told.items,
            relaxed=relaxed,
            clarify=clarify,
            trace=trace,
        )
        return reply, _after_list(state, told.items, ranked, question, outcome)

    def _let_go(self, value: UnknownValue, eligible: int) -> Relaxation:
        """A condition that names what no item has: nothing can meet it, and the list goes without it."""
        schema = self.engine.catalogue.schema
        if not value.field:
            return Relaxation(constraint=f"“{value.words}”", to=f"any {schema.noun}", fits_before=0, gained=eligible)
        label = schema.attribute(value.field).label if value.field in schema else value.field
        return Relaxation(constraint=f"{label} {value.words}", to=f"any {label}", fits_before=0, gained=eligible)

    def _keep(self, turn: TurnInput, state: ConversationState, reply: Reply) -> Reply:
        words = (*state.words, turn.message)[-WORDS_KEPT:] if turn.message else state.words
        spent = state.spent.plus(reply.trace.llm)
        state = state.model_copy(update={"turn": state.turn + 1, "words": words, "spent": spent})
        if self._stored and self._id is None:
            self._id = self.engine.people.create_session(self.user_id, {})
        trace = reply.trace.model_copy(update={"turn": state.turn, "session": self._id})
        reply = reply.model_copy(update={"trace": trace})
        if self._stored and self._id is not None:
            said = turn.message[:MESSAGE_LIMIT] or "; ".join(e.op for e in turn.edits)
            self.engine.people.save_turn(
                self._id, state.turn, said, reply.model_dump(mode="json"), state.model_dump(mode="json")
            )
        self.state = state
        return reply


def _after_list(
    state: ConversationState,
    items: tuple[Recommendation, ...],
    ranked: Ranked,
    question: Question | None,
    outcome: Outcome,
) -> ConversationState:
    """The state once a list was shown: what was asked, and what 'yes' would take up."""
    offers: tuple[Offer, ...] = ()
    if ranked.offered:
        first = ranked.offered[0]
        offers = (Offer(option="yes", edits=first.edits),)
    elif question is not None:
        offers = tuple(
            Offer(option=option, edits=(edit,))
            for option, edit in zip(question.clarify.options, question.edits, strict=True)
        )
    elif outcome.clarify is not None:
        offers = state.offers
    asked = (*state.asked, question.attribute) if question is not None else state.asked
    previous = (*state.previous, tuple(item.id for item in items))
    focus = items[0].id if items else state.focus
    return state.model_copy(
        update={"items": items, "previous": previous, "offers": offers, "asked": asked, "focus": focus}
    )


def _preference_text(preference: Preference) -> str:
    return f"{preference.words} {preference.part.get('label', '')} {preference.part.get('text', '')}".casefold()


def _check(cancel: threading.Event) -> None:
    if cancel.is_set():
        raise CancelledTurnError("The turn was cancelled.")


def _last(events: Iterator[Event]) -> Reply:
    for event in events:
        if isinstance(event, Done):
            return event.reply
    raise SessionError("The turn ended without an answer.")
