"""`convrec chat --plain` and `--json`: the same conversation for pipes and scripts."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from convrec.retrieval.errors import WorkspaceMissingError
from convrec.tui.plain import converse
from tests.tui.test_worker import HASHING


def _chat(place: Path, said: str, *flags: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "convrec.agent", "chat", "--workspace", str(place), *flags]
    return subprocess.run(words, input=said, capture_output=True, text=True, env={**os.environ, **HASHING}, check=False)


def test_lines_in_and_out(film_workspace: Path) -> None:
    done = _chat(film_workspace, "a comedy\n\n/like 1\n/why 1\n/nonsense\n/more\n/quit\nnever read\n", "--user", "u1")
    assert done.returncode == 2, done.stderr
    assert "\x1b" not in done.stdout
    assert done.stdout.count("\n1. ") >= 1
    assert "Noted: like" in done.stdout
    assert "is number 1" in done.stdout
    assert "never read" not in done.stdout
    assert "no command /nonsense" in done.stderr
    assert "convrec chat --plain --session " in done.stderr


def _converse(
    place: Path, said: str, monkeypatch: pytest.MonkeyPatch, session: str | None = None, *, as_json: bool = True
) -> int:
    for name, value in HASHING.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdin", io.StringIO(said))
    return converse(str(place), "u1", session, as_json=as_json)


def test_json_is_one_line_an_answer_and_sessions_go_on(
    film_workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _converse(film_workspace, "a comedy\n", monkeypatch) == 0
    replies = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(replies) == 1
    assert {"message", "request", "items", "relaxed", "clarify", "trace"} <= set(replies[0])
    session = replies[0]["trace"]["session"]
    assert _converse(film_workspace, "from the nineties\n/like 99\n", monkeypatch, session) == 2
    told = capsys.readouterr()
    lines = [json.loads(line) for line in told.out.splitlines()]
    assert lines[0]["trace"]["turn"] == 2
    assert len(lines[0]["request"]["constraints"]) >= 2
    assert "error" in lines[1]
    assert f"--session {session}" in told.err


def test_mistakes_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WorkspaceMissingError, match="convrec build"):
        _converse(tmp_path, "hello\n", monkeypatch, as_json=False)
