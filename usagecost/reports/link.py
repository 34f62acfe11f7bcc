"""Where the page shows what a report says: the app's address, in USAGECOST_ADDRESS, and the view as its URL says it."""

from __future__ import annotations

import os
from urllib.parse import urlencode, urlsplit

from usagecost.periods.presets import LastHours
from usagecost.vocabulary import FILTERED
from usagecost.vocabulary.filters import NOT_REPORTED, Condition, View

SETTING = "USAGECOST_ADDRESS"


def link_of(view: View, compare: str, board: str | None) -> str | None:
    """Returns a link to the Usage page, or to a board, of a view; None without an address, or where no URL says its filters."""
    address = os.environ.get(SETTING, "").strip().rstrip("/")
    conditions = [one for one in view.filters.conditions if isinstance(one, Condition)]
    is_sayable = len(conditions) == len(view.filters.conditions) and all(one.dimension in FILTERED for one in conditions)
    if urlsplit(address).scheme not in ("http", "https") or not is_sayable:
        return None
    period = view.period
    pairs = [("range", "24h")] if isinstance(period, LastHours) else _days(view)
    pairs += [("compare", compare), ("zone", period.zone)]
    for one in conditions:
        pairs += [(one.dimension, NOT_REPORTED if value is None else value) for value in one.values]
        pairs += [(f"not_{one.dimension}", "true")] if one.excludes else []
    page = "/Dashboards" if board else "/"
    return f"{address}{page}?{urlencode([*([('board', board)] if board else []), *pairs])}"


def _days(view: View) -> list[tuple[str, str]]:
    return [("range", "custom"), ("days", str(view.period.first)), ("days", str(view.period.last))]
