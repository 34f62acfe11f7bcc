"""Words for the page. What comes out of logs is text, never markup."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from usagecost.periods import Period

MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=&])")
REPLACED = re.compile(
    r"(?<=http)(?=s?://)|(?<=www)(?=\.)|(?=@)|(?<=:)(?=material[/_]|streamlit:)|(?<=[<>~=-])(?=[<>=-])", re.IGNORECASE
)
"""Where the page's Markdown would make a link, an icon or an arrow of what is text by then, escaped or not."""

LINE_BREAKS = str.maketrans("\r\n\t", "   ")

SEAM = ":small{}"
"""Nothing, seen or copied, between two texts: what stands on both sides of it is not read as one."""


def plain(text: str) -> str:
    """The text as Markdown that shows exactly it: no emphasis, link, formula, colour, emoji, icon or arrow of its own."""
    parts = REPLACED.split(text.translate(LINE_BREAKS))
    return SEAM.join(MARKUP.sub(r"\\\1", part) for part in parts)


def days_text(first: date, last: date) -> str:
    """24 Oct – 22 Nov 2026; the year of the first day only where it differs."""
    if first == last:
        return f"{first.day} {first:%b %Y}"
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
