"""A forecast as readers see it: how much, how it was made, how good the same rule was; its days on a chart; a table of values."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import streamlit as st

from usagecost.forecast import METHODS, Forecast, TooLittle
from usagecost.periods import Interval, Period, intervals
from usagecost.queries.folds import AT_LEAST, Usage
from usagecost.queries.forecasts import Outlook, as_of_today, forecast_row, history, outlook, outlooks, reaches_into
from usagecost.ui.answers import answer
from usagecost.ui.blocks import heading, make_once, table
from usagecost.ui.labels import with_names
from usagecost.ui.tables import mark_column, with_mark_column
from usagecost.vocabulary import DIMENSIONS, formats
from usagecost.vocabulary.filters import View

UNTIL = {"month": "Month end", "quarter": "Quarter end", "year": "Year end"}
MOST = 25
"""Values that are forecast: each takes some milliseconds."""
TOTAL = "Total"
USD, PERCENT = "$%,.2f", "%,.1f%%"


def outlook_of(view: View) -> Outlook | None:
    """The forecast of the running month, for views that reach into it."""
    return outlook(answer(history, as_of_today(view))) if reaches_into(view) else None


def forecast_help(outlook: Outlook) -> str | None:
    """How the forecast was made, and how good the same rule was; None where there is none."""
    if isinstance(outlook.forecast, TooLittle):
        return None
    words = f"By {outlook.forecast.method}, the best of {len(METHODS)} methods in {outlook.forecast.tests} tests on earlier days."
    return f"{words} {error_text(outlook.forecast)} The margin covers about 8 in 10 cases."


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


def error_text(forecast: Forecast) -> str:
    """At day 20 it was within 4.0% in the last 6 months."""
    if not forecast.errors:
        return "No whole month before tells how good it is."
    months = f"the last {len(forecast.errors)} months" if len(forecast.errors) > 1 else "the last month"
    return f"At day {forecast.day_of_period} it was within {formats.percent(max(forecast.errors))} in {months}."


def forecast_table(view: View, by: str, most: int) -> None:
    """The values of a dimension that have cost the most in the running period, what each costs in the end, and what all do.

    The reader chooses the period. Nothing is shown of views that do not reach into the running month.
    """
    if not reaches_into(view):
        return
    until = st.session_state["until"]
    numbers = forecast_rows(view, by, until, min(most, MOST))
    heading(
        "Forecast",
        lambda: numbers,
        name="forecast",
        file=f"forecast by {by} to {UNTIL[until].lower()}",
        help=f"What the running {until} costs in the end. Each row takes the best of {len(METHODS)} methods by a back-test on "
        "its own past, so rows need not add up to the total. The margin covers about 8 in 10 cases.",
    )
    st.segmented_control(
        "Until", list(UNTIL), required=True, key="until", format_func=lambda name: UNTIL[name], label_visibility="collapsed"
    )
    table(
        with_mark_column(numbers).assign(error=numbers["error"].astype("Float64") * 100),
        name="forecast",
        columns={
            by: st.column_config.TextColumn(DIMENSIONS[by].label, width="medium", pinned=True),
            **({AT_LEAST: mark_column()} if numbers[AT_LEAST].any() else {}),
            "so_far_usd": st.column_config.NumberColumn("So far", format=USD, help=f"Spend of this {until} until now"),
            "forecast_usd": st.column_config.NumberColumn("Forecast", format=USD, help=f"Spend of the whole {until}"),
            "margin_usd": st.column_config.NumberColumn("±", format=USD, help="Covers about 8 in 10 cases"),
            "before_usd": st.column_config.NumberColumn(f"Last {until}", format=USD, help=f"Spend of the whole {until} before"),
            "error": st.column_config.NumberColumn(
                "Largest error", format=PERCENT, help=f"From the same day of up to six {until}s before, by the same rule"
            ),
            "method": st.column_config.TextColumn("Method"),
        },
        alt_text=f"Spend so far and forecast for the end of the {until} by {DIMENSIONS[by].label.lower()}",
        names=by,
    )


def forecast_rows(view: View, by: str, until: str, most: int) -> pd.DataFrame:
    """One row a value, the most expensive first, and the total: see `forecast_row`."""
    today = as_of_today(view)
    parts, whole = answer(history, today, until, by), answer(history, today, until)

    def rows() -> pd.DataFrame:
        values = outlooks(parts, until, most)
        names = with_names(pd.DataFrame({"value": [one.value for one in values], "is_other": False}, dtype=object), view, by)[
            "name"
        ]
        named_ones = zip([*values, outlook(whole, until)], [*names, TOTAL], strict=True)
        return pd.DataFrame([{by: name, **forecast_row(one)} for one, name in named_ones])

    return make_once(parts, view, ("forecasts", until, most), rows)
