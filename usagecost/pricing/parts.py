"""What a cost is made of: the tokens of each kind, at the rate that holds for them."""

from __future__ import annotations

import duckdb

from usagecost.pricing.book import NO_BOOK, Book
from usagecost.pricing.costs import charged
from usagecost.pricing.kinds import pieces_sql
from usagecost.pricing.rates import ATTO
from usagecost.pricing.units import TOKENS, WHOLES, sign

REQUEST, PIECES = "request", "pieces"
"""The parts that are billed for the request itself, whatever its tokens, and for what is billed by the piece, searches and such."""

PICO_DIGITS = 12
ATTO_PER_PICO = ATTO // 10**PICO_DIGITS
"""A rate in atto-dollars a token is one in pico-dollars a million tokens."""


def _usd(pico: str) -> str:
    """SQL: whole pico-dollars as dollars. A decimal divided by an integer would be a double."""
    return f"({pico})::DECIMAL({38 - PICO_DIGITS}, 0) * 0.{1:0{PICO_DIGITS}}::DECIMAL({PICO_DIGITS}, {PICO_DIGITS})"


def with_parts(con: duckdb.DuckDBPyConnection, table: str, book: Book = NO_BOOK) -> str:
    """SQL for the parts of the costs of a table of canonical requests. One row: (source, request_id, kind).

    `kind` is a count of the record without its `_tokens`, PIECES or REQUEST; `tokens` are those that are billed as this kind and no
    other, so that they add up to input and output; `usd_per_mtok` is the rate; both are NULL for PIECES and REQUEST. `cost_usd`
    is their product to twelve places. Their sum is the list cost before it is rounded. A request that nothing is known of, or that
    is free, has no parts.
    """
    kinds = "\nUNION ALL BY NAME\n".join(_part(count) for count in TOKENS)
    amounts = {REQUEST: "request_rate", PIECES: "pieces"}
    request_parts = "\nUNION ALL BY NAME\n".join(
        f"SELECT source, request_id, '{kind}' AS kind, {_usd(f'{atto} // {ATTO_PER_PICO}')} AS cost_usd, {number} AS place"
        f" FROM priced WHERE {atto} > 0"
        for number, (kind, atto) in enumerate(amounts.items(), start=len(TOKENS))
    )
    return f"""
        WITH priced AS (
            SELECT *, {", ".join(f"{_own_rate(count)} AS {count}_own" for count in TOKENS)}, {pieces_sql()} AS pieces
            FROM ({charged(con, table, book)})
            WHERE rate_id IS NOT NULL AND NOT is_free AND NOT coalesce(is_refused OR is_unread OR is_nothing_billed, false))
        SELECT source, request_id, kind, tokens, usd_per_mtok, cost_usd
        FROM ({kinds} UNION ALL BY NAME {request_parts})
        ORDER BY source, request_id, place"""


def _part(count: str) -> str:
    """A SELECT of one kind: the tokens that none of the kinds within it is billed for."""
    within = {part: sign(count, part) for part in TOKENS if part != count and sign(count, part)}
    inner = [f"{times} * CASE WHEN {part}_rate IS NULL THEN 0 ELSE coalesce({part}, 0) END" for part, times in within.items()]
    tokens = " + ".join([f"coalesce({count}, 0)", *inner])
    return f"""
        SELECT
            source, request_id, '{count.removesuffix("_tokens")}' AS kind, {tokens} AS tokens,
            {_usd(f"{count}_own")} AS usd_per_mtok,
            {_usd(f"({tokens})::HUGEINT * {count}_own // {ATTO_PER_PICO}")} AS cost_usd, {TOKENS.index(count)} AS place
        FROM priced WHERE {count}_rate IS NOT NULL AND {tokens} > 0"""


def _own_rate(count: str) -> str:
    """SQL for what one token of a kind costs, in atto-dollars: what it adds to the rates of what contains it, and those."""
    return f"{count}_rate" + "".join(f" + coalesce({whole}_rate, 0)" for whole in WHOLES[count])
