"""Everything known of a person in one document, in and out."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from convrec.agent.errors import ProfileError, SessionError
from convrec.agent.people import STARS, Feedback, FeedbackKind, PeopleStore, opinion
from convrec.agent.state import ConversationState
from convrec.retrieval.catalogue import Catalogue
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.request import Constraint, Description


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FeedbackRecord(_Record):
    """Something the person said or did about an item. `value` of a rating is out of 5."""

    item_id: str
    title: str | None = None
    kind: FeedbackKind
    value: float | None = None
    source: str = "profile"
    time: float = Field(default_factory=time.time)


class PreferenceRecord(_Record):
    """A lasting wish."""

    part: Constraint | Description = Field(discriminator="kind")
    words: str = ""
    source: str = "profile"
    time: float = Field(default_factory=time.time)


class TurnRecord(_Record):
    """One message and its answer."""

    turn: int
    message: str
    reply: dict[str, Any]
    time: float


class ConversationRecord(_Record):
    """A stored conversation with its state."""

    id: str
    name: str = ""
    created: float
    updated: float
    state: dict[str, Any]
    turns: tuple[TurnRecord, ...] = ()


class InteractionRecord(_Record):
    """An event of the catalogue's own log; `value` on the log's scale."""

    item_id: str
    title: str | None = None
    value: float | None = None
    time: float | None = None
    event: str = "interaction"


class ProfileDocument(_Record):
    """All that a workspace knows of one person. Times in seconds since 1970."""

    convrec_profile: Literal[1] = 1
    user: str
    feedback: tuple[FeedbackRecord, ...] = ()
    preferences: tuple[PreferenceRecord, ...] = ()
    conversations: tuple[ConversationRecord, ...] = ()
    history: tuple[InteractionRecord, ...] = ()
    history_scale: float | None = None
    """the best value of the log, where it has values"""

    @property
    def empty(self) -> bool:
        return not (self.feedback or self.preferences or self.conversations or self.history)


def collect(
    user_id: str, people: PeopleStore, catalogue: Catalogue | None = None, log: InteractionLog | None = None
) -> ProfileDocument:
    """Everything known of a person; `catalogue` adds titles, `log` the catalogue's own history of them."""

    def title(item_id: str) -> str | None:
        known = catalogue is not None and item_id in catalogue
        return catalogue.titles[catalogue.row(item_id)] if known and catalogue is not None else None

    conversations = []
    for summary in people.sessions(user_id):
        _, state = people.session(summary.id, user_id)
        turns = tuple(
            TurnRecord(turn=t.turn, message=t.message, reply=t.reply, time=t.time) for t in people.turns(summary.id)
        )
        conversations.append(
            ConversationRecord(
                id=summary.id,
                name=summary.name,
                created=summary.created,
                updated=summary.updated,
                state=state,
                turns=turns,
            )
        )
    history, scale = _log_history(user_id, catalogue, log)
    return ProfileDocument(
        user=user_id,
        feedback=tuple(
            FeedbackRecord(
                item_id=f.item_id, title=title(f.item_id), kind=f.kind, value=f.value, source=f.source, time=f.time
            )
            for f in people.feedback(user_id)
        ),
        preferences=tuple(
            PreferenceRecord.model_validate({"part": p.part, "words": p.words, "source": p.source, "time": p.time})
            for p in people.preferences(user_id)
        ),
        conversations=tuple(conversations),
        history=history,
        history_scale=scale,
    )


def _log_history(
    user_id: str, catalogue: Catalogue | None, log: InteractionLog | None
) -> tuple[tuple[InteractionRecord, ...], float | None]:
    row = log.row(user_id) if log is not None else None
    if catalogue is None or log is None or row is None:
        return (), None
    start, end = int(log.indptr[row]), int(log.indptr[row + 1])
    records = tuple(
        InteractionRecord(
            item_id=catalogue.ids[log.items[i]],
            title=catalogue.titles[log.items[i]],
            value=_known(float(log.values[i])),
            time=_known(float(log.timestamps[i])),
            event=log.event_names[log.events[i]],
        )
        for i in range(start, end)
    )
    rated = log.values[~np.isnan(log.values)]
    return records, float(rated.max()) if rated.size else None


def _known(number: float) -> float | None:
    return None if math.isnan(number) else number


def read_document(path: Path) -> ProfileDocument:
    """A profile out of a file.

    Raises:
        ProfileError: it is not a profile that convrec wrote.
    """
    try:
        return ProfileDocument.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ProfileError(
            f"{path} cannot be read ({error.strerror}); give a file of `convrec profile export`."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise ProfileError(f"{path} is not a profile of convrec: {where}: {first['msg']}.") from error


def restore(document: ProfileDocument, user_id: str, people: PeopleStore, log: InteractionLog | None = None) -> None:
    """Keep what a document says of a person, beside what is known already. History that the log has is not doubled.

    Raises:
        ProfileError: a conversation in it belongs to somebody else, or is of another version.
    """
    row = log.row(user_id) if log is not None else None
    entries = [Feedback(f.item_id, f.kind, f.value, f.source, f.time) for f in document.feedback]
    if row is None:
        known = {(f.item_id, f.kind) for f in document.feedback}
        history = (_as_feedback(record, document.history_scale) for record in document.history)
        entries += [entry for entry in history if (entry.item_id, entry.kind) not in known]
    for conversation in document.conversations:
        _check_conversation(conversation, user_id, people)
    people.import_feedback(user_id, entries)
    present = {(p.words, str(p.part)) for p in people.preferences(user_id)}
    for preference in document.preferences:
        part = preference.part.model_dump(mode="json")
        if (preference.words, str(part)) not in present:
            people.remember(user_id, part, preference.words, source=preference.source)
    for conversation in document.conversations:
        people.restore_session(
            user_id,
            conversation.id,
            name=conversation.name,
            times=(conversation.created, conversation.updated),
            state=conversation.state,
            turns=[(t.turn, t.message, t.reply, t.time) for t in conversation.turns],
        )


def _check_conversation(conversation: ConversationRecord, user_id: str, people: PeopleStore) -> None:
    try:
        ConversationState.model_validate(conversation.state)
    except ValidationError as error:
        raise ProfileError(
            f"The conversation {conversation.id!r} was written by another version of convrec."
        ) from error
    try:
        summary, _ = people.session(conversation.id)
    except SessionError:
        return
    if summary.user_id != user_id:
        raise ProfileError(f"The conversation {conversation.id!r} belongs to somebody else here; nothing was taken in.")


def _as_feedback(record: InteractionRecord, scale: float | None) -> Feedback:
    kind: FeedbackKind = "seen"
    if record.value is not None and scale:
        kind = opinion(record.value / scale * STARS)
    when = record.time if record.time is not None else time.time()
    return Feedback(record.item_id, kind, None, "profile", when)
