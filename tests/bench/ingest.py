"""How fast sources read: rows a second of read and normalise, DuckDB's bare reader of the same file beside it, peak memory.

    python tests/bench/ingest.py [--rows 1000000] [--formats csv,claude-code,litellm-payload,…] [--repeat 3] [--folder DIR] [--load]

The bare reader parses the whole file, with its own guesses of types, into Arrow batches that are thrown away. Each measurement
has a process of its own, of which the peak of memory is; the two take turns, and the best of each counts, as other work on the
machine only makes them slower. With --load the file also goes into a lake: priced, staged, committed.

litellm-postgres is no file but a live table; its bare reader is the driver alone. The server, on the same machine, takes its part.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench import live
from tests.bench.litellm_rows import PAYLOADS, SPEND_LOGS
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.lake.staging import bounded_database
from usagecost.sources import Head, Reading, Source
from usagecost.sources.claude_code import ClaudeCode
from usagecost.sources.litellm import LiteLLM
from usagecost.sources.mapped import Table
from usagecost.sources.otel import OpenTelemetry

USAGE = """
SELECT
    'req_' || md5(i::VARCHAR) AS request_id,
    strftime(TIMESTAMP '2026-01-01' + to_microseconds(i * 7654321::BIGINT), '%Y-%m-%dT%H:%M:%S.%fZ') AS started_at,
    (i * 37 % 9000) / 10 AS duration_ms,
    ['openai', 'anthropic', 'google'][1 + i % 3] AS provider,
    ['gpt-4o', 'claude-sonnet-4-20250514', 'gemini-2.5-pro'][1 + i % 3] AS model,
    if(i % 50 = 0, 'error', 'success') AS status,
    'user-' || i * 7919 % 5000 AS user_id, 'team-' || i % 20 AS team_id, 'app-' || i % 7 AS app, 'production' AS environment,
    i % 2 = 0 AS is_streaming,
    100 + i % 4000 AS input_tokens, i % 100 AS cache_read_tokens, i % 900 AS output_tokens,
    i % 900 * 0.00001::DECIMAL(18, 9) AS reported_cost_usd
FROM range($rows) AS numbers (i)
"""

ANSWERS = """
SELECT
    'assistant' AS type, uuid()::VARCHAR AS uuid, 'session-' || i // 500 AS "sessionId", 'req_' || i // 2 AS "requestId",
    strftime(TIMESTAMP '2026-01-01' + to_microseconds(i * 7654321::BIGINT), '%Y-%m-%dT%H:%M:%S.%gZ') AS timestamp,
    false AS "isSidechain", '2.1.37' AS version, '/home/dev/api' AS cwd, 'main' AS "gitBranch",
    {
        id: 'msg_' || i // 2, model: 'claude-opus-4-6', role: 'assistant', stop_reason: NULL::VARCHAR,
        content: [{type: 'text', text: repeat('lorem ipsum ', 30 + i % 100)}],
        usage: {
            input_tokens: i % 10, cache_read_input_tokens: i % 90000, cache_creation_input_tokens: i % 2000,
            cache_creation: {ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: i % 2000},
            output_tokens: i % 500, service_tier: 'standard', inference_geo: 'not_available'
        }
    } AS message
FROM range($rows) AS numbers (i)
"""

_CALL = """{
    'traceId': md5((i // 4)::VARCHAR), 'spanId': printf('%016x', 2 + i % 4), 'parentSpanId': printf('%016x', 1), 'name': 'chat',
    'startTimeUnixNano': (1767225600000000000 + i * 1000000000)::VARCHAR,
    'endTimeUnixNano': (1767225601000000000 + i * 1000000000)::VARCHAR,
    'attributes': [
        {'key': 'gen_ai.operation.name', 'value': {'stringValue': 'chat', 'intValue': NULL::VARCHAR}},
        {'key': 'gen_ai.provider.name', 'value': {'stringValue': 'openai', 'intValue': NULL}},
        {'key': 'gen_ai.response.model', 'value': {'stringValue': 'gpt-4o-2024-08-06', 'intValue': NULL}},
        {'key': if(i % 2 = 0, 'gen_ai.response.id', 'none'),
            'value': {'stringValue': 'chatcmpl-' || md5(i::VARCHAR), 'intValue': NULL}},
        {'key': 'gen_ai.usage.input_tokens', 'value': {'stringValue': NULL, 'intValue': (100 + i % 4000)::VARCHAR}},
        {'key': 'gen_ai.usage.cache_read.input_tokens', 'value': {'stringValue': NULL, 'intValue': (i % 100)::VARCHAR}},
        {'key': 'gen_ai.usage.output_tokens', 'value': {'stringValue': NULL, 'intValue': (i % 900)::VARCHAR}},
        {'key': 'gen_ai.input.messages', 'value': {'stringValue': repeat('lorem ipsum ', 30 + i % 100), 'intValue': NULL}}
    ]
}"""
SPANS = f"""
SELECT [{{
    'resource': {{'attributes': [{{'key': 'service.name', 'value': {{'stringValue': 'shop'}}}}]}},
    'scopeSpans': [{{'scope': {{'name': 'openai', 'version': '1'}}, 'spans': list({_CALL})}}]
}}] AS "resourceSpans"
FROM range($rows) AS numbers (i)
GROUP BY i // 4
"""


@dataclass(frozen=True)
class Format:
    """A query for its rows, the form they are written in, and the source that reads them."""

    rows: str
    form: str
    source: Source

    @property
    def reader(self) -> str:
        """DuckDB's own."""
        return f"read_{self.form}"


FORMATS = {
    "csv": Format(USAGE, "csv", Table()),
    "jsonl": Format(USAGE, "json", Table()),
    "parquet": Format(USAGE, "parquet", Table()),
    "claude-code": Format(ANSWERS, "json", ClaudeCode()),
    "litellm-csv": Format(SPEND_LOGS, "csv", LiteLLM()),
    "litellm-jsonl": Format(SPEND_LOGS, "json", LiteLLM()),
    "litellm-parquet": Format(SPEND_LOGS, "parquet", LiteLLM()),
    "litellm-payload": Format(PAYLOADS, "json", LiteLLM()),
    "otel": Format(SPANS, "json", OpenTelemetry()),
}

Measured = tuple[float, int, int]
"""Seconds, rows, and bytes of memory at the peak."""


def written(name: str, rows: int, folder: Path) -> Path:
    """A file of a format, made if it is not there."""
    path = folder / f"{name}-{rows}.{FORMATS[name].form}"
    if not path.exists():
        duckdb.sql(f"COPY ({FORMATS[name].rows.replace('$rows', str(rows))}) TO '{path}' (FORMAT {FORMATS[name].form})")
    return path


@contextmanager
def file_of(name: str, rows: int, folder: Path) -> Iterator[tuple[Path, int]]:
    """A format's file, and its size."""
    path = written(name, rows, folder)
    yield path, path.stat().st_size


def bare(name: str, path: Path) -> int:
    """Rows that DuckDB's own reader parses."""
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = false")
        batches = con.sql(f"FROM {FORMATS[name].reader}($path)", params={"path": str(path)}).to_arrow_reader(100_000)
        return sum(batch.num_rows for batch in batches)


def ours(name: str, path: Path) -> int:
    """Rows that the source reads and normalises."""
    with TemporaryDirectory() as folder, bounded_database(Path(folder)) as con:
        batches = FORMATS[name].source.read([Head.of(path)], Reading(con, datetime.now(UTC)))
        return sum(batch.requests.num_rows for batch in batches)


def loaded(name: str, path: Path) -> int:
    """Rows that are read, priced and merged into a new lake."""
    with TemporaryDirectory() as folder:
        report = ingest([path], Lake(folder), format=FORMATS[name].source.name)
    return report.requests + report.duplicates


def measured(work: Callable[[str, Path | str], int], name: str, path: Path | str) -> Measured:
    """The work in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (work, name, path))


def _measure(work: Callable[[str, Path | str], int], name: str, path: Path | str) -> Measured:
    assert pd.__version__  # DuckDB loads pandas when it is first given a table; here it is there before the clock starts
    start = time.perf_counter()
    rows = work(name, path)
    return time.perf_counter() - start, rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measured_all(
    name: str, place: Path | str, works: Mapping[str, Callable[[str, Path | str], int]], repeat: int, size: int
) -> dict[str, object]:
    """A line's figures, printed: the works take turns, and the best of each counts."""
    turns = [{label: measured(work, name, place) for label, work in works.items()} for _ in range(repeat)]
    results = {label: min(turn[label] for turn in turns) for label in works}
    ratio = round(results["bare"][0] / results["ours"][0], 2)
    told = ", ".join(f"{label} {rows / s:,.0f} rows/s ({peak >> 20:,} MB)" for label, (s, rows, peak) in results.items())
    print(f"{name:15} {size / 1e6:6.0f} MB: {told}; {ratio:.2f} of the bare reader")
    figures = {label: {"rows_per_second": round(rows / s), "peak_mb": peak >> 20} for label, (s, rows, peak) in results.items()}
    return {**figures, "ratio": ratio}


def main() -> None:
    """Prints a line a format, and all as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--formats", default=",".join((*FORMATS, live.NAME)))
    parser.add_argument("--folder", type=Path, help="where the files are kept from run to run; default: nowhere")
    parser.add_argument("--dsn", help=f"a database whose table {live.NAME} reads; default: a server of its own")
    parser.add_argument("--load", action="store_true", help="also measure the way into a lake")
    arguments = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found = {}
        for name in arguments.formats.split(","):
            if name == live.NAME:
                works = {"bare": live.bare, "ours": live.ours, "loaded": live.loaded}
                source = live.table_of(arguments.rows, arguments.dsn)
            else:
                works = {"bare": bare, "ours": ours, "loaded": loaded}
                source = file_of(name, arguments.rows, folder)
            chosen = {label: work for label, work in works.items() if label != "loaded" or arguments.load}
            with source as (place, size):
                found[name] = measured_all(name, place, chosen, arguments.repeat, size)
        print(json.dumps(found))


if __name__ == "__main__":
    main()
