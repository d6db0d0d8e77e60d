"""A page in headless Chromium, driven over its debugging protocol."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import struct
import subprocess
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlparse


class Page:
    """One tab. The terminal is a canvas, so its text is read out of what the page received and drew."""

    def __init__(self, chromium: str, profile: Path, address: str) -> None:
        self._process = subprocess.Popen(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--remote-debugging-port=0",
                f"--user-data-dir={profile}",
                "--window-size=1400,900",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port_file = profile / "DevToolsActivePort"
        _until(lambda: port_file.is_file() and bool(port_file.read_text("utf-8").strip()), "Chromium does not start")
        port = int(port_file.read_text("utf-8").splitlines()[0])
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            target = next(entry for entry in json.load(answer) if entry["type"] == "page")
        self._socket = _WebSocket(target["webSocketDebuggerUrl"])
        self._next = 0
        self.received = ""
        self._call("Network.enable")
        self._call("Page.enable")
        self._call("Page.navigate", url=address)

    def __enter__(self) -> Page:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(10)

    def click(self, x: int, y: int) -> None:
        """Click at a place of the page."""
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def write(self, text: str) -> None:
        """Type into the page's terminal."""
        for character in text:
            enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13} if character == "\r" else {}
            self._call("Input.dispatchKeyEvent", **{"type": "keyDown", "text": character, "key": character, **enter})
            self._call("Input.dispatchKeyEvent", **{"type": "keyUp", "key": character, **enter})

    def wait_for(self, pattern: str, patience: float = 60.0) -> None:
        """Wait until the page received text like this."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            self._call("Runtime.evaluate", expression="1")
            if re.search(pattern, self.received):
                return
            time.sleep(0.1)
        raise AssertionError(f"{pattern!r} never came: {self.received[-2000:]!r}")

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._next += 1
        self._socket.send(json.dumps({"id": self._next, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.receive())
            if message.get("id") == self._next:
                return dict(message.get("result", {}))
            if message.get("method") == "Network.webSocketFrameReceived":
                frame = message["params"]["response"]
                raw = base64.b64decode(frame["payloadData"]) if frame["opcode"] == 2 else frame["payloadData"].encode()
                self.received += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", raw.decode("utf-8", "replace"))


class _WebSocket:
    """The little of RFC 6455 that the debugging protocol needs."""

    def __init__(self, address: str) -> None:
        parts = urlparse(address)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80))
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self._socket.sendall(request.encode())
        self._stream = self._socket.makefile("rb")
        while self._stream.readline().strip():
            pass

    def send(self, text: str) -> None:
        data = text.encode()
        mask = os.urandom(4)
        size = len(data)
        if size < 126:
            head = struct.pack("!BB", 0x81, 0x80 | size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 0x81, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x81, 0x80 | 127, size)
        self._socket.sendall(head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(data)))

    def receive(self) -> str:
        data = b""
        while True:
            first, second = self._stream.read(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", self._stream.read(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", self._stream.read(8))
            data += self._stream.read(size)
            if first & 0x80:
                return data.decode()

    def close(self) -> None:
        self._socket.close()


def _until(check: Any, complaint: str, patience: float = 30.0) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.1)
    raise AssertionError(complaint)
