"""How long the Usage and cost page asks a cold lake, beside hand-written queries that answer the same on the same files.

    python tests/bench/page.py --rows 20000000 --lake /tmp/lake --days 30,365

Without a lake in ``--lake`` one is made there (`make_lake.py`), without ``--lake`` in a temporary folder. Cold: no answer
cached; the lake, the database and the footers of its files opened anew; what the operating system keeps of the files it
keeps for both sides. Both run in turn in one process; every figure is the median of its runs. Peak memory is that of a process
of its own that asks once.
"""

from __future__ import annotations

import argparse
import logging
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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

from usagecost import engine, folds, periods, queries  # noqa: E402
from usagecost.filters import View  # noqa: E402
from usagecost.lake import Lake  # noqa: E402

BY_HAND = """
    count(*) AS requests,
    count(*) FILTER (status = 'success') AS successful,
    count(*) FILTER (status IN ('error', 'cancelled')) AS failed,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    sum(cache_read_tokens) AS cache_read_tokens,
    sum(cache_write_tokens) AS cache_write_tokens,
    sum(coalesce(reported_cost_usd, list_cost_usd)) AS spend_usd,
    count(*) FILTER (coalesce(reported_cost_usd, list_cost_usd) IS NULL) AS unpriced_requests,
    avg(duration_ms) AS avg_latency_ms,
    max(epoch_us(started_at)) AS last_seen_us
    FROM read_parquet($files) WHERE started_at >= $start AND started_at < $end
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


def view_of(lake: str, days: int, zone: str) -> View:
    """The page's view of the last ``days`` days of a lake, seen when they are over."""
    snapshot = Lake(lake).snapshot()
    last = snapshot.last_day or date.today()  # noqa: DTZ011 - an empty lake has no day at all
    now = periods.local_midnight(last + timedelta(days=1), zone)
    period = periods.Period(last - timedelta(days=days - 1), last, zone, now)
    return View(lake, snapshot.version, period, periods.auto_interval(days), "best")


def page(view: View) -> tuple[Seconds, folds.Usage]:
    """Asks everything that the four tabs ask on a first load, and folds it as they do."""
    forget()
    seconds, start = Seconds(), time.perf_counter()
    engine.open_lake(view.lake).snapshot(view.version)
    seconds.open = time.perf_counter() - start
    with scans_timed(seconds):
        queries.data_span(view.lake, view.version)
        usage = queries.usage(view, "model")
        top = folds.top_values(usage.by_value, 10)
        busiest = usage.of_value(top["value"][0])
        folds.over_time_by_top(usage, top)
        for shown in (usage, busiest):
            _ = shown.totals, shown.totals_before, shown.over_time, shown.by_value
        _ = queries.usage(replace(view, interval=periods.WHOLE), "user").by_value
    seconds.whole = time.perf_counter() - start
    return seconds, usage


def forget() -> None:
    """Drops every answer, the handle on the lake, and the database with the footers that it keeps."""
    for question in (queries.usage, queries.data_span):
        question.clear()
    for opened in (engine.open_lake, engine._root, periods.clock):
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
    spans = {"now": (period.start, period.end), "before": period.previous}
    now, before = (
        {"files": list(snapshot.files(start.date(), (end - timedelta(microseconds=1)).date())), "start": start, "end": end}
        for start, end in spans.values()
    )
    start = time.perf_counter()
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"SET threads = {os.cpu_count()}")
        by_model = con.sql(f"SELECT epoch_us(started_at) // 86400000000 AS day, model, {BY_HAND} GROUP BY ALL", params=now).df()
        con.sql(f"SELECT user_id, {BY_HAND} GROUP BY ALL", params=now).df()
        if before["files"]:
            con.sql(f"SELECT model, {BY_HAND} GROUP BY ALL", params=before).df()
            con.sql(f"SELECT user_id, {BY_HAND} GROUP BY ALL", params=before).df()
    return time.perf_counter() - start, by_model


def peak_megabytes(view: View) -> float:
    """The most memory that this process had, after it has asked for the page once."""
    page(view)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_process_of_its_own(function: Callable[[View], float], view: View) -> float:
    """The function's result from a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, view).result()


def measure(view: View, runs: int) -> None:
    """Prints one row of the table."""
    peak = in_process_of_its_own(peak_megabytes, view)
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
        f"| {ratio:5.2f} | {peak:7.0f} |",
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
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = args.lake or Path(temporary)
        if not Lake(root).exists:
            make_lake(root, rows=args.rows, days=365, models=60, users=5_000, end=datetime.now(UTC).date())
        snapshot = Lake(root).snapshot()
        size = f"{snapshot.rows:,} requests in {snapshot.file_count} files, {snapshot.bytes / 1e9:.2f} GB"
        print(f"{size}; {os.cpu_count()} cores; times in ms, memory in MB\n")
        print("| days | requests    | page    | lake   | SQL    | folds  | by hand | ratio | peak    |\n|" + "---:|" * 9)
        for days in args.days.split(","):
            measure(view_of(str(root.absolute()), int(days), args.zone), args.runs)


if __name__ == "__main__":
    main()
