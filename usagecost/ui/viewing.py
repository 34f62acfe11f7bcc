"""What a reader asked to see, out of the state that stands in the URL: period, comparison, interval, zone, cost basis, filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from usagecost import periods
from usagecost.periods import COMPARISONS, Period
from usagecost.periods.presets import PRESETS, preset_period
from usagecost.ui.address import Choice
from usagecost.ui.currency import USD
from usagecost.ui.labels import labels_of
from usagecost.vocabulary import BASES, FILTERED
from usagecost.vocabulary.filters import NOT_REPORTED, Condition, Filters, Instants, Scope, View

CUSTOM, DEFAULT_PRESET, AUTO = "custom", "30d", "auto"
DEFAULT_DAYS = 30
RANGES = {**PRESETS, CUSTOM: ("Custom range", None, None)}
KEPT_CHOICES = ("range", "days", "compare", "interval", "zone", "basis", "currency")
"""Choices that stay as they are when the requests behind a number are opened: all but the filters."""
STRETCH = {"from": Choice(), "to": Choice()}
"""The stretch of time that a page of single requests narrows the period to: own choices of such a page."""


@dataclass(frozen=True)
class Data:
    """What a period depends on: the lake and its version, its oldest and newest instants, the time now; and what may be seen."""

    lake: str
    version: int
    oldest_newest: tuple[datetime, datetime] | None
    now: datetime
    scope: Scope


def choices() -> dict[str, Choice]:
    """The names in the URL that all pages share."""
    return {
        "range": Choice(default=DEFAULT_PRESET, options={name: words for name, (words, *_) in RANGES.items()}),
        "days": Choice("days"),
        "compare": Choice(default=next(iter(COMPARISONS)), options=COMPARISONS),
        "interval": Choice(default=AUTO, options=(AUTO, *periods.INTERVALS)),
        "zone": Choice(default=periods.reporting_zone(), options=periods.known_zones()),
        "basis": Choice(default=next(iter(BASES)), options={name: words for name, (words, *_) in BASES.items()}),
        "currency": Choice(default=USD),
        **{name: Choice("texts") for name in FILTERED},
        **{f"not_{name}": Choice("flag", default=False) for name in FILTERED},
    }


def current_view(data: Data) -> View:
    """Returns the view that the choices in the session state describe."""
    state = st.session_state
    period = _period(data, state["zone"])
    interval = periods.chosen_interval(state["interval"], period.days)
    unfiltered = View(data.lake, data.version, period, interval, state["basis"], week_start=periods.week_start(), scope=data.scope)
    conditions = [_condition(name, unfiltered) for name in FILTERED]
    return replace(unfiltered, filters=Filters(tuple(condition for condition in conditions if condition)))


def narrowed_to_stretch(view: View) -> View:
    """The view of the stretch of time that the URL narrows its period to, unless that has nothing of the period."""
    stretch = _stretch()
    if stretch is None:
        return view
    start, end = max(stretch.start, view.period.start), min(stretch.end, view.period.end)
    return view.where(Instants(start, end)) if start < end else view


def stretch_of(view: View) -> Instants | None:
    """The stretch of time that a view's period is narrowed to."""
    return next((condition for condition in view.filters.conditions if isinstance(condition, Instants)), None)


def days_of(view: View) -> tuple[date, date]:
    """The first and the last local day of what is shown."""
    stretch, zone = stretch_of(view), ZoneInfo(view.period.zone)
    if stretch is None:
        return view.period.first, view.period.last
    return stretch.start.astimezone(zone).date(), (stretch.end - timedelta(microseconds=1)).astimezone(zone).date()


def narrow_to(start: datetime, end: datetime) -> None:
    """Narrows the period to a stretch of time."""
    for name, moment in (("from", start), ("to", end)):
        st.session_state[name] = moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def widen() -> None:
    """Shows the whole period again."""
    for name in STRETCH:
        st.session_state[name] = None


def newest_days(span: tuple[datetime, datetime], zone: str) -> tuple[date, date]:
    """The last days that have data, as many as the default range has."""
    oldest, newest = (moment.astimezone(ZoneInfo(zone)).date() for moment in span)
    return max(oldest, newest - timedelta(days=DEFAULT_DAYS - 1)), newest


def show_days(first: date, last: date) -> None:
    """Makes a custom range of two days."""
    st.session_state["range"], st.session_state["days"] = CUSTOM, (first, last)
    widen()


def show_preset(preset: str) -> None:
    """Makes the range a named one."""
    st.session_state["range"], st.session_state["days"] = preset, None
    widen()


def set_filter(condition: Condition | None, name: str) -> None:
    """Puts a condition in the place of the one on its dimension; none takes it off."""
    values: Sequence[str | None] = condition.values if condition else ()
    st.session_state[name] = [NOT_REPORTED if value is None else value for value in values]
    st.session_state[f"not_{name}"] = bool(condition and condition.excludes)


def clear_filters() -> None:
    """Takes all filters off."""
    for name in FILTERED:
        set_filter(None, name)


def reset() -> None:
    """Back to the default view."""
    for name, choice in choices().items():
        st.session_state[name] = choice.read([])
    widen()


def _stretch() -> Instants | None:
    """The stretch of time that the URL says; None where it says none, or nonsense."""
    try:
        moments = [datetime.fromisoformat(st.session_state[name] or "") for name in STRETCH]
        start, end = (moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC) for moment in moments)
    except (ValueError, OverflowError):
        return None
    return Instants(start, end) if start < end else None


def _period(data: Data, zone: str) -> Period:
    days, preset = st.session_state["days"], st.session_state["range"]
    if preset == CUSTOM and not days:
        preset = DEFAULT_PRESET
    if preset == CUSTOM:
        period = Period(days[0], days[1], zone, data.now)
    else:
        period = preset_period(preset, zone, data.now, data.oldest_newest, periods.week_start())
    return periods.compared(period, st.session_state["compare"])


def _condition(name: str, unfiltered: View) -> Condition | None:
    """The filter on a dimension. A link may call a user, team or key by its name as well as by its id."""
    values = st.session_state[name]
    if not values:
        return None
    labels = labels_of(unfiltered)
    ids = list(dict.fromkeys(labels.id_of(name, value) for value in values))
    st.session_state[name] = ids
    reported = sorted(value for value in ids if value != NOT_REPORTED)
    return Condition(name, (*reported, None) if NOT_REPORTED in ids else tuple(reported), st.session_state[f"not_{name}"])
