"""How long the page Traces asks a cold lake for requests, beside the one plain query by hand that finds the same.

python tests/bench/traces.py --lake /tmp/lake --days 30

Cold: no answer cached, the lake, the database and the footers of its files opened anew; what the operating system keeps of the
files it keeps for both sides, which take turns. Medians of --runs. The last page is found by hand with OFFSET.
"""

from __future__ import annotations

import argparse
import logging
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import duckdb

sys.path.insert(0, str(Path(__file__).parents[2]))
logging.disable(logging.WARNING)  # Streamlit warns that no page is running

from usagecost import engine, exporting, queries  # noqa: E402
from usagecost.lake import Lake  # noqa: E402
from usagecost.periods import Period  # noqa: E402
from usagecost.queries.requests import Key, Order  # noqa: E402
from usagecost.vocabulary.filters import View  # noqa: E402

SIZE = 50
SPEND = "coalesce(reported_cost_usd, list_cost_usd)"
TOKENS = "coalesce(input_tokens, 0) + coalesce(output_tokens, 0)"
BY_HAND = {"time": "started_at", "cost": SPEND, "tokens": TOKENS, "latency": "duration_ms", "ttft": "ttft_ms"}


@dataclass(frozen=True)
class Question:
    """One question, as the page asks it and as a plain query does."""

    name: str
    ours: Callable[[], object]
    sql: str
    parameters: dict[str, object]


def cold_ms(ask: Callable[[], object]) -> float:
    """How long it takes when nothing is known."""
    for opened in (engine.open_lake, engine.embedded._root):
        opened.cache_clear()
    begun = time.perf_counter()
    ask()
    return (time.perf_counter() - begun) * 1000


def by_hand_ms(question: Question) -> float:
    """How long the plain query takes in a database of its own."""
    begun = time.perf_counter()
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.sql(question.sql, params=question.parameters).to_arrow_table()
    return (time.perf_counter() - begun) * 1000


def questions(view: View, page_number: int) -> list[Question]:
    """What is asked: pages in every order, a late page, one request with its day and without."""
    snapshot = Lake(view.lake).snapshot(view.version)
    files = list(snapshot.files(view.period.start.date(), (view.period.end - timedelta(microseconds=1)).date()))
    select = f"SELECT * EXCLUDE (attributes), {SPEND} AS cost FROM read_parquet($files)"
    asked = [
        Question(
            f"first page by {sort}",
            lambda sort=sort: queries.requests.page(view, Order(sort), None, False, SIZE),
            f"{select} ORDER BY {value} DESC NULLS LAST, started_at DESC, source, request_id LIMIT {SIZE}",
            {"files": files},
        )
        for sort, value in BY_HAND.items()
    ]
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    place = SIZE * (page_number - 1)
    order = "ORDER BY started_at DESC, source, request_id"
    (us, source, name) = con.execute(
        f"SELECT epoch_us(started_at), source, request_id FROM read_parquet($files) {order} LIMIT 1 OFFSET {place - 1}",
        {"files": files},
    ).fetchone()
    asked.append(
        Question(
            f"page {page_number:,} by time",
            lambda: queries.requests.page(view, Order(), Key(us, us, source, name), False, SIZE),
            f"{select} {order} LIMIT {SIZE} OFFSET {place}",
            {"files": files},
        )
    )
    middle = snapshot.data_files[len(snapshot.data_files) // 2].day
    one_day = list(snapshot.files(middle, middle))
    (found,) = con.execute("SELECT request_id FROM read_parquet($files) LIMIT 1 OFFSET 1000", {"files": one_day}).fetchone()
    whole = "SELECT * FROM read_parquet($files) WHERE request_id = $id"
    for words, day, searched in (("its day known", middle, one_day), ("no day given", None, list(snapshot.files()))):
        asked.append(
            Question(
                f"one request, {words}",
                lambda day=day: queries.requests.request(view.lake, view.version, view.scope, found, None, day),
                whole,
                {"files": searched, "id": found},
            )
        )
    return asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", required=True)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--page", type=int, default=1000, help="the number of the late page")
    parser.add_argument("--export", choices=exporting.FORMS, help="also write the requests to a file, and print what it takes")
    asked = parser.parse_args()
    lake = Lake(asked.lake)
    last = lake.snapshot().last_day
    period = Period(last - timedelta(days=asked.days - 1), last, "UTC", datetime.now(UTC), is_all_time=True)
    view = View(asked.lake, lake.version(), period, "day", "best")
    print(f"{lake.snapshot().rows:,} requests in the lake, {asked.days} days")
    print("\n| question | page ms | by hand ms | ratio |\n|---|---:|---:|---:|")
    for question in questions(view, asked.page):
        turns = [(cold_ms(question.ours), by_hand_ms(question)) for _ in range(asked.runs)]
        ours, by_hand = (median(side) for side in zip(*turns, strict=True))
        print(f"| {question.name} | {ours:.0f} | {by_hand:.0f} | {ours / by_hand:.2f} |")
    if asked.export:
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            rows = exporting.write_requests(view, Path(folder) / "requests", asked.export)
            size = (Path(folder) / "requests").stat().st_size / 1e6
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        seconds = time.perf_counter() - begun
        print(f"\nexport to {asked.export}: {rows:,} requests, {seconds:.0f} s, {size:,.0f} MB, peak {peak:,.0f} MB")


if __name__ == "__main__":
    main()
