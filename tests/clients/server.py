"""Models that are none: an OpenAI and an Anthropic API on loopback that answer in a line, and write down what each call used."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Values = dict[str, Any]

MODELS = {"gpt-4o": "gpt-4o-2024-08-06", "claude-sonnet-4-5": "claude-sonnet-4-5-20250929"}
"""What is asked for -> what answers."""

FAILURES = {"fails429": 429, "fails500": 500}
"""Word in a prompt -> the status that it is answered with."""


class Server:
    """The API, and `ledger`: one row = one call, in order, with canonical counts. A prompt's words choose what a call uses."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ledger: list[Values] = []
        self._mutex = threading.Lock()

    @contextmanager
    def running(self) -> Iterator[str]:
        """The address, while the block runs."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"server_of": self}))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def enter(self, api: str, body: Values) -> Values:
        """Write a call down; return its row."""
        prompt = json.dumps(body["messages"])
        with self._mutex:
            number = len(self.ledger)
            status = next((code for word, code in FAILURES.items() if word in prompt), 200)
            row = {"api": api, "model": MODELS[body["model"]], "status": status, "stream": bool(body.get("stream"))}
            if status == 200:
                row |= _used(api, prompt, number)
                row["id"] = ("chatcmpl-" if api == "openai" else "msg_") + hashlib.sha256(
                    f"{self.name}{number}".encode()
                ).hexdigest()[:24]
            self.ledger.append(row)
            return row


def _used(api: str, prompt: str, number: int) -> Values:
    read = 1_024 + number if "cached" in prompt else 0
    reasoning = 64 + number if "reasoning" in prompt and api == "openai" else 0
    write_1h = 300 + number if "write" in prompt and api == "anthropic" else 0
    write = write_1h + (50 if write_1h else 0)
    return {
        "input_tokens": 100 + number + read + write,
        "cache_read_tokens": read,
        "cache_write_tokens": write,
        "cache_write_1h_tokens": write_1h,
        "output_tokens": 20 + number + reasoning,
        "output_reasoning_tokens": reasoning,
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        api = "anthropic" if self.path.endswith("/messages") else "openai"
        row = self.server_of.enter(api, body)
        if row["status"] != 200:
            error = {"type": "error", "error": {"type": "overloaded", "message": "no"}}
            return self._send(row["status"], "application/json", json.dumps(error))
        wants_tool = "tool" in json.dumps(body["messages"]) and bool(body.get("tools"))
        events = (_openai if api == "openai" else _anthropic)(row, body, wants_tool)
        if row["stream"]:
            return self._send(200, "text/event-stream", "".join(events[1:]))
        return self._send(200, "application/json", events[0])

    def _send(self, status: int, kind: str, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _openai(row: Values, body: Values, wants_tool: bool) -> list[str]:
    """The whole answer, then the events of a stream."""
    usage = {
        "prompt_tokens": row["input_tokens"],
        "completion_tokens": row["output_tokens"],
        "total_tokens": row["input_tokens"] + row["output_tokens"],
        "prompt_tokens_details": {"cached_tokens": row["cache_read_tokens"], "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": row["output_reasoning_tokens"], "audio_tokens": 0},
    }
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    message = (
        {"role": "assistant", "content": None, "tool_calls": [call]} if wants_tool else {"role": "assistant", "content": "Yes."}
    )
    reason = "tool_calls" if wants_tool else "stop"
    about = {"id": row["id"], "created": 1_770_000_000, "model": row["model"]}
    whole = {**about, "object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": reason}]}
    chunk = {**about, "object": "chat.completion.chunk"}
    delta = {**message, "tool_calls": [{**call, "index": 0}]} if wants_tool else message
    chunks = [
        {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]},
    ]
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append({**chunk, "choices": [], "usage": usage})
    return [json.dumps({**whole, "usage": usage}), *(f"data: {json.dumps(item)}\n\n" for item in chunks), "data: [DONE]\n\n"]


def _anthropic(row: Values, _: Values, wants_tool: bool) -> list[str]:
    write_1h = row["cache_write_1h_tokens"]
    usage = {
        "input_tokens": row["input_tokens"] - row["cache_read_tokens"] - row["cache_write_tokens"],
        "cache_read_input_tokens": row["cache_read_tokens"],
        "cache_creation_input_tokens": row["cache_write_tokens"],
        "cache_creation": {
            "ephemeral_5m_input_tokens": row["cache_write_tokens"] - write_1h,
            "ephemeral_1h_input_tokens": write_1h,
        },
        "output_tokens": row["output_tokens"],
        "service_tier": "standard",
    }
    block = (
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}} if wants_tool else {"type": "text", "text": "Yes."}
    )
    reason = "tool_use" if wants_tool else "end_turn"
    message = {"id": row["id"], "type": "message", "role": "assistant", "model": row["model"], "stop_sequence": None}
    start = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    empty = block if wants_tool else {"type": "text", "text": ""}
    piece = {"type": "input_json_delta", "partial_json": "{}"} if wants_tool else {"type": "text_delta", "text": "Yes."}
    events = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "content_block_delta", "index": 0, "delta": piece},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": {"output_tokens": row["output_tokens"]},
        },
        {"type": "message_stop"},
    ]
    whole = {**message, "content": [block], "stop_reason": reason, "usage": usage}
    return [json.dumps(whole), *(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)]
