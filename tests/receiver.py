"""A receiver in a process of its own, and what speaks to it."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import duckdb
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from usagecost.lake import Lake

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers in lower case, body."""

Body = bytes | Iterator[bytes]

HOME = Path(__file__).parents[1]
JSON, PROTOBUF = "application/json", "application/x-protobuf"

PROGRAM = """
import json, resource, sys
from pathlib import Path
from usagecost.lake import Lake
from usagecost.ingest.receiver.server import receive
options, most_file_bytes = map(json.loads, sys.argv[2:])
if most_file_bytes:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_file_bytes, most_file_bytes))
receive(Lake(Path(sys.argv[1])), port=0, say=lambda line: print(line, flush=True), **options)
"""

NEVER = 3600.0
"""Seconds between commits: what is sent stays in the spool."""


class Receiver:
    """A running receiver; `said` are its lines. Use it as a context, which kills it if need be.

    With `most_file_bytes` the system lets it write no larger file, as if the disk were full. With `command` it is started as a
    person does it.
    """

    def __init__(self, lake: Path, most_file_bytes: int | None = None, command: list[str] | None = None, **options: Any) -> None:
        self.lake = Lake(lake)
        python = [sys.executable, "-u", "-W", "error"]
        own = ["-c", PROGRAM, str(lake), json.dumps({"every": NEVER, **options}), json.dumps(most_file_bytes)]
        of_people = ["-m", "usagecost", *(command or ()), "--lake", str(lake)]
        self._process = subprocess.Popen([*python, *(of_people if command else own)], stdout=subprocess.PIPE, text=True, cwd=HOME)
        self.said = [self._process.stdout.readline().rstrip()]
        self.port = int(self.said[0].split("/v1/traces")[0].rsplit(":", 1)[1])
        self._listening = threading.Thread(target=lambda: self.said.extend(map(str.rstrip, self._process.stdout)))
        self._listening.start()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._listening.join()  # until the process that commits has ended too
        self._process.stdout.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/traces"

    @property
    def spooled(self) -> list[str]:
        """The exports in the spool; while it is brought to the lake, some that are there already."""
        lines = []
        for file in sorted((self.lake.root / "spool").iterdir()):
            with suppress(FileNotFoundError):
                lines += file.read_text().splitlines()
        return lines

    @property
    def peak_mb(self) -> float:
        """The most memory that it has had; 0 where the system does not tell."""
        status = Path(f"/proc/{self._process.pid}/status")
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024 if status.exists() else 0.0

    def post(self, body: Body, kind: str | None = JSON, path: str = "/v1/traces", **headers: str) -> Answer:
        """Sends a body, and hears the answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, body, {**({"Content-Type": kind} if kind else {}), **named})

    def ask(self, method: str, path: str, body: Body | None = None, headers: dict[str, str] | None = None) -> Answer:
        """Any request, and its answer."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def end(self) -> int:
        """Asks it to end, and waits; returns its status."""
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(60)
        self._listening.join()
        return status

    def kill(self) -> None:
        """As when memory is short: the process that commits may be at work still."""
        self._process.kill()
        self._process.wait()


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "this did not come true in time"
        time.sleep(0.05)


def stored(lake: Lake, columns: str = "request_id") -> list[Any]:
    """Of the requests in the lake some columns, ordered; bare values of a single one."""
    files = list(lake.snapshot().files()) if lake.exists else []
    if not files:
        return []
    rows = duckdb.sql(f"SELECT {columns} FROM read_parquet($files) ORDER BY ALL", params={"files": files}).fetchall()
    return [row[0] if len(row) == 1 else row for row in rows]


def committers(lake: Path) -> list[int]:
    """The processes that commit to a lake."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if b"usagecost.ingest.receiver.committing" in words and str(lake).encode() in words:
                found.append(int(entry.name))
    return found


def as_protobuf(exported: dict[str, Any]) -> bytes:
    """An export in OTLP/JSON as protobuf; there ids are bytes, which protobuf's own JSON writes as base64."""
    whole = json.loads(json.dumps(exported))
    is_logs = "resourceLogs" in whole
    groups, parts, records = ("resourceLogs", "scopeLogs", "logRecords") if is_logs else ("resourceSpans", "scopeSpans", "spans")
    for record in (record for group in whole[groups] for part in group[parts] for record in part[records]):
        for name in ("traceId", "spanId", "parentSpanId"):
            if name in record:
                record[name] = base64.b64encode(bytes.fromhex(record[name])).decode()
    return ParseDict(whole, ExportLogsServiceRequest() if is_logs else ExportTraceServiceRequest()).SerializeToString()
