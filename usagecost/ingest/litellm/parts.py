"""Which rows of LiteLLM's table are new, in parts that are committed one by one.

The table has an index on "startTime" and none on "endTime", and grows by the million. So its rows are told apart: regular ones
ended within `LONGEST` of their start, as nearly all do, and are found by that index, some hours at a time; the others by one look
at the whole table.

A row that arrives late, or is changed later, may have ended long ago. PostgreSQL knows which transaction wrote a row (`xmin`):
whatever was written since the last look is found by that, whenever it ended. Where the relation is a view, which has no
xmin, rows that came later than the overlap are found by "created_at" and "updated_at", if it has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

from usagecost.ingest.litellm.postgres import Transaction
from usagecost.ingest.litellm.spend_logs import SpendLogs, server_fact
from usagecost.periods import moment
from usagecost.sources.litellm import SPEND_LOG_COLUMNS, SPEND_LOG_METADATA
from usagecost.sources.sql import identifier

LONGEST = timedelta(hours=6)
PART_ROWS = 1_000_000
"""Rows that are committed together, unless one hour has more."""

_ROW_XIDS, _XIDS_AHEAD, _XID_BITS = 1 << 32, 1 << 28, 48
"""A row tells only the lower 32 bits of its transaction; so many transactions may go by while a round is read."""


@dataclass(frozen=True)
class Position:
    """How far the table was read; None: not at all.

    `ended`: all rows that ended before, in µs since 1970, UTC. `xid`: all that transactions before it wrote, as long as the server
    is on the `timeline`; another begins where a standby takes over or a backup is restored. What is read of a table that moved to
    another server counts as newer than all that was read before: each table has a `generation`, from 0.
    """

    ended: int | None = None
    xid: int | None = None
    timeline: int | None = None
    generation: int = 0


@dataclass(frozen=True)
class Part:
    """Rows that are committed together, as a SELECT; and how far the table is read with them."""

    sql: str
    position: Position


def parts(
    transaction: Transaction,
    table: SpendLogs,
    position: Position,
    overlap: timedelta,
    *,
    is_thorough: bool,
) -> Sequence[Part]:
    """What is to be read now, in order: first, if thorough, what time alone does not find; then by time, the last part open-ended.

    After the last part the table is read as far as it is now; an xid counts as read only when the look was thorough.
    """
    now = _now(transaction, table, position)
    is_thorough = is_thorough or (table.has_xid and now.known_xid is None)
    xid = now.oldest_xid if is_thorough else position.xid
    since = None if position.ended is None else position.ended - overlap // timedelta(microseconds=1)
    select = table.select(SPEND_LOG_COLUMNS, SPEND_LOG_METADATA, f"{position.generation << _XID_BITS} + {now.xid}")
    reached = replace(position, xid=xid, timeline=now.timeline)
    all_parts: list[Part] = []
    if is_thorough:
        # With it the xid counts as read, so it has to hold what was changed within the overlap too.
        by_time = position.ended if table.has_xid else since
        all_parts.append(Part(f"{select} WHERE {_other_rows(table, position, by_time, now)}", reached))
    is_news = _news(position, now)
    starts = since
    for end, is_last in _steps(transaction, table, since, now.at):
        ended = end if position.ended is None else max(end, position.ended)
        condition = f"{_regular(starts, None if is_last else end)} AND {is_news}"
        all_parts.append(Part(f"{select} WHERE {condition}", replace(reached, ended=ended)))
        starts = end
    return all_parts


@dataclass(frozen=True)
class Now:
    """The server as it is: its clock in µs since 1970, its timeline, the oldest transaction that still runs; SQL for a row's `xid`.

    `known_xid`: what transactions before it wrote has been read; None: that cannot be told. Without xids only `at` means something.
    """

    at: int
    timeline: int
    oldest_xid: int | None
    known_xid: int | None
    xid: str


def _now(transaction: Transaction, table: SpendLogs, position: Position) -> Now:
    clock = transaction.rows("""
        SELECT (extract(epoch FROM now()) * 1000000)::bigint AS at,
            txid_snapshot_xmin(txid_current_snapshot()) AS oldest, txid_snapshot_xmax(txid_current_snapshot()) AS next
    """)[0]
    timeline = server_fact(transaction, "timeline_id", "pg_control_checkpoint()") or 0
    is_same = timeline == position.timeline and (position.xid or 0) <= clock["next"]
    horizon = clock["next"] + _XIDS_AHEAD
    return Now(
        at=clock["at"],
        timeline=timeline,
        oldest_xid=clock["oldest"] if table.has_xid else None,
        known_xid=position.xid if table.has_xid and is_same else None,
        # Counted on over the range of 32 bits; of a row older than that it is too late, so that it is read once more.
        xid=f"({horizon} - (({horizon % _ROW_XIDS} - xmin::text::bigint) & {_ROW_XIDS - 1}))",
    )


def _steps(transaction: Transaction, table: SpendLogs, since: int | None, now: int) -> Iterator[tuple[int, bool]]:
    """Where parts end, and whether it is the last: at full hours, and at last where the newest row ended."""
    hours = transaction.rows(f"""
        SELECT (extract(epoch FROM date_trunc('hour', "endTime")) * 1000000)::bigint + 3600000000 AS until,
            (extract(epoch FROM max("endTime")) * 1000000)::bigint AS last, count(*) AS rows
        FROM {table.name} WHERE {_regular(since, now)} AND "endTime" > '1970-01-01' GROUP BY 1 ORDER BY 1
    """)
    rows = 0
    for hour, following in pairwise(hours):
        rows += hour["rows"]
        if rows + following["rows"] > PART_ROWS:
            yield hour["until"], False
            rows = 0
    yield hours[-1]["last"] if hours else now if since is None else since, True


def _regular(since: int | None, until: int | None) -> str:
    """SQL for: regular, and ended from an instant on, and before another; None leaves that side open.

    What is said of "startTime" follows from the rest; it lets the index be used.
    """
    longest = f"interval '{LONGEST // timedelta(seconds=1)} seconds'"
    conditions = ['"startTime" <= "endTime"', f'"startTime" >= "endTime" - {longest}']
    if since is not None:
        conditions += [f'"endTime" >= {_instant(since)}', f'"startTime" >= {_instant(since)} - {longest}']
    if until is not None:
        conditions += [f'"endTime" < {_instant(until)}', f'"startTime" < {_instant(until)}']
    return " AND ".join(conditions)


def _news(position: Position, now: Now) -> str:
    """SQL for: of what is found by time, not known to be read."""
    if now.known_xid is None or position.ended is None:
        return "true"
    return f"""("endTime" >= {_instant(position.ended)} OR {now.xid} >= {now.known_xid})"""


def _other_rows(table: SpendLogs, position: Position, since: int | None, now: Now) -> str:
    """SQL for: not found by time, and not known to be read."""
    others = f"({_regular(since, None)}) IS NOT TRUE"
    if since is None or table.has_xid:
        return f"{others} AND {_news(position, now)}"
    written = [name for name in ("created_at", "updated_at") if table.types.get(name, "").startswith("timestamp")]
    late = " OR ".join(f"{identifier(name)} >= {_instant(since)}" for name in ("endTime", *written))
    return f"""{others} AND ("endTime" IS NULL OR {late})"""


def _instant(microseconds: int) -> str:
    """As SQL; the table's times are UTC without saying so."""
    return f"timestamp '{moment(microseconds):%Y-%m-%d %H:%M:%S.%f}'"
