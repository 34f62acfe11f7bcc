"""The same questions on the same rows, in one run: this app, SQL by hand, ClickHouse, PostgreSQL as LiteLLM keeps it, plain pandas.

    python tests/bench/rivals.py --rows 5000000 --days 90 --ask 7,30

The questions are those of the page Usage and cost on its first load: requests, outcomes, tokens, spend and latency by model and
day, and by user, in the last days and in as many before. Rivals take turns, nothing of an answer is kept between them, and every
rival has to find as many requests as the others. LiteLLM's daily table is asked for what it has: no latency, no time of day,
days of UTC alone. Needs what requirements-dev.txt installs, and PostgreSQL's programs.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import adbc_driver_postgresql.dbapi as postgresql
import clickhouse_connect
import duckdb
import pandas as pd

HOME = Path(__file__).parents[2]
sys.path.insert(0, str(HOME))

from make_lake import make_lake  # noqa: E402
from page import by_hand, leave_rollups_out, page, view_of  # noqa: E402

from tests.litellm_database import litellm_database  # noqa: E402
from tests.postgres import Server, programs, running_server  # noqa: E402
from usagecost.lake import Lake, rollup_files  # noqa: E402
from usagecost.vocabulary.filters import View  # noqa: E402

Ask = Callable[[View], int]
"""Asks a rival everything; returns how many requests it found in the view's period."""

SHOWN = """count(*) AS requests, sum({success}) AS successful, sum({failed}) AS failed, sum({input}) AS input_tokens,
    sum({output}) AS output_tokens, sum({spend}) AS spend_usd, avg({latency}) AS avg_latency_ms, max({sent}) AS last_seen"""

OF_CLICKHOUSE = SHOWN.format(
    success="status = 'success'", failed="status IN ('error', 'cancelled')", input="input_tokens", output="output_tokens",
    spend="coalesce(reported_cost_usd, list_cost_usd)", latency="duration_ms", sent="started_at",
)  # fmt: skip
OF_SPEND_LOGS = SHOWN.format(
    success="(status = 'success')::int", failed="(status = 'failure')::int", input="prompt_tokens", output="completion_tokens",
    spend="spend", latency="""extract(epoch FROM "endTime" - "startTime") * 1000""", sent='"startTime"',
)  # fmt: skip
OF_DAILY = """sum(api_requests) AS requests, sum(successful_requests) AS successful, sum(failed_requests) AS failed,
    sum(prompt_tokens) AS input_tokens, sum(completion_tokens) AS output_tokens, sum(spend) AS spend_usd"""

DAILY = """
CREATE TABLE "LiteLLM_DailyUserSpend" (
    id TEXT PRIMARY KEY, user_id TEXT, date TEXT NOT NULL, api_key TEXT NOT NULL, model TEXT, model_group TEXT,
    custom_llm_provider TEXT, prompt_tokens BIGINT NOT NULL DEFAULT 0, completion_tokens BIGINT NOT NULL DEFAULT 0,
    cache_read_input_tokens BIGINT NOT NULL DEFAULT 0, cache_creation_input_tokens BIGINT NOT NULL DEFAULT 0,
    spend DOUBLE PRECISION NOT NULL DEFAULT 0, api_requests BIGINT NOT NULL DEFAULT 0,
    successful_requests BIGINT NOT NULL DEFAULT 0, failed_requests BIGINT NOT NULL DEFAULT 0
);
INSERT INTO "LiteLLM_DailyUserSpend"
SELECT gen_random_uuid(), "user", to_char("startTime", 'YYYY-MM-DD'), api_key, model, model_group, custom_llm_provider,
       sum(prompt_tokens), sum(completion_tokens), 0, 0, sum(spend), count(*),
       count(*) FILTER (WHERE status = 'success'), count(*) FILTER (WHERE status = 'failure')
FROM "LiteLLM_SpendLogs" GROUP BY 2, 3, 4, 5, 6, 7;
CREATE UNIQUE INDEX ON "LiteLLM_DailyUserSpend" (user_id, date, api_key, model, custom_llm_provider);
CREATE INDEX ON "LiteLLM_DailyUserSpend" (date);
CREATE INDEX ON "LiteLLM_DailyUserSpend" (user_id);
CREATE INDEX ON "LiteLLM_DailyUserSpend" (api_key);
CREATE INDEX ON "LiteLLM_DailyUserSpend" (model);
VACUUM ANALYZE "LiteLLM_DailyUserSpend";
"""

AS_SPEND_LOGS = """
SELECT request_id, 'acompletion' AS call_type, virtual_key AS api_key,
       coalesce(reported_cost_usd, list_cost_usd, 0)::double AS spend,
       coalesce(input_tokens, 0) + coalesce(output_tokens, 0) AS total_tokens, coalesce(input_tokens, 0) AS prompt_tokens,
       coalesce(output_tokens, 0) AS completion_tokens, started_at::timestamp AS "startTime",
       started_at::timestamp + to_microseconds((coalesce(duration_ms, 0) * 1000)::bigint) AS "endTime",
       model, requested_model AS model_group,
       provider AS custom_llm_provider, coalesce(user_id, '') AS "user", team_id, session_id,
       CASE status WHEN 'success' THEN 'success' WHEN 'error' THEN 'failure' WHEN 'cancelled' THEN 'failure' END AS status
FROM read_parquet($files)
"""

SETTINGS = ("shared_buffers = '2GB'", "work_mem = '512MB'", "jit = off", "max_parallel_workers_per_gather = 2")
"""What somebody gives PostgreSQL who wants such questions answered; its own defaults are for machines of long ago."""


@dataclass(frozen=True)
class Rival:
    """Somebody who is asked, and what it keeps the rows in, in MB."""

    name: str
    ask: Ask
    megabytes: float


def periods_of(view: View) -> Iterator[tuple[datetime, datetime]]:
    """The view's instants, and those of the period before."""
    yield view.period.start, view.period.end
    if view.period.previous:
        yield view.period.previous


# ---- the rivals


def app(rollups: bool) -> Ask:
    """This app, cold."""

    def ask(view: View) -> int:
        if rollups:
            return page(view)[1].totals["requests"]
        declared = rollup_files.ROLLUPS
        leave_rollups_out()
        try:
            return page(view)[1].totals["requests"]
        finally:
            rollup_files.ROLLUPS = declared

    return ask


def clickhouse(lake: Lake, folder: Path) -> Rival:
    """A native MergeTree table, sorted by time, in ClickHouse within this process."""
    client = clickhouse_connect.get_client(dsn=f"chdb:///{folder}")
    source = f"file('{lake.root}/requests/day=*/*.parquet', Parquet)"
    client.command(
        "CREATE TABLE requests ENGINE = MergeTree PARTITION BY toYYYYMM(started_at) ORDER BY started_at "
        "SETTINGS allow_nullable_key = 1 "
        f"AS SELECT * REPLACE (toLowCardinality(model) AS model, toLowCardinality(user_id) AS user_id) FROM {source}"
    )
    client.command("OPTIMIZE TABLE requests FINAL")

    def ask(view: View) -> int:
        found = 0
        for start, end in periods_of(view):
            first, last = (f"toDateTime64('{instant:%F %T}', 6, 'UTC')" for instant in (start, end))
            within = f"FROM requests WHERE started_at >= {first} AND started_at < {last}"
            by_model = client.query_df(
                f"SELECT toDate(started_at, 'UTC') AS day, model, {OF_CLICKHOUSE} {within} GROUP BY day, model"
            )
            client.query_df(f"SELECT user_id, {OF_CLICKHOUSE} {within} GROUP BY user_id")
            found = found or int(by_model["requests"].sum())
        return found

    return Rival("ClickHouse, MergeTree (in process)", ask, size_of(folder))


def spend_logs(server: Server, lake: Lake, folder: Path) -> tuple[Rival, Rival]:
    """LiteLLM's table of requests, and its daily one, in PostgreSQL, indexed as LiteLLM does."""
    for setting in SETTINGS:
        server.run(f"ALTER SYSTEM SET {setting}")
    server.control("restart")
    database = litellm_database(server)
    rows = folder / "rows.csv"
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        names = con.execute(f"DESCRIBE {AS_SPEND_LOGS}", {"files": list(lake.snapshot().files())}).fetchall()
        con.execute(f"COPY ({AS_SPEND_LOGS}) TO $to (HEADER false)", {"files": list(lake.snapshot().files()), "to": str(rows)})
    columns = ", ".join(f'"{name}"' for name, *_ in names)
    server.run(f"""\\copy "LiteLLM_SpendLogs" ({columns}) FROM '{rows}' (FORMAT csv)""", database)
    rows.unlink()
    server.run('VACUUM ANALYZE "LiteLLM_SpendLogs"', database)
    server.run(DAILY, database)
    sizes = [
        int(server.run(f"SELECT pg_total_relation_size('\"{table}\"')", database)) / 1e6
        for table in ("LiteLLM_SpendLogs", "LiteLLM_DailyUserSpend")
    ]
    connection = postgresql.connect(server.dsn(database))

    def asked(by_model: str, by_user: str) -> Ask:
        def ask(view: View) -> int:
            found = 0
            for start, end in periods_of(view):
                with connection.cursor() as cursor:
                    cursor.execute(by_model, (start.replace(tzinfo=None), end.replace(tzinfo=None)))
                    models = cursor.fetch_df()
                    cursor.execute(by_user, (start.replace(tzinfo=None), end.replace(tzinfo=None)))
                    cursor.fetch_df()
                found = found or int(pd.to_numeric(models["requests"]).sum())
            return found

        return ask

    within = 'FROM "LiteLLM_SpendLogs" WHERE "startTime" >= $1 AND "startTime" < $2'
    first, last = (f"to_char(${place}::timestamp, 'YYYY-MM-DD')" for place in (1, 2))
    daily = f'FROM "LiteLLM_DailyUserSpend" WHERE date >= {first} AND date < {last}'
    return (
        Rival(
            "PostgreSQL, LiteLLM_SpendLogs",
            asked(
                f"""SELECT date_trunc('day', "startTime") AS day, model, {OF_SPEND_LOGS} {within} GROUP BY 1, 2""",
                f"""SELECT "user", {OF_SPEND_LOGS} {within} GROUP BY 1""",
            ),
            sizes[0],
        ),
        Rival(
            "PostgreSQL, LiteLLM_DailyUserSpend",
            asked(
                f"SELECT date, model, {OF_DAILY} {daily} GROUP BY 1, 2",
                f"SELECT user_id, {OF_DAILY} {daily} GROUP BY 1",
            ),
            sizes[1],
        ),
    )


def plain_pandas(view: View) -> int:
    """What a page does that reads its rows into pandas and groups them there."""
    snapshot, found = Lake(view.lake).snapshot(view.version), 0
    columns = ["started_at", "model", "user_id", "status", "input_tokens", "output_tokens", "reported_cost_usd", "list_cost_usd"]
    for start, end in periods_of(view):
        files = snapshot.files(start.date(), (end - timedelta(microseconds=1)).date())
        if not files:
            continue
        frame = pd.concat(pd.read_parquet(file, columns=[*columns, "duration_ms"], partitioning=None) for file in files)
        frame = frame[(frame["started_at"] >= start) & (frame["started_at"] < end)]
        frame["spend"] = pd.to_numeric(frame["reported_cost_usd"].fillna(frame["list_cost_usd"]).astype("float64"))
        frame["successful"], frame["failed"] = frame["status"] == "success", frame["status"].isin(["error", "cancelled"])
        frame["day"] = frame["started_at"].dt.floor("D")
        sums = {
            "started_at": ["count", "max"], "successful": "sum", "failed": "sum", "input_tokens": "sum", "output_tokens": "sum",
            "spend": "sum", "duration_ms": "mean",
        }  # fmt: skip
        by_model = frame.groupby(["day", "model"], dropna=False).agg(sums)
        frame.groupby("user_id", dropna=False).agg(sums)
        found = found or int(by_model["started_at", "count"].sum())
    return found


# ---- the run


def size_of(folder: Path) -> float:
    """What a folder takes on disk, in MB."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def peak_of(ask: Ask, view: View) -> float:
    """The most memory, in MB, of a new process that asks once."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_peak, ask, view).result()


def _peak(ask: Ask, view: View) -> float:
    ask(view)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def page_of(view: View) -> int:
    """This app, for a process of its own."""
    return page(view)[1].totals["requests"]


def floor_of(view: View) -> int:
    """Four plain queries of DuckDB over the same files."""
    return int(by_hand(view)[1]["requests"].sum())


def measured(rivals: list[Rival], view: View, runs: int) -> dict[str, float]:
    """The median seconds of each rival; they take turns, and agree on how many requests there were."""
    seconds: dict[str, list[float]] = {rival.name: [] for rival in rivals}
    for _ in range(runs):
        found = set()
        for rival in rivals:
            start = time.perf_counter()
            found.add(rival.ask(view))
            seconds[rival.name].append(time.perf_counter() - start)
        assert len(found) == 1, found
    return {name: median(times) for name, times in seconds.items()}


@contextmanager
def contest(lake: Lake) -> Iterator[list[Rival]]:
    """The rivals, with the lake's rows loaded into those that keep rows of their own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        where = programs()
        assert where, "there is no PostgreSQL server here: apt-get install postgresql"
        server = stack.enter_context(running_server(where))
        parquet = size_of(lake.root / "requests") - size_of(lake.root / "requests" / rollup_files.FOLDER)
        yield [
            Rival("this app", app(rollups=True), size_of(lake.root / "requests")),
            Rival("this app, without rollups", app(rollups=False), parquet),
            Rival("DuckDB by hand, same files", floor_of, parquet),
            clickhouse(lake, folder / "clickhouse"),
            *spend_logs(server, lake, folder),
            Rival("plain pandas, same files", plain_pandas, parquet),
        ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--days", type=int, default=90, help="over how many days the requests are spread")
    parser.add_argument("--ask", default="7,30", help="the last so many days are asked for")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "chdb-core", "pandas"))
    with tempfile.TemporaryDirectory() as folder:
        end = datetime.now(UTC).date()
        lake = make_lake(Path(folder), rows=args.rows, days=args.days, models=200, users=20_000, end=end)
        views = {days: view_of(folder, days, "UTC") for days in map(int, args.ask.split(","))}
        peaks = {
            "this app": peak_of(page_of, views[max(views)]),
            "DuckDB by hand, same files": peak_of(floor_of, views[max(views)]),
            "plain pandas, same files": peak_of(plain_pandas, views[max(views)]),
        }
        with contest(lake) as rivals:
            print(f"{lake.snapshot().rows:,} requests of {args.days} days; {os.cpu_count()} cores; {packages}; {args.runs} runs\n")
            print(f"| ms for the last … days | {' | '.join(map(str, views))} | MB on disk | peak MB, {max(views)} days |")
            print("|---|" + "---:|" * (len(views) + 2))
            times = {days: measured(rivals, view, args.runs) for days, view in views.items()}
            for rival in rivals:
                shown = " | ".join(f"{times[days][rival.name] * 1000:,.0f}" for days in views)
                peak = f"{peaks[rival.name]:,.0f}" if rival.name in peaks else "–"
                print(f"| {rival.name} | {shown} | {rival.megabytes:,.0f} | {peak} |", flush=True)


if __name__ == "__main__":
    main()
