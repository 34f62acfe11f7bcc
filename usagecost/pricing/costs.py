"""The join that prices requests: rates to requests by model, context, time and total input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import duckdb
import pyarrow as pa

from usagecost.pricing.book import NO_BOOK, Book
from usagecost.pricing.overlay import Asked, rates_of
from usagecost.pricing.rates import ATTO, DAY_US, PART_OF, RATES
from usagecost.schema import COST_PARTS, MONEY, PRICE_COLUMNS, REQUESTS

NO_CHARGE = "is_gateway_cache_hit OR (status IN ('error', 'cancelled') AND input_tokens = 0 AND output_tokens = 0)"
"""Nothing was used at a provider: answered by the gateway itself, or failed before a token was read."""

OVERLAPS = (
    ("cache_read_tokens", "input_audio_tokens"),
    ("cache_write_tokens", "input_audio_tokens"),
    ("output_reasoning_tokens", "output_audio_tokens"),
)
"""Parts of one whole that may share tokens. Where both are priced apart, so is what they share, and no record counts that."""

MOST_TOKENS = 100_000_000_000
"""Of one request. At ten times the highest price there is, this many still cost less than what the column holds."""

NANO = 1_000_000_000
ATTO_PER_NANO = ATTO // NANO
HALF = ATTO_PER_NANO // 2
MONEY_TYPE = f"DECIMAL({MONEY.precision}, {MONEY.scale})"


def _of_cache(tokens: str, difference: str) -> str:
    """SQL: what caching made a request cost less or more; nothing where it was not charged, unknown as its tokens or price are."""
    nothing = f"CASE WHEN {tokens} IS NOT NULL THEN CAST(0 AS {MONEY_TYPE}) END"
    return f"CASE WHEN is_refused THEN NULL WHEN is_no_charge THEN {nothing} ELSE {difference} END"


PRICED = f"""
    CASE WHEN is_no_charge THEN CAST(0 AS {MONEY_TYPE}) WHEN is_refused THEN NULL ELSE cost END AS list_cost_usd,
    CASE WHEN is_no_charge THEN 'free' WHEN is_refused OR rate_id IS NULL THEN 'unpriced' ELSE rate_status END AS price_status,
    CASE WHEN is_no_charge OR is_refused THEN NULL ELSE rate_id END AS price_id,
    CASE WHEN is_no_charge OR is_refused THEN NULL ELSE rate_discount END AS discount,
    {", ".join(f"CAST(NULL AS {MONEY_TYPE}) AS {part}" for part in COST_PARTS)}, NULL::VARCHAR AS price_reason,
    {_of_cache("cache_read_tokens", "saved")} AS cache_read_saved_usd,
    {_of_cache("cache_write_tokens", "extra")} AS cache_write_extra_usd"""


def with_prices(con: duckdb.DuckDBPyConnection, table: str, book: Book = NO_BOOK, also: Sequence[str] = ()) -> str:
    """SQL that selects every row of a table of canonical requests with its price columns filled.

    The cost is exact, then rounded to nine places, halves up. It is NULL and the status unpriced where no price is known, the
    input is not reported, or the counts contradict each other. ``price_id`` is NULL where no price was used, ``discount`` where
    nothing was taken off. ``also`` names columns of the table beyond the record's that are wanted too. The SQL reads a temporary
    table that this call leaves on the connection: the rates of what is in the table now.
    """
    columns = ", ".join((*REQUESTS.names, *also))
    return f"SELECT {columns} FROM (SELECT *, {PRICED} FROM ({charged(con, table, book, also)}))"


def charged(con: duckdb.DuckDBPyConnection, table: str, book: Book, also: Sequence[str] = ()) -> str:
    """SQL that selects every row of a table, without its price columns, with the row of RATES that holds for it (NULL: none).

    `is_no_charge` and `is_refused` say that none is to be used, `cost` is in USD. It reads a temporary table that this call leaves
    on the connection.
    """
    rates = f'"rates of {table}"'
    _make_rates(con, table, rates, book)
    may_contradict, contradicts = _contradicts("true"), _contradicts("{}_rate IS NOT NULL")  # the first is quick and mostly enough
    said = ", ".join(f"request.{name}" for name in (*REQUESTS.names, *also) if name not in PRICE_COLUMNS)
    return f"""
        WITH request AS (
            SELECT *, (instant % {DAY_US} + {DAY_US}) % {DAY_US} AS time_of_day,
                {NO_CHARGE} AS is_no_charge, {may_contradict} AS may_contradict
            FROM (SELECT *, epoch_us(started_at) AS instant FROM {table})),
        rated AS (
            SELECT {said}, is_no_charge, may_contradict, rate.* EXCLUDE (provider, model, is_batch, service_tier)
            FROM request LEFT JOIN {rates} AS rate
              ON request.model = rate.model
             AND request.provider IS NOT DISTINCT FROM rate.provider
             AND coalesce(request.is_batch, false) = rate.is_batch
             AND request.service_tier IS NOT DISTINCT FROM rate.service_tier
             AND request.instant >= rate.valid_from AND request.instant < rate.valid_until
             AND request.time_of_day >= rate.daily_from AND request.time_of_day < rate.daily_until
             AND request.input_tokens > rate.input_above AND request.input_tokens <= rate.input_up_to)
        SELECT *, may_contradict AND ({contradicts}) AS is_refused, {_cost()} AS cost,
            {_difference("cache_read_tokens", "-cache_read_tokens_rate")} AS saved,
            {_difference("cache_write_tokens", "cache_write_tokens_rate", of_it="cache_write_1h_tokens")} AS extra
        FROM rated"""


def _make_rates(con: duckdb.DuckDBPyConnection, table: str, rates: str, book: Book) -> None:
    """The rates of every distinct model and context of a table, under the names that the log uses."""
    asked = con.sql(
        f"SELECT DISTINCT provider, model, coalesce(is_batch, false), service_tier FROM {table} WHERE model IS NOT NULL"
    )
    rows = [{**asdict(one), **row} for one in (Asked(*values) for values in asked.fetchall()) for row in rates_of(one, book)]
    con.register("rate_rows", pa.Table.from_pylist(rows, schema=RATES))
    con.execute(f"CREATE OR REPLACE TEMP TABLE {rates} AS FROM rate_rows")
    con.unregister("rate_rows")


def _cost() -> str:
    """SQL: the cost in USD, a sum of exact integers; NULL where there is no rate."""
    return _usd(" + ".join([f"request_rate + {HALF}", *(f"coalesce({count}::HUGEINT * {count}_rate, 0)" for count in PART_OF)]))


def _difference(count: str, rate: str, of_it: str | None = None) -> str:
    """SQL: what tokens, and a part of them, cost beyond the rate of what contains them, in USD, rounded as costs are.

    NULL where the tokens are not reported or there is no rate; 0 where they are not priced apart.
    """
    part = f" + coalesce({of_it}, 0)::HUGEINT * coalesce({of_it}_rate, 0)" if of_it else ""
    atto = f"({count}::HUGEINT * coalesce({rate}, 0){part})"
    usd = _usd(f"{atto} + CASE WHEN {atto} < 0 THEN -{HALF} ELSE {HALF} END")
    return f"CASE WHEN rate_id IS NULL THEN NULL WHEN {count} = 0 THEN CAST(0 AS {MONEY_TYPE}) ELSE {usd} END"


def _usd(atto: str) -> str:
    """SQL: whole atto-dollars as USD of nine places; the division cuts towards 0, so half of the last place is to be in it.

    Only what is more than nine dollars has to be divided in 128 bits, which is slow.
    """
    nano = f"coalesce(TRY_CAST({atto} AS BIGINT) // {ATTO_PER_NANO}, ({atto}) // {ATTO_PER_NANO})"
    return f"CAST(TRY_CAST({nano} AS DECIMAL(18, 0)) * 0.000000001 AS {MONEY_TYPE})"


def _contradicts(is_priced: str) -> str:
    """SQL: counts that the library refuses to price, given how to tell that a count has a price of its own, or that no request has.

    A whole must contain its parts that are priced apart; all of them where it is not reported itself.
    """
    tests = [f"least({', '.join(PART_OF)}) < 0", f"greatest({', '.join(PART_OF)}) > {MOST_TOKENS}"]
    for whole in dict.fromkeys(whole for whole in PART_OF.values() if whole):
        taken_out = " + ".join(
            f"CASE WHEN {whole} IS NULL OR {is_priced.format(part)} THEN coalesce({part}, 0) ELSE 0 END::DOUBLE"
            for part, of in PART_OF.items()
            if of == whole
        )
        tests.append(f"{is_priced.format(whole)} AND coalesce({whole}, 0) < {taken_out}")
    tests += [f"{a} > 0 AND {b} > 0 AND {is_priced.format(a)} AND {is_priced.format(b)}" for a, b in OVERLAPS]
    return " OR ".join(f"({test})" for test in tests)
