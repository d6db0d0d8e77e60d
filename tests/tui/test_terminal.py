"""The installed command in a real terminal (tmux) and in a browser, over a real small workspace."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.tui.pseudo_terminal import PLACEHOLDER, chat, echoes
from tests.tui.test_worker import HASHING

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)


class Tmux:
    """A tmux server of one's own with one window."""

    def __init__(self, name: str, folder: Path) -> None:
        self._base = ["tmux", "-L", name, "-f", "/dev/null"]
        self._folder = folder

    def run(self, *words: str) -> str:
        done = subprocess.run([*self._base, *words], capture_output=True, text=True, check=True)
        return done.stdout

    def start(self, command: str, columns: int, lines: int) -> None:
        # A size in the environment, which test runners set, would count more than that of the window.
        shell = f"unset COLUMNS LINES; cd {shlex.quote(str(self._folder))}; {command}; echo ENDED with $?; exec cat"
        self.run("new-session", "-d", "-x", str(columns), "-y", str(lines), "sh", "-c", shell)

    def screen(self) -> str:
        return self.run("capture-pane", "-p")

    def wait_for(self, pattern: str, patience: float = 60.0) -> str:
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if re.search(pattern, shown := self.screen()):
                return shown
            time.sleep(0.05)
        raise AssertionError(f"{pattern!r} never came:\n{self.screen()}")

    def say(self, text: str) -> None:
        self.run("send-keys", "-l", text)
        self.run("send-keys", "Enter")

    def keys(self, *names: str) -> None:
        self.run("send-keys", *names)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    server = Tmux(f"convrec-test-{os.getpid()}", tmp_path)
    yield server
    subprocess.run([*server._base, "kill-server"], capture_output=True, check=False)


@pytest.fixture(autouse=True)
def _hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in HASHING.items():
        monkeypatch.setenv(name, value)


def _command(place: Path, *flags: str) -> str:
    return shlex.join([sys.executable, "-m", "convrec.agent", "chat", "--workspace", str(place), *flags])


@pytest.mark.slow
def test_three_turns_resize_kill_and_resume(tmux: Tmux, film_workspace: Path) -> None:
    tmux.start(_command(film_workspace, "--user", "u1"), 120, 36)
    tmux.wait_for(PLACEHOLDER)
    tmux.say("a comedy")
    tmux.wait_for(r"(?s)● Comedy ×.*ready")
    tmux.say("from the nineties")
    shown = tmux.wait_for(r"● Comedy ×.*● .*199")
    assert re.search(r"\n[^\n]* 1  \w", shown)
    tmux.say("why 1?")
    tmux.wait_for("is number 1")
    tmux.run("resize-window", "-x", "50", "-y", "16")
    narrow = tmux.wait_for(r"(?m)^.{0,50}$")
    assert all(len(row) <= 50 for row in narrow.split("\n"))
    tmux.run("resize-window", "-x", "130", "-y", "40")
    tmux.wait_for("F1 help")

    pane = psutil.Process(int(tmux.run("list-panes", "-F", "#{pane_pid}").strip()))
    app = next(own for own in pane.children(recursive=True) if "worker" not in " ".join(own.cmdline()))
    children = app.children(recursive=True)
    os.kill(app.pid, signal.SIGKILL)
    tmux.wait_for("ENDED with 137")
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive, "the worker outlives the app"

    tmux.run("kill-server")
    listed = subprocess.run(
        [sys.executable, "-c", _LAST_SESSION, str(film_workspace)], capture_output=True, text=True, check=True
    )
    session = listed.stdout.strip()
    tmux.start(_command(film_workspace, "--user", "u1", "--session", session), 120, 36)
    shown = tmux.wait_for(r"is number 1")
    assert "from the nineties" in shown
    tmux.keys("C-q")
    ended = tmux.wait_for("ENDED with 0")
    assert f"--session {session}" in ended.replace("\n", "")


_LAST_SESSION = """
import sys
from pathlib import Path
from convrec.agent.people import PeopleStore
print(PeopleStore(Path(sys.argv[1]) / "users.sqlite").sessions("u1")[0].id)
"""


@pytest.mark.slow
def test_the_app_is_quick_and_small(film_workspace: Path) -> None:
    terminal = chat(str(film_workspace))
    try:
        # Generous: the machine of a test run may be busy. `python -m tests.tui.pseudo_terminal` measures.
        assert terminal.wait_for(PLACEHOLDER) < 10
        assert sorted(echoes(terminal, 10))[5] < 0.25
        terminal.wait_for("ready")
        assert terminal.memory() < 120 * 2**20
    finally:
        terminal.end()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")
def test_the_browser_shows_a_list(film_workspace: Path, tmp_path: Path) -> None:
    from tests.tui.browser import Page

    port = _free_port()
    words = shlex.split(_command(film_workspace, "--user", "u1", "--web", "--port", str(port)))
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **HASHING})
    try:
        _until_open(port)
        listening = {c.laddr.ip for c in psutil.Process(server.pid).net_connections() if c.status == psutil.CONN_LISTEN}
        assert listening <= {"127.0.0.1", "::1"}
        with Page(CHROMIUM, tmp_path / "profile", f"http://localhost:{port}") as page:
            page.wait_for("Say what you are in the mood for")
            page.click(300, 300)
            page.write("a comedy\r")
            page.wait_for(r"● Comedy ×")
            page.wait_for(r"\w \(\d{4}\)")
    finally:
        server.terminate()
        server.wait(10)


def _until_open(port: int, patience: float = 30.0) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server does not listen")
