"""The join that prices requests: rates to requests by model, way of asking, time and total input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import duckdb
import pyarrow as pa

from usagecost.periods import DAY_US
from usagecost.pricing.book import NO_BOOK, Book
from usagecost.pricing.contexts import PriceQuery
from usagecost.pricing.kinds import contradiction_sql, free_sql, leaf_costs_sql, nothing_billed_sql, pieces_sql, unrated_sql
from usagecost.pricing.overlay import rates_of
from usagecost.pricing.rates import ATTO, RATES
from usagecost.schema import COST_PARTS, MONEY, PRICE_COLUMNS, REQUESTS

NANO = 1_000_000_000
ATTO_PER_NANO = ATTO // NANO
HALF = ATTO_PER_NANO // 2
MONEY_TYPE = f"DECIMAL({MONEY.precision}, {MONEY.scale})"
ZERO = f"CAST(0 AS {MONEY_TYPE})"

_QUERY_COLUMNS = ("provider", "model", "is_batch", "service_tier", "speed", "inference_region")
_CONTEXT = ("provider", "service_tier", "speed", "inference_region")

_STATUS = """CASE
    WHEN is_free THEN 'free'
    WHEN rate_status IS NULL OR rate_status = 'unpriced' OR is_refused OR is_unread OR is_nothing_billed THEN 'unpriced'
    WHEN unrated IS NOT NULL AND rate_status IN ('exact', 'alias', 'discount') THEN 'partial'
    ELSE rate_status
END"""

_REASON = """CASE
    WHEN is_free THEN is_free_because
    WHEN model IS NULL THEN 'the log does not say which model'
    WHEN rate_status IS NULL THEN 'the price list has no such model at this provider'
    WHEN rate_status = 'unpriced' THEN rate_reason
    WHEN is_unread THEN 'input tokens are not reported'
    WHEN is_refused THEN 'counts contradict each other'
    WHEN is_nothing_billed THEN 'the price list has no rate for what was used'
    WHEN status_ = 'partial' THEN unrated
    ELSE rate_reason
END"""


def with_prices(con: duckdb.DuckDBPyConnection, table: str, book: Book = NO_BOOK, also: Sequence[str] = ()) -> str:
    """SQL that selects every row of a table of canonical requests with its price columns filled.

    The cost is exact, then rounded to nine places, halves up; its parts add up to it. It is a lower bound where the status is
    partial; NULL, and the status unpriced, where no price is known, the input is not reported, or the counts contradict each
    other. ``price_id`` is NULL where no price was used, ``discount`` where nothing was taken off. ``also`` names columns of the
    table beyond the record's that are wanted too. The SQL reads a temporary table that this call leaves on the connection: the
    rates of what is in the table now.
    """
    columns = ", ".join((*REQUESTS.names, *also))
    is_known = "status_ NOT IN ('unpriced', 'free') OR (status_ = 'free' AND NOT is_free)"
    cumulated = [f"part_{number}" for number in range(len(COST_PARTS))]
    costs = {
        part: f"({until} - {before})::{MONEY_TYPE}"
        for part, until, before in zip(COST_PARTS, cumulated, ["0", *cumulated], strict=False)
    }
    costs = {"list_cost_usd": cumulated[-1], **costs}
    amounts = [
        f"CASE WHEN is_free THEN {ZERO} WHEN status_ <> 'unpriced' THEN {cost} END AS {name}" for name, cost in costs.items()
    ]
    priced = f"""
        {", ".join(amounts)},
        status_ AS price_status, {_REASON} AS price_reason,
        CASE WHEN {is_known} THEN rate_id END AS price_id, CASE WHEN {is_known} THEN rate_discount END AS discount,
        {_cache_difference("cache_read_tokens", "saved")} AS cache_read_saved_usd,
        {_cache_difference("cache_write_tokens", "extra")} AS cache_write_extra_usd"""
    return f"""
        SELECT {columns} FROM (
            SELECT *, {priced} FROM (SELECT *, {_STATUS} AS status_ FROM ({charged(con, table, book, also)})))"""


def charged(con: duckdb.DuckDBPyConnection, table: str, book: Book, also: Sequence[str] = ()) -> str:
    """SQL that selects every row of a table, without its price columns, with the row of RATES that holds for it (NULL: none).

    `is_free` (and why), `is_unread`, `is_refused` and `is_nothing_billed` say that none is to be used; `unrated` says in words what
    was used and has no rate, or is not known. `part_0` to `part_4` are the parts of the cost in USD, each with those before it. It
    reads a temporary table that this call leaves on the connection.
    """
    rates = f'"rates of {table}"'
    _make_rates(con, table, rates, book)
    columns = ", ".join(f"request.{name}" for name in (*REQUESTS.names, *also) if name not in PRICE_COLUMNS)
    costs = [*leaf_costs_sql(), f"request_rate + {pieces_sql()}"]
    sums = ", ".join(
        f"{'sum_' + str(number - 1) if number else HALF} + leaf_{number} AS sum_{number}" for number in range(len(costs))
    )
    same = " ".join(f"AND request.{name} IS NOT DISTINCT FROM rate.{name}" for name in _CONTEXT)
    return f"""
        WITH request AS (
            SELECT *, (instant % {DAY_US} + {DAY_US}) % {DAY_US} AS time_of_day, {free_sql()} AS is_free_because,
                is_free_because IS NOT NULL AS is_free, {contradiction_sql(None)} AS may_contradict
            FROM (SELECT *, epoch_us(started_at) AS instant FROM {table})),
        rated AS (
            SELECT {columns}, is_free_because, is_free, may_contradict, rate.* EXCLUDE ({", ".join(_QUERY_COLUMNS)})
            FROM request LEFT JOIN {rates} AS rate
              ON request.model = rate.model
             AND coalesce(request.is_batch, false) = rate.is_batch
             {same}
             AND request.instant >= rate.valid_from AND request.instant < rate.valid_until
             AND request.time_of_day >= rate.daily_from AND request.time_of_day < rate.daily_until
             AND coalesce(request.input_tokens, 0) > rate.input_above AND coalesce(request.input_tokens, 0) <= rate.input_up_to),
        judged AS (
            SELECT *,
                input_tokens IS NULL AND units IS NULL AND rate_status <> 'free' AS is_unread,
                may_contradict AND ({contradiction_sql("{}_rate IS NOT NULL")}) AS is_refused,
                {nothing_billed_sql()} AS is_nothing_billed, {unrated_sql()} AS unrated
            FROM rated),
        leaves AS (SELECT *, {", ".join(f"{cost} AS leaf_{number}" for number, cost in enumerate(costs))} FROM judged),
        sums AS (SELECT *, {sums} FROM leaves)
        SELECT *, {_cumulated(len(costs))},
            {_difference("-", "cache_read_tokens", "cache_audio_read_tokens", "cache_image_read_tokens")} AS saved,
            {_difference("", "cache_write_tokens", "cache_write_1h_tokens")} AS extra
        FROM sums"""


def _make_rates(con: duckdb.DuckDBPyConnection, table: str, rates: str, book: Book) -> None:
    """The rates of every distinct model and way of asking of a table, under the names that the log uses."""
    names = [f"coalesce({name}, false)" if name == "is_batch" else name for name in _QUERY_COLUMNS]
    queries = con.sql(f"SELECT DISTINCT {', '.join(names)} FROM {table} WHERE model IS NOT NULL")
    rows = [
        {**asdict(query), **row}
        for query in (PriceQuery(*values) for values in queries.fetchall())
        for row in rates_of(query, book)
    ]
    con.register("rate_rows", pa.Table.from_pylist(rows, schema=RATES))
    con.execute(f"CREATE OR REPLACE TEMP TABLE {rates} AS FROM rate_rows")
    con.unregister("rate_rows")


def _cumulated(parts: int) -> str:
    """SQL: the parts of the cost in USD, each with all before it, so that rounding never makes their sum another than the cost.

    One that costs nothing is not divided again, which takes most of the time.
    """
    items = [f"CASE WHEN rate_id IS NOT NULL THEN {_usd('sum_0')} END AS part_0"]
    items += [
        f"CASE WHEN leaf_{number} = 0 THEN part_{number - 1} "
        f"WHEN rate_id IS NOT NULL THEN {_usd(f'sum_{number}')} END AS part_{number}"
        for number in range(1, parts)
    ]
    return ", ".join(items)


def _difference(sign: str, count: str, *parts: str) -> str:
    """SQL: what tokens, and parts of them, cost beyond the rates of what contains them, in USD, rounded as costs are.

    NULL where the tokens are not reported or there is no rate; 0 where they are not priced apart.
    """
    atto = " + ".join(f"coalesce({name}, 0)::HUGEINT * coalesce({name}_rate, 0)" for name in (count, *parts))
    usd = _usd(f"{sign}({atto}) + CASE WHEN {sign}({atto}) < 0 THEN -{HALF} ELSE {HALF} END")
    return f"CASE WHEN rate_id IS NULL THEN NULL WHEN {count} = 0 THEN {ZERO} WHEN {count} > 0 THEN {usd} END"


def _cache_difference(tokens: str, difference: str) -> str:
    """SQL: what caching made a request cost less or more; nothing where it was not charged, unknown as its tokens or price are."""
    nothing = f"CASE WHEN {tokens} IS NOT NULL THEN {ZERO} END"
    return f"CASE WHEN is_free THEN {nothing} WHEN status_ = 'unpriced' THEN NULL ELSE {difference} END"


def _usd(atto: str) -> str:
    """SQL: whole atto-dollars as USD of nine places; the division cuts towards 0, so half of the last place is to be in it.

    Only what is more than nine dollars has to be divided in 128 bits, which is slow.
    """
    nano = f"coalesce(TRY_CAST({atto} AS BIGINT) // {ATTO_PER_NANO}, ({atto}) // {ATTO_PER_NANO})"
    return f"CAST(TRY_CAST({nano} AS DECIMAL(18, 0)) * 0.000000001 AS {MONEY_TYPE})"
