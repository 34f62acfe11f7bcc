"""What the requests of days that are over add up to is kept for as long as the same files tell it.

Where requests arrive all the time each moment has another version of the lake, which mostly differs in its newest day alone: of the
days before, no question is asked again. A late request, a removal or other prices make other files, and those are asked.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.memory import Memory
from usagecost.periods import local_midnight
from usagecost.queries.folds import folded
from usagecost.queries.rows import Rows

MOST_BYTES = 200_000_000
"""What is kept altogether."""
LEAST_DAYS = 7
"""Fewer days are asked as quickly as they are looked up."""
LATE = timedelta(days=1)
"""How long after a day most of its requests have arrived."""
KEYS = ["is_before", "number", "value", "is_other"]


def cells(rows: Rows, question: Hashable, most: int, ask: Callable[[Rows], pa.Table]) -> pa.Table:
    """The cells of some requests, see `usage.usage_sql`; those of days that are over as ``ask`` has told them before.

    ``question`` is what is asked of the rows. Where more than ``most`` values are merged, all is asked at once: only then it is
    known which.
    """
    over, others, files = _parted(rows)
    if len(over.days or ()) < LEAST_DAYS:
        return ask(rows)
    any_version_rows = replace(over, view=replace(over.view, version=0))
    parts = [_memory().of((any_version_rows, question, files), lambda: ask(over))]
    if not _is_merged(parts[0]):
        parts.append(ask(others))
    all_cells = folded(pa.concat_tables(parts), KEYS)
    if _is_merged(all_cells) or _count(all_cells) > most:
        return ask(rows)
    named_count = _count(all_cells.filter(pc.invert(all_cells["is_before"])))
    return all_cells.append_column("parts", pa.repeat(pa.scalar(named_count, pa.int64()), len(all_cells)))


def forget() -> None:
    """Drops everything that is kept."""
    _memory.cache_clear()


@cache
def _memory() -> Memory:
    return Memory(MOST_BYTES)


def _parted(rows: Rows) -> tuple[Rows, Rows, tuple[str, ...]]:
    """The rows of UTC days that are over, in words that say the same until the day is; the others; and the files of the former.

    A day that the comparison period ends within is not over: its end moves as time passes.
    """
    view, period, files = rows.view, rows.view.period, rows.slice.files
    newest = min(rows.slice.snapshot.last_day or date.max, datetime.now(UTC).date())
    moving = rows.before[1].date() if rows.before and period.is_running else None
    over = [file for file in files if file.utc_day < newest - LATE and file.utc_day != moving]
    days = frozenset(file.utc_day for file in over)
    end_of_today = local_midnight(period.today + timedelta(days=1), period.zone) - timedelta(microseconds=1)
    before = rows.before
    if before and moving:
        before = before[0], datetime.combine(moving + timedelta(days=1), time(), UTC)
    lasting = replace(rows, view=replace(view, period=replace(period, now=end_of_today)), before=before, days=days)
    others = replace(rows, days=frozenset(file.utc_day for file in files) - days)
    return lasting, others, tuple(file.name for file in over)


def _is_merged(cells: pa.Table) -> bool:
    """Whether some values are in one row that is none of theirs."""
    return bool(pc.any(cells["is_other"]).as_py())


def _count(cells: pa.Table) -> int:
    """How many values there are; "not reported" is one."""
    return pc.count_distinct(cells["value"], mode="all").as_py()
