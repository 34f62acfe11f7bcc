"""Periods in words: days, stretches of time, and what a period is compared with."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from usagecost.periods.calendar import Period


def days_text(first: date, last: date) -> str:
    """24 Oct – 22 Nov 2026, 1–30 Nov 2026; the year of the first day only where it differs."""
    if first == last:
        return f"{first.day} {first:%b %Y}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{last.day} {last:%b %Y}"
    start = f"{first.day} {first:%b}" if first.year == last.year else f"{first.day} {first:%b %Y}"
    return f"{start} – {last.day} {last:%b %Y}"


def stretch_text(start: datetime, end: datetime, zone: str) -> str:
    """17 Nov 2026 for whole local days; 17 Nov 2026, 14:00 – 15:00 for hours of one; 17 Nov 22:00 – 18 Nov 2026 02:00."""
    first, after = (moment.astimezone(ZoneInfo(zone)) for moment in (start, end))
    last = (end - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
    if (first.hour, first.minute, first.second, after.hour, after.minute, after.second) == (0,) * 6:
        return days_text(first.date(), last.date())
    if first.date() == last.date():
        return f"{days_text(first.date(), first.date())}, {first:%H:%M} – {after:%H:%M}"
    return f"{first.day} {first:%b %H:%M} – {after.day} {after:%b %Y %H:%M}"


def previous_text(period: Period) -> str:
    """What the period is compared with, in words."""
    if period.is_all_time:
        return "All time has no previous period to compare with."
    back, before = period.compared_with, period.previous
    if back is None or before is None:
        return "Compared with nothing."
    first, last = (moment.astimezone(ZoneInfo(period.zone)).date() for moment in (before[0], before[1] - timedelta(microseconds=1)))
    words = back.words if back.hours else days_text(first, max(first, last))
    return f"Compared with {words}{', up to the same time' if period.is_running else ''}."


def shortage_text(oldest: date) -> str:
    """Says that the data begins within what the period is compared with, so that every change would look like growth."""
    return f"Comparison incomplete: data starts on {days_text(oldest, oldest)}."
