"""What feeds the lake: a card for each source, with how much of it there is and how fresh it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from usagecost import charts, queries
from usagecost.engine import open_lake
from usagecost.ingest import known_formats
from usagecost.periods.words import days_text
from usagecost.queries import folds
from usagecost.queries.folds import Usage
from usagecost.ui import going
from usagecost.ui.answers import answer, empty
from usagecost.ui.blocks import heading
from usagecost.ui.cards import sparkline
from usagecost.ui.memory import cached_answer
from usagecost.ui.text import plain
from usagecost.vocabulary import METRICS, formats
from usagecost.vocabulary.filters import Filters, View

FRESH_FOR, LATE_FOR = timedelta(days=1), timedelta(days=7)
"""A source that was heard of within the first is fresh, within the second late, else without recent data."""

CARD_WIDTH = 320
MOST_CARDS = 30


def freshness(newest: datetime, now: datetime) -> tuple[str, Literal["green", "orange", "red"], str]:
    """How fresh a source is, in words, as a colour and as an icon: none of them says it alone."""
    if formats.clock_skew(newest, now):
        return "clock ahead", "orange", ":material/schedule:"
    if now - newest < FRESH_FOR:
        return f"{formats.age(newest, now)} · fresh", "green", ":material/check_circle:"
    if now - newest < LATE_FOR:
        return f"{formats.age(newest, now)} · late", "orange", ":material/schedule:"
    return f"{formats.age(newest, now)} · no recent data", "red", ":material/error:"


def feeds(view: View) -> None:
    """The sources of the whole lake, the one heard of last first."""
    sources = answer(queries.sources.sources, view.lake, view.version)
    if not sources:
        empty("The lake is empty", "Drop log files above, and what they are will show here.")
        return
    usage = answer(queries.usage, replace(view, filters=Filters()), "source")
    heading(
        "Data sources",
        lambda: pd.DataFrame(sources),
        name="sources",
        help="Each log format or named table, with the requests of the whole lake. Fresh: the newest request is less than a day "
        "old. Late: less than a week. No recent data: older. Clock ahead: it is later than now, so the sender's clock is wrong.",
    )
    titles = {name: source.title for name, source in known_formats(open_lake(view.lake)).sources.items()}
    _overlaps(view, titles)
    grid = st.grid(3, min_column_width=CARD_WIDTH, gap="small")
    for source in sources[:MOST_CARDS]:
        with grid.container(border=True, height="stretch"):
            title = titles.get(source["source"], source["source"])
            _card(title, source, usage.of_value(source["source"]), view)
    rest = len(sources) - MOST_CARDS
    more = f" The {rest} sources without data for longest are in the download." if rest > 0 else ""
    days = days_text(view.period.first, view.period.last)
    st.caption(f"Bars: requests by {view.interval}, {days}, {plain(view.period.zone)}, without filters.{more}")


def _overlaps(view: View, titles: Mapping[str, str]) -> None:
    """Says which sources tell the same requests, and leads to the loads that can be taken out."""
    overlaps = answer(queries.overlaps.find_overlaps, view.lake, view.version, cached_answer)
    for overlap in overlaps:
        st.warning(plain(overlap.text(titles)), title="Requests that may count twice", icon=":material/content_copy:")
    if overlaps:
        st.button("Show the loads", key="show_loads", icon=":material/history:", on_click=going.to_part, args=("History",))


def _card(title: str, source: dict[str, Any], usage: Usage, view: View) -> None:
    zone = ZoneInfo(view.period.zone)
    words, color, icon = freshness(source["last"], datetime.now(UTC))
    st.markdown(f"**{plain(title)}**")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
        st.markdown(formats.counted(source["requests"], "request"), width="content")
        st.badge(words, color=color, icon=icon)
    first, last = source["first"].astimezone(zone), source["last"].astimezone(zone)
    loaded = f"Loaded {formats.age(source['loaded'], datetime.now(UTC))}" if source["loaded"] else ""
    st.caption(f"First {first:%Y-%m-%d %H:%M} · last {last:%Y-%m-%d %H:%M}, {plain(view.period.zone)}  \n{loaded}")
    axis = charts.TimeAxis(usage.intervals, view.interval, view.period.zone)
    sparkline(METRICS["requests"], [*zip(axis.texts, folds.rows(usage.over_time), strict=True)])
