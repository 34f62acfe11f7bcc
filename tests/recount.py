"""The numbers again, in plain Python over the rows themselves: what the lake's answers are compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.lake_rows import Row
from tests.views import instant
from usagecost.vocabulary.filters import Condition, View
from usagecost.vocabulary.formats import Number

COLUMNS = {"provider": "provider", "model": "model", "user": "user_id", "team": "team_id", "status": "status"}
PRICES: dict[str, tuple[str, ...]] = {
    "best": ("reported_cost_usd", "list_cost_usd"),
    "reported": ("reported_cost_usd",),
    "list": ("list_cost_usd",),
}


def _is_part(row: Row, basis: str) -> bool:
    """Whether what a row is taken to have cost is less than it has cost."""
    is_listed = basis == "list" or (basis == "best" and row.get("reported_cost_usd") is None)
    return is_listed and row.get("price_status") == "partial"


def measured(rows: Sequence[Row], basis: str = "best") -> dict[str, Number | None]:
    """Every measure of some rows; None where none of them tells."""
    costs = [next((row[name] for name in PRICES[basis] if row.get(name) is not None), None) for row in rows]
    has_all = [cost is not None and not _is_part(row, basis) for row, cost in zip(rows, costs, strict=True)]
    statuses = [row.get("status") for row in rows]
    instants = [(row["started_at"] - instant("1970-01-01")) // timedelta(microseconds=1) for row in rows]
    durations = [row["duration_ms"] for row in rows if row.get("duration_ms") is not None]
    tokens = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    return {
        "requests": len(rows),
        "successful": statuses.count("success"),
        "failed": statuses.count("error") + statuses.count("cancelled"),
        **{name: known_sum(row.get(name) for row in rows) for name in tokens},
        "spend_usd": known_sum(costs),
        "incomplete_requests": has_all.count(False),
        "incomplete_tokens": sum(
            (row.get("input_tokens") or 0) + (row.get("output_tokens") or 0)
            for row, is_whole in zip(rows, has_all, strict=True)
            if not is_whole
        ),
        "unpriced_requests": [row.get("price_status") for row in rows].count("unpriced"),
        "latency_us": known_sum(round(duration * 1000) for duration in durations),
        "timed_requests": len(durations),
        "last_seen_us": max(instants, default=None),
    }


def known_sum(values: Iterable[Number | None]) -> Number | None:
    """The sum of what is known; None when nothing is."""
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None


def asked(rows: Iterable[Row], view: View) -> list[Row]:
    """The rows of the view's period, by the local dates of its zone, that pass its filters."""
    return _of_days(rows, view, view.period.first, view.period.last)


def asked_before(rows: Iterable[Row], view: View) -> list[Row]:
    """The rows of as many days just before, up to the same time of day while the period is running."""
    period, zone = view.period, ZoneInfo(view.period.zone)
    span = timedelta(days=(period.last - period.first).days + 1)
    before = _of_days(rows, view, period.first - span, period.last - span)
    if not period.first <= period.now.astimezone(zone).date() <= period.last:
        return before
    cut = (period.now.astimezone(zone).replace(tzinfo=None) - span).replace(tzinfo=zone)
    return [row for row in before if row["started_at"] < instant(cut.astimezone(ZoneInfo("UTC")))]


def by_key(rows: Iterable[Row], key: Callable[[Row], object]) -> dict[object, list[Row]]:
    """The rows of each key."""
    found: dict[object, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def step_of(moment: datetime, view: View) -> tuple:
    """What tells the interval of an instant from the others: dates are local, a repeated hour is told by its offset."""
    local = moment.astimezone(ZoneInfo(view.period.zone))
    day = local.date()
    return {
        "15min": lambda: (day, local.hour, local.minute // 15, local.utcoffset()),
        "hour": lambda: (day, local.hour, local.utcoffset()),
        "day": lambda: (day,),
        "week": lambda: (day - timedelta(days=day.weekday()),),
        "month": lambda: (day.year, day.month),
        "period": lambda: (),
    }[view.interval]()


def _of_days(rows: Iterable[Row], view: View, first: date, last: date) -> list[Row]:
    zone = ZoneInfo(view.period.zone)
    return passed((row for row in rows if first <= row["started_at"].astimezone(zone).date() <= last), view)


def passed(rows: Iterable[Row], view: View) -> list[Row]:
    """The rows that pass the view's filters."""
    return [row for row in rows if all(_holds(condition, row) for condition in view.filters.conditions)]


def _holds(condition: Condition, row: Row) -> bool:
    return (row.get(COLUMNS[condition.dimension]) in condition.values) != condition.excludes
