"""A real HTTP endpoint on loopback that speaks the chat completions protocol, and fails in every way on command."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = str | list[tuple[str, dict[str, Any]]]
"""what a call is answered with: text, or tool calls"""

FAULTS = (
    "timeout",
    "refused",
    "401",
    "404",
    "429",
    "500",
    "503",
    "redirect",
    "html",
    "truncated",
    "empty choices",
    "null content",
    "refusal",
    "overflow",
    "tool loop",
    "wrong tool",
    "endless",
    "cut",
    "nonsense",
)
_STATUS = {
    "401": (401, "Incorrect API key provided", "invalid_api_key"),
    "404": (404, "The model does not exist", "model_not_found"),
    "429": (429, "Rate limit reached", "rate_limit_exceeded"),
    "500": (500, "The server had an error", "server_error"),
    "503": (503, "Overloaded", "overloaded"),
    "overflow": (400, "This model's maximum context length is 8192 tokens", "context_length_exceeded"),
}


class Endpoint:
    """Answers calls by `answer`, save those that `fault` names; `bodies` holds what was asked."""

    def __init__(self, answer: Callable[[dict[str, Any]], Answer]) -> None:
        self.answer = answer
        self.fault: Callable[[int], str | None] = lambda _: None
        self.bodies: list[dict[str, Any]] = []
        self.closed_early = threading.Event()
        self.url = ""
        self.stop = threading.Event()

    @property
    def calls(self) -> int:
        return len(self.bodies)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what the tests are about."""


def _handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            number = endpoint.calls
            endpoint.bodies.append(body)
            fault = endpoint.fault(number)
            self.streaming = bool(body.get("stream"))
            try:
                self._play(body, fault)
            except (BrokenPipeError, ConnectionResetError):
                endpoint.closed_early.set()

        def _play(self, body: dict[str, Any], fault: str | None) -> None:
            if fault == "timeout":
                endpoint.stop.wait(4)
            elif fault == "refused":
                self.connection.shutdown(socket.SHUT_RDWR)
            elif fault in _STATUS:
                status, message, code = _STATUS[fault]
                error = {"error": {"message": message, "type": code, "code": code, "param": None}}
                self._send(status, json.dumps(error), {"Retry-After": "0.1"} if status == 429 else {})
            elif fault == "redirect":
                self._send(307, "", {"Location": "http://127.0.0.1:9/elsewhere"})
            elif fault == "html":
                self._send(200, "<html><body>Sign in</body></html>", {}, "text/html")
            elif fault == "truncated":
                self._send(200, '{"id": "x", "choices": [{"mess', {}) if not self.streaming else self._stream(
                    ['{"act": "ask", "constr'], finish="length"
                )
            elif fault == "empty choices":
                self._stream_raw([{"choices": []}])
            elif fault == "null content":
                self._stream_raw([{"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]}])
            elif fault == "refusal":
                self._stream_raw([{"choices": [{"index": 0, "delta": {"refusal": "I cannot help with that."}}]}])
            elif fault == "tool loop":
                self._answer([("search_catalogue", {"query": "anything"})])
            elif fault == "wrong tool":
                self._answer([("format_disk", {"path": "/"})])
            elif fault == "endless":
                self._endless()
            elif fault == "cut":
                self._stream(['{"message": "Here you are. And m'], cut=True)
            elif fault == "nonsense":
                self._answer("Ahoy! { not json at all")
            else:
                self._answer(endpoint.answer(body))

        def _send(self, status: int, text: str, headers: dict[str, str], kind: str = "application/json") -> None:
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def _answer(self, answer: Answer) -> None:
            if isinstance(answer, str):
                self._stream([answer[i : i + 20] for i in range(0, len(answer), 20)])
                return
            calls = [
                {
                    "index": number,
                    "id": f"call_{number}_{endpoint.calls}",
                    "type": "function",
                    "function": {"name": name, "arguments": json.dumps(arguments)},
                }
                for number, (name, arguments) in enumerate(answer)
            ]
            delta = {"role": "assistant", "content": None, "tool_calls": calls}
            self._stream_raw(
                [
                    {"choices": [{"index": 0, "delta": delta}]},
                    {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
                ]
            )

        def _stream(self, texts: list[str], *, finish: str = "stop", cut: bool = False) -> None:
            chunks: list[dict[str, Any]] = [
                {"choices": [{"index": 0, "delta": {"role": "assistant", "content": text}}]} for text in texts
            ]
            if not cut:
                chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
                usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
                chunks.append({"choices": [], "usage": usage})
            self._stream_raw(chunks, cut=cut)

        def _stream_raw(self, chunks: list[dict[str, Any]], *, cut: bool = False) -> None:
            if not self.streaming:
                text = json.dumps(_whole(chunks))
                if cut:
                    self._hang_up_after(text[: len(text) // 2], len(text))
                else:
                    self._send(200, text, {})
                return
            self._begin_stream()
            for chunk in chunks:
                self._event(chunk)
            if cut:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self._chunk(b"data: [DONE]\n\n")
            self._chunk(b"")

        def _hang_up_after(self, text: str, announced: int) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(announced))
            self.end_headers()
            self.wfile.write(text.encode())
            self.connection.shutdown(socket.SHUT_RDWR)

        def _endless(self) -> None:
            self._begin_stream()
            while not endpoint.stop.is_set():
                if self.streaming:
                    self._event({"choices": [{"index": 0, "delta": {"content": "and on "}}]})
                else:
                    self._chunk(b" ")
                time.sleep(0.005)

        def _begin_stream(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()

        def _event(self, chunk: dict[str, Any]) -> None:
            whole = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "scripted", **chunk}
            self._chunk(f"data: {json.dumps(whole)}\n\n".encode())

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

    return Handler


def _whole(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer that a stream of chunks amounts to."""
    choices: list[dict[str, Any]] = []
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    for chunk in chunks:
        for choice in chunk["choices"]:
            if not choices:
                message = {"role": "assistant", "content": None}
                choices.append({"index": 0, "message": message, "finish_reason": "stop"})
            for name, value in choice["delta"].items():
                said = choices[0]["message"].get(name)
                both = said + value if name != "role" and isinstance(said, str) and isinstance(value, str) else value
                choices[0]["message"][name] = both if both is not None else said
            choices[0]["finish_reason"] = choice.get("finish_reason", choices[0]["finish_reason"])
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "scripted",
        "choices": choices,
        "usage": usage,
    }


@contextmanager
def serving(answer: Callable[[dict[str, Any]], Answer]) -> Iterator[Endpoint]:
    """The endpoint, listening."""
    endpoint = Endpoint(answer)
    server = _Server(("127.0.0.1", 0), _handler(endpoint))
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.stop.set()
        server.shutdown()
        server.server_close()
