"""A server on this machine that takes traces as OTLP over HTTP and keeps them as the collector's file exporter writes them.

It takes protobuf and JSON, also gzipped, on any path that ends in /v1/traces (Langfuse's is /api/public/otel/v1/traces).
What names the recording machine is left out: attributes of its host and processes, and the traces of its stack.
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
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

IDS = ("traceId", "spanId", "parentSpanId")
OF_THE_MACHINE = ("host.", "process.", "os.", "exception.stacktrace", "error.stack_trace", "code.", "service.instance.id")


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
        if self.path.split("?")[0].endswith("/v1/traces"):
            export = json.loads(body) if is_json else read_protobuf(body)
            remove_machine(export)
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


def read_protobuf(body: bytes) -> dict[str, Any]:
    """Return an export as JSON with ids in hex and enumerations as numbers, as OTLP/JSON wants them."""
    export = MessageToDict(ExportTraceServiceRequest.FromString(body), use_integers_for_enums=True)
    for span in find_spans(export):
        for thing in (span, *span.get("links", ())):
            thing |= {name: base64.b64decode(thing[name]).hex() for name in IDS if name in thing}
    return export


def find_spans(export: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the spans of an export."""
    for spans in export.get("resourceSpans", ()):
        for part in spans.get("scopeSpans", ()):
            yield from part.get("spans", ())


def remove_machine(export: dict[str, Any]) -> None:
    """Remove the attributes that name the recording machine."""
    resources = [spans.get("resource", {}) for spans in export.get("resourceSpans", ())]
    spans = list(find_spans(export))
    for span in spans:
        if "Traceback" in span.get("status", {}).get("message", ""):
            del span["status"]["message"]
    for thing in (*resources, *spans, *(event for span in spans for event in span.get("events", ()))):
        if "attributes" in thing:
            thing["attributes"] = [pair for pair in thing["attributes"] if not pair["key"].startswith(OF_THE_MACHINE)]
