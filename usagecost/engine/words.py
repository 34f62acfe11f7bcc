"""Words of the engine's SQL, which is DuckDB's; `dialect` knows how another engine says them."""

from __future__ import annotations


class UnansweredError(Exception):
    """A query that could not be answered; its text says why and what to do."""


class FileLostError(UnansweredError):
    """A file that a query names is gone or damaged."""


INSTANT_US = "epoch_us(started_at)"
"""The instant of a request as an integer: microseconds since 1970, UTC."""


def whole_quotient(dividend: str, divisor: str) -> str:
    """The SQL of an integer division rounded down, for a dividend that is not negative."""
    return f"({dividend}) // ({divisor})"


def shuffled(*columns: str) -> str:
    """The SQL of a number that puts rows into an order that has nothing to do with what they say, always the same one."""
    return f"hash({', '.join(columns)})"
