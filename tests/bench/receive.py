"""How fast the receiver takes spans, and how long an exporter waits for its acknowledgement.

    python tests/bench/receive.py --rate 5000 --seconds 30

A receiver runs in a process of its own with a new lake. Exports are made beforehand and sent at their times, whether earlier ones
were answered or not, over some connections. A wait counts from the time an export should have been sent to its acknowledgement,
so that a receiver that stalls does not hide the exports behind it. At last the lake has to hold every span that was acknowledged,
once.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

sys.path.insert(0, str(Path(__file__).parents[2]))

from usagecost.lake import Lake

PROMPT = json.dumps([{"role": "user", "content": "lorem ipsum dolor sit amet " * 30}])


def exports(count: int, spans: int, packed: bool) -> list[bytes]:
    """Bodies of exports with so many spans each, all of them calls with usage and messages."""
    now = time.time_ns()
    bodies = []
    for place in range(count):
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = "bench"
        scope = resource.scope_spans.add()
        scope.scope.name = "bench"
        for offset in range(spans):
            number = place * spans + offset + 1
            span = scope.spans.add(
                name="chat gpt-4o", kind=3, start_time_unix_nano=now + number, end_time_unix_nano=now + number + 10**9
            )
            span.trace_id = (number // 4 + 1).to_bytes(16, "big")
            span.span_id = number.to_bytes(8, "big")
            texts = {
                "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
                "gen_ai.response.model": "gpt-4o-2024-08-06", "gen_ai.response.id": f"chatcmpl-{number}",
                "user.id": f"user-{number % 500}", "server.address": "api.openai.com", "gen_ai.input.messages": PROMPT,
                "gen_ai.output.messages": PROMPT[:400],
            }  # fmt: skip
            for key, text in texts.items():
                span.attributes.add(key=key).value.string_value = text
            for key, tokens in {"gen_ai.usage.input_tokens": number % 4000, "gen_ai.usage.output_tokens": number % 900}.items():
                span.attributes.add(key=key).value.int_value = tokens
        body = request.SerializeToString()
        bodies.append(gzip.compress(body, 1) if packed else body)
    return bodies


class Sender:
    """Sends bodies at their times; `waits` are seconds until each was acknowledged, `refused` statuses of the others."""

    def __init__(self, port: int, packed: bool, connections: int) -> None:
        self._port = port
        self._headers = {"Content-Type": "application/x-protobuf", **({"Content-Encoding": "gzip"} if packed else {})}
        self._due: queue.SimpleQueue[tuple[float, bytes] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work) for _ in range(connections)]
        self.waits: list[float] = []
        self.refused: list[int] = []

    def send(self, bodies: list[bytes], seconds: float) -> float:
        """Spreads the bodies over the seconds; returns how long it took."""
        for thread in self._threads:
            thread.start()
        start = time.perf_counter()
        for place, body in enumerate(bodies):
            due = start + seconds * place / len(bodies)
            time.sleep(max(0.0, due - time.perf_counter()))
            self._due.put((due, body))
        for _ in self._threads:
            self._due.put(None)
        for thread in self._threads:
            thread.join()
        return time.perf_counter() - start

    def _work(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port)
        while item := self._due.get():
            due, body = item
            connection.request("POST", "/v1/traces", body, self._headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                self.waits.append(time.perf_counter() - due)
            else:
                self.refused.append(answer.status)


def started(lake: Path, every: float) -> tuple[subprocess.Popen[str], int]:
    """A receiver, and its port."""
    options = ["--lake", str(lake), "--port", "0", "--every", str(every)]
    command = [sys.executable, "-u", "-m", "usagecost", "receive", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    first = process.stdout.readline()
    threading.Thread(target=lambda: [print(f"  receiver: {line.rstrip()}") for line in process.stdout], daemon=True).start()
    return process, int(first.split("/v1/traces")[0].rsplit(":", 1)[1])


def peak_mb(process: int) -> list[float]:
    """The most memory that a process had, and those that it started."""
    status = Path(f"/proc/{process}/status").read_text()
    own = int(status.split("VmHWM:")[1].split()[0]) / 1024
    started = [child for task in Path(f"/proc/{process}/task").iterdir() for child in (task / "children").read_text().split()]
    return [own, *(peak for child in started for peak in peak_mb(int(child)))]


def main() -> None:
    """Prints what was measured, and ends with 1 if an acknowledged span is not in the lake."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=5_000, help="spans a second")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--spans", type=int, default=100, help="in one export")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--every", type=float, default=5.0, help="seconds between commits")
    parser.add_argument("--gzip", action="store_true")
    arguments = parser.parse_args()
    bodies = exports(arguments.rate * arguments.seconds // arguments.spans, arguments.spans, arguments.gzip)
    print(
        f"{len(bodies):,} exports of {arguments.spans} spans, {sum(map(len, bodies)) / 1e6:.0f} MB; load {os.getloadavg()[0]:.1f}"
    )
    with TemporaryDirectory() as folder:
        process, port = started(Path(folder, "lake"), arguments.every)
        sender = Sender(port, arguments.gzip, arguments.connections)
        taken = sender.send(bodies, arguments.seconds)
        peaks = peak_mb(process.pid)
        process.send_signal(signal.SIGTERM)
        process.wait()
        rows = Lake(Path(folder, "lake")).snapshot().rows
    waits = sorted(sender.waits)
    acknowledged = len(waits) * arguments.spans
    found = {
        "spans_per_second": round(acknowledged / taken),
        **{f"p{share}_ms": round(waits[min(len(waits) - 1, len(waits) * share // 100)] * 1000, 1) for share in (50, 95, 99)},
        "max_ms": round(waits[-1] * 1000, 1),
        "refused": len(sender.refused),
        "peak_mb": [round(peak) for peak in peaks],
        "acknowledged": acknowledged,
        "in_the_lake": rows,
    }
    print(json.dumps(found))
    sys.exit(rows != acknowledged)


if __name__ == "__main__":
    main()
