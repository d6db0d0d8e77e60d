"""How the tests drive the app: wait until nothing moves, say something, read what stands on the screen."""

from __future__ import annotations

import time
from collections.abc import Callable

from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from convrec.tui.app import ConvrecApp
from tests.tui.recorded import RecordedBackend

SCI_FI = "funny science fiction from the eighties"


def recorded_app(*, user: str | None = "42", theme: str = "convrec-dark", session: str | None = None) -> ConvrecApp:
    """The app over recorded answers."""
    return ConvrecApp(RecordedBackend(), user=user, theme=theme, session=session)


def backend_of(app: ConvrecApp) -> RecordedBackend:
    assert isinstance(app.backend, RecordedBackend)
    return app.backend


async def settle(pilot: Pilot[None]) -> None:
    """Wait until messages, turns and loads are done; cursors stop blinking, so that pictures are the same."""
    app = pilot.app
    assert isinstance(app, ConvrecApp)
    for _ in range(3):
        await pilot.pause()
    for _ in range(200):
        working = [w for w in app.workers if w.group != "turns" and w.is_running]
        if not working and not app.turns.running:
            break
        await pilot.pause(0.01)
    await pilot.pause()
    for screen in app.screen_stack:
        for field in screen.query("Input, TextArea"):
            if isinstance(field, Input | TextArea):
                field.cursor_blink = False
    await pilot.pause()


async def until(pilot: Pilot[None], met: Callable[[], bool]) -> None:
    """Wait up to a minute for what a real worker does, which may have to start first; then settle."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not met():
        await pilot.pause(0.05)
    await settle(pilot)


async def say(pilot: Pilot[None], text: str) -> None:
    """Write a message and send it."""
    app = pilot.app
    assert isinstance(app, ConvrecApp)
    app.chat.go_to_input()
    app.chat.composer.put(text)
    await pilot.press("enter")
    await settle(pilot)


def toasts(app: ConvrecApp) -> list[str]:
    """What the toasts say."""
    return [str(notification.message) for notification in app._notifications]


def visible_text(app: ConvrecApp) -> str:
    """All characters on the screen, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips)
