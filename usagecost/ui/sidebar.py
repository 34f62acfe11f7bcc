"""The sidebar below the menu: the days of the period, and settings that are chosen once. Their state is that of viewing.py."""

from __future__ import annotations

from datetime import date

import streamlit as st

from usagecost import periods
from usagecost.ui import viewing
from usagecost.ui.currency import currency_choice
from usagecost.vocabulary import BASES
from usagecost.vocabulary.filters import View

EARLIEST = date(2015, 1, 1)


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
