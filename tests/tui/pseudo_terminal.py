"""`convrec chat` in a pseudo-terminal, timed from outside: `python -m tests.tui.pseudo_terminal WORKSPACE`."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import time
from collections.abc import Sequence

import psutil

PLACEHOLDER = "ay what you are in the mood for"
"""of the input; the cursor stands on its first letter"""


class Terminal:
    """A process with a terminal of its own; `seen` is everything that it wrote."""

    def __init__(self, words: Sequence[str], *, columns: int = 120, lines: int = 36) -> None:
        self.started = time.perf_counter()
        self.seen = b""
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execvpe(words[0], list(words), environment)
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def wait_for(self, text: str, patience: float = 60.0) -> float:
        """Seconds until the text was written since the last wait. Raises TimeoutError."""
        begun = time.perf_counter()
        wanted = text.encode()
        held = b""
        while wanted not in held:
            left = patience - (time.perf_counter() - begun)
            if left <= 0:
                raise TimeoutError(text)
            ready, _, _ = select.select([self._descriptor], [], [], left)
            if ready:
                try:
                    held += os.read(self._descriptor, 65536)
                except OSError as error:
                    raise TimeoutError(text) from error
        self.seen += held
        return time.perf_counter() - begun

    def drain(self, seconds: float) -> None:
        """Read for a while."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            ready, _, _ = select.select([self._descriptor], [], [], left)
            if ready:
                self.seen += os.read(self._descriptor, 65536)

    def write(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def memory(self) -> int:
        """Bytes that the app itself holds, without its child process."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def end(self) -> None:
        """Kill it, with its child."""
        try:
            children = psutil.Process(self.pid).children(recursive=True)
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            for child in children:
                child.wait(5)
        except (ProcessLookupError, psutil.Error):
            pass
        os.close(self._descriptor)


def chat(place: str, *flags: str, **size: int) -> Terminal:
    """The chat over a workspace."""
    words = [sys.executable, "-m", "convrec.agent", "chat", "--workspace", place, *flags]
    return Terminal(words, **size)


def echoes(terminal: Terminal, count: int) -> list[float]:
    """Seconds from each of some keys to its echo."""
    times = []
    for step in range(count):
        key = "abcdefghij"[step % 10]
        terminal.drain(0.03)
        terminal.write(key)
        times.append(terminal.wait_for(key, 10))
    return times


def _told(name: str, times: Sequence[float]) -> str:
    ordered = sorted(times)
    high = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return f"{name}: p50 {statistics.median(ordered) * 1000:.0f} ms, p95 {high * 1000:.0f} ms (n={len(ordered)})"


def measure(place: str, repeats: int = 10) -> None:
    """Print first paint, echo while the models load and after, an offline turn, and the app's memory."""
    paints = []
    for _ in range(repeats):
        terminal = chat(place)
        paints.append(terminal.wait_for(PLACEHOLDER))
        terminal.end()
    print(_told("first paint", paints))
    terminal = chat(place)
    terminal.wait_for(PLACEHOLDER)
    print(_told("echo while loading", echoes(terminal, 20)))
    terminal.wait_for("ready")
    print(f"ready after {time.perf_counter() - terminal.started:.1f} s")
    print(_told("echo", echoes(terminal, 20)))
    terminal.write("\x01\x0b" * 2 + "\x7f" * 50)
    terminal.drain(0.5)
    turns = []
    for message in ("a comedy", "from the nineties", "something else", "a drama instead", "more"):
        terminal.write(message)
        terminal.drain(0.5)
        begun = time.perf_counter()
        terminal.write("\r")
        terminal.wait_for("ranked")
        turns.append(time.perf_counter() - begun)
        terminal.drain(1.0)
    print(_told("a turn until its list", turns))
    print(f"memory of the app: {terminal.memory() / 2**20:.0f} MB")
    terminal.end()


if __name__ == "__main__":
    measure(sys.argv[1])
