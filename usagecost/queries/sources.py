"""Questions about what feeds the lake: its sources, the ingests that brought them, the lines that could not be read.

They are about all requests, so only who may see all of them may ask.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa

from usagecost import engine
from usagecost.engine import Slice
from usagecost.periods import moment
from usagecost.vocabulary import INSTANT_US
from usagecost.vocabulary.filters import EVERYTHING

MOST_SHOWN_REJECTS = 100
NEWEST_COMMITS, MOST_LOADS = 100, 20
"""Commits that are looked at for what was done, and loads among them beyond which they are a feed."""

MOST_EXPORTED_CHARACTERS = 30_000_000
"""Of the rejected lines in one download: a line may have ten thousand."""

_ABOUT = f"""
    count(*)::bigint AS requests, min({INSTANT_US}) AS first_us, max({INSTANT_US}) AS last_us,
    max(epoch_us(ingested_at)) AS loaded_us
"""

_KIND = r"""regexp_replace(regexp_replace(reason, '"[^"]*"', '"…"', 'g'), '\d[\d.,]*', '…', 'g')"""
"""A reason without the values of its line, so that lines of one trouble are one kind."""


def sources(lake: str, version: int) -> list[dict[str, Any]]:
    """One row a source, the one heard of last first: its requests, its first and last request, when it was last loaded.

    Instants are UTC; `loaded` is None where no ingest wrote the rows.
    """
    sql = f"SELECT source, {_ABOUT} FROM {{requests}} GROUP BY source ORDER BY last_us DESC, source"
    return [_about(row) for row in engine.table(sql, {}, Slice(lake, version, EVERYTHING)).to_pylist()]


def ingests(lake: str, version: int) -> list[dict[str, Any]]:
    """One row an ingest, the newest first: `id`, `time`, what it read (`paths`, `lines`, `skipped`, `rejected`), what it did
    (`inserted`, `updated`, `unchanged`, `duplicates`), and `requests`, those of the lake whose present version it wrote.

    None where the lake's log, which is cleaned after a month, does not tell any more.
    """
    sql = f"SELECT ingest_id AS id, {_ABOUT} FROM {{requests}} WHERE ingest_id IS NOT NULL GROUP BY 1"
    present = {row["id"]: _about(row) for row in engine.table(sql, {}, Slice(lake, version, EVERYTHING)).to_pylist()}
    blank = dict.fromkeys((*_READ, *_OUTCOMES))
    logged = {
        entry["ingest"]["id"]: {name: entry["ingest"].get(name) for name in _READ}
        | {name: entry["counts"].get(name) for name in _OUTCOMES}
        | {"id": entry["ingest"]["id"], "time": entry["time"], "requests": 0}
        for entry in engine.open_lake(lake).history()
        if "id" in entry["ingest"] and entry["version"] <= version
    }
    untold = {name: {**blank, "id": name, "time": row["loaded"]} for name, row in present.items() if name not in logged}
    rows = [{**row, "requests": present.get(name, {}).get("requests", 0)} for name, row in (logged | untold).items()]
    return sorted(rows, key=lambda row: (row["time"], row["id"]), reverse=True)


_READ = ("paths", "lines", "skipped", "rejected", "skipped_reasons")
"""`skipped_reasons` is JSON: reason -> lines."""
_OUTCOMES = ("inserted", "updated", "unchanged", "duplicates")


def removals(lake: str, version: int) -> list[dict[str, Any]]:
    """One row a removal, the newest first: `time`, `requests`, and `by`, the names of what they were chosen by."""
    return [
        {"time": entry["time"], "requests": entry["counts"].get("removed"), "by": tuple(sorted(entry["removal"]))}
        for entry in engine.open_lake(lake).history()
        if entry["removal"] and entry["version"] <= version
    ]


def changes(lake: str) -> list[tuple[datetime, str, str]]:
    """What was done to a lake of late, in order: the instant, its kind, "Load", "Removal" or "Repricing", and what it was in words.

    Loads of files are told unless there are many: then they are a feed. What a receiver commits is one always.
    """
    handle, events, loads = engine.open_lake(lake), [], []
    for entry in handle.history(NEWEST_COMMITS):
        counts = entry["counts"]
        if entry["removal"]:
            events.append((entry["time"], "Removal", f"{counts.get('removed', 0):,} requests"))
        elif entry["ingest"].get("paths") and counts.get("inserted"):
            loads.append((entry["time"], "Load", f"{counts['inserted']:,} requests from {entry['ingest']['paths']}"))
    for act in handle.repricings().to_pylist():
        kind = "Repricing undone" if act["undoes"] else "Repricing"
        events.append((act["done_at"], kind, f"{act['requests']:,} requests" + (f": {act['why']}" if act["why"] else "")))
    return sorted([*events, *(loads if len(loads) <= MOST_LOADS else [])])


def reject_kinds(files: tuple[str, ...]) -> list[dict[str, Any]]:
    """One row a kind of trouble, the most frequent first: `kind`, one `reason` of it, `lines`, `files`, `source`, `last` seen.

    `lines` counts a file that could not be read at all as one.
    """
    sql = f"""
        SELECT {_KIND} AS kind, min(reason) AS reason, count(*)::bigint AS lines, count(DISTINCT source_file)::bigint AS files,
               string_agg(DISTINCT source, ', ' ORDER BY source) AS source, max(epoch_us(rejected_at)) AS last_us
        FROM {{rejects}} GROUP BY kind ORDER BY lines DESC, kind"""
    return [{**row, "last": _instant(row["last_us"])} for row in engine.rejects(sql, {}, files=files).to_pylist()]


def rejected_lines(files: tuple[str, ...], kind: str) -> pa.Table:
    """One row a rejected line of a kind, the last seen first: file, line, reason, raw; some of them where there are many."""
    sql = f"""
        SELECT source_file, line, reason, raw FROM {{rejects}} WHERE {_KIND} = $kind
        ORDER BY rejected_at DESC, source_file, line LIMIT {MOST_SHOWN_REJECTS}"""
    return engine.rejects(sql, {"kind": kind}, files=files)


def rejects_export(files: tuple[str, ...]) -> pa.Table:
    """One row a rejected line, with all there is to know; those that were seen last, as many as one download holds."""
    sql = f"""
        SELECT source, source_file, line, reason, raw, strftime(rejected_at, '%Y-%m-%dT%H:%M:%SZ') AS rejected_at
        FROM {{rejects}} AS rejected
        QUALIFY sum(100 + length(coalesce(raw, '')) + length(reason)) OVER (
            ORDER BY rejected.rejected_at DESC, source_file, line ROWS UNBOUNDED PRECEDING
        ) <= {MOST_EXPORTED_CHARACTERS}
        ORDER BY rejected_at DESC, source_file, line"""
    return engine.rejects(sql, {}, files=files)


def _about(row: dict[str, Any]) -> dict[str, Any]:
    """The row with instants in the place of microseconds."""
    instants = {name: _instant(row[f"{name}_us"]) for name in ("first", "last", "loaded")}
    return {name: value for name, value in row.items() if not name.endswith("_us")} | instants


def _instant(us: int | None) -> datetime | None:
    return None if us is None else moment(us)
