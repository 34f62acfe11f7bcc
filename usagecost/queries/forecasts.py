"""Where the spend of the running month, quarter or year ends: of all requests of a view, and of each value of a split."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.compute as pc

from usagecost.forecast import Forecast, TooLittle, forecast, period_of
from usagecost.periods import Period, local_midnight
from usagecost.queries import folds
from usagecost.queries.folds import AT_LEAST, Usage
from usagecost.queries.usage import usage
from usagecost.queries.values import data_span
from usagecost.vocabulary import measures_of
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import LOWER_BOUND, around
from usagecost.vocabulary.measures import Sums

HISTORY_DAYS = {"month": 240, "quarter": 400, "year": 1_200}
"""What is forecast -> the days before today that it is learned from, as far as the lake has them; of a month, as many as six months
before take to be forecast too."""
FITTED_DAYS = 56
"""The days before today in which a cost that is not known makes a forecast a lower bound; in those of its period, and of the one
before, it does as well."""
MEASURES = measures_of(("spend_usd",))


@dataclass(frozen=True)
class Outlook:
    """The spend of the running period so far, of the whole period before, and the forecast of its end.

    ``value`` is that of the split, None the value "not reported", or the whole. Amounts are None where they are not known;
    ``is_at_least`` says that costs are missing in them and in the forecast.
    """

    value: str | None
    so_far: Decimal | None
    before: Decimal | None
    forecast: Forecast | TooLittle
    is_at_least: bool


def as_of_today(view: View) -> View:
    """The view as `history` is asked: the same for all periods and all times of a day, so that one answer serves them."""
    zone = view.period.zone
    today = view.period.today
    return replace(view, period=Period(today, today, zone, local_midnight(today, zone)), interval="day", week_start=0)


def history(today: View, until: str = "month", split: str | None = None) -> Usage:
    """The spend of each day up to today that a forecast is learned from, by value of a split: see `as_of_today`."""
    span, period = data_span(today.lake, today.version, today.scope), today.period
    oldest = span[0].astimezone(ZoneInfo(period.zone)).date() if span else period.last
    first = min(period.last, max(oldest, period.last - timedelta(days=HISTORY_DAYS[until])))
    return usage(replace(today, period=replace(period, first=first, is_alone=True)), split, MEASURES, compares=False)


def outlook(days: Usage, until: str = "month", value: str | None = None) -> Outlook:
    """The forecast of an answer of `history`, or of the part of it that one value is (see `Usage.of_value`)."""
    return days.once(("outlook", until), lambda: _outlook(days, until, value))


def outlooks(days: Usage, until: str, most: int) -> list[Outlook]:
    """The forecasts of the values that have cost the most since the period before began, that one first: on the first day of a
    month few have any cost in it.

    Those without requests since then have none, nor has what `history` has merged as "Other".
    """
    begin, _ = period_of(_today(days), until)
    before_index = _day_index(days, period_of(begin - timedelta(days=1), until)[0])
    recent = folds.folded(days.cells.filter(pc.field("interval") >= before_index), ["value", "is_other"]).to_pylist()
    rows = [row for row in recent if not row["is_other"]]
    rows.sort(key=lambda row: (-(row["spend_usd"] or 0), row["value"] is None, row["value"]))
    return [outlook(days.of_value(row["value"]), until, row["value"]) for row in rows[:most]]


def forecast_text(outlook: Outlook) -> str:
    """Forecast this month: $812 ± 40. Or that there is none, and why."""
    if isinstance(outlook.forecast, TooLittle):
        return f"Too little history for a forecast: {outlook.forecast.words}."
    amount = around(outlook.forecast.total, outlook.forecast.margin)
    return f"Forecast this month: {LOWER_BOUND if outlook.is_at_least else ''}{amount}."


def forecast_row(outlook: Outlook) -> dict[str, Any]:
    """The numbers of a forecast, None where they are not known; where there is none, ``method`` says why.

    ``error`` is the largest of the same rule in the periods before, as a share of what each cost.
    """
    fitted = outlook.forecast if isinstance(outlook.forecast, Forecast) else None
    return {
        AT_LEAST: outlook.is_at_least,
        "so_far_usd": outlook.so_far,
        "forecast_usd": fitted and fitted.total,
        "margin_usd": fitted and fitted.margin,
        "before_usd": outlook.before,
        "error": max(fitted.errors) if fitted and fitted.errors else None,
        "method": f"Too little history: {outlook.forecast.words}"
        if isinstance(outlook.forecast, TooLittle)
        else outlook.forecast.method,
    }


def reaches_into(view: View) -> bool:
    """Whether the view's period has a day of the running month."""
    first, last = period_of(view.period.today, "month")
    return view.period.first <= last and view.period.last >= first


def _outlook(days: Usage, until: str, value: str | None) -> Outlook:
    """The series begins with the first day that has requests."""
    today, sums = _today(days), folds.rows(days.over_time)
    begin, _ = period_of(today, until)
    before, _ = period_of(begin - timedelta(days=1), until)
    begin_index, before_index = _day_index(days, begin), _day_index(days, before)
    start = next((number for number, row in enumerate(sums) if row["requests"]), len(sums) - 1)
    amounts = [row["spend_usd"] for row in sums[start:]]
    return Outlook(
        value,
        _spend(sums[begin_index:]),
        _spend(sums[before_index:begin_index]) if days.intervals[0].label <= before.isoformat() else None,
        forecast(amounts[:-1], today - timedelta(days=len(amounts) - 1), amounts[-1], until),
        any(row["incomplete_requests"] for row in sums[min(before_index, max(0, len(sums) - 1 - FITTED_DAYS)) :]),
    )


def _today(days: Usage) -> date:
    return date.fromisoformat(days.intervals[-1].label)


def _day_index(days: Usage, day: date) -> int:
    """The place of a day among the intervals, or of the next one that has any instant."""
    return bisect_left([step.label for step in days.intervals], day.isoformat())


def _spend(sums: Sequence[Sums]) -> Decimal | None:
    """The spend of some days; None where they have requests and nothing is known of their cost."""
    spent: list[Any] = [row["spend_usd"] for row in sums if row["requests"]]
    amounts = [amount for amount in spent if amount is not None]
    return sum(amounts, Decimal(0)) if amounts or not spent else None
