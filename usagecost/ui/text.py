"""Words for the page. What comes out of logs is text, never markup."""

from __future__ import annotations

import re
from datetime import date

from usagecost.periods import Period

MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=&])")


def plain(text: str) -> str:
    """The text as Markdown that shows exactly it: no emphasis, link, formula, colour or emoji of its own."""
    return MARKUP.sub(r"\\\1", text.replace("\n", " "))


def days_text(first: date, last: date) -> str:
    """24 Oct – 22 Nov 2026; the year of the first day only where it differs."""
    if first == last:
        return f"{first.day} {first:%b %Y}"
    start = f"{first.day} {first:%b}" if first.year == last.year else f"{first.day} {first:%b %Y}"
    return f"{start} – {last.day} {last:%b %Y}"


def previous_text(period: Period) -> str:
    """What the period is compared with, in words."""
    if period.is_all_time:
        return "All time has no previous period to compare with."
    span = "day" if period.days == 1 else f"{period.days} days"
    cut = ", up to the same time of day" if period.is_running else ""
    return f"Changes are against the {span} before{cut}."
