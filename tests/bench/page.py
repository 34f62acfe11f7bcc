"""How long the Usage and cost page asks a cold lake, beside hand-written queries that answer the same on the same files.

    python tests/bench/page.py --lake /tmp/lake --days 7,30,90,365 [--engine clickhouse] [--where team=team-7] [--no-rollups]

Without a lake in ``--lake`` one is made there (`make_lake.py`), without ``--lake`` in a temporary folder. Cold: no answer
cached; the lake, the database and the footers of its files opened anew; what the operating system keeps of the files it
keeps for both sides. Both run in turn in one process; every figure is the median of its runs. What is read, and the
peak of memory, are those of a process of its own that asks once. ``--engine clickhouse`` is ClickHouse within this process, or the
server that USAGECOST_ENGINE names.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import duckdb
import pandas as pd
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[2]))
logging.disable(logging.WARNING)  # Streamlit warns that no page is running

from make_lake import make_lake  # noqa: E402

from usagecost import engine, periods, queries  # noqa: E402
from usagecost.engine.embedded import _root as database  # noqa: E402
from usagecost.lake import Lake, rollup_files  # noqa: E402
from usagecost.queries import folds  # noqa: E402
from usagecost.vocabulary import CARDS, DIMENSIONS, measures_of  # noqa: E402
from usagecost.vocabulary.filters import EVERYTHING as ALL  # noqa: E402
from usagecost.vocabulary.filters import Condition, Filters, Scope, View  # noqa: E402

EVERYTHING = Filters()
MEASURES = (*measures_of((*CARDS, "total_tokens", "cache_read_tokens", "successful", "failed")), "last_seen_us")
"""What the page asks for."""

BY_HAND = """
    count(*) AS requests,
    count(*) FILTER (status = 'success') AS successful,
    count(*) FILTER (status IN ('error', 'cancelled')) AS failed,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    sum(cache_write_tokens) AS cache_write_tokens,
    sum(coalesce(reported_cost_usd, list_cost_usd)) AS spend_usd,
    count(*) FILTER (coalesce(reported_cost_usd, list_cost_usd) IS NULL) AS incomplete_requests,
    avg(duration_ms) AS avg_latency_ms,
    max(epoch_us(started_at)) AS last_seen_us
    FROM read_parquet($files) WHERE started_at >= $start AND started_at < $end AND {matches}
"""
"""What an analyst would write for the numbers of the page, without the page's care for exact sums and unknown values."""


@dataclass
class Seconds:
    """Where the time of one load of the page went. ``open``: the lake's log; ``sql``: scans; ``folds``: everything after them."""

    open: float = 0.0
    sql: list[float] = field(default_factory=list)
    whole: float = 0.0

    @property
    def folds(self) -> float:
        """Pandas: from the rows of the scans to the numbers of cards, charts and tables."""
        return self.whole - self.open - sum(self.sql)


@dataclass(frozen=True)
class Read:
    """What one load of the page reads, and the most memory that its process had, in MB. None where the engine does not tell."""

    rows: int | None
    megabytes: float | None
    peak: float


def view_of(lake: str, days: int, zone: str, where: Filters = EVERYTHING, seen: Iterable[str] = ()) -> View:
    """The page's view of the last ``days`` days of a lake, seen when they are over, by who may see those that are ``seen``."""
    snapshot = Lake(lake).snapshot()
    last = snapshot.last_day or date.today()  # noqa: DTZ011 - an empty lake has no day at all
    now = periods.local_midnight(last + timedelta(days=1), zone)
    period = periods.Period(last - timedelta(days=days - 1), last, zone, now)
    scope = Scope((filters_of(seen).conditions,)) if seen else ALL  # type: ignore[arg-type]
    return View(lake, snapshot.version, period, periods.auto_interval(days), "best", where, scope=scope)


def page(view: View) -> tuple[Seconds, folds.Usage]:
    """Asks everything that the four tabs ask on a first load, and folds it as they do."""
    forget()
    seconds, start = Seconds(), time.perf_counter()
    engine.open_lake(view.lake).snapshot(view.version)
    seconds.open = time.perf_counter() - start
    with scans_timed(seconds):
        queries.data_span(view.lake, view.version, view.scope)
        usage = queries.usage(view, "model", MEASURES)
        top = folds.top_values(usage.by_value, 10)
        if top.empty:
            sys.exit("There is no such request in the lake: ask for others with --days or --where.")
        busiest = usage.of_value(top["value"][0])
        folds.over_time_by_top(usage, top)
        for shown in (usage, busiest):
            _ = shown.totals, shown.totals_before, shown.over_time, shown.over_time_before, shown.by_value
        _ = queries.usage(replace(view, interval=periods.WHOLE), "user", MEASURES, compares=False).by_value
    seconds.whole = time.perf_counter() - start
    return seconds, usage


def filters_of(where: Iterable[str]) -> Filters:
    """What texts such as team=team-7 ask for."""
    found = Filters(tuple(Condition(name, (value,)) for name, _, value in (text.partition("=") for text in where)))
    assert all(condition.dimension in DIMENSIONS for condition in found.conditions), f"choose among {', '.join(DIMENSIONS)}"
    return found


def forget() -> None:
    """Drops every answer, also of days that are over, the handle on the lake, and the database with the footers that it keeps."""
    queries.settled.forget()
    for opened in (engine.open_lake, database, periods.clock):
        opened.cache_clear()


@contextmanager
def scans_timed(seconds: Seconds) -> Iterator[None]:
    """Notes how long each scan takes, by standing in the engine's door."""
    table = engine.table

    def timed(*args: object, **kwargs: object) -> pa.Table:
        start = time.perf_counter()
        try:
            return table(*args, **kwargs)
        finally:
            seconds.sql.append(time.perf_counter() - start)

    engine.table = timed
    try:
        yield
    finally:
        engine.table = table


def by_hand(view: View) -> tuple[float, pd.DataFrame]:
    """The seconds of four plain queries in a new database, and the rows of the first: day × model."""
    period, snapshot = view.period, Lake(view.lake).snapshot(view.version)
    (matches, values), (may_be_seen, bound) = view.filters.sql(), view.scope.sql()
    matches, values = f"{matches} AND {may_be_seen}", values | bound
    by_hand = BY_HAND.format(matches=matches)
    spans = {"now": (period.start, period.end), "before": period.previous}
    now, before = (
        {
            "files": list(snapshot.files(start.date(), (end - timedelta(microseconds=1)).date())),
            "start": start,
            "end": end,
            **values,
        }
        for start, end in spans.values()
    )
    start = time.perf_counter()
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"SET threads = {os.cpu_count()}")
        by_model = con.sql(f"SELECT epoch_us(started_at) // 86400000000 AS day, model, {by_hand} GROUP BY ALL", params=now).df()
        con.sql(f"SELECT user_id, {by_hand} GROUP BY ALL", params=now).df()
        if before["files"]:
            con.sql(f"SELECT model, {by_hand} GROUP BY ALL", params=before).df()
            con.sql(f"SELECT user_id, {by_hand} GROUP BY ALL", params=before).df()
    return time.perf_counter() - start, by_model


def what_is_read(view: View, rollups: bool) -> Read:
    """What one load of the page takes of a process that has done nothing else."""
    if not rollups:
        leave_rollups_out()
    with tempfile.TemporaryDirectory() as folder, reads_noted(Path(folder)) as noted:
        page(view)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if not noted:
        return Read(None, None, peak)
    return Read(sum(rows for rows, _ in noted), sum(size for _, size in noted) / 1e6, peak)


def leave_rollups_out() -> None:
    """Has every request read, as if there were no rollups."""
    rollup_files.ROLLUPS = {}


@dataclass
class Profiled:
    """DuckDB's database as the engine sees it; each cursor writes a profile of what it is asked into a folder."""

    folder: Path

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor whose scans are noted."""
        cursor = database().cursor()
        cursor.execute("SET enable_profiling = 'json'")
        cursor.execute(f"SET profiling_output = '{self.folder / f'{time.perf_counter_ns()}.json'}'")
        return cursor


@contextmanager
def reads_noted(folder: Path) -> Iterator[list[tuple[int, int]]]:
    """Notes the rows and bytes that scans read, by DuckDB's profiles of them; nothing of ClickHouse's."""
    noted: list[tuple[int, int]] = []
    root, engine.embedded._root = engine.embedded._root, lambda: Profiled(folder)
    try:
        yield noted
    finally:
        engine.embedded._root = root
    profiles = (json.loads(file.read_text()) for file in folder.glob("*.json"))
    noted += [(profile["query"]["total_rows_scanned"], profile["io"]["total_bytes_read"]) for profile in profiles]


def in_process_of_its_own(view: View, rollups: bool) -> Read:
    """What a new process reads."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(what_is_read, view, rollups).result()


def measure(view: View, runs: int, rollups: bool) -> None:
    """Prints one row of the table."""
    read = in_process_of_its_own(view, rollups)
    pages, hands = [], []
    for _ in range(runs):
        seconds, usage = page(view)
        hand, by_model = by_hand(view)
        pages.append(seconds)
        hands.append(hand)
    totals = usage.totals
    assert totals["requests"] == by_model["requests"].sum()
    assert abs(totals["spend_usd"] - Decimal(by_model["spend_usd"].sum())) < 1
    whole, hand = median(run.whole for run in pages), median(hands)
    ratio = median(run.whole / hand for run, hand in zip(pages, hands, strict=True))
    parts = [
        f"{median(part) * 1000:6.0f}"
        for part in ([run.open for run in pages], [sum(run.sql) for run in pages], [run.folds for run in pages])
    ]
    print(
        f"| {view.period.days:4} | {totals['requests']:11,} | {whole * 1000:7.0f} | {' | '.join(parts)} | {hand * 1000:7.0f} "
        f"| {ratio:5.2f} | {'–' if read.rows is None else f'{read.rows:,}':>11} "
        f"| {'–' if read.megabytes is None else f'{read.megabytes:,.0f}':>7} | {read.peak:7.0f} |",
        flush=True,
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--lake", type=Path, help="a lake; made when there is none")
    parser.add_argument("--days", default="30,365")
    parser.add_argument("--zone", default="UTC")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--engine", choices=("duckdb", "clickhouse"), default="duckdb")
    parser.add_argument("--scope", action="append", default=[], metavar="DIMENSION=VALUE", help="ask as who may see these only")
    parser.add_argument("--where", action="append", default=[], metavar="DIMENSION=VALUE", help="ask for these requests only")
    parser.add_argument("--no-rollups", action="store_true", help="read every request, as if the lake had no rollups")
    args = parser.parse_args()
    if args.engine == "clickhouse":
        os.environ.setdefault("USAGECOST_ENGINE", "chdb://memory")
    if args.no_rollups:
        leave_rollups_out()
    where = filters_of(args.where)
    with tempfile.TemporaryDirectory() as temporary:
        root = args.lake or Path(temporary)
        if not Lake(root).exists:
            make_lake(root, rows=args.rows, days=365, models=60, users=5_000, end=datetime.now(UTC).date())
        snapshot = Lake(root).snapshot()
        size = f"{snapshot.rows:,} requests in {len(snapshot.data_files)} files, {snapshot.bytes / 1e9:.2f} GB"
        print(f"{size}; {os.cpu_count()} cores; times in ms, memory in MB\n")
        asked = [
            args.engine,
            *(["no rollups"] if args.no_rollups else []),
            *(f"where {text}" for text in args.where),
            *(f"as {text}" for text in args.scope),
        ]
        print(", ".join(asked) + "\n")
        print("| days | requests    | page    | lake   | SQL    | folds  | by hand | ratio | rows read | MB read | peak    |")
        print("|" + "---:|" * 11)
        for days in args.days.split(","):
            measure(view_of(str(root.absolute()), int(days), args.zone, where, args.scope), args.runs, not args.no_rollups)


if __name__ == "__main__":
    main()
