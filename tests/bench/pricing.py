"""How many requests a second get their list price: 60 models, one table into another, beside a plain copy of the table.

python tests/bench/pricing.py --rows 2000000
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import duckdb
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[2]))

from genai_prices.data_snapshot import get_snapshot

from usagecost.pricing import with_prices
from usagecost.schema import REQUESTS

MODELS, OWN_MODELS = 55, 5

MADE = """
INSERT INTO requests BY NAME
SELECT 'bench' AS source, CAST(i AS VARCHAR) AS request_id, 0 AS rank,
       to_timestamp(1767225600 + i * 13) AS started_at, CAST(to_timestamp(1767225600 + i * 13) AS DATE) AS day,
       names.provider, names.model, 'success' AS status, hash(i, 1) % 20 = 0 AS is_batch,
       CAST(hash(i, 2) % 300000 AS BIGINT) AS input_tokens, CAST(hash(i, 3) % 4000 AS BIGINT) AS output_tokens,
       CAST(input_tokens * (hash(i, 4) % 90) // 100 AS BIGINT) AS cache_read_tokens,
       CAST(output_tokens * (hash(i, 5) % 50) // 100 AS BIGINT) AS output_reasoning_tokens
FROM range($rows) AS numbers(i) JOIN names ON names.place = hash(i, 6) % $models
"""


def names() -> pa.Table:
    """Every tenth model of the five largest makers, and some of one's own that have no price."""
    makers = [
        provider for provider in get_snapshot().providers if provider.id in {"openai", "anthropic", "google", "aws", "mistral"}
    ]
    known = [(provider.id, model.id) for provider in makers for model in provider.models][::6][:MODELS]
    rows = [*known, *(("vllm", f"own-{number}") for number in range(OWN_MODELS))]
    return pa.table({"place": list(range(len(rows))), "provider": [row[0] for row in rows], "model": [row[1] for row in rows]})


def measure(con: duckdb.DuckDBPyConnection, what: str, rows: int, sql: str) -> float:
    """Seconds that a table of the rows of a query takes to make; prints them with the rows a second."""
    started, used = time.perf_counter(), time.process_time()
    con.execute(f"CREATE OR REPLACE TABLE made AS {sql}").fetchall()
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    print(f"{what:<8}{seconds:6.2f} s {rows / seconds:12,.0f} rows/s   (processor {processor:.2f} s)")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    con = duckdb.connect(config={"threads": asked.threads})
    con.execute("SET TimeZone = 'UTC'")
    con.register("names", names())
    con.register("nothing", pa.schema([field.with_nullable(True) for field in REQUESTS]).empty_table())
    con.execute("CREATE TABLE requests AS FROM nothing")
    con.execute(MADE, {"rows": asked.rows, "models": MODELS + OWN_MODELS}).fetchall()

    started = time.perf_counter()
    sql = with_prices(con, "requests")
    print(f"rates   {time.perf_counter() - started:6.2f} s for the names and contexts of the table")
    copied = measure(con, "copy", asked.rows, "FROM requests")
    priced = measure(con, "priced", asked.rows, sql)
    print(f"pricing alone: {asked.rows / max(priced - copied, 1e-9):,.0f} rows/s")


if __name__ == "__main__":
    main()
