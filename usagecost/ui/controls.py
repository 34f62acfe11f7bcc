"""The controls of a page: above it its title, range, comparison and filters as chips, with the age of the data; and in the sidebar
the days of the period, and settings that are chosen once. Their state is that of viewing.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from usagecost import periods, queries
from usagecost.periods import COMPARISONS
from usagecost.periods.comparison import NONE
from usagecost.periods.presets import PRESETS
from usagecost.periods.words import days_text, stretch_text
from usagecost.ui import viewing
from usagecost.ui.currency import currency_choice
from usagecost.ui.labels import labels_of
from usagecost.ui.memory import cached_answer
from usagecost.ui.text import plain
from usagecost.vocabulary import BASES, DIMENSIONS, FILTERED, formats
from usagecost.vocabulary.filters import NOT_REPORTED, Condition, Filters, View

EARLIEST = date(2015, 1, 1)
MOST_SAID = 60
"""Letters of a filter that its chip shows."""


def sidebar(view: View, uses: frozenset[str]) -> None:
    """Draws what a page uses of it."""
    if "range" in uses:
        date_input("days_side", view, "Date range")
    with st.expander("Settings", key="settings", icon=":material/settings:", on_change="rerun") as box:
        if box.open:
            _settings(view, uses)


def _settings(view: View, uses: frozenset[str]) -> None:
    """Drawn only while they are seen: the zones alone are as much for a browser to read as all cards."""
    if "interval" in uses:
        _interval(view)
    st.selectbox(
        "Time zone",
        _zones(),
        key="zone",
        help="Days, weeks and hours are those of this zone, on every chart and in every download.",
    )
    if "basis" in uses:
        st.selectbox(
            "Cost basis",
            list(BASES),
            format_func=lambda key: BASES[key][0],
            key="basis",
            help="Reported: what the log says a request cost. List price: what the provider's price list of that day says.",
        )
    if "currency" in uses:
        currency_choice(view)
    st.button(
        "Reset the view",
        key="reset",
        icon=":material/restart_alt:",
        on_click=viewing.reset,
        width="stretch",
        help="The last 30 days without filters, by the default settings",
    )


def date_input(key: str, view: View, label: str) -> None:
    """The first and the last day; another choice is a custom range. Two of them show one state, each range as a widget of its own:
    one that is given another range while it is open commits the former one when it closes.
    """
    days = viewing.days_of(view)
    key = f"{key}_{days[0]}_{days[1]}"

    def show_chosen_days() -> None:
        chosen_days = sorted(st.session_state[key])
        if chosen_days and (chosen_days[0], chosen_days[-1]) != days:  # a busy browser may tell the former range once more
            viewing.show_days(chosen_days[0], chosen_days[-1])

    st.date_input(
        label,
        value=days,
        min_value=min(EARLIEST, days[0]),
        max_value=max(date(view.period.now.year + 1, 12, 31), days[1]),
        key=key,
        format="YYYY-MM-DD",
        required=True,
        on_change=show_chosen_days,
        help="The first and the last day, both included.",
    )


def _interval(view: View) -> None:
    interval = st.selectbox(
        "Interval",
        [viewing.AUTO, *periods.INTERVALS],
        format_func=lambda name: periods.INTERVALS.get(name, "Auto"),
        key="interval",
        help="The steps of the time axis; Auto fits them to the range. "
        f"15 minutes are for up to {periods.MOST_DAYS['15min']} days, hours for up to {periods.MOST_DAYS['hour']}.",
    )
    if interval not in (viewing.AUTO, view.interval):
        st.caption(
            f"Shown by {view.interval}: {periods.INTERVALS[interval].lower()} fits up to {periods.MOST_DAYS[interval]} days."
        )


def _zones() -> list[str]:
    """The default first (it is the one that stays out of the URL), then the reader's own, then all others."""
    first = [zone for zone in (periods.reporting_zone(), st.context.timezone, "UTC") if zone in periods.known_zones()]
    return list(dict.fromkeys([*first, *periods.known_zones()]))


def top_bar(
    title: str, icon: str, view: View, newest: datetime | None, uses: frozenset[str], refresh: Callable[[], None]
) -> DeltaGenerator:
    """The title, and to its right the range and the comparison; below it the filters, and how old the data is.

    Returns the place beside the filters, for what else a page has to say at once.
    """
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="top_bar"):
        st.title(f"{icon} {title}", anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
            if "range" in uses:
                _range(view)
            if "compare" in uses:
                _compare()
    aligned = "distribute" if "filters" in uses else "right"
    with st.container(horizontal=True, horizontal_alignment=aligned, vertical_alignment="center", key="filters"):
        bar = st.container(horizontal=True, vertical_alignment="center", gap="small", width="stretch")
        with bar:
            if "filters" in uses:
                _add(view)
                for condition in view.filters.conditions:
                    if isinstance(condition, Condition):
                        name = condition.dimension
                        chip(condition.phrase(labels_of(view).of), name, viewing.set_filter, None, name)
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            if newest:
                _data_through(view, newest)
            st.button("Refresh", icon=":material/refresh:", on_click=refresh, type="tertiary")
    if newest and (skew := formats.clock_skew(newest, datetime.now(UTC))):
        st.caption(f":material/schedule: {plain(f'Newest request is {skew}.')}")
    return bar


def chip(words: str, key: str, remove: Callable[..., None], *args: object) -> None:
    """What a filter says; a click takes it off."""
    st.button(
        plain(words if len(words) <= MOST_SAID else f"{words[:MOST_SAID]} …"),
        key=f"chip_{key}",
        icon=":material/close:",
        icon_position="right",
        help=f"Takes this filter off: {plain(words[:500])}",
        on_click=remove,
        args=args,
    )


def _data_through(view: View, newest: datetime) -> None:
    now = datetime.now(UTC)
    local = min(newest, now).astimezone(ZoneInfo(view.period.zone))
    subject = "The newest request in the lake" if view.scope.is_everything else "Your newest request"
    day = days_text(local.date(), local.date())
    if local.year == view.period.now.astimezone(local.tzinfo).year:
        day = day.removesuffix(f" {local.year}")
    st.markdown(
        f"Data through **{local:%H:%M}**, {day} {plain(view.period.zone)}",
        help=f"{subject} was sent {formats.age(newest, now)}.",
        width="content",
    )


def _range(view: View) -> None:
    """The range in words, or the stretch it is narrowed to; behind it the named ones and a calendar."""
    preset = st.session_state["range"]
    days = days_text(view.period.first, view.period.last)
    whole = f"{PRESETS[preset][0]} · {days}" if preset in PRESETS else days
    stretch = viewing.stretch_of(view)
    words = stretch_text(stretch.start, stretch.end, view.period.zone) if stretch else whole
    if stretch:
        st.button(
            "Whole range",
            key="widen",
            icon=":material/close:",
            type="tertiary",
            help=f"Shows {whole} again",
            on_click=viewing.widen,
        )
    with st.popover(words, icon=":material/calendar_month:", key="range_open", on_change="rerun"):
        _presets(preset)
        date_input("days_top", view, "First and last day")


def _presets(preset: str) -> None:
    """The named ranges. Each state is a widget of its own: setting one's value could undo a click that is under way."""
    key, selected = f"range_top_{preset}", preset if preset in PRESETS else None

    def choose() -> None:
        if clicked := st.session_state[key]:
            viewing.show_preset(clicked)
        else:  # a click on what is chosen already
            st.session_state[key] = selected
            viewing.widen()
        st.session_state["range_open"] = False

    st.pills(
        "Range",
        list(PRESETS),
        default=selected,
        format_func=lambda name: PRESETS[name][0],
        key=key,
        on_change=choose,
        label_visibility="collapsed",
        width=360,
    )


def _compare() -> None:
    comparison = st.session_state["compare"]
    words = "Compare" if comparison == NONE else f"vs {COMPARISONS[comparison].lower()}"
    with st.popover(words, icon=":material/compare_arrows:", key="compare_open", on_change="rerun"):
        st.radio(
            "Compare with",
            list(COMPARISONS),
            format_func=COMPARISONS.__getitem__,
            key="compare",
            on_change=lambda: st.session_state.update(compare_open=False),
        )


def _add(view: View) -> None:
    """One multiselect a dimension. What they offer is asked for only while they are seen."""
    box = st.popover("Filter", icon=":material/add:", key="filters_open", on_change="rerun")
    offered = cached_answer(queries.choices, replace(view, filters=Filters())) if box.open else {}
    with box:
        dimension = st.pills(
            "Filter by",
            FILTERED,
            default=FILTERED[0],
            required=True,
            format_func=lambda name: DIMENSIONS[name].label,
            key="filter_by",
            width=420,
        )
        _values(dimension, offered.get(dimension, []), view)


def _values(name: str, offered: list[str | None], view: View) -> None:
    selected = st.session_state[name]
    options = list(dict.fromkeys([*selected, *(NOT_REPORTED if value is None else value for value in offered)]))
    names = labels_of(view).of_all(name, options)
    plural = DIMENSIONS[name].plural
    values = st.multiselect(
        DIMENSIONS[name].label,
        options,
        key=name,
        format_func=lambda value: names.get(value, value),
        placeholder=f"All {plural}",
        width=420,
    )
    if values:
        st.checkbox(f"Exclude these {plural}", key=f"not_{name}")
