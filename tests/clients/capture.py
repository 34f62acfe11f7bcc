"""A server on this machine that takes traces and logs as OTLP over HTTP, and keeps them as the collector's file exporter does.

It takes protobuf and JSON, also gzipped, on any path ending in /v1/logs or /v1/traces (Langfuse has /api/public/otel/v1/traces).
What names the recording machine is left out: attributes of its host and processes, the traces of its stack, and what agents tell
the model of it. Of Codex's thousand spans only those with usage are kept.
"""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

MESSAGES = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest}
"""The end of an address -> what is sent there."""

IDS = ("traceId", "spanId", "parentSpanId")
OF_THE_MACHINE = (
    "host.", "process.", "os.", "exception.stacktrace", "error.stack_trace", "code.", "service.instance.id", "gen_ai.system_instr",
    "gen_ai.tool.definitions", "installation.id",
)  # fmt: skip


class Collector(ThreadingHTTPServer):
    """The server, on a free port of the loopback interface; `exports` holds what has come, in order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.exports: list[dict[str, Any]] = []
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self._read_body()
        is_json = self.headers.get("Content-Type", "").startswith("application/json")
        signal = self.path.split("?")[0].rpartition("/v1/")[2]
        if signal in MESSAGES:
            export = json.loads(body) if is_json else read_protobuf(body, signal)
            remove_machine(export)
            remove_spans_of_codex(export)
            with self.server.lock:
                self.server.exports.append(export)
        self._send(b"{}" if is_json else b"", "application/json" if is_json else "application/x-protobuf")

    def do_GET(self) -> None:
        self._send(b"{}", "application/json")

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b"".join(self._read_chunks())
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _read_chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _send(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def read_protobuf(body: bytes, signal: str) -> dict[str, Any]:
    """Return an export as JSON with ids in hex and enumerations as numbers, as OTLP/JSON wants them."""
    export = MessageToDict(MESSAGES[signal].FromString(body), use_integers_for_enums=True)
    for span in find_records(export):
        for thing in (span, *span.get("links", ())):
            thing |= {name: base64.b64decode(thing[name]).hex() for name in IDS if name in thing}
    return export


def find_records(export: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the spans and the log records of an export."""
    for group in (*export.get("resourceSpans", ()), *export.get("resourceLogs", ())):
        for part in (*group.get("scopeSpans", ()), *group.get("scopeLogs", ())):
            yield from (*part.get("spans", ()), *part.get("logRecords", ()))


def remove_machine(export: dict[str, Any]) -> None:
    """Remove the attributes that name the recording machine."""
    resources = [group.get("resource", {}) for group in (*export.get("resourceSpans", ()), *export.get("resourceLogs", ()))]
    spans = list(find_records(export))
    for span in spans:
        if "Traceback" in span.get("status", {}).get("message", ""):
            del span["status"]["message"]
    for thing in (*resources, *spans, *(event for span in spans for event in span.get("events", ()))):
        if "attributes" in thing:
            thing["attributes"] = [pair for pair in thing["attributes"] if not pair["key"].startswith(OF_THE_MACHINE)]


def remove_spans_of_codex(export: dict[str, Any]) -> None:
    """Remove the spans of Codex that have no usage."""
    for part in (part for group in export.get("resourceSpans", ()) for part in group.get("scopeSpans", ())):
        if part.get("scope", {}).get("name", "").startswith("codex"):
            part["spans"] = [span for span in part["spans"] if any("usage" in pair["key"] for pair in span.get("attributes", ()))]
            for span in part["spans"]:
                span.pop("events", None)
