"""What is known of people and their conversations: one SQLite file a workspace, plain rows and JSON."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from convrec.agent.errors import SessionError

FeedbackKind = Literal["like", "dislike", "seen", "rate", "never"]

_TABLES = """
CREATE TABLE IF NOT EXISTS feedback (
    user_id TEXT NOT NULL, item_id TEXT NOT NULL, kind TEXT NOT NULL, value REAL, source TEXT NOT NULL,
    time REAL NOT NULL, PRIMARY KEY (user_id, item_id, kind));
CREATE TABLE IF NOT EXISTS preferences (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL, part TEXT NOT NULL, words TEXT NOT NULL, source TEXT NOT NULL,
    time REAL NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, user_id TEXT, name TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL,
    state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS turns (
    session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, turn INTEGER NOT NULL, message TEXT NOT NULL,
    reply TEXT NOT NULL, time REAL NOT NULL, PRIMARY KEY (session_id, turn));
CREATE INDEX IF NOT EXISTS sessions_by_user ON sessions(user_id, updated);
CREATE INDEX IF NOT EXISTS preferences_by_user ON preferences(user_id);
"""


STARS = 5.0
"""the best rating that a person can give; all ratings are kept out of this many"""
LIKED_SHARE, DISLIKED_SHARE = 0.7, 0.4
"""shares of the best rating from which an item counts as liked, and up to which as disliked"""


def opinion(stars: float | None) -> Literal["like", "dislike", "seen"]:
    """What a rating says of an item: liked, disliked, or just seen."""
    share = 0.5 if stars is None else stars / STARS
    return "like" if share >= LIKED_SHARE else "dislike" if share <= DISLIKED_SHARE else "seen"


@dataclass(frozen=True, slots=True)
class Feedback:
    """Something a person said or did about an item; `time` in seconds since 1970."""

    item_id: str
    kind: FeedbackKind
    value: float | None
    source: str
    time: float


@dataclass(frozen=True, slots=True)
class Preference:
    """A lasting wish of a person: a part of a request that every new conversation starts with."""

    id: str
    part: dict[str, Any]
    words: str
    source: str
    time: float


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A line in the list of conversations."""

    id: str
    user_id: str | None
    name: str
    created: float
    updated: float
    turns: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One message and its answer, as JSON of the result."""

    turn: int
    message: str
    reply: dict[str, Any]
    time: float


class PeopleStore:
    """Profiles, feedback and conversations. Safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=10)
            connection.execute("PRAGMA journal_mode=WAL")
            # With a write-ahead log this is safe against crashes of the process, and spares a flush every commit.
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA secure_delete=ON")
            connection.executescript(_TABLES)
            self._local.connection = connection
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection whose changes are kept together or not at all.

        Raises:
            SessionError: the file cannot be written.
        """
        try:
            connection = self._connection()
            with connection:
                yield connection
        except sqlite3.Error as error:
            raise SessionError(f"{self.path} cannot be used ({error}); check the disk and its permissions.") from error

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def record(
        self,
        user_id: str,
        item_id: str,
        kind: FeedbackKind,
        *,
        value: float | None = None,
        source: str = "conversation",
    ) -> None:
        """Remember feedback. Like and dislike replace each other."""
        with self.transaction() as connection:
            if kind in ("like", "dislike"):
                connection.execute(
                    "DELETE FROM feedback WHERE user_id=? AND item_id=? AND kind IN ('like','dislike')",
                    (user_id, item_id),
                )
            connection.execute(
                "INSERT OR REPLACE INTO feedback VALUES (?,?,?,?,?,?)",
                (user_id, item_id, kind, value, source, time.time()),
            )

    def import_feedback(self, user_id: str, entries: Sequence[Feedback]) -> None:
        """Remember many, each with its own source and time; the same once more changes nothing."""
        with self.transaction() as connection:
            for entry in entries:
                if entry.kind in ("like", "dislike"):
                    connection.execute(
                        "DELETE FROM feedback WHERE user_id=? AND item_id=? AND kind IN ('like','dislike')",
                        (user_id, entry.item_id),
                    )
                connection.execute(
                    "INSERT OR REPLACE INTO feedback VALUES (?,?,?,?,?,?)",
                    (user_id, entry.item_id, entry.kind, entry.value, entry.source, entry.time),
                )

    def retract(self, user_id: str, item_id: str, kind: FeedbackKind | None = None) -> None:
        """Forget feedback on an item; all kinds of it where none is named."""
        with self.transaction() as connection:
            connection.execute(
                "DELETE FROM feedback WHERE user_id=? AND item_id=? AND (? IS NULL OR kind=?)",
                (user_id, item_id, kind, kind),
            )

    def feedback(self, user_id: str) -> tuple[Feedback, ...]:
        """All feedback of a person, oldest first."""
        with self.transaction() as connection:
            rows = connection.execute(
                "SELECT item_id, kind, value, source, time FROM feedback WHERE user_id=? ORDER BY time, item_id",
                (user_id,),
            ).fetchall()
        return tuple(Feedback(*row) for row in rows)

    def remember(self, user_id: str, part: dict[str, Any], words: str, *, source: str = "conversation") -> str:
        """Keep a lasting preference; its id."""
        preference_id = uuid.uuid4().hex[:12]
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO preferences VALUES (?,?,?,?,?,?)",
                (preference_id, user_id, json.dumps(part), words, source, time.time()),
            )
        return preference_id

    def preferences(self, user_id: str) -> tuple[Preference, ...]:
        with self.transaction() as connection:
            rows = connection.execute(
                "SELECT id, part, words, source, time FROM preferences WHERE user_id=? ORDER BY time", (user_id,)
            ).fetchall()
        return tuple(Preference(row[0], json.loads(row[1]), *row[2:]) for row in rows)

    def drop_preference(self, user_id: str, preference_id: str) -> None:
        with self.transaction() as connection:
            connection.execute("DELETE FROM preferences WHERE user_id=? AND id=?", (user_id, preference_id))

    def people(self) -> tuple[str, ...]:
        """Ids of everybody with feedback, preferences or conversations."""
        with self.transaction() as connection:
            rows = connection.execute(
                "SELECT user_id FROM feedback UNION SELECT user_id FROM preferences UNION "
                "SELECT user_id FROM sessions WHERE user_id IS NOT NULL ORDER BY 1"
            ).fetchall()
        return tuple(row[0] for row in rows)

    def create_session(self, user_id: str | None, state: dict[str, Any], *, session_id: str | None = None) -> str:
        """Start a conversation; its id."""
        new_id = session_id or uuid.uuid4().hex[:10]
        now = time.time()
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO sessions VALUES (?,?,?,?,?,?)", (new_id, user_id, "", now, now, json.dumps(state))
            )
        return new_id

    def restore_session(
        self,
        user_id: str,
        session_id: str,
        *,
        name: str,
        times: tuple[float, float],
        state: dict[str, Any],
        turns: Sequence[tuple[int, str, dict[str, Any], float]],
    ) -> None:
        """Put a conversation back with its turns; `times`: created and updated."""
        with self.transaction() as connection:
            connection.execute("DELETE FROM sessions WHERE id=? AND user_id=?", (session_id, user_id))
            connection.execute(
                "INSERT INTO sessions VALUES (?,?,?,?,?,?)", (session_id, user_id, name, *times, json.dumps(state))
            )
            connection.executemany(
                "INSERT INTO turns VALUES (?,?,?,?,?)",
                [(session_id, turn, message, json.dumps(reply), when) for turn, message, reply, when in turns],
            )

    def save_turn(self, session_id: str, turn: int, message: str, reply: dict[str, Any], state: dict[str, Any]) -> None:
        """Keep a turn and the state after it, together."""
        now = time.time()
        with self.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO turns VALUES (?,?,?,?,?)", (session_id, turn, message, json.dumps(reply), now)
            )
            connection.execute(
                "UPDATE sessions SET updated=?, state=?, name=CASE WHEN name='' THEN ? ELSE name END WHERE id=?",
                (now, json.dumps(state), message.strip()[:60], session_id),
            )

    def session(self, session_id: str, user_id: str | None = None) -> tuple[SessionSummary, dict[str, Any]]:
        """A conversation and its state. `user_id`: whose it must be.

        Raises:
            SessionError: there is none of that id, or it is somebody else's.
        """
        with self.transaction() as connection:
            row = connection.execute(
                "SELECT id, user_id, name, created, updated, state, "
                "(SELECT count(*) FROM turns WHERE session_id=sessions.id) FROM sessions WHERE id=?",
                (session_id,),
            ).fetchone()
        if row is None or (user_id is not None and row[1] != user_id):
            raise SessionError(f"There is no conversation {session_id!r}; `convrec chat` starts a new one.")
        return SessionSummary(row[0], row[1], row[2], row[3], row[4], row[6]), json.loads(row[5])

    def sessions(self, user_id: str | None, *, containing: str = "") -> tuple[SessionSummary, ...]:
        """A person's conversations, latest first; `containing`: only those with these words in them."""
        with self.transaction() as connection:
            rows = connection.execute(
                "SELECT id, user_id, name, created, updated, "
                "(SELECT count(*) FROM turns WHERE session_id=sessions.id) AS n FROM sessions "
                "WHERE user_id IS ? AND n > 0 AND (?='' OR instr(lower(name), lower(?)) OR EXISTS ("
                "SELECT 1 FROM turns WHERE session_id=sessions.id AND "
                "(instr(lower(message), lower(?)) OR instr(lower(reply), lower(?))))) ORDER BY updated DESC",
                (user_id, containing, containing, containing, containing),
            ).fetchall()
        return tuple(SessionSummary(*row) for row in rows)

    def turns(self, session_id: str) -> tuple[Turn, ...]:
        with self.transaction() as connection:
            rows = connection.execute(
                "SELECT turn, message, reply, time FROM turns WHERE session_id=? ORDER BY turn", (session_id,)
            ).fetchall()
        return tuple(Turn(row[0], row[1], json.loads(row[2]), row[3]) for row in rows)

    def rename_session(self, session_id: str, name: str) -> None:
        with self.transaction() as connection:
            connection.execute("UPDATE sessions SET name=? WHERE id=?", (name.strip()[:120], session_id))

    def delete_session(self, session_id: str) -> None:
        with self.transaction() as connection:
            connection.execute("DELETE FROM sessions WHERE id=?", (session_id,))
