"""The join that prices requests: rates to requests by model, context, time and total input."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from usagecost.pricing.names import resolve
from usagecost.pricing.rates import DAY_US, RATE_OF, RATES, rate_rows
from usagecost.schema import MONEY, PRICE_COLUMNS, REQUESTS

RATES_TABLE = "usagecost_rates"
CONTEXT = "provider, model, coalesce(is_batch, false) AS is_batch, service_tier"

UNITS = {
    "cache_write_1h_rate": "coalesce(cache_write_1h_tokens, 0)",
    "cache_write_rate": "coalesce(cache_write_tokens, 0) - {cache_write_1h_rate}",
    "cache_read_rate": "coalesce(cache_read_tokens, 0)",
    "input_audio_rate": "coalesce(input_audio_tokens, 0)",
    "input_rate": "input_tokens - {cache_write_1h_rate} - {cache_write_rate} - {cache_read_rate} - {input_audio_rate}",
    "reasoning_rate": "coalesce(output_reasoning_tokens, 0)",
    "output_audio_rate": "coalesce(output_audio_tokens, 0)",
    "output_rate": "coalesce(output_tokens, 0) - {reasoning_rate} - {output_audio_rate}",
    "request_rate": "1000",  # its rate is per thousand requests, all others are per million tokens
}
"""Rate -> the units that it prices. Only what is priced apart is taken out of what it is a part of: without a price for
one-hour writes they cost what writes do, without a price for writes they cost what input does."""

NO_CHARGE = """is_gateway_cache_hit OR (status IN ('error', 'cancelled') AND input_tokens = 0 AND output_tokens = 0)"""
"""Nothing was used at a provider: answered by the gateway itself, or failed before a token was read."""

UNIT = "DECIMAL(20, 0)"
"""Wider than 18 digits: DuckDB multiplies narrower decimals in 64 bits, which a long context at a high price overflows."""

REFUSED = [
    "input_tokens IS NULL",
    "output_rate IS NOT NULL AND output_tokens IS NULL AND (output_reasoning_tokens > 0 OR output_audio_tokens > 0)",
    "cache_write_rate IS NOT NULL AND cache_write_tokens IS NULL AND cache_write_1h_tokens > 0",
    "cached_audio_rate IS NOT NULL AND cache_read_tokens > 0 AND input_audio_tokens > 0",  # how much is both is not known
    *(f"{name} IS NOT NULL AND {name}_units < 0" for name in UNITS if name != "request_rate"),
]
"""Counts that do not suffice, or contradict each other: the library refuses to price them, and so do we."""


def with_prices(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """SQL that selects every row of ``table`` with its price columns filled; leaves a table of rates on the connection.

    ``list_cost_usd`` is NULL and ``price_status`` unpriced where no price is known or the counts cannot be priced.
    The cost is rounded to nine places, halves away from zero.
    """
    _make_rates(con, table)
    own = [name for name in REQUESTS.names if name not in PRICE_COLUMNS]
    rates = ", ".join(f"rates.{name}" for name in ("found", "found_id", *RATE_OF))
    units = ", ".join(f"{_filled(sql)} AS {name}_units" for name, sql in UNITS.items())
    sums = " + ".join(f"coalesce(({name}_units)::{UNIT} * {name}, 0)" for name in UNITS)
    columns = {
        "list_cost_usd": f"CASE WHEN price_status <> 'unpriced' THEN cost END::{_sql_type(MONEY)}",
        "price_status": "price_status",
        "price_id": "CASE WHEN price_status <> 'unpriced' THEN found_id END",
        "discount": f"NULL::{_sql_type(MONEY)}",
    }
    return f"""
        WITH matched AS (
            SELECT {", ".join("requests." + name for name in own)}, {rates}
            FROM {table} AS requests LEFT JOIN {RATES_TABLE} AS rates
              ON requests.model = rates.model AND requests.provider IS NOT DISTINCT FROM rates.provider
             AND coalesce(requests.is_batch, false) = rates.is_batch
             AND requests.service_tier IS NOT DISTINCT FROM rates.service_tier
             AND requests.started_at >= rates.valid_from AND requests.started_at < rates.valid_to
             AND epoch_us(requests.started_at) % {DAY_US} >= rates.day_from
             AND epoch_us(requests.started_at) % {DAY_US} < rates.day_to
             AND requests.input_tokens > rates.input_above AND requests.input_tokens <= rates.input_up_to),
        counted AS (SELECT *, {units} FROM matched),
        judged AS (
            SELECT *, CASE
                WHEN {NO_CHARGE} THEN 'free'
                WHEN found IS NULL OR {" OR ".join(f"({test})" for test in REFUSED)} THEN 'unpriced'
                ELSE found END AS price_status
            FROM counted),
        priced AS (
            SELECT *, CASE WHEN {NO_CHARGE} THEN 0 WHEN price_status <> 'unpriced' THEN round(({sums}) / 1000000, 9) END AS cost
            FROM judged)
        SELECT {", ".join(f"{columns[name]} AS {name}" if name in columns else name for name in REQUESTS.names)} FROM priced"""


def _make_rates(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """The rates of every distinct model and context of the table, under the names that the log uses."""
    asked = con.sql(f"SELECT DISTINCT {CONTEXT} FROM {table} WHERE model IS NOT NULL").fetchall()
    rows = [
        {"provider": provider, "model": model, "service_tier": tier, "found": match.status, **row}
        for provider, model, is_batch, tier in asked
        if (match := resolve(provider, model))
        for row in rate_rows(match.provider, match.model, is_batch=is_batch, service_tier=tier)
    ]
    rates = pa.Table.from_pylist(rows, schema=RATES)
    con.register("usagecost_rate_rows", rates)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {RATES_TABLE} AS SELECT * FROM usagecost_rate_rows")
    con.unregister("usagecost_rate_rows")


def _filled(sql: str) -> str:
    """The SQL of a count of units, its parts put in where they are priced apart."""
    parts = {name: f"CASE WHEN {name} IS NULL THEN 0 ELSE {name}_units END" for name in UNITS}
    return sql.format(**parts)


def _sql_type(kind: pa.Decimal128Type) -> str:
    return f"DECIMAL({kind.precision}, {kind.scale})"
