"""Input that is made to hurt: packed a thousandfold, nested, endless or beyond numbers; and how the processes end that get it."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryFile

import pyarrow as pa
import pyarrow.parquet as pq

from tests.loopback import free_port
from tests.otlp import call, export
from tests.views import request, write_lake

HOME = Path(__file__).parents[2]
MB = 1 << 20
LONGEST_SECONDS = 600
RECORD = {"request_id": "a", "started_at": "2026-05-01T10:00:00Z", "provider": "openai", "model": "gpt-4o", "input_tokens": 10}
START = json.dumps(RECORD).encode() + b"\n"
TABLE = b"request_id,started_at,model\na,2026-05-01T10:00:00Z,m\n"
NUMBERS = ("1e400", "-1e400", "9" * 400, "9" * 5_000, "1" + "0" * 18 + ".5", "NaN", "1e-400", "[" * 100_000)

UPLOAD = """
import sys
from pathlib import Path
from usagecost.ingest import known_formats, preview
from usagecost.ingest.preview import look
from usagecost.sources import FileProblem
from usagecost.lake import Lake
lake, path = Lake(sys.argv[2]), Path(sys.argv[1])
found = look(path, path.name, known_formats(lake))
print(found.problem or [why for _, why in found.fits])
for source, _ in found.fits:
    try:
        preview(path, path.name, source, lake)
    except FileProblem as problem:
        print(problem.sentence)
"""
"""What the page Sources does with a file that is dropped on it, before it is loaded, which is as the command does."""


@dataclass(frozen=True)
class Ended:
    """How a process ended: its status, what it said, and the most memory that it had."""

    status: int
    said: str
    peak_mb: float
    seconds: float

    @property
    def is_calm(self) -> bool:
        """Whether it said a sentence, or nothing was wrong."""
        return self.status in (0, 1) and "Traceback" not in self.said and bool(self.said.strip())


def files(folder: Path) -> Iterator[Path]:
    """Makes one file after the other."""
    made: dict[str, Callable[[Path], object]] = {
        "spaces.jsonl.gz": lambda path: _packed(path, b" " * MB, 1_000),
        "one line.jsonl.gz": lambda path: _packed(path, b"x" * MB, 1_000, START + b'{"request_id": "', b'"}'),
        "one text.csv.gz": lambda path: _packed(path, b"x" * MB, 1_000, TABLE + b'"', b'",2026-05-01,m\n'),
        "document.json.gz": lambda path: _packed(path, b" " * MB, 1_000, b"[" + START.rstrip() + b",", b"{}]"),
        "object.json.gz": lambda path: _packed(path, b'"x": 1, ' * (MB // 8), 500, b'[{"request_id": "b", ', b'"y": 1}]'),
        "lines.jsonl.zst": lambda path: _zstd(path, START + b"\n" * MB, 50),
        "spaces.jsonl.zst": lambda path: _zstd(path, b" " * MB, 1_000),
        "window.jsonl.zst": lambda path: path.write_bytes(bytes.fromhex("28b52ffd00a0010000")),
        "members.jsonl.gz": lambda path: path.write_bytes(gzip.compress(b"") * 200_000),
        "deep list.json": lambda path: path.write_text("[" * 100_000),
        "deep.json": lambda path: path.write_text('{"a":' * 100_000 + "1" + "}" * 100_000),
        "deep.jsonl": lambda path: path.write_text(
            _lines({}) + _lines({"attributes": "@"}).replace('"@"', '{"a":' * 100_000 + "1" + "}" * 100_000)
        ),
        "keys.jsonl": lambda path: path.write_text(_lines({}) + _lines({f"k{i}": i for i in range(1_000_000)})),
        "keys.json": lambda path: path.write_text(json.dumps({"data": [{f"k{i}": i for i in range(1_000_000)}]}, indent=1)),
        "columns.csv": lambda path: path.write_text(",".join(f"c{i}" for i in range(300_000)) + "\n" + "1," * 299_999 + "1\n"),
        "quote.csv": lambda path: path.write_bytes(TABLE + b'"' + b"x,\n" * 30_000_000),
        "rows.parquet": lambda path: pq.write_table(pa.table({"request_id": ["a"] * 20_000_000}), path),
        "footer.parquet": lambda path: path.write_bytes(b"PAR1" + b"\xff" * 1_000 + b"\xff\xff\xff\x7fPAR1"),
        **{f"number {place}.jsonl": lambda path, said=said: path.write_text(_numbers(said)) for place, said in enumerate(NUMBERS)},
        "numbers.csv": lambda path: path.write_text(
            "request_id,started_at,model,input_tokens,reported_cost_usd\n"
            + "".join(f"r{i},2026-05-01T10:00:00Z,m,{said},{said}\n" for i, said in enumerate(NUMBERS[:-1]))
        ),
        "moments.jsonl": lambda path: path.write_text(
            "".join(_lines({"request_id": f"r{i}", "started_at": said}) for i, said in enumerate((10**400, 1e300, -1, "9" * 4_000)))
        ),
    }
    for name, make in made.items():
        path = folder / name
        make(path)
        yield path
        path.unlink()


def _lines(more: dict[str, object]) -> str:
    return json.dumps(RECORD | more) + "\n"


def _numbers(said: str) -> str:
    """Lines of which each has the number somewhere else."""
    fields = ("input_tokens", "reported_cost_usd", "duration_ms", "rank", "units")
    return _lines({}) + "".join(_lines({"request_id": name, name: "@"}).replace('"@"', said) for name in fields)


def _packed(path: Path, piece: bytes, times: int, before: bytes = b"", after: bytes = b"") -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(before)
        for _ in range(times):
            file.write(piece)
        file.write(after)


def _zstd(path: Path, piece: bytes, times: int) -> None:
    with pa.CompressedOutputStream(str(path), "zstd") as file:
        for _ in range(times):
            file.write(piece)


def run(*words: str) -> Ended:
    """Runs Python with some words until it ends, for ten minutes at most."""
    begun, peak = time.perf_counter(), 0.0
    with TemporaryFile("w+") as said:
        process = subprocess.Popen([sys.executable, *words], cwd=HOME, stdout=said, stderr=subprocess.STDOUT)
        while process.poll() is None:
            peak = max(peak, peak_mb(process.pid))
            if time.perf_counter() - begun > LONGEST_SECONDS:
                process.kill()
            time.sleep(0.05)
        said.seek(0)
        return Ended(process.returncode, said.read(), peak, time.perf_counter() - begun)


def peak_mb(process: int) -> float:
    """The most memory that a process had, asked while it runs: what is known behind its end counts who started it, too."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    return int(status.split("VmHWM:")[1].split()[0]) / 1024 if "VmHWM:" in status else 0.0


def ended_of_files(folder: Path) -> Iterator[tuple[str, Ended]]:
    """What the command and the page do with each file."""
    for path in files(folder):
        yield f"ingest {path.name}", run("-m", "usagecost", "ingest", str(path), "--lake", str(folder / "lake"))
        yield f"upload {path.name}", run("-c", UPLOAD, str(path), str(folder / "lake"))


def bodies() -> dict[str, tuple[bytes, dict[str, str]]]:
    """Bodies of exports, and their headers."""
    kind, packed = {"Content-Type": "application/json"}, {"Content-Encoding": "gzip"}
    whole = json.dumps(export(call(1)))
    keys = json.dumps({"resourceSpans": [], **{f"k{i}": i for i in range(1_000_000)}})
    deep = whole.replace('"stringValue": "chat"', '"arrayValue": ' + '{"values": [{"arrayValue": ' * 50_000)
    return {
        "gzip of 1,000 MB": (gzip.compress(b" " * (1_000 * MB), 1), kind | packed),
        "deep list": (b"[" * 100_000, kind),
        "deep value": (deep.encode(), kind),
        "a million keys": (keys.encode(), kind),
        **{f"number {i}": (whole.replace('"100"', said).encode(), kind) for i, said in enumerate(NUMBERS)},
        "deep protobuf": (b"\x0a\xff\xff\xff\x0f" * 100_000, {"Content-Type": "application/x-protobuf"}),
    }


class Service:
    """A receiver or API in a process of its own; `peak_mb` is the most memory that it had."""

    def __init__(self, lake: Path, *words: str) -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "usagecost", *words, "--port", str(self.port), "--lake", str(lake)],
            cwd=HOME, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        while self.ask("GET", "/healthz")[0] != 200:
            time.sleep(0.2)

    @property
    def peak_mb(self) -> float:
        """See the function of that name."""
        return peak_mb(self._process.pid)

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
        """Status and body of an answer; 0 and why where there is none."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(100_000).decode(errors="replace")
        except OSError as problem:
            return 0, str(problem)
        finally:
            connection.close()

    def drip(self, head: bytes, piece: bytes, seconds: float) -> tuple[float, bytes]:
        """Sends a piece every half second, until the service answers or closes: after how long, and how its answer begins."""
        begun = time.perf_counter()
        with socket.create_connection(("127.0.0.1", self.port)) as client:
            client.sendall(head)
            client.settimeout(0.5)
            while time.perf_counter() - begun < seconds:
                try:
                    if piece:
                        client.sendall(piece)
                    return time.perf_counter() - begun, client.recv(100)
                except TimeoutError:
                    continue
                except OSError:
                    break
        return time.perf_counter() - begun, b""

    def end(self) -> str:
        """Ends it, and returns what it said."""
        self._process.terminate()
        return self._process.communicate(timeout=120)[0]


def of_receiver(folder: Path) -> Iterator[tuple[str, Ended]]:
    """What the receiver answers."""
    service = Service(folder / "received", "receive", "--every", "1")
    for name, (body, headers) in bodies().items():
        begun = time.perf_counter()
        status, said = service.ask("POST", "/v1/traces", body, headers)
        yield (
            f"receive {name}",
            Ended(0 if 200 <= status < 500 else 2, f"{status} {said}", service.peak_mb, time.perf_counter() - begun),
        )
    yield from _slow("receive", service, b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n")
    said = service.end()
    yield "receive, its log", Ended(0, said, 0, 0)


def of_api(folder: Path) -> Iterator[tuple[str, Ended]]:
    """What the API answers."""
    lake = folder / "served"
    write_lake(lake, [request("2026-05-01 10:00", model="m")])
    token = run("-m", "usagecost", "token", "add", "all", "--lake", str(lake)).said.split()[0]
    service = Service(lake, "serve")
    bearer = {"Authorization": f"Bearer {token}"}
    asked: dict[str, tuple[str, str, bytes | None, dict[str, str]]] = {
        "a long query": ("GET", "/v1/usage?filter=" + "x" * 60_000, None, bearer),
        "a thousand filters": ("GET", "/v1/usage?" + "&".join(["filter=model=m"] * 500), None, bearer),
        "a number of 400 digits": ("GET", "/v1/requests?limit=" + "9" * 400, None, bearer),
        "a cursor that is nested": ("GET", "/v1/requests?cursor=" + "W1tb" * 1_500, None, bearer),
        "a year beyond": ("GET", "/v1/usage?start=99999-01-01", None, bearer),
        "a large body": ("POST", "/mcp", b" " * (64 * MB), bearer | {"Content-Type": "application/json"}),
        "a deep body": (
            "POST",
            "/mcp",
            b"[" * 100_000,
            bearer | {"Content-Type": "application/json", "Accept": "application/json"},
        ),
        "a header without end": ("GET", "/v1/usage", None, bearer | {"X-Long": "x" * 200_000}),
        "a body nobody asked for": ("GET", "/v1/vocabulary", b" " * (64 * MB), bearer),
    }
    for name, (method, path, body, headers) in asked.items():
        begun = time.perf_counter()
        status, said = service.ask(method, path, body, headers)
        yield f"serve {name}", Ended(0 if status < 500 else 2, f"{status} {said}", service.peak_mb, time.perf_counter() - begun)
    head = f"POST /mcp HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    yield from _slow("serve", service, head.encode())
    yield "serve, its log", Ended(0, service.end() or "nothing", 0, 0)


def _slow(who: str, service: Service, head: bytes) -> Iterator[tuple[str, Ended]]:
    """Clients that are slow, silent, or never end: each has to be let go within a minute."""
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    drips = {
        "a slow body": (head + b"Content-Length: 100000\r\n\r\n", b" "),
        "an endless body": (chunked, b"10000\r\n" + b" " * 0x10000 + b"\r\n"),
        "a silent body": (head + b"Content-Length: 100000\r\n\r\n", b""),
        "a slow header": (b"GET / HTTP/1.1\r\nX: ", b"x"),
        "a silent header": (b"GET / HTTP/1.1\r\n", b""),
    }
    for name, (start, piece) in drips.items():
        seconds, answer = service.drip(start, piece, 60)
        is_let_go = seconds < 60 and service.ask("GET", "/healthz")[0] == 200
        said = f"{answer[:60]!r} after {seconds:.0f} s"
        yield f"{who} {name}", Ended(0 if is_let_go else 2, said, service.peak_mb, seconds)
