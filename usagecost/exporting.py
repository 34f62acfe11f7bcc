"""The requests of a view as one file, the newest day first: CSV, Parquet or JSON lines, written a day at a time.

Rows go from DuckDB to the file; no more of them than a part of a day are in memory at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from usagecost import engine
from usagecost.exports import FORMULA_STARTS
from usagecost.lake import bounded_database
from usagecost.lake.staging import only_row
from usagecost.lake.table import rows_sql
from usagecost.schema import REQUESTS, TEXT
from usagecost.vocabulary import BASES, INSTANT_US
from usagecost.vocabulary.filters import View, instant_range_sql

Form = Literal["csv", "parquet", "jsonl"]
FORMS: dict[Form, str] = {"csv": "CSV", "parquet": "Parquet", "jsonl": "JSON lines"}

Progress = Callable[[float], None]
"""Is told how much of the work is done, from 0 to 1."""


def write_requests(view: View, file: Path, form: Form, progress: Progress = lambda _: None) -> int:
    """Writes every request of a view with all of its columns, and `spend_usd` on the view's cost basis; returns how many.

    The newest come first. A file is there when it is whole. In CSV a text that a spreadsheet would run as a formula gets an
    apostrophe in front. Raises LakeError, UnansweredError or OSError.
    """
    of_days = _files_by_day(view)
    sql, bound = _question(view, form)
    with TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder, bounded_database(Path(folder)) as con:
        whole = Path(folder, "whole")
        write = _write_parquet if form == "parquet" else _write_text
        try:
            rows = write(con, sql, bound, of_days, whole, form, progress)
        except duckdb.IOException as problem:
            message = f"The requests could not be written to {file}: is there room on the disk? Try again."
            raise engine.UnansweredError(message) from problem
        whole.replace(file)
    return rows


BATCH_ROWS = 50_000
_OPTIONS = {"csv": "FORMAT csv, HEADER false", "jsonl": "FORMAT json"}
Database = duckdb.DuckDBPyConnection
Files = list[list[str]]
Bound = dict[str, Any]


def _files_by_day(view: View) -> Files:
    """The files of each UTC day of the period that has any, the newest day first."""
    snapshot = engine.open_lake(view.lake).snapshot(view.version)
    first, last = view.period.start.date(), (view.period.end - timedelta(microseconds=1)).date()
    days = [last - timedelta(days=back) for back in range((last - first).days + 1)]
    return [[*files] for day in days if (files := snapshot.files(day, day))]


def _write_parquet(con: Database, sql: str, bound: Bound, days: Files, file: Path, _: Form, progress: Progress) -> int:
    columns = REQUESTS.append(pa.field("spend_usd", REQUESTS.field("list_cost_usd").type))
    rows = 0
    with pq.ParquetWriter(file, pa.schema([field.with_nullable(True) for field in columns]), compression="zstd") as writer:
        for place, files in enumerate(days):
            for batch in con.sql(sql, params=bound | {"files": files}).to_arrow_reader(BATCH_ROWS):
                writer.write_table(pa.Table.from_batches([batch]).cast(writer.schema))
                rows += batch.num_rows
            progress((place + 1) / len(days))
    return rows


def _write_text(con: Database, sql: str, bound: Bound, days: Files, file: Path, form: Form, progress: Progress) -> int:
    """CSV and JSON lines: the files of the days, one after the other."""
    rows = 0
    part = file.with_name("part")
    with file.open("wb") as whole:
        if form == "csv":
            whole.write((",".join([*REQUESTS.names, "spend_usd"]) + "\n").encode())
        for place, files in enumerate(days):
            rows += only_row(con, f"COPY ({sql}) TO $to ({_OPTIONS[form]})", bound | {"files": files, "to": str(part)})[0]
            with part.open("rb") as of_day:
                shutil.copyfileobj(of_day, whole)
            progress((place + 1) / len(days))
    return rows


def _question(view: View, form: Form) -> tuple[str, Bound]:
    in_range, bound = instant_range_sql({"now": (view.period.start, view.period.end)})
    matches, values = view.filters.sql()
    columns = ", ".join(_cell(field) if form == "csv" else f'"{field.name}"' for field in REQUESTS)
    sql = f"""
        SELECT {columns}, {BASES[view.basis][1]} AS spend_usd
        FROM {{requests}} WHERE {in_range} AND {matches} ORDER BY {INSTANT_US} DESC, source, request_id"""
    sql, bound = engine.within(view.scope, sql, bound | values)
    return sql.replace("{requests}", rows_sql("$files", REQUESTS)), bound


def _cell(field: pa.Field) -> str:
    """SQL: a column as a cell of a spreadsheet."""
    if field.type != TEXT and not pa.types.is_list(field.type):
        return f'"{field.name}"'
    text = f'replace(replace("{field.name}"::VARCHAR, chr(13) || chr(10), chr(10)), chr(13), chr(10))'
    starts = ", ".join(f"chr({ord(start)})" for start in FORMULA_STARTS)
    return f"CASE WHEN left({text}, 1) IN ({starts}) THEN '''' || {text} ELSE {text} END AS \"{field.name}\""
