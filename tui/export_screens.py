"""Pictures of the app over a real workspace, for the README: `python -m convrec.tui.export_screens WORKSPACE FOLDER`.

Each scene is written as SVG in the dark and the light theme; the steps of one turn become an animated SVG.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from textual.pilot import Pilot

from convrec.tui.app import ConvrecApp
from convrec.tui.backend import WorkerBackend
from convrec.tui.theme import DARK, LIGHT

SIZE = (120, 36)
PATIENCE_S = 120.0
FRAME_S = 1.6
"""seconds that each frame of the cast is shown"""
FIRST = "Something funny about con artists"
SECOND = "From the eighties or later please, and under 110 minutes"

Scene = Callable[[Pilot[None]], Awaitable[None]]


async def _until(check: Callable[[], bool], pilot: Pilot[None]) -> None:
    for _ in range(int(PATIENCE_S / 0.05)):
        await pilot.pause(0.05)
        if check():
            await pilot.pause(0.3)
            return
    raise TimeoutError(f"the app did not get there: {_app(pilot).chat.conversation.texts()}")


async def _until_ready(pilot: Pilot[None]) -> None:
    app = _app(pilot)
    await _until(lambda: app.chat.status.status.engine == "ready", pilot)


def _app(pilot: Pilot[None]) -> ConvrecApp:
    app = pilot.app
    if not isinstance(app, ConvrecApp):
        raise TypeError("not convrec's app")
    return app


async def say(pilot: Pilot[None], text: str) -> None:
    """Send a message and wait for its answer."""
    app = _app(pilot)
    taken = app.turns.taken
    app.chat.go_to_input()
    app.chat.composer.put(text)
    await pilot.press("enter")
    await _until(lambda: app.turns.taken > taken and not app.turns.running, pilot)


async def _list(pilot: Pilot[None]) -> None:
    await say(pilot, FIRST)
    await say(pilot, SECOND)
    await pilot.press("f8")
    await pilot.pause(0.3)


async def _key(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause(1.5)


async def _why(pilot: Pilot[None]) -> None:
    await _list(pilot)
    await _key(pilot, "enter")


async def _compare(pilot: Pilot[None]) -> None:
    await _list(pilot)
    await _key(pilot, "c", "down", "c", "down", "c", "C")
    _app(pilot).clear_notifications()
    await pilot.pause(0.3)


async def _profile(pilot: Pilot[None]) -> None:
    await say(pilot, FIRST)
    await _key(pilot, "f3")


SCENES: dict[str, Scene] = {"chat": _list, "why": _why, "compare": _compare, "profile": _profile}


async def export(workspace: str, folder: Path, user: str | None) -> list[Path]:
    """Write all pictures; their paths."""
    written = []
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    for name, scene in SCENES.items():
        for theme in (DARK, LIGHT):
            app = ConvrecApp(WorkerBackend(), workspace=workspace, user=user, theme=theme.name)
            async with app.run_test(size=SIZE) as pilot:
                await _until_ready(pilot)
                await scene(pilot)
                path = folder / f"{name}-{'dark' if theme.dark else 'light'}.svg"
                await asyncio.to_thread(path.write_text, app.export_screenshot(title="convrec chat"), "utf-8")
                written.append(path)
    cast = folder / "cast.svg"
    await asyncio.to_thread(cast.write_text, animated(await _frames(workspace, user)), "utf-8")
    return [*written, cast]


async def _frames(workspace: str, user: str | None) -> list[str]:
    """The frames of a short conversation."""
    app = ConvrecApp(WorkerBackend(), workspace=workspace, user=user)
    frames = []
    async with app.run_test(size=(110, 32)) as pilot:
        await _until_ready(pilot)

        def shot() -> None:
            frames.append(app.export_screenshot(title="convrec chat"))

        shot()
        for message in (FIRST, SECOND):
            app.chat.composer.put(message)
            await pilot.pause(0.1)
            shot()
            await say(pilot, message)
            shot()
        await _key(pilot, "f8", "down", "l")
        shot()
        _app(pilot).clear_notifications()
        await _key(pilot, "enter")
        shot()
        await pilot.press("escape")
        await pilot.press("ctrl+t", "space")
        await _until(lambda: not app.turns.running, pilot)
        await pilot.pause(0.5)
        shot()
    return frames


def animated(frames: Sequence[str]) -> str:
    """One SVG that shows frames after each other, for ever."""
    total = FRAME_S * len(frames)
    first = re.search(r'viewBox="([^"]+)"', frames[0])
    box = first.group(1) if first else "0 0 1400 900"
    share = 100 / len(frames)
    rules = [
        f".frame {{ visibility: hidden; animation: show {total:.1f}s steps(1, end) infinite; }}",
        f"@keyframes show {{ 0% {{ visibility: visible; }} {share:.3f}% {{ visibility: hidden; }} }}",
    ]
    parts = []
    for place, frame in enumerate(frames):
        own = re.sub(r"terminal-(\d+)", rf"frame{place}-\1", frame)
        own = re.sub(r"@font-face\s*{[^}]*}", "", own) if place else own
        parts.append(f'<g class="frame" style="animation-delay: {place * FRAME_S:.1f}s">{own}</g>')
    style = " ".join(rules)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"><style>{style}</style>'
    return f"{head}{''.join(parts)}</svg>"


def main() -> None:
    """Entry point of the script: workspace, folder, and optionally a user."""
    place, folder, *user = sys.argv[1:]
    for path in asyncio.run(export(place, Path(folder), user[0] if user else None)):
        print(path)


if __name__ == "__main__":
    main()
