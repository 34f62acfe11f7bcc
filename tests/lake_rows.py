"""Canonical rows for tests of the lake: made, staged, read back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from usagecost.lake import Commit, Lake
from usagecost.schema import PRICE_COLUMNS, PROVENANCE_COLUMNS, REQUESTS

Row = dict[str, object]

CONTENT = [name for name in REQUESTS.names if name not in {"day", *PRICE_COLUMNS, *PROVENANCE_COLUMNS}]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def row(request_id: str = "a", rank: int = 0, started_at: str = "2026-05-01 10:00", **values: object) -> Row:
    return {"source": "test", "request_id": request_id, "rank": rank, "started_at": at(started_at), **values}


def stage(folder: Path, rows: Iterable[Row]) -> Path:
    complete = [{**dict.fromkeys(REQUESTS.names), **values, "day": values["started_at"].date()} for values in rows]
    path = folder / f"{uuid.uuid4()}.parquet"
    pq.write_table(pa.Table.from_pylist(complete, REQUESTS), path)
    return path


def commit(lake: Lake, *rows: Row) -> Commit:
    with lake.staging() as folder:
        return lake.commit([stage(folder, rows)])


def stored(lake: Lake, version: int | None = None) -> pa.Table:
    columns = REQUESTS.remove(REQUESTS.get_field_index("day"))
    files = [_whole(pq.ParquetFile(path).read(), columns) for path in lake.snapshot(version).files()]
    return pa.concat_tables([columns.empty_table(), *files])


def _whole(table: pa.Table, columns: pa.Schema) -> pa.Table:
    """The table with all columns; those that an earlier version did not have are NULL."""
    arrays = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
        for field in columns
    ]
    return pa.Table.from_arrays(arrays, schema=columns)


def rows_of(lake: Lake, *names: str) -> list[tuple]:
    """The named columns of every stored row, in order of the request's id."""
    rows = sorted(stored(lake).to_pylist(), key=lambda values: (values["request_id"], values["source"]))
    return [tuple(values[name] for name in names) for values in rows]


def contents(lake: Lake) -> dict[tuple[str, str], Row]:
    """What each stored request says, without where it came from and what we think it costs."""
    rows = stored(lake).to_pylist()
    found = {(values["source"], values["request_id"]): {name: values[name] for name in CONTENT} for values in rows}
    assert len(found) == len(rows), "a key is stored twice"
    return found


def expected_contents(versions: Iterable[Row]) -> dict[tuple[str, str], Row]:
    """What the lake must hold after it was given these versions, worked out without it.

    Of a key's versions the one with the highest rank, of these the one that says most, then the one whose columns are the greatest
    as texts; then no copy whose stem has an original.
    """
    best: dict[tuple[str, str], Row] = {}
    for values in versions:
        version = {name: values.get(name) for name in CONTENT}
        key = (version["source"], version["request_id"])
        if key not in best or order(version) > order(best[key]):
            best[key] = version
    originals = {(source, stem(request_id)) for (source, request_id), version in best.items() if version["rank"] >= 0}
    return {
        (source, request_id): version
        for (source, request_id), version in best.items()
        if version["rank"] >= 0 or (source, stem(request_id)) not in originals
    }


def stem(request_id: str) -> str:
    return request_id.split(":")[0]


def order(version: Row) -> tuple:
    """Rank first, then how many columns are told, then these as texts one after the other, by their bytes; NULL is the least."""
    told = sum(version[name] is not None for name in CONTENT)
    return (version["rank"], told, *(_order_of(version[name]) for name in CONTENT))


def _order_of(value: object) -> tuple:
    return () if value is None else (_text(value).encode(),)


def _text(value: object) -> str:
    """A value as DuckDB writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return f"[{', '.join(_text(item) for item in value)}]"
    if isinstance(value, Decimal):
        return f"{value:.9f}"
    return str(value).lower() if isinstance(value, bool) else str(value)
