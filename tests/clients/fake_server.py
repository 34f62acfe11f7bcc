"""A server on this machine that answers as OpenAI, Anthropic and Google do, and keeps a ledger of what each call used.

It speaks POST /v1/chat/completions, /v1/responses, /v1/messages and Google's /v1beta/models/NAME:generateContent, plain and
streamed; GET /ledger returns the ledger as JSON.
The scenarios are those of answers.py.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import answers

APIS = ("chat/completions", "responses", "messages")


class FakeProviders(ThreadingHTTPServer):
    """The server, on a free port of the loopback interface."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ledger: list[dict[str, Any]] = []
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def note(self, line: dict[str, Any]) -> int:
        """Add a line to the ledger and return its number, from 1."""
        with self.lock:
            self.ledger.append(line)
            return len(self.ledger)


class _Handler(BaseHTTPRequestHandler):
    server: FakeProviders

    def do_GET(self) -> None:
        is_known = self.path == "/ledger"
        self._send_json(200 if is_known else 404, self.server.ledger if is_known else {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self.path.split("?")[0]
        api = next((name for name in APIS if path.endswith(f"/{name}")), None)
        if path.endswith("enerateContent"):
            api = "generateContent"
            body |= {"model": path.split("/")[-1].split(":")[0], "stream": ":stream" in path}
        if api is None:
            self._send_json(404, {"error": {"message": f"no such path: {self.path}"}})
            return
        line = answers.write_ledger_line(api, body)
        number = self.server.note(line)
        if line["status"] != 200:
            self._send_json(line["status"], answers.write_failure(api, line["status"]))
        elif line["streamed"]:
            self._send_events(_stream(api, number, line, body), f"req_{answers.RUN}{number}")
        else:
            self._send_json(200, _answer(api, number, line))

    def _send_json(self, status: int, value: Any) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _send_events(self, events: Iterable[str], request_id: str) -> None:
        self.send_response(200)
        self.send_header("request-id", request_id)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for event in events:
            self.wfile.write(event.encode())
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _answer(api: str, number: int, line: dict[str, Any]) -> dict[str, Any]:
    write = {
        "chat/completions": answers.write_completion,
        "responses": answers.write_response,
        "messages": answers.write_message,
        "generateContent": answers.write_content,
    }
    return write[api](number, line["model"], line["scenario"])


def _stream(api: str, number: int, line: dict[str, Any], body: dict[str, Any]) -> Iterable[str]:
    if api == "chat/completions":
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return answers.stream_completion(number, line["model"], line["scenario"], with_usage)
    write = {"responses": answers.stream_response, "messages": answers.stream_message, "generateContent": answers.stream_content}
    return write[api](number, line["model"], line["scenario"])
