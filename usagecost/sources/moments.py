"""Instants out of text, as SQL: ISO 8601 with and without an offset, and numbers since 1970 in any unit, mixed in one column."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
"""No log of requests to models is older; what seems to be has another time unit."""

_MICROSECONDS = {"s": "1000000::DECIMAL(7)", "ms": "1000::DECIMAL(4)", "us": "1::DECIMAL(1)", "ns": "0.001::DECIMAL(4, 3)"}
TIME_UNITS = ("iso", *_MICROSECONDS)

_MAGNITUDES = (("100000000000", "s"), ("100000000000000", "ms"), ("100000000000000000", "us"))
"""A plain number below the first is taken as seconds, which is until the year 5138, and so on."""

_COMMA_OF_SECONDS = "':[0-9][0-9],[0-9]'"
"""ISO 8601 and Python's loggers write seconds with a comma too."""

_NUMBER = "DECIMAL(28, 9)"


def instant_sql(text: str, unit: str | None, zone: str, latest: datetime) -> str:
    """SQL for the instant that a text expression says; NULL if it says none. The database's own zone has to be UTC.

    `unit` tells how plain numbers are meant: iso, not at all; None, by their size. A local time without an offset is one of
    `zone`: of a time that the clocks show twice the first is meant, one that they skip is counted on from before, as in
    zoneinfo. Digits below the microsecond are cut off.
    """
    iso = _iso_sql(text, zone, latest)
    instant = iso if unit == "iso" else f"coalesce({iso}, {_number_sql(text, unit)})"
    with_point = _iso_sql(f"replace({text}, ',', '.')", zone, latest)
    return f"coalesce({instant}, CASE WHEN regexp_matches({text}, {_COMMA_OF_SECONDS}) THEN {with_point} END)"


def _iso_sql(text: str, zone: str, latest: datetime) -> str:
    zoned = f"TRY_CAST({text} AS TIMESTAMPTZ)"
    naive = f"TRY_CAST({text} || 'Z' AS TIMESTAMPTZ)"  # NULL if there is an offset already; much faster than without the Z
    if zone != "UTC":
        midnight = f"TRY_CAST({text} || ' 00:00Z' AS TIMESTAMPTZ)"
        naive = _to_utc_sql(f"coalesce({naive}, {midnight})", zone, latest)
    return f"CASE WHEN ends_with({text}, 'Z') THEN {zoned} ELSE coalesce({naive}, {zoned}) END"


def _number_sql(text: str, unit: str | None) -> str:
    number = f"TRY_CAST({text} AS {_NUMBER})"
    if unit:
        return _since_1970_sql(number, unit)
    sizes = " ".join(f"WHEN abs({number}) < {size} THEN {_since_1970_sql(number, unit)}" for size, unit in _MAGNITUDES)
    return f"CASE {sizes} ELSE {_since_1970_sql(number, 'ns')} END"


def _since_1970_sql(number: str, unit: str) -> str:
    """The instant; one that no clock shows any more is a far one, so that it is seen to be wrong."""
    microseconds = f"TRY_CAST(floor({number} * {_MICROSECONDS[unit]}) AS BIGINT)"
    bounded = f"least(greatest({microseconds}, -100000000000000), 100000000000000000)"
    return f"make_timestamptz(CASE WHEN {number} IS NOT NULL THEN {bounded} END)"


def _to_utc_sql(local: str, zone: str, latest: datetime) -> str:
    """The instant of a local time, given as if it were UTC."""
    first, changes = _offsets(ZoneInfo(zone), latest)
    cases = "".join(f"WHEN {local} >= {_literal(since)} THEN {_interval(offset)} " for since, offset in reversed(changes))
    return f"({local} - CASE {cases}WHEN true THEN {_interval(first)} END)"


def _offsets(zone: ZoneInfo, latest: datetime) -> tuple[timedelta, list[tuple[datetime, timedelta]]]:
    """The zone's offset at first, and the changes after it: the local time, written as UTC, since when, and the new offset.

    At a change from offset a to b the local times between both are skipped (a < b) or shown twice (a > b). Read as zoneinfo
    reads them, with fold=0, both belong to a: so b begins at the later of the two local times.
    """
    at, end = EARLIEST - timedelta(days=2), latest + timedelta(days=2)
    first = before = _offset(zone, at)
    changes = []
    while at < end:
        next_at = at + timedelta(days=1)
        after = _offset(zone, next_at)
        if after != before:
            changes.append((_change(zone, at, next_at) + max(before, after), after))
        at, before = next_at, after
    return first, changes


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second of the new offset, somewhere between two instants."""
    old = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        before, after = (middle, after) if _offset(zone, middle) == old else (before, middle)
    return after


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _literal(at: datetime) -> str:
    return f"make_timestamptz({round(at.timestamp()) * 1_000_000})"


def _interval(offset: timedelta) -> str:
    return f"to_seconds({round(offset.total_seconds())})"
