"""Removes a person from every file of a workspace, and keeps them out of later builds."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from convrec.agent.errors import ProfileError
from convrec.agent.identity import LocalKey
from convrec.retrieval.errors import WorkspaceLockedError
from convrec.retrieval.generation import INTERACTIONS, MANIFEST, FileRecord, Manifest, file_digest
from convrec.retrieval.interactions import InteractionLog
from convrec.retrieval.workspace import GENERATIONS, Workspace

FORGOTTEN = "forgotten.json"
USERS = "users.sqlite"
LINE_FILES = {".jsonl", ".ndjson", ".log", ".csv", ".txt", ".tsv"}
"""files of the workspace whose lines stand for themselves: traces, and reports of rejected rows"""
SCANNED_ID = 5
"""ids of at least this many characters, not all digits, are searched for in every byte; others hit by chance"""
TELLING = 12
"""characters from which a message tells whose it was"""
BUSY_S = 2.0
"""how long another process that reads is waited for"""
_CHANGED = "changed since the build: a person was forgotten"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was removed. `pending` files still hold something, because another process uses them."""

    rows: int
    generations: int
    lines: int
    pending: tuple[str, ...] = ()
    remaining: tuple[str, ...] = ()
    """files in which the id was still found, and which are not convrec's to change"""


def forget(workspace: Path, user_ids: tuple[str, ...], traces: tuple[Path, ...] = ()) -> Forgotten:
    """Remove a person from every file of the workspace.

    `user_ids`: all ids they go by, pseudonym included. `traces`: trace files that lie elsewhere. Of traces and reports
    the lines go that name the person or one of their conversations, or hold something they said.

    The mark against later builds is written first. What another process keeps from being removed is noted as
    pending, and removed by the next `forget` or `finish`.

    Raises:
        ProfileError: the mark cannot be written, so nothing was removed.
    """
    key = LocalKey.of(workspace)
    names, said = _own_words(workspace / USERS, user_ids)
    _note(workspace, [key.mark(user) for user in user_ids], {USERS, GENERATIONS})
    rows = _delete_rows(workspace / USERS, user_ids)
    files = dict.fromkeys([*_line_files(workspace), *(file for file in traces if file.is_file())])
    lines = sum(_drop_lines(file, frozenset({*user_ids, *names}), said) for file in files)
    generations, pending = _finish(workspace)
    remaining = tuple(_search(workspace, user_ids)) if not pending else ()
    return Forgotten(rows, generations, lines, pending, remaining)


def finish(workspace: Path) -> tuple[str, ...]:
    """Try again what is pending from earlier; what still is."""
    entries = _entries(workspace)
    if not any(entry["pending"] for entry in entries):
        return ()
    return _finish(workspace)[1]


def without_forgotten(log: InteractionLog, workspace: Path) -> InteractionLog:
    """The log without the people who were forgotten in this workspace."""
    entries = _entries(workspace)
    if not entries:
        return log
    key = LocalKey.of(workspace)
    marks = {entry["id"] for entry in entries}
    kept = np.array([key.mark(user) not in marks for user in log.user_ids], dtype=np.bool_)
    if kept.all():
        return log
    lengths = np.diff(log.indptr)
    events = np.repeat(kept, lengths)
    return InteractionLog(
        user_ids=tuple(user for user, stays in zip(log.user_ids, kept, strict=True) if stays),
        indptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths[kept])]),
        items=log.items[events],
        values=log.values[events],
        timestamps=log.timestamps[events],
        events=log.events[events],
        event_names=log.event_names,
    )


def _finish(workspace: Path) -> tuple[int, tuple[str, ...]]:
    pending = set()
    changed = 0
    if not _compact(workspace / USERS):
        pending.add(USERS)
    try:
        with Workspace(workspace).lock():
            changed = sum(_rewrite(folder, workspace) for folder in _generations(workspace))
    except WorkspaceLockedError:
        pending.add(GENERATIONS)
    _note(workspace, [], pending)
    return changed, tuple(sorted(pending))


def _entries(workspace: Path) -> list[dict[str, Any]]:
    file = workspace / FORGOTTEN
    try:
        found = json.loads(file.read_text(encoding="utf-8"))["people"]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProfileError(f"{file} cannot be read ({error}); restore it, or forget the people anew.") from error
    return [dict(entry) for entry in found]


def _note(workspace: Path, marks: list[str], pending: set[str]) -> None:
    """Write who is forgotten, and what of all of them is still to do."""
    entries = {entry["id"]: entry for entry in _entries(workspace)}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    for mark in marks:
        entries[mark] = {"id": mark, "time": now, "pending": sorted(pending)}
    for entry in entries.values():
        entry["pending"] = sorted(pending) if entry["pending"] else []
    file = workspace / FORGOTTEN
    draft = file.with_suffix(".tmp")
    try:
        with draft.open("w", encoding="utf-8") as stream:
            json.dump({"version": 1, "people": list(entries.values())}, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except OSError as error:
        raise ProfileError(f"{file} cannot be written ({error.strerror}); nothing was removed.") from error


def _own_words(database: Path, user_ids: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(ids of the person's conversations, what they said that is long enough to be theirs)."""
    if not database.exists():
        return (), ()
    own = f"user_id IN ({','.join('?' * len(user_ids))})"
    with _opened(database) as connection:
        sessions = connection.execute(f"SELECT id FROM sessions WHERE {own}", user_ids).fetchall()  # noqa: S608
        in_sessions = f"session_id IN (SELECT id FROM sessions WHERE {own})"  # noqa: S608
        said = connection.execute(
            f"SELECT message FROM turns WHERE {in_sessions} UNION SELECT words FROM preferences WHERE {own}",  # noqa: S608
            (*user_ids, *user_ids),
        ).fetchall()
    return tuple(row[0] for row in sessions), tuple(row[0] for row in said if len(row[0]) >= TELLING)


def _delete_rows(database: Path, user_ids: tuple[str, ...]) -> int:
    """Delete the person's rows, each page overwritten."""
    if not database.exists():
        return 0
    removed = 0
    marks = ",".join("?" * len(user_ids))
    own = f"WHERE user_id IN ({marks})"
    with _opened(database) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        try:
            with connection:
                in_sessions = f"WHERE session_id IN (SELECT id FROM sessions {own})"  # noqa: S608
                for table, where in (
                    ("turns", in_sessions),
                    ("sessions", own),
                    ("feedback", own),
                    ("preferences", own),
                ):
                    removed += connection.execute(f"DELETE FROM {table} {where}", user_ids).rowcount  # noqa: S608
        except sqlite3.Error as error:
            raise ProfileError(f"{database} cannot be changed ({error}); close what uses it and try again.") from error
    return removed


def _compact(database: Path) -> bool:
    """Rewrite the database without its free pages and empty its log; False while another process reads."""
    if not database.exists():
        return True
    with _opened(database) as connection:
        connection.isolation_level = None
        connection.execute("PRAGMA temp_store=MEMORY")
        try:
            connection.execute("VACUUM")
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError:
            return False
    return not busy


def _opened(database: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(database, timeout=BUSY_S))


def _generations(workspace: Path) -> Iterator[Path]:
    folder = workspace / GENERATIONS
    if folder.is_dir():
        yield from (entry for entry in sorted(folder.iterdir()) if (entry / INTERACTIONS).is_file())


def _rewrite(folder: Path, workspace: Path) -> bool:
    """Take the forgotten out of one generation's log; whether anything was in it.

    The digest of the log's part is set aside, so that the next build learns its models anew. A manifest that does not
    fit its log, because the machine stopped between the two, is put right.
    """
    import polars as pl

    file = folder / INTERACTIONS
    frame = pl.read_parquet(file)
    key = LocalKey.of(workspace)
    marks = {entry["id"] for entry in _entries(workspace)}
    gone = [user for user in frame["user_id"].unique().to_list() if key.mark(user) in marks]
    kept = frame.filter(~pl.col("user_id").is_in(gone))
    if gone:
        draft = file.with_suffix(".tmp")
        kept.write_parquet(draft)
        draft.replace(file)
    manifest_file = folder / MANIFEST
    if not manifest_file.exists():
        return bool(gone)
    manifest = Manifest.model_validate_json(manifest_file.read_bytes())
    record = FileRecord(size=file.stat().st_size, sha256=file_digest(file))
    if manifest.files.get(INTERACTIONS) != record:
        changed = manifest.model_copy(
            update={
                "interactions": kept.height,
                "users": kept["user_id"].n_unique(),
                "parts": {**manifest.parts, "interactions": _CHANGED},
                "files": {**manifest.files, INTERACTIONS: record},
            }
        )
        manifest_draft = manifest_file.with_suffix(".tmp")
        manifest_draft.write_text(changed.model_dump_json(indent=1), encoding="utf-8")
        manifest_draft.replace(manifest_file)
    return bool(gone)


def _line_files(workspace: Path) -> Iterator[Path]:
    for file in sorted(workspace.rglob("*")):
        if file.suffix.casefold() in LINE_FILES and file.is_file():
            yield file


def _drop_lines(file: Path, words: frozenset[str], said: tuple[str, ...]) -> int:
    """Take out of a file the lines that name one of these ids, or hold something that was said."""
    names = _naming(words)
    held = [form.encode() for text in said for form in (_as_json(text), json.dumps(text, ensure_ascii=False)[1:-1])]
    lines = file.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not names(line) and not any(text in line for text in held)]
    if len(kept) < len(lines):
        draft = file.with_name(f".{file.name}.tmp")
        draft.write_bytes(b"".join(kept))
        draft.replace(file)
    return len(lines) - len(kept)


def _naming(words: frozenset[str]) -> Callable[[bytes], bool]:
    """Whether bytes hold one of these words as a whole word."""
    escaped = "|".join(re.escape(form) for word in sorted(words) for form in dict.fromkeys((word, _as_json(word))))
    pattern = re.compile(rf"(?<![\w-])(?:{escaped})(?![\w-])".encode())
    return lambda data: pattern.search(data) is not None


def _as_json(word: str) -> str:
    return json.dumps(word)[1:-1]


def _search(workspace: Path, user_ids: tuple[str, ...]) -> Iterator[str]:
    """Files in which an id still stands."""
    wanted = frozenset(u for u in user_ids if len(u) >= SCANNED_ID and not u.isdigit())
    if not wanted:
        return
    names = _naming(wanted)
    for file in sorted(workspace.rglob("*")):
        if file.is_file() and names(file.read_bytes()):
            yield str(file.relative_to(workspace))
