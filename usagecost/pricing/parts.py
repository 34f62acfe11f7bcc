"""What a cost is made of: the tokens of each kind, at the rate that holds for them."""

from __future__ import annotations

import duckdb

from usagecost.pricing.book import NO_BOOK, Book
from usagecost.pricing.costs import charged
from usagecost.pricing.rates import ATTO, PART_OF

REQUEST = "request"
"""The part that is billed for the request itself, whatever its tokens."""

PICO_DIGITS = 12
ATTO_PER_PICO = ATTO // 10**PICO_DIGITS
"""A rate in atto-dollars a token is one in pico-dollars a million tokens."""


def _usd(pico: str) -> str:
    """SQL: whole pico-dollars as dollars. A decimal divided by an integer would be a double."""
    return f"({pico})::DECIMAL({38 - PICO_DIGITS}, 0) * 0.{1:0{PICO_DIGITS}}::DECIMAL({PICO_DIGITS}, {PICO_DIGITS})"


def with_parts(con: duckdb.DuckDBPyConnection, table: str, book: Book = NO_BOOK) -> str:
    """SQL for the parts of the costs of a table of canonical requests. One row: (source, request_id, kind).

    `kind` is a count of the record without its `_tokens`, or REQUEST; `tokens` are those that are billed as this kind and no
    other, so that they add up to input and output; `usd_per_mtok` is the rate (NULL for REQUEST); `cost_usd` is their product to
    twelve places. Their sum is the list cost before it is rounded. A request that nothing is known of, or that is free, has no
    parts.
    """
    kinds = "\nUNION ALL BY NAME\n".join(_part(count) for count in PART_OF)
    return f"""
        WITH priced AS (
            SELECT *, {", ".join(f"{_own_rate(count)} AS {count}_own" for count in PART_OF)}
            FROM ({charged(con, table, book)})
            WHERE rate_id IS NOT NULL AND is_no_charge IS NOT TRUE AND is_refused IS NOT TRUE)
        SELECT source, request_id, kind, tokens, usd_per_mtok, cost_usd
        FROM (
            {kinds}
            UNION ALL BY NAME
            SELECT
                source, request_id, '{REQUEST}' AS kind, {_usd(f"request_rate // {ATTO_PER_PICO}")} AS cost_usd,
                {len(PART_OF)} AS place
            FROM priced WHERE request_rate > 0)
        ORDER BY source, request_id, place"""


def _part(count: str) -> str:
    """A SELECT of one kind: the tokens that none of the kinds within it is billed for."""
    inner = [
        f"CASE WHEN {part}_rate IS NULL THEN 0 ELSE coalesce({part}, 0) END" for part, whole in PART_OF.items() if whole == count
    ]
    tokens = " - ".join([f"coalesce({count}, 0)", *inner])
    place = list(PART_OF).index(count)
    return f"""
        SELECT
            source, request_id, '{count.removesuffix("_tokens")}' AS kind, {tokens} AS tokens,
            {_usd(f"{count}_own")} AS usd_per_mtok,
            {_usd(f"({tokens})::HUGEINT * {count}_own // {ATTO_PER_PICO}")} AS cost_usd, {place} AS place
        FROM priced WHERE {count}_rate IS NOT NULL AND {tokens} > 0"""


def _own_rate(count: str) -> str:
    """SQL for what one token of a kind costs, in atto-dollars: what it adds to the rate of what contains it, and that."""
    whole = PART_OF[count]
    return f"{count}_rate" + (f" + coalesce({_own_rate(whole)}, 0)" if whole else "")
