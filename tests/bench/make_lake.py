"""Makes a lake of invented requests of any size, for benchmarks: streamed, the same for the same arguments.

    python tests/bench/make_lake.py --rows 20000000 --days 365 --models 60 --users 5000 --out /tmp/lake

Shares of models and users follow Zipf's law; weekends and nights are quiet, and traffic doubles over the whole time. Every column
of the canonical record is filled as gateways fill it: some users unnamed, some outcomes and durations unknown, some models
without a price. The files are those that an ingest writes.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from usagecost.lake import Lake, staging
from usagecost.lake.publishing import publish
from usagecost.lake.staging import bounded_database, worker_count
from usagecost.lake.storage import Disk
from usagecost.lake.table import REQUESTS, NewFile, open_or_create, write_file

MEMORY_LIMIT = "1200MB"
"""Of the database of this script, which does nothing else: with what an ingest is left rollups would spill to the disk."""
WEEKEND_SHARE = 0.35
GROWTH = 1.0
"""How much more is sent at the end than at the beginning, as a fraction."""

MACROS = """
-- hash(i, salt) would be the same but for some flipped bits with every salt: who asks would decide what is asked, and when
CREATE MACRO drawn(i, salt) AS hash(i * 1000 + salt);
CREATE MACRO dice(i, salt) AS (drawn(i, salt) >> 11) / 9007199254740992.0;      -- in [0, 1), one for each salt
CREATE MACRO zipf(n, x) AS CAST(floor(power(n + 1, x)) AS BIGINT);              -- 1 … n, the k-th about 1/k as often
CREATE MACRO money(x) AS CAST(x AS DECIMAL(18, 9));
CREATE MACRO coin(i, salt, share) AS drawn(i, salt) % 10000 < share * 10000;
"""

REQUESTS_OF_DAY = """
WITH request AS (  -- one row = one request, by its number
    SELECT range AS i, CAST($day AS TIMESTAMP) AS midnight FROM range($first, $after_last)),
drawn AS (  -- who asked which model when, and whether it worked
    SELECT i, zipf($models, dice(i, 1)) AS m, zipf($users, dice(i, 2)) AS u, dice(i, 3) AS size,
           midnight + to_microseconds(CAST(86399999999 * if(coin(i, 4, 0.3), dice(i, 5), (dice(i, 5) + dice(i, 6)) / 2) AS BIGINT))
               AS sent,
           CASE WHEN coin(i, 7, 0.03) THEN NULL WHEN coin(i, 8, 0.025) THEN 'error' WHEN coin(i, 9, 0.004) THEN 'cancelled'
                ELSE 'success' END AS status
    FROM request),
counted AS (  -- what it used; every third provider reports no cache, every fifth model is an embedding
    SELECT *, m % 12 AS p, m % 5 = 4 AS is_embedding,
           if(status = 'error', 0, CAST(40 * power(2, 11 * size) AS BIGINT)) AS input,
           if(status = 'error', 0, CAST(4 * power(2, 9 * dice(i, 10)) AS BIGINT)) AS output
    FROM drawn),
cached AS (
    SELECT *, if(p % 3 = 2, NULL, if(coin(i, 11, 0.4), CAST(input * 0.8 * dice(i, 12) AS BIGINT), 0)) AS cache_read,
           if(p % 3 = 2, NULL, if(coin(i, 13, 0.1), input // 8, 0)) AS cache_write
    FROM counted),
priced AS (  -- list price, from $0.1 to $3 a million input tokens; the rarest models have none
    SELECT *, if(m > 0.95 * $models, NULL, money((input - 0.9 * coalesce(cache_read, 0)) * (1 + m % 30) * 1e-7
                                              + if(is_embedding, 0, output) * (1 + m % 30) * 5e-7)) AS list_cost
    FROM cached)
SELECT
    if(m % 10 = 0, 'claude-code', 'litellm') AS source, 'req_' || to_hex(hash(i)) || to_hex(i) AS request_id,
    'trace_' || to_hex(hash(i // 3)) AS trace_id,
    if(coin(i, 14, 0.6), 'session_' || to_hex(hash(u, CAST(sent AS DATE))), NULL) AS session_id,
    sent AT TIME ZONE 'UTC' AS started_at, $day AS day,
    if(coin(i, 15, 0.02), NULL, round(180 + 14 * output * (0.5 + dice(i, 16)), 3)) AS duration_ms,
    if(coin(i, 17, 0.5), round(120 + 600 * dice(i, 18), 3), NULL) AS ttft_ms,
    'provider-' || p AS provider, 'model-' || m || '-of-provider-' || p AS model, 'model-' || m AS requested_model,
    if(is_embedding, 'embeddings', 'chat') AS operation,
    status, if(status = 'error', if(coin(i, 19, 0.6), 'RateLimitError', 'Timeout'), NULL) AS error_class,
    CASE status WHEN 'success' THEN 200 WHEN 'error' THEN if(coin(i, 19, 0.6), 429, 504) END::INTEGER AS http_status,
    if(coin(u, 20, 0.02), NULL, 'user-' || u || '@example.com') AS user_id, NULL::VARCHAR AS end_user_id,
    if(u % 50 = 7, NULL, 'team-' || u % 60) AS team_id, 'key-' || u % 240 AS virtual_key, 'app-' || (u + m) % 25 AS app,
    if(coin(i, 21, 0.9), 'production', 'staging') AS environment,
    if(coin(i, 22, 0.2), ['region:' || u % 4, 'cost-centre:' || u % 30], NULL) AS tags,
    if(m % 10 = 0, 'project-' || u % 40, NULL) AS project, if(m % 10 = 0, 'main', NULL) AS git_branch,
    coin(i, 17, 0.5) AS is_streaming, false AS is_batch, coin(i, 23, 0.01) AS is_gateway_cache_hit,
    NULL::VARCHAR AS service_tier, NULL::VARCHAR AS speed, NULL::VARCHAR AS inference_region,
    '/v1/' || if(is_embedding, 'embeddings', 'chat/completions') AS route,
    input AS input_tokens, cache_read AS cache_read_tokens, cache_write AS cache_write_tokens,
    NULL::BIGINT AS cache_write_1h_tokens, if(is_embedding, NULL, output) AS output_tokens,
    if(m % 4 = 0, output // 3, NULL) AS output_reasoning_tokens, NULL::BIGINT AS input_audio_tokens,
    NULL::BIGINT AS output_audio_tokens, NULL::BIGINT AS cache_audio_read_tokens, NULL::BIGINT AS cache_image_read_tokens,
    NULL::BIGINT AS input_image_tokens, NULL::BIGINT AS output_image_tokens,
    if(coin(i, 26, 0.02), MAP {'web_searches': CAST(1 AS DECIMAL(18, 6))}, NULL) AS units,
    if(coin(i, 24, 0.4), NULL, money(list_cost * 0.97)) AS reported_cost_usd, list_cost AS list_cost_usd,
    list_cost - money(list_cost * 0.05) - money(list_cost * 0.04) - money(list_cost * 0.6) AS input_cost_usd,
    money(list_cost * 0.05) AS cache_read_cost_usd, money(list_cost * 0.04) AS cache_write_cost_usd,
    money(list_cost * 0.6) AS output_cost_usd, if(list_cost IS NULL, NULL, money(0)) AS other_cost_usd,
    if(list_cost IS NULL, 'no such model in the price list', 'model-' || m || ' is in the price list') AS price_reason,
    if(list_cost IS NULL, 'unpriced', 'exact') AS price_status, if(list_cost IS NULL, NULL, 'model-' || m) AS price_id,
    NULL::DECIMAL(18, 9) AS discount, if(list_cost IS NULL, NULL, money(cache_read * (1 + m % 30) * 9e-8)) AS cache_read_saved_usd,
    if(list_cost IS NULL, NULL, money(cache_write * (1 + m % 30) * 25e-9)) AS cache_write_extra_usd,
    0::BIGINT AS rank, 'made.jsonl' AS source_file, 'made' AS ingest_id,
    sent AT TIME ZONE 'UTC' AS ingested_at, if(coin(i, 25, 0.1), '{"region": "eu-' || m % 3 || '"}', NULL) AS attributes
FROM priced
"""


def make_lake(root: Path, *, rows: int, days: int, models: int, users: int, end: date) -> Lake:
    """A new lake of ``rows`` requests on the ``days`` UTC days before ``end``.

    The requests are new by their numbers, so the comparison with what is stored, which takes most of an ingest's time, is left out:
    the functions that a commit uses write one file a day and publish them all as one version.
    """
    lake = Lake(root)
    place = Disk(lake.root) / REQUESTS.name
    table = open_or_create(place, REQUESTS)
    with lake.staging() as folder, bounded_database(folder) as con, ThreadPoolExecutor(worker_count()) as pool:
        con.execute(MACROS)

        def write_day(day: date, first: int, after_last: int) -> NewFile | None:
            values = {"day": day, "first": first, "after_last": after_last, "models": models, "users": users}
            with con.cursor() as cursor:
                return write_file(cursor, folder, REQUESTS, REQUESTS_OF_DAY, values, day)

        added = [file for file in pool.map(write_day, *zip(*numbers_by_day(rows, days, end), strict=True)) if file]
        publish(table, place, added, about={"ingest": {"format": "made"}})
    lake.roll_up()
    return lake


def numbers_by_day(rows: int, days: int, end: date) -> list[tuple[date, int, int]]:
    """One row = a day, the number of its first request, and the one after its last; together exactly ``rows``."""
    dates = [end - timedelta(days=days - place) for place in range(days)]
    weights = [(1 + GROWTH * place / days) * (WEEKEND_SHARE if day.weekday() > 4 else 1) for place, day in enumerate(dates)]
    sums = [0, *accumulate(weights)]
    return [(day, *(round(rows * edge / sums[-1]) for edge in edges)) for day, edges in zip(dates, pairwise(sums), strict=True)]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--models", type=int, default=60)
    parser.add_argument("--users", type=int, default=5_000)
    parser.add_argument("--end", type=date.fromisoformat, default=datetime.now(UTC).date(), help="the day after the last one")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the new lake")
    args = parser.parse_args()
    staging.MEMORY_LIMIT = MEMORY_LIMIT
    start = time.perf_counter()
    lake = make_lake(args.out, rows=args.rows, days=args.days, models=args.models, users=args.users, end=args.end)
    made = lake.snapshot()
    seconds = time.perf_counter() - start
    print(f"{made.rows:,} requests in {len(made.data_files)} files, {made.bytes / 1e9:.2f} GB, made in {seconds:.0f} s")


if __name__ == "__main__":
    main()
