"""Other prices for requests that are stored: what would change, the change as one version, and taking it back.

What a repricing did is kept in two tables beside the requests: one row for each request it changed, with the prices before and
after, and one for the act. Both are written first. The version that makes an act true carries its id as a watermark, so that an
act whose process ended before its commit is known for what it is.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa

from usagecost import schema
from usagecost.lake.checksums import check_intact
from usagecost.lake.errors import LakeError
from usagecost.lake.publishing import publish, replace_days, watermark
from usagecost.lake.side_tables import add_rows, read_rows
from usagecost.lake.staging import bounded_database, only_row, worker_count
from usagecost.lake.storage import Storage
from usagecost.lake.table import (
    PRICE_CHANGES,
    REPRICINGS,
    REQUESTS,
    NewFile,
    create_view,
    file_paths,
    open_or_create,
    open_table,
    open_to_write,
    paths_by_day,
    rows_sql,
    write_file,
)
from usagecost.schema import PRICE_COLUMNS
from usagecost.vocabulary.formats import counted, usd

Pricing = Callable[[duckdb.DuckDBPyConnection, str, Sequence[str]], str]
"""SQL that gives every row of a table of requests with its price columns filled, and more of the table's columns."""

Span = tuple[datetime | None, datetime | None]
"""The instants from which and before which requests were sent that are meant; None leaves a side open."""

MOST_EXAMPLES = 10

_OLD = [f"old_{name}" for name in PRICE_COLUMNS]
_NEW = [f"new_{name}" for name in PRICE_COLUMNS]
_IDENTITY = "source, request_id, day, ingest_id, provider, model, user_id"
_DIFFERS = " OR ".join(f"{old} IS DISTINCT FROM {name}" for old, name in zip(_OLD, PRICE_COLUMNS, strict=True))

_CHANGED = f"""
SELECT $id AS id, {_IDENTITY}, {", ".join(_OLD)}, {", ".join(f"{name} AS new_{name}" for name in PRICE_COLUMNS)}
FROM ({{priced}}) WHERE {_DIFFERS}
"""

_REVERSAL = f"""
SELECT
    $id AS id, {", ".join(f"stored.{name}" for name in _IDENTITY.split(", "))},
    {", ".join(f"change.new_{name} AS old_{name}, change.old_{name} AS new_{name}" for name in PRICE_COLUMNS)}
FROM (SELECT * FROM price_changes WHERE id = $undone) AS change JOIN lake AS stored USING (source, request_id)
WHERE change.ingest_id IS NOT DISTINCT FROM stored.ingest_id
    AND {" AND ".join(f"change.new_{name} IS NOT DISTINCT FROM stored.{name}" for name in PRICE_COLUMNS)}
"""
"""What an ingest has replaced since, or another repricing has priced anew, stays as it is."""

_SUMS = """
SELECT
    count(*), count(DISTINCT (provider, model)),
    count(*) FILTER (old_list_cost_usd IS NULL), count(*) FILTER (new_list_cost_usd IS NULL),
    coalesce(sum(old_list_cost_usd), 0), coalesce(sum(new_list_cost_usd), 0)
FROM read_parquet($changes)
"""

_LARGEST = """
SELECT {name}, count(*), coalesce(sum(old_list_cost_usd), 0) AS before, coalesce(sum(new_list_cost_usd), 0) AS after
FROM read_parquet($changes) GROUP BY ALL ORDER BY abs(after - before) DESC, count(*) DESC, {name} LIMIT $most
"""

_DAYS = "SELECT DISTINCT day FROM read_parquet($changes) ORDER BY day"

_COLUMNS = ", ".join(
    f'CASE WHEN change.id IS NULL THEN request."{name}" ELSE change.new_{name} END AS "{name}"'
    if name in PRICE_COLUMNS
    else f'request."{name}"'
    for name in REQUESTS.columns.names
    if name != REQUESTS.partition
)
_REPRICED = f"""
SELECT {_COLUMNS}
FROM {rows_sql("$stored", REQUESTS.columns)} AS request
LEFT JOIN (SELECT * FROM read_parquet($changes) WHERE day = $day) AS change USING (source, request_id)
"""


@dataclass(frozen=True)
class Change:
    """What becomes of the spend at list prices of one model or user (None: not reported): known sums in USD."""

    name: str | None
    requests: int
    before_usd: Decimal
    after_usd: Decimal


@dataclass(frozen=True)
class Repricing:
    """What other prices do to stored requests: those whose price columns differ then.

    Sums are of the list cost in USD where it is known: ``unpriced_before`` and ``unpriced_after`` requests are not in them.
    ``by_model`` and ``by_user`` are the largest changes. ``version`` is the lake's after it.
    """

    id: str
    requests: int
    models: int
    unpriced_before: int
    unpriced_after: int
    before_usd: Decimal
    after_usd: Decimal
    by_model: tuple[Change, ...]
    by_user: tuple[Change, ...]
    version: int

    @property
    def summary(self) -> str:
        """What the repricing does, in words."""
        return f"{counted(self.requests, 'request')}, known list cost {usd(self.before_usd)} → {usd(self.after_usd)}"


def preview(lake: Storage, folder: Path, price: Pricing, span: Span, model: str | None) -> Repricing:
    """What `reprice` would do now."""
    table = open_table(lake / REQUESTS.name)
    with bounded_database(folder, keeps_order=True) as con:
        changes = _changes_file(con, folder, "preview", paths_by_day(table, lake / REQUESTS.name), price, span, model)
        return _summary(con, "preview", changes, table.version())


def reprice(
    lake: Storage, folder: Path, price: Pricing, span: Span, model: str | None, about: Mapping[str, str | None]
) -> Repricing:
    """Give requests the prices that hold for them now. The caller is alone among the writers."""
    selection = {"from": span[0], "before": span[1], "model": model}
    record = {
        **about,
        "selection": json.dumps({name: value for name, value in selection.items() if value is not None}, default=str),
    }
    return _act(lake, folder, record, lambda con, act, stored: _changes_file(con, folder, act, stored, price, span, model))


def undo(lake: Storage, folder: Path, undone: str, about: Mapping[str, str | None]) -> Repricing:
    """Put back what an act changed; raises LakeError if there was none. The caller is alone among the writers."""
    if undone not in acts(lake)["id"].to_pylist():
        raise LakeError(f"There was no repricing {undone!r}: `python -m usagecost repricings` lists them.")
    record = {**about, "undoes": undone}
    return _act(lake, folder, record, lambda con, act, stored: _reversal_file(con, folder, lake, act, stored, undone))


def acts(lake: Storage) -> pa.Table:
    """One row = one act that was done, the newest first."""
    records = read_rows(lake / REPRICINGS.name, REPRICINGS)
    if not records.num_rows:
        return records
    table = open_table(lake / REQUESTS.name)
    is_applied = [watermark(table, _mark(act)) is not None for act in records["id"].to_pylist()]
    return records.filter(pa.array(is_applied, pa.bool_())).sort_by([("done_at", "descending")])


def _act(
    lake: Storage,
    folder: Path,
    about: Mapping[str, str | None],
    changes: Callable[[duckdb.DuckDBPyConnection, str, Mapping[date, Sequence[str]]], NewFile | None],
) -> Repricing:
    """Writes which prices an act changes to the tables, then changes them in the requests."""
    act = uuid.uuid4().hex
    open_or_create(lake / PRICE_CHANGES.name, PRICE_CHANGES)
    table = open_to_write(lake / REQUESTS.name, REQUESTS)
    stored = paths_by_day(table, lake / REQUESTS.name)
    with bounded_database(folder, keeps_order=True) as con:
        change_file = changes(con, act, stored)
        repricing = _summary(con, act, change_file, table.version())
        if change_file is None:
            return repricing
        days, added = _files_with(con, folder, stored, change_file)
    publish(open_table(lake / PRICE_CHANGES.name), lake / PRICE_CHANGES.name, [change_file])
    _keep_act(lake, folder, repricing, about)
    commit_info = {"repricing": {"id": act, **about}, "counts": {"repriced": repricing.requests, "days": len(days)}}
    return replace(repricing, version=replace_days(table, lake / REQUESTS.name, added, days, commit_info, {_mark(act): 1}))


def _keep_act(lake: Storage, folder: Path, repricing: Repricing, about: Mapping[str, str | None]) -> None:
    row = {
        **dict.fromkeys(schema.REPRICINGS.names),
        **about,
        "id": repricing.id,
        "done_at": datetime.now(UTC),
        "requests": repricing.requests,
        "before_usd": repricing.before_usd,
        "after_usd": repricing.after_usd,
    }
    add_rows(lake / REPRICINGS.name, REPRICINGS, pa.Table.from_pylist([row], schema.REPRICINGS), folder)


def _mark(act: str) -> str:
    """The watermark that a version carries in which an act was done."""
    return f"repricing:{act}"


def _changes_file(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    act: str,
    stored: Mapping[date, Sequence[str]],
    price: Pricing,
    span: Span,
    model: str | None,
) -> NewFile | None:
    """Write which requests get other prices; None if none do."""
    first, before = (instant and instant.astimezone(UTC) for instant in span)
    is_in_days = {day: (first is None or day >= first.date()) and (before is None or day <= before.date()) for day in stored}
    create_view(con, "lake", [path for day, paths in stored.items() if is_in_days[day] for path in paths], REQUESTS)
    for name, value in {"only_model": model, "first_instant": first, "instant_after": before}.items():
        con.execute(f"SET VARIABLE {name} = $value", {"value": value})
    old = ", ".join(f"{name} AS old_{name}" for name in PRICE_COLUMNS)
    model_condition = "true" if model is None else "model = getvariable('only_model')"
    span_condition = "true" if first is None else "started_at >= getvariable('first_instant')"
    span_condition += "" if before is None else " AND started_at < getvariable('instant_after')"
    con.execute(f"CREATE VIEW stored AS SELECT *, {old} FROM lake WHERE {model_condition} AND {span_condition}")
    rows = _CHANGED.format(priced=price(con, "stored", _OLD))
    return write_file(con, folder, PRICE_CHANGES, rows, {"id": act}, is_sorted=True)


def _reversal_file(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    lake: Storage,
    act: str,
    stored: Mapping[date, Sequence[str]],
    undone: str,
) -> NewFile | None:
    """Write which requests get back the prices that an act took; None if there are none."""
    create_view(con, "lake", [path for paths in stored.values() for path in paths], REQUESTS)
    check_intact(changes := file_paths(lake / PRICE_CHANGES.name, PRICE_CHANGES))
    create_view(con, "price_changes", changes, PRICE_CHANGES)
    return write_file(con, folder, PRICE_CHANGES, _REVERSAL, {"id": act, "undone": undone})


def _summary(con: duckdb.DuckDBPyConnection, act: str, changes: NewFile | None, version: int) -> Repricing:
    """Sums up a file of changes; without one nothing changes."""
    if changes is None:
        return Repricing(act, 0, 0, 0, 0, Decimal(0), Decimal(0), (), (), version)
    sums = only_row(con, _SUMS, {"changes": str(changes.path)})
    parameters = {"changes": str(changes.path), "most": MOST_EXAMPLES}
    by_model, by_user = (
        tuple(Change(*row) for row in con.execute(_LARGEST.format(name=name), parameters).fetchall())
        for name in ("model", "user_id")
    )
    return Repricing(act, *sums, by_model=by_model, by_user=by_user, version=version)


def _files_with(
    con: duckdb.DuckDBPyConnection, folder: Path, stored: Mapping[date, Sequence[str]], changes: NewFile
) -> tuple[list[date], list[NewFile]]:
    """The days with changes, and their new files."""
    days = [day for (day,) in con.execute(_DAYS, {"changes": str(changes.path)}).fetchall()]
    con.execute("SET disabled_optimizers = 'build_side_probe_side'")  # the changes are looked up while what is stored streams

    def repriced(day: date) -> NewFile | None:
        check_intact(stored[day])
        with con.cursor() as cursor:
            values = {"stored": list(stored[day]), "changes": str(changes.path), "day": day}
            return write_file(cursor, folder, REQUESTS, _REPRICED, values, day, is_sorted=len(stored[day]) == 1)

    with ThreadPoolExecutor(worker_count()) as pool:
        return days, [file for file in pool.map(repriced, days) if file]
