"""Days, or hours of a short range, whose spend stands out, and what caused it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from usagecost import explain, queries
from usagecost.charts import Mark
from usagecost.explain import Spike
from usagecost.periods import Interval, Period
from usagecost.periods.words import days_text
from usagecost.queries.folds import Usage
from usagecost.queries.forecasts import HISTORY_DAYS, as_of_today, history
from usagecost.queries.unusual import Causes, causes_of_all, causes_within, spikes_in
from usagecost.ui import address, drilldown, viewing
from usagecost.ui.answers import answer, empty
from usagecost.ui.blocks import heading, table
from usagecost.ui.drilldown import OnMark
from usagecost.ui.labels import labels_of
from usagecost.ui.text import plain
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import usd

DAYS_BEFORE = {"day": 70, "hour": 28}
"""Interval -> how many days before the range say what is usual in it."""
MOST_DAYS_OF_HOURS = 2
MOST_SHOWN = 5
OPEN_CAUSES = "unusual_open"
UNUSUAL_PART = "Unusual days"
"""What the part of the page is called."""


def unusual(view: View) -> None:
    """Draws the intervals of a view whose spend stands out most, the newest first; a row opens its requests."""
    interval = "hour" if view.period.days <= MOST_DAYS_OF_HOURS else "day"
    like = "hour" if interval == "hour" else "weekday"
    spikes = _spikes(view, interval)
    if not spikes:
        empty(
            f"No unusual {interval}s",
            f"No full {interval} of the range has spent what its {like} and the recent level make unlikely; or less than two weeks "
            "are known before it.",
        )
        return
    largest = sorted(spikes, key=lambda pair: -abs(pair[1].excess))[:MOST_SHOWN]
    listed_spikes = sorted(largest, key=lambda pair: pair[0].start, reverse=True)
    numbers = pd.DataFrame(
        {
            interval: [step.label for step, _ in listed_spikes],
            "spend": [spike.amount for _, spike in listed_spikes],
            "usual": [spike.usual for _, spike in listed_spikes],
            "excess": [spike.excess for _, spike in listed_spikes],
            "cause": [_cause_words(view, causes) for causes in causes_of_all(view, listed_spikes, answer)],
        }
    )
    heading(
        f"Unusual {interval}s",
        lambda: numbers,
        name="why-unusual",
        help=f"Full {interval}s whose spend differs from the usual by more than half of it, and by more than it scatters. Usual is "
        f"what {interval}s of the same {like} mostly were, at the level of the seven days before. The cause is the smallest set of "
        "values that makes 80% of the difference. "
        + (f"The {MOST_SHOWN} largest of {len(spikes)}." if len(spikes) > MOST_SHOWN else ""),
    )
    table(
        numbers,
        name="why-unusual",
        columns={
            interval: st.column_config.TextColumn(interval.capitalize(), width=130),
            "spend": st.column_config.NumberColumn("Spend", width=90),
            "usual": st.column_config.NumberColumn("Usual", width=90),
            "excess": st.column_config.NumberColumn("Against usual", width=110),
            "cause": st.column_config.TextColumn("Cause"),
        },
        alt_text=f"Unusual {interval}s with their spend, what is usual, and the cause of the difference",
        texts={"spend": usd, "usual": usd, "excess": lambda value: explain.signed(value, usd)},
        on_open=lambda row: drilldown.open_requests(view.filters, listed_spikes[row][0]),
    )


def unusual_marks(usage: Usage, view: View, by: str) -> tuple[Mark, ...]:
    """The marks of a chart of spend by day or hour where it stands out most, with the values of its split that caused it."""
    places = {step.start: number for number, step in enumerate(usage.intervals)}
    return tuple(
        Mark(step.start, "Unusual", _against_usual(view, spike, causes_within(usage, by, places[step.start], spike)))
        for step, spike in _marked_spikes(usage, view)
    )


def unusual_note(usage: Usage, view: View) -> None:
    """Under a chart of spend: what is marked on it, and behind a button what caused it, by all dimensions."""
    marked_spikes = sorted(_marked_spikes(usage, view), key=lambda pair: pair[0].start)
    if not marked_spikes:
        return
    days = sorted({step.start.astimezone(ZoneInfo(view.period.zone)).date() for step, _ in marked_spikes})
    label = f"Unusual: {', '.join(days_text(day, day) for day in days)}"
    with st.popover(label, icon=":material/help:", type="tertiary", key=OPEN_CAUSES, on_change="rerun") as box:
        if box.open:
            _causes(view, marked_spikes)


def opening_causes(usage: Usage, view: View, otherwise: OnMark) -> OnMark:
    """For a chart of spend: a click beside the bars of an interval that stands out shows what caused it."""

    def open_causes(mark: drilldown.Mark) -> None:
        if mark.get("place") is None and any(step.label == mark.get("interval") for step, _ in _marked_spikes(usage, view)):
            st.session_state[OPEN_CAUSES] = True
        else:
            otherwise(mark)

    return open_causes


def _causes(view: View, marked_spikes: Sequence[tuple[Interval, Spike]]) -> None:
    """A line for each of some intervals, with the way to its requests."""
    for (step, spike), causes in zip(marked_spikes, causes_of_all(view, marked_spikes, answer), strict=True):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
            st.markdown(f"**{step.label}** {plain(_against_usual(view, spike, causes))}", width="stretch")
            about = (view.filters, step)
            st.button("Requests", key=f"unusual_{step.label}", type="tertiary", on_click=drilldown.open_requests, args=about)
    query = {**address.page_query("Why", viewing.choices()), "part": [UNUSUAL_PART]}
    st.page_link("pages/1_Why.py", label="**All unusual days**", query_params=query)


def _marked_spikes(usage: Usage, view: View) -> list[tuple[Interval, Spike]]:
    """The days or hours of a chart that stand out most. Days of late are among those of which the view's forecast is learned, so of
    them nothing else is asked for.
    """
    if view.interval not in DAYS_BEFORE:
        return []
    starts, period = {step.start for step in usage.intervals}, view.period
    forecast_span = timedelta(days=HISTORY_DAYS["month"] - DAYS_BEFORE["day"])
    is_forecast_history = view.interval == "day" and period.first >= period.today - forecast_span
    spikes = (
        spikes_in(answer(history, as_of_today(view)), "day", period.zone) if is_forecast_history else _spikes(view, view.interval)
    )
    return sorted((pair for pair in spikes if pair[0].start in starts), key=lambda pair: -abs(pair[1].excess))[:MOST_SHOWN]


def _against_usual(view: View, spike: Spike, causes: Causes) -> str:
    """+$180.31 against usual: claude-opus-5."""
    cause = _cause_words(view, causes)
    return f"{explain.signed(spike.excess, usd)} against usual{f': {cause}' if cause else ''}"


def _spikes(view: View, interval: str) -> list[tuple[Interval, Spike]]:
    """The full intervals of the range that stand out."""
    period = view.period
    longer = Period(period.first - timedelta(days=DAYS_BEFORE[interval]), period.last, period.zone, period.now, is_alone=True)
    longer_view = replace(view, period=longer, interval=interval)
    usage = answer(queries.usage, longer_view, None, ("spend_usd",), compares=False)
    return [pair for pair in spikes_in(usage, interval, period.zone) if pair[0].start >= period.start]


def _cause_words(view: View, causes: Causes) -> str:
    """What caused a difference, in words."""
    labels = labels_of(view)
    return ", ".join(
        explain.value_words(name, " and ".join(f"no known {name}" if value is None else labels.of(name, value) for value in values))
        for name, values in causes
    )
