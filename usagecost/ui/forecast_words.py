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


def forecast_help(found: Outlook, until: str = "month") -> str | None:
    """How the forecast was made, and how good the same rule was; None where there is none."""
    if isinstance(found.forecast, TooLittle):
        return None
    words = f"By {found.forecast.method}, the best of {len(METHODS)} methods in {found.forecast.tests} tests on earlier days."
    return f"{words} {error_text(found.forecast, until)} The margin covers about 8 in 10 cases."


def with_days_ahead(usage: Usage, view: View) -> tuple[tuple[Interval, ...], pd.DataFrame | None]:
    """The intervals of an answer; where they are days of the running month, from its first to today, all of that month, with a
    forecast.

    One row is the place of a day from today on (see `charts.over_time`).
    """
    found = outlook_of(view)
    made = found and found.forecast
    if not isinstance(made, Forecast) or view.interval != "day":
        return usage.intervals, None
    if view.period.first != made.first or view.period.last < made.path[0].day:
        return usage.intervals, None
    rest = Period(view.period.last + timedelta(days=1), made.last, view.period.zone, view.period.now)
    steps = (*usage.intervals, *(intervals(rest, "day") if rest.days > 0 else ()))
    path = pd.DataFrame([vars(day) for day in made.path]).rename(
        columns={"amount": "ahead", "low": "ahead_low", "high": "ahead_high"}
    )
    places = {step.label: place for place, step in enumerate(steps)}
    texts = [f"{formats.usd(day.amount)} ({formats.usd(day.low)} – {formats.usd(day.high)})" for day in made.path]
    path = path.assign(interval=[places.get(day.isoformat()) for day in path.pop("day")], name=None, ahead_text=texts)
    return steps, path.dropna(subset="interval").astype({"interval": "int64"})


def error_text(found: Forecast, until: str) -> str:
    """At day 20 it was within 4.0% in the last six months."""
    if not found.errors:
        return f"No whole {until} before tells how good it is."
    periods = f"the last {len(found.errors)} {until}s" if len(found.errors) > 1 else f"the last {until}"
    return f"At day {found.day_of_period} it was within {formats.percent(max(found.errors))} in {periods}."
