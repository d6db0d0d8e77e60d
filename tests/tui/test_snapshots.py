"""Pictures of every screen, compared with accepted ones. `pytest --snapshot-update` accepts new ones."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from convrec.tui.app import ConvrecApp
from tests.tui.driving import SCI_FI, backend_of, recorded_app, say, settle

Steps = Callable[[Pilot[None]], Awaitable[None]]
WIDE, USUAL, TINY = (120, 36), (80, 24), (40, 15)


@pytest.fixture(autouse=True)
def _same_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def _keys(*keys: str, message: str | None = SCI_FI) -> Steps:
    async def steps(pilot: Pilot[None]) -> None:
        await settle(pilot)
        if message is not None:
            await say(pilot, message)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)

    return steps


def _app(pilot: Pilot[None]) -> ConvrecApp:
    assert isinstance(pilot.app, ConvrecApp)
    return pilot.app


async def _second_list(pilot: Pilot[None]) -> None:
    await _keys("f8", "l", "down", "s")(pilot)
    await say(pilot, "/more")
    _app(pilot).clear_notifications()
    await settle(pilot)


async def _compare(pilot: Pilot[None]) -> None:
    await _keys()(pilot)
    await say(pilot, "/compare 1 4 6")


async def _settings(pilot: Pilot[None]) -> None:
    await _keys("f6", message=None)(pilot)
    pilot.app.screen.query_one("#model", Input).value = "llama3.2"
    await pilot.press("enter")
    await settle(pilot)


async def _own_file(pilot: Pilot[None]) -> None:
    await settle(pilot)
    await pilot.press("down", "space")
    pilot.app.screen.query_one("#items", Input).value = "films.csv"
    await pilot.press("enter")
    await settle(pilot)


async def _clarify(pilot: Pilot[None]) -> None:
    backend_of(_app(pilot)).clarify = True
    await _keys()(pilot)


async def _nothing_fits(pilot: Pilot[None]) -> None:
    backend_of(_app(pilot)).empty = True
    await _keys()(pilot)


async def _crash(pilot: Pilot[None]) -> None:
    backend_of(_app(pilot)).crash = True
    await _keys()(pilot)


async def _titles(pilot: Pilot[None]) -> None:
    await settle(pilot)
    _app(pilot).chat.composer.put("like s")
    await pilot.press("tab")
    await settle(pilot)


SCENES: dict[str, tuple[tuple[int, int], Steps]] = {
    "empty": (WIDE, _keys(message=None)),
    "list": (WIDE, _keys("f8")),
    "second_list": (WIDE, _second_list),
    "question": (WIDE, _clarify),
    "nothing_fits": (WIDE, _nothing_fits),
    "crash": (WIDE, _crash),
    "commands": (WIDE, _keys("/")),
    "titles": (WIDE, _titles),
    "why": (WIDE, _keys("f8", "enter")),
    "compare": (WIDE, _compare),
    "profile": (WIDE, _keys("f3")),
    "history": (WIDE, _keys("f4")),
    "sessions": (WIDE, _keys("f5")),
    "settings": (WIDE, _settings),
    "help": (WIDE, _keys("f1")),
    "search": (WIDE, _keys("ctrl+r")),
    "edit_range": (WIDE, _keys("ctrl+t", "right", "enter")),
    "usual_list": (USUAL, _keys("f8")),
    "rename": (USUAL, _keys("f5", "r", message=None)),
    "tiny_list": (TINY, _keys("f8")),
    "tiny_compare": (TINY, _compare),
}


@pytest.mark.parametrize("scene", SCENES)
def test_screen(scene: str, snap_compare: Any) -> None:
    size, steps = SCENES[scene]
    assert snap_compare(recorded_app(), terminal_size=size, run_before=steps)


def test_light_list(snap_compare: Any) -> None:
    assert snap_compare(recorded_app(theme="convrec-light"), terminal_size=WIDE, run_before=_keys("f8"))


@pytest.mark.parametrize("own", [False, True], ids=["starter", "own_file"])
def test_first_start(own: bool, snap_compare: Any) -> None:
    app = recorded_app()
    backend_of(app).missing = True
    steps = _own_file if own else _keys(message=None)
    assert snap_compare(app, terminal_size=WIDE, run_before=steps)


def test_pictures_know_no_machine() -> None:
    pictures = list((Path(__file__).parent / "__snapshots__").rglob("*.*"))
    assert len(pictures) >= len(SCENES)
    for picture in pictures:
        text = picture.read_text("utf-8")
        assert not re.search(r"/(home|root|tmp|work)/", text), picture.name
