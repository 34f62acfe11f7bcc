"""A forecast as readers see it: how much, how it was made, how good the same rule was before, and its days on a chart."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd

from usagecost.forecast import METHODS, Forecast, TooLittle
from usagecost.periods import Interval, Period, intervals
from usagecost.queries.folds import Usage
from usagecost.queries.forecasts import Outlook, as_of_today, history, outlook, reaches_into
from usagecost.ui.answers import answer
from usagecost.vocabulary import formats
from usagecost.vocabulary.filters import View

UNTIL = {"month": "Month end", "quarter": "Quarter end", "year": "Year end"}


def outlook_of(view: View) -> Outlook | None:
    """The forecast of the running month, for views that reach into it."""
    return outlook(answer(history, as_of_today(view))) if reaches_into(view) else None


def forecast_help(outlook: Outlook, until: str = "month") -> str | None:
    """How the forecast was made, and how good the same rule was; None where there is none."""
    if isinstance(outlook.forecast, TooLittle):
        return None
    words = f"By {outlook.forecast.method}, the best of {len(METHODS)} methods in {outlook.forecast.tests} tests on earlier days."
    return f"{words} {error_text(outlook.forecast, until)} The margin covers about 8 in 10 cases."


def with_days_ahead(usage: Usage, view: View) -> tuple[tuple[Interval, ...], pd.DataFrame | None]:
    """The intervals of an answer; where they are days of the running month, from its first to today, all of that month, with a
    forecast.

    One row is the place of a day from today on (see `charts.over_time`).
    """
    outlook = outlook_of(view)
    forecast = outlook and outlook.forecast
    if not isinstance(forecast, Forecast) or view.interval != "day":
        return usage.intervals, None
    if view.period.first != forecast.first or view.period.last < forecast.path[0].day:
        return usage.intervals, None
    rest = Period(view.period.last + timedelta(days=1), forecast.last, view.period.zone, view.period.now)
    steps = (*usage.intervals, *(intervals(rest, "day") if rest.days > 0 else ()))
    path = pd.DataFrame([vars(day) for day in forecast.path]).rename(
        columns={"amount": "ahead", "low": "ahead_low", "high": "ahead_high"}
    )
    places = {step.label: place for place, step in enumerate(steps)}
    texts = [f"{formats.usd(day.amount)} ({formats.usd(day.low)} – {formats.usd(day.high)})" for day in forecast.path]
    path = path.assign(interval=[places.get(day.isoformat()) for day in path.pop("day")], name=None, ahead_text=texts)
    return steps, path.dropna(subset="interval").astype({"interval": "int64"})


def error_text(forecast: Forecast, until: str) -> str:
    """At day 20 it was within 4.0% in the last six months."""
    if not forecast.errors:
        return f"No whole {until} before tells how good it is."
    periods = f"the last {len(forecast.errors)} {until}s" if len(forecast.errors) > 1 else f"the last {until}"
    return f"At day {forecast.day_of_period} it was within {formats.percent(max(forecast.errors))} in {periods}."
