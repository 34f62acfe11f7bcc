"""The sidebar: period, interval, time zone, cost basis and filters. All of it lives in the URL, so a link is a view."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import streamlit as st

from usagecost import periods, queries
from usagecost.periods import Period
from usagecost.periods.presets import PRESETS, preset_period
from usagecost.ui.labels import labels_of
from usagecost.ui.memory import known
from usagecost.ui.text import days_text
from usagecost.vocabulary import BASES, DIMENSIONS
from usagecost.vocabulary.filters import NOT_REPORTED, Condition, Filters, View
from usagecost.vocabulary.labels import Labels

CUSTOM = "custom"
DEFAULT_PRESET = "30d"
AUTO = "auto"
FILTERED = ("provider", "model", "user", "team", "key", "app", "environment", "status")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

KEYS = ("range", "days", "interval", "zone", "basis", *FILTERED, *(f"not_{name}" for name in FILTERED))
"""The state of the sidebar: names of its widgets and of its URL parameters."""


@dataclass(frozen=True)
class DataSpan:
    """What the sidebar has to know of the lake: where it is, its version, its oldest and newest instants, the time now."""

    lake: str
    version: int
    oldest_newest: tuple[datetime, datetime] | None
    now: datetime


def week_start() -> int:
    """The first day of the week, 0 being Monday: USAGECOST_WEEK_START, else Monday."""
    name = os.environ.get("USAGECOST_WEEK_START", "monday").lower()
    return WEEKDAYS.index(name) if name in WEEKDAYS else 0


def view_asked_for(data: DataSpan) -> View:
    """Draws the sidebar's widgets and returns the view that they describe."""
    st.header("Period", anchor=False)
    above_zone = st.container()  # the period is computed in the zone, but is read before it
    zone = st.selectbox(
        "Time zone",
        _zones(),
        key="zone",
        bind="query-params",
        help="Days, weeks and hours are those of this zone, on every chart and in every download.",
    )
    with above_zone:
        period = _period(data, zone)
        interval = _interval(period)
    st.header("Numbers", anchor=False)
    basis = st.selectbox(
        "Cost basis",
        list(BASES),
        format_func=lambda key: BASES[key][0],
        key="basis",
        bind="query-params",
        help="Reported: what the log says a request cost. List price: what the provider's price list of that day says.",
    )
    unfiltered = View(data.lake, data.version, period, interval, basis)
    filters = _filters(unfiltered)
    st.button("Reset", icon=":material/restart_alt:", on_click=_reset, width="stretch", help="Back to the default view")
    return View(data.lake, data.version, period, interval, basis, filters, week_start())


def _period(data: DataSpan, zone: str) -> Period:
    names = {name: label for name, (label, *_) in PRESETS.items()} | {CUSTOM: "Custom range"}
    order = list(names)
    chosen = st.selectbox(
        "Date range",
        order,
        index=order.index(DEFAULT_PRESET),
        format_func=names.__getitem__,
        key="range",
        bind="query-params",
        on_change=_start_custom_range,
    )
    if chosen != CUSTOM:
        period = preset_period(chosen, zone, data.now, data.oldest_newest, week_start())
        st.session_state["_last_days"] = (period.first, period.last)
        st.caption(days_text(period.first, period.last))
        return period
    return Period(*_custom_days(data, zone), zone, data.now)


def _start_custom_range() -> None:
    """A custom range begins as the days that were shown before it."""
    if st.session_state["range"] == CUSTOM and "_last_days" in st.session_state:
        st.session_state["days"] = st.session_state["_last_days"]


def _custom_days(data: DataSpan, zone: str) -> tuple[date, date]:
    preset = preset_period(DEFAULT_PRESET, zone, data.now, data.oldest_newest)
    asked = st.date_input(
        "First and last day",
        value=(preset.first, preset.last),
        min_value=date(2015, 1, 1),
        max_value=date(data.now.year + 1, 12, 31),
        key="days",
        bind="query-params",
        format="YYYY-MM-DD",
        help="Both days are included.",
    )
    days: Sequence[date] = sorted(asked) if isinstance(asked, tuple) else [asked]
    return (days[0], days[-1]) if days else (preset.first, preset.last)


def _interval(period: Period) -> str:
    asked = st.selectbox(
        "Interval",
        [AUTO, *periods.INTERVALS],
        key="interval",
        bind="query-params",
        help=f"The steps of the time axis; auto fits them to the range. Hours go up to {periods.MAX_HOURLY_DAYS} days.",
    )
    interval = periods.chosen_interval(asked, period.days)
    if asked not in (AUTO, interval):
        st.caption(f"Shown by {interval}: hours fit up to {periods.MAX_HOURLY_DAYS} days.")
    return interval


def _zones() -> list[str]:
    """The default first (it is the one that stays out of the URL), then the reader's own, then all others."""
    first = [zone for zone in (periods.reporting_zone(), st.context.timezone, "UTC") if zone in periods.known_zones()]
    return list(dict.fromkeys([*first, *periods.known_zones()]))


def _filters(unfiltered: View) -> Filters:
    """One multiselect a dimension. What they offer is asked for only while the filters are open."""
    chosen = {name: _chosen(name) for name in FILTERED}
    # the label never changes: an expander with a new one closes
    box = st.expander("Filters", key="filters_open", on_change="rerun", icon=":material/filter_alt:")
    offered = known(queries.choices, unfiltered) if box.open else {}
    with box:
        labels = labels_of(unfiltered)
        conditions = [_condition(name, offered.get(name, []), chosen[name], labels) for name in FILTERED]
    active = tuple(condition for condition in conditions if condition)
    if active:
        st.caption(f"{len(active)} filter{'s' if len(active) > 1 else ''} active, named above the cards")
    return Filters(active)


def _chosen(name: str) -> list[str]:
    """What is chosen already, in this session or by the link that opened it."""
    return list(st.session_state.get(name) or st.query_params.get_all(name))


def _condition(name: str, offered: Sequence[str | None], chosen: Sequence[str], labels: Labels) -> Condition | None:
    """The choice is of ids; the reader, and so the URL, calls them by their names. A link may name an id all the same."""
    dimension = DIMENSIONS[name]
    linked = st.query_params.get_all(name)
    kept = [labels.id_of(name, said) for said in chosen]
    options = list(dict.fromkeys([*kept, *(NOT_REPORTED if value is None else value for value in offered)]))
    names = labels.of_all(name, options)
    values = st.multiselect(
        dimension.label,
        options,
        key=name,
        bind="query-params",
        format_func=lambda value: value if value in linked else names.get(value, value),
        placeholder=f"All {dimension.plural}",
    )
    if not values:
        return None
    excludes = st.checkbox(f"All but these {dimension.plural}", key=f"not_{name}", bind="query-params")
    known = sorted(value for value in values if value != NOT_REPORTED)
    return Condition(name, (*known, None) if NOT_REPORTED in values else tuple(known), excludes)


def _reset() -> None:
    """Sets every widget to its default, which also takes it out of the URL."""
    defaults = {"range": DEFAULT_PRESET, "interval": AUTO, "zone": periods.reporting_zone(), "basis": next(iter(BASES))}
    for key in KEYS:
        st.session_state[key] = defaults.get(key, False if key.startswith("not_") else [])
    del st.session_state["days"]
