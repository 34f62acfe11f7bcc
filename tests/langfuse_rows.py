"""Langfuse's observations as its downloads and its exports spell them."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable
from pathlib import Path

import duckdb

from tests.source_rows import Row

START = "2026-05-01 10:00:00.000000"


def downloaded(**fields: object) -> Row:
    """An observation as a page or the API gives it."""
    return {
        "id": "o1",
        "traceId": "t1",
        "projectId": "p1",
        "type": "GENERATION",
        "environment": "production",
        "parentObservationId": None,
        "startTime": "2026-05-01T10:00:00.000Z",
        "endTime": "2026-05-01T10:00:02.500Z",
        "completionStartTime": None,
        "name": "answer",
        "metadata": {},
        "level": "DEFAULT",
        "statusMessage": None,
        "version": None,
        "modelParameters": {},
        "model": "gpt-4o",
        "latency": 2500,
        "usageDetails": {"input": 70, "input_cached_tokens": 30, "output": 9, "total": 109},
        "costDetails": {"input": 0.001, "output": 0.0002, "total": 0.0012},
        "totalCost": 0.0012,
        "createdAt": "2026-05-01T10:00:05.000Z",
        "updatedAt": "2026-05-01T10:00:05.000Z",
        "input": "a secret",
        "output": "a secret",
        **fields,
    }


def document(*observations: object, **trace: object) -> Row:
    """A trace as a page downloads it."""
    known = {"id": "t1", "name": "support", "userId": "ada", "sessionId": "s1", "tags": ["a", "b"], "release": "r7"}
    return {
        "trace": {**known, "timestamp": "2026-05-01T10:00:00.000Z", "input": "a secret", **trace},
        "observations": [*observations],
    }


def exported(**fields: object) -> Row:
    """An observation as the older export to a bucket has it, without anything of its trace."""
    return {
        "id": "o1",
        "trace_id": "t1",
        "project_id": "p1",
        "environment": "production",
        "type": "GENERATION",
        "parent_observation_id": "",
        "start_time": START,
        "end_time": "2026-05-01 10:00:02.500000",
        "name": "answer",
        "metadata": {},
        "level": "DEFAULT",
        "status_message": "",
        "version": "",
        "input": "a secret",
        "output": "a secret",
        "provided_model_name": "gpt-4o",
        "model_parameters": "",
        "usage_details": {"input": 70, "input_cached_tokens": 30, "output": 9, "total": 109},
        "cost_details": {"input": 0.001, "output": 0.0002, "total": 0.0012},
        "completion_start_time": None,
        "prompt_name": "",
        "prompt_version": None,
        "total_cost": 0.0012,
        "latency": 2.5,
        "updated_at": "2026-05-01 10:00:05.000000",
        **fields,
    }


def enriched(**fields: object) -> Row:
    """An observation as the newer export has it, with what is known of its trace."""
    of_trace = {"user_id": "ada", "session_id": "s1", "trace_name": "support", "tags": ["a", "b"], "release": "r7"}
    return exported(**{**of_trace, **fields})


def trace(**fields: object) -> Row:
    """A trace as the older export has it."""
    return {
        "id": "t1",
        "timestamp": START,
        "name": "support",
        "environment": "production",
        "project_id": "p1",
        "metadata": {},
        "user_id": "ada",
        "session_id": "s1",
        "release": "r7",
        "version": None,
        "public": False,
        "bookmarked": False,
        "tags": ["a", "b"],
        "input": "a secret",
        "output": "a secret",
        "created_at": START,
        "updated_at": "2026-05-01 10:00:05.000000",
        **fields,
    }


def write_json(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2))
    return path


def write_rows(path: Path, rows: Iterable[Row]) -> Path:
    """Rows as the export writes them into a file of this name."""
    rows = list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        _write_parquet(path, rows)
    elif path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(rows[0])
            writer.writerows([[_cell(value) for value in row.values()] for row in rows])
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows))
    else:
        lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
        path.write_bytes(gzip.compress(lines) if path.suffix == ".gz" else lines)
    return path


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict | list) else value


TYPES = {
    "start_time": "TIMESTAMP",
    "end_time": "TIMESTAMP",
    "completion_start_time": "TIMESTAMP",
    "updated_at": "TIMESTAMP",
    "created_at": "TIMESTAMP",
    "timestamp": "TIMESTAMP",
    "metadata": "MAP(VARCHAR, VARCHAR)",
    "usage_details": "MAP(VARCHAR, UBIGINT)",
    "cost_details": "MAP(VARCHAR, DECIMAL(18, 12))",
    "total_cost": "DECIMAL(18, 12)",
    "latency": "DOUBLE",
    "tags": "VARCHAR[]",
    "public": "BOOLEAN",
    "bookmarked": "BOOLEAN",
}


def _write_parquet(path: Path, rows: list[Row]) -> None:
    plain = write_rows(path.with_suffix(".jsonl"), rows)
    columns = ", ".join(f"'{name}': '{TYPES.get(name, 'VARCHAR')}'" for name in rows[0])
    with duckdb.connect() as con:
        con.execute(f"COPY (FROM read_json('{plain}', columns = {{{columns}}})) TO '{path}'")
    plain.unlink()
