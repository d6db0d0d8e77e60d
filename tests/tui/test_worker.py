"""The worker process over a real workspace: every call, a crash, and the whole app on top of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from convrec.agent.types import Done, Event
from convrec.retrieval.request import RequestEdit
from convrec.tui.app import ConvrecApp
from convrec.tui.backend import WorkerBackend
from convrec.tui.errors import WorkerCrashedError, WorkerFailureError
from convrec.tui.screen_why import WhyScreen
from tests.conftest import DATA
from tests.tui.driving import say, settle, until, visible_text

HASHING = {"CONVREC_RETRIEVAL__EMBEDDING__PROVIDER": "hashing"}


@pytest.fixture(autouse=True)
def _hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in HASHING.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def backend() -> AsyncIterator[WorkerBackend]:
    lines: list[str] = []
    client = WorkerBackend(log=lambda _source, text: lines.append(text))
    yield client
    await client.stop()
    assert client.pid is None
    assert not [text for text in lines if "Traceback" in text], lines


async def _all(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


def _done(events: list[Event]) -> Done:
    last = events[-1]
    assert isinstance(last, Done)
    return last


async def test_a_conversation_and_everything_around_it(
    backend: WorkerBackend, film_workspace: Path, tmp_path: Path
) -> None:
    place = str(film_workspace)
    opened = await backend.open(place, "u1", None)
    assert opened.catalogue.count == 36
    assert opened.people == 40
    assert opened.suggestions
    await backend.warm()

    events = await _all(backend.send("a comedy"))
    assert [event.type for event in events[:3]] == ["understood", "recalled", "ranked"]
    reply = _done(events).reply
    assert reply.items
    first, second = reply.items[0], reply.items[1]
    assert [event.item.id for event in events if event.type == "item"] == [item.id for item in reply.items]

    told = await backend.explain(first.id)
    assert {term.term: term.value for term in told.terms} == pytest.approx(first.breakdown)
    assert all(term.meaning for term in told.terms)
    assert told.record.title == first.title
    assert told.neighbours
    assert told.neighbours == tuple(sorted(told.neighbours, key=lambda near: -near.similarity))
    assert any(change.change == "without your history" for change in told.what_if)
    assert any("Comedy" in change.change for change in told.what_if)

    sides = await backend.compare([first.id, second.id])
    assert [item.title for item in sides.items] == [first.title, second.title]
    assert {row.differs for row in sides.rows} <= {True, False}

    await backend.feedback(second.id, "dislike")
    edited = _done(await _all(backend.edit([RequestEdit(op="wish", wishes={"count": 3})]))).reply
    assert len(edited.items) == 3
    assert second.id not in [item.id for item in edited.items]
    page = await backend.history()
    assert page.entries[0].id == second.id
    assert page.entries[0].kind == "dislike"
    assert any(entry.source == "log" for entry in page.entries)
    await backend.take_back(second.id, "dislike")
    await backend.rate(second.id, 5.0)
    page = await backend.history(second.title[:4])
    assert {entry.kind for entry in page.entries if entry.id == second.id and entry.source != "log"} == {"rate", "like"}
    await backend.forget_item(second.id)

    profile = await backend.profile()
    assert profile.user == "u1"
    assert profile.logged
    assert sum(profile.plots[0].counts) > 0

    begin = first.title[: max(3, len(first.title) // 2)]
    completed = await backend.complete(f"like {begin}")
    assert first.title in completed.titles
    assert completed.start == len("like ")
    assert first.id in [hit.id for hit in await backend.find(first.title)]

    session = reply.trace.session
    assert session is not None
    assert [row.id for row in await backend.sessions("comedy")] == [session]
    await backend.rename_session(session, "laughs")
    text = await backend.transcript(session, "markdown")
    assert text.startswith("# laughs")
    assert len(json.loads(await backend.transcript(session, "json"))["turns"]) == 2

    again = await backend.open(place, "u1", session)
    assert again.turns[0].message == "a comedy"
    assert again.request == edited.request
    assert (await backend.explain(first.id)).item.id == first.id
    with pytest.raises(WorkerFailureError, match="no conversation"):
        await backend.open(place, "somebody else", session)
    await backend.open(place, "u1", None)
    await backend.delete_session(session)
    assert await backend.sessions() == ()

    findings = await backend.doctor()
    assert any(found.subject == "workspace" and found.state == "ok" for found in findings)
    offline = await backend.connect("", "", "", "offline")
    assert offline.ok
    refused = await backend.connect("tiny", "http://127.0.0.1:9/v1", "k-secret", "auto")
    assert not refused.ok
    assert "k-secret" not in refused.text

    with pytest.raises(WorkerFailureError, match="no file") as failure:
        await backend.preview(str(tmp_path / "nowhere.csv"), None)
    assert failure.value.kind == "InputFileError"
    preview = await backend.preview(str(DATA / "films.csv"), None)
    assert preview.loaded == 36


async def test_lasting_wishes_are_corrected(backend: WorkerBackend, film_workspace: Path) -> None:
    await backend.open(str(film_workspace), "ann", None)
    await _all(backend.send("never show me horror"))
    await _all(backend.send("yes, always"))
    lines = (await backend.profile()).lines
    if not lines:
        pytest.fail("the wish was not kept")
    corrected = await backend.correct_preference(lines[0].id, "no musicals, never")
    assert [line.id for line in corrected.lines] != [lines[0].id]
    assert corrected.lines
    await backend.drop_preference(corrected.lines[0].id)
    assert not (await backend.profile()).lines


async def test_building_inside(backend: WorkerBackend, tmp_path: Path) -> None:
    with pytest.raises(WorkerFailureError) as failure:
        await backend.open(str(tmp_path / "new"), None, None)
    assert failure.value.kind == "WorkspaceMissingError"
    steps = [step async for step in backend.build(str(tmp_path / "new"), str(DATA / "films.csv"), None)]
    assert steps[-1].workspace == str(tmp_path / "new")
    assert all(step.done <= step.total for step in steps)
    opened = await backend.open(str(tmp_path / "new"), None, None)
    assert opened.catalogue.count == 36


async def test_cancelling_leaves_the_conversation_as_it_was(backend: WorkerBackend, film_workspace: Path) -> None:
    await backend.open(str(film_workspace), None, None)

    async def take() -> None:
        await _all(backend.send("a comedy"))

    # The models load first, so the cancel arrives before the turn begins.
    turn = asyncio.create_task(take())
    await asyncio.sleep(0.05)
    await backend.cancel()
    with pytest.raises(WorkerFailureError) as failure:
        await turn
    assert failure.value.kind == "CancelledTurnError"
    reply = _done(await _all(backend.send("a drama"))).reply
    assert reply.trace.turn == 1


async def test_a_killed_worker_is_a_message_and_starts_again(film_workspace: Path) -> None:
    app = ConvrecApp(WorkerBackend(), workspace=str(film_workspace), user="u1")
    async with app.run_test(size=(120, 50)) as pilot:
        await settle(pilot)
        await say(pilot, "a comedy")
        await until(pilot, lambda: bool(app.chat.cards.cards))
        assert isinstance(app.backend, WorkerBackend)
        assert app.chat.cards.cards
        await pilot.press("f8", "enter")
        await settle(pilot)
        assert isinstance(app.screen, WhyScreen)
        assert "Nearest in your history" in visible_text(app)
        await pilot.press("escape")
        assert app.backend.pid is not None
        os.kill(app.backend.pid, signal.SIGKILL)
        await pilot.pause(0.2)
        await say(pilot, "from the nineties")
        await until(pilot, lambda: app.turns.request is not None and len(app.turns.request.constraints) >= 2)
        assert app.turns.request is not None
        assert len(app.turns.request.constraints) >= 2, "the conversation went on where it was"
        assert app.turns.items


async def test_calls_fail_with_the_worker(backend: WorkerBackend, film_workspace: Path) -> None:
    await backend.open(str(film_workspace), None, None)

    async def take() -> None:
        await _all(backend.send("a comedy"))

    turn = asyncio.create_task(take())
    await asyncio.sleep(0.05)
    assert backend.pid is not None
    os.kill(backend.pid, signal.SIGKILL)
    with pytest.raises(WorkerCrashedError, match="stopped unexpectedly"):
        await turn
    assert (await backend.open(str(film_workspace), None, None)).catalogue.count == 36


def test_help_and_first_frame_import_nothing_heavy() -> None:
    code = (
        "import sys, convrec.tui.cli; light = set(sys.modules);"
        "import convrec.tui.app, convrec.tui.backend; app = set(sys.modules);"
        "heavy = {'torch', 'sentence_transformers', 'chromadb', 'polars', 'scipy', 'openai', 'langchain', 'plotext'};"
        "late = {'numpy', 'pydantic'};"
        "print(sorted(light & (heavy | late | {'textual'})), sorted(app & (heavy | late)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"
