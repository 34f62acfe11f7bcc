"""The read side in few words, for tests: requests, a lake of them, periods and views of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

from tests.lake_rows import Row, commit
from usagecost.lake import Lake
from usagecost.periods import Period
from usagecost.vocabulary.filters import Condition, Filters, View

_ids = (f"request-{number}" for number in count())


def instant(text: str | datetime) -> datetime:
    """UTC, unless the text says another offset."""
    moment = datetime.fromisoformat(text) if isinstance(text, str) else text
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def request(started_at: str | datetime = "2026-05-01 10:00", **columns: object) -> Row:
    """A request of its own that reports nothing but when it was sent, unless told more."""
    return {"source": "test", "request_id": next(_ids), "rank": 0, **columns, "started_at": instant(started_at)}


def write_lake(root: str | Path, rows: Iterable[Row]) -> str:
    """A lake of exactly these requests; its folder or URL, as a view names it."""
    commit(Lake(root), *rows)
    return str(root)


def days(
    first: str | date,
    last: str | date | None = None,
    zone: str = "UTC",
    *,
    now: str | datetime = "2040-01-01",
    all_time: bool = False,
) -> Period:
    """The local days from first to last, both included; over long ago unless ``now`` says otherwise."""
    first, last = (date.fromisoformat(str(day)) for day in (first, last or first))
    return Period(first, last, zone, instant(now), all_time)


def view(lake: str, period: Period, interval: str = "day", basis: str = "best", *conditions: Condition) -> View:
    """What a reader asks of the newest version of a lake."""
    return View(lake, Lake(lake).version(), period, interval, basis, Filters(conditions))
