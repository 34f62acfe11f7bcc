"""Record what real clients export: ``python tests/clients/record.py --client NAME [--python BIN] [--node FOLDER]``.

The client runs against server.py. Its spans, as OTLP JSON, and the ledger of what the server says it used go to recorded/. With
--python the client's program runs with that Python, of an environment with requirements.txt; with --node Node's `ai` does, from a
folder where package.json is installed.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.clients.server import Server, Values  # noqa: E402
from tests.otlp import STARTED  # noqa: E402

TRACES = ("error.stack_trace", "error.message", "exception.stacktrace", "exception.message")
"""Attributes that have paths of this machine in them."""

CONTENTS = ("events", "links", "flags", "droppedAttributesCount", "schemaUrl", "traceState", "kind")
"""Fields of a span that nothing here reads but the events, whose exceptions have stacks with paths."""


@contextmanager
def capturing(exports: list[Values]) -> Iterator[str]:
    """The address of a server that keeps what is exported to it, whatever the path."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = b"".join(self._pieces())
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            if self.path.rstrip("/").endswith("/traces"):
                is_json = self.headers["Content-Type"].startswith("application/json")
                exports.append(json.loads(body) if is_json else as_json(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _pieces(self) -> Iterator[bytes]:
            """The body, which Node's exporter sends in chunks."""
            if (length := self.headers["Content-Length"]) is not None:
                yield self.rfile.read(int(length))
                return
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def as_json(body: bytes) -> Values:
    """Return an export as OTLP has it in JSON, where ids are hexadecimal."""
    return _with_hex_ids(MessageToDict(ExportTraceServiceRequest.FromString(body)))


def _with_hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_hex_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    ids = ("traceId", "spanId", "parentSpanId")
    return {name: base64.b64decode(item).hex() if name in ids else _with_hex_ids(item) for name, item in value.items()}


def scrubbed(exported: Values, secrets: dict[str, str]) -> str:
    """Return an export as a line, without contents of events and what is of this machine."""
    for resource in exported.get("resourceSpans", []):
        kept = [
            pair
            for pair in resource.get("resource", {}).get("attributes", [])
            if pair["key"] in ("service.name", "service.version")
        ]
        resource["resource"] = {"attributes": kept}
        for scope in resource.get("scopeSpans", []):
            for span in scope["spans"]:
                span["events"] = [_without_message(event) for event in span.get("events", []) if event.get("name") == "exception"]
                span["attributes"] = [pair for pair in span.get("attributes", []) if pair["key"] not in TRACES]
                span["status"] = {"code": span.get("status", {}).get("code", 0)}
                for name in CONTENTS[1:]:
                    span.pop(name, None)
    text = json.dumps(exported)
    for secret, instead in secrets.items():
        text = text.replace(secret, instead)
    return text


def moved(exported: Values, by: int) -> Values:
    """Return an export with its times moved by so many nanoseconds: what is recorded is of one day, whenever that was."""
    for resource in exported.get("resourceSpans", []):
        for scope in resource.get("scopeSpans", []):
            for span in scope["spans"]:
                for name in ("startTimeUnixNano", "endTimeUnixNano"):
                    span[name] = str(int(span[name]) + by)
                for pair in span.get("attributes", []):
                    if pair["key"] == "langfuse.observation.completion_start_time":
                        at = datetime.fromisoformat(pair["value"]["stringValue"].strip('"')) + timedelta(microseconds=by // 1000)
                        pair["value"]["stringValue"] = f'"{at.isoformat()}"'
    return exported


def first_start(exports: list[Values]) -> int:
    """Return when the first span of the exports began."""
    return min(
        int(span["startTimeUnixNano"])
        for exported in exports
        for resource in exported.get("resourceSpans", [])
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    )


def _without_message(event: Values) -> Values:
    return {"name": "exception", "attributes": [pair for pair in event.get("attributes", []) if pair["key"] == "exception.type"]}


def main() -> None:
    """Records one client."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client", required=True)
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    parser.add_argument("--node", type=Path, help="the folder where package.json is installed; for the client `ai`")
    arguments = parser.parse_args()
    exports: list[Values] = []
    server = Server(arguments.client)
    with server.running() as url, capturing(exports) as address:
        environment = {
            **os.environ,
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{address}/v1/traces",
            "LANGFUSE_HOST": address,
            "LANGFUSE_BASE_URL": address,
            "NO_PROXY": "127.0.0.1",
        }
        if arguments.client == "ai":
            program = shutil.copy(HERE / "calls.mjs", arguments.node / "calls.mjs")
            command = ["node", program, url]
        else:
            command = [str(arguments.python), str(HERE / "calls.py"), arguments.client, url]
        subprocess.run(command, env=environment, check=True, timeout=300)
    secrets = {url: "http://127.0.0.1:1", url.rpartition(":")[2]: "1", str(Path.home()): "~", os.uname().nodename: "host"}
    by = STARTED - first_start(exports)
    lines = "".join(scrubbed(moved(item, by), secrets) + "\n" for item in exports)
    (HERE / "recorded" / f"{arguments.client}.jsonl").write_text(lines)
    ledger = "".join(json.dumps(row) + "\n" for row in server.ledger)
    (HERE / "recorded" / f"{arguments.client}.ledger").write_text(ledger)
    print(f"{arguments.client}: {len(server.ledger)} calls, {len(exports)} exports")


if __name__ == "__main__":
    main()
