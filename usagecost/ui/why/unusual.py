"""Days, or hours of a short range, whose spend stands out, and what caused it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from usagecost import explain, queries
from usagecost.explain import Spike
from usagecost.periods import Interval, Period, intervals
from usagecost.ui import drilldown
from usagecost.ui.answers import answer, empty
from usagecost.ui.blocks import heading, table
from usagecost.ui.labels import labels_of
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import usd

DAYS_BEFORE = {"day": 70, "hour": 28}
"""Interval -> how many days before the range say what is usual in it."""
MOST_DAYS_OF_HOURS = 2
WEEK = {"day": 7, "hour": 7 * 24}
RECENT = timedelta(days=28)
"""The time before an interval that says how values mostly share what is spent."""
CAUSES = {"model": "", "user": "", "team": "team ", "app": "app ", "key": "key "}
"""What can cause a difference -> what is said before its values."""
MOST_SHOWN = 5


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
    largest = sorted(spikes, key=lambda one: -abs(one[1].excess))[:MOST_SHOWN]
    shown = sorted(largest, key=lambda one: one[0].start, reverse=True)
    numbers = pd.DataFrame(
        {
            interval: [step.label for step, _ in shown],
            "spend": [spike.amount for _, spike in shown],
            "usual": [spike.usual for _, spike in shown],
            "excess": [spike.excess for _, spike in shown],
            "cause": [_cause(view, step, spike) for step, spike in shown],
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
            interval: st.column_config.TextColumn(interval.capitalize(), width="small"),
            "spend": st.column_config.NumberColumn("Spend"),
            "usual": st.column_config.NumberColumn("Usual"),
            "excess": st.column_config.NumberColumn("Against usual"),
            "cause": st.column_config.TextColumn("Cause", width="large"),
        },
        alt_text=f"Unusual {interval}s with their spend, what is usual, and the cause of the difference",
        texts={"spend": usd, "usual": usd, "excess": lambda value: explain.signed(value, usd)},
        on_open=lambda row: drilldown.open_requests(view.filters, shown[row][0]),
    )


def _spikes(view: View, interval: str) -> list[tuple[Interval, Spike]]:
    """The full intervals of the range that stand out."""
    period = view.period
    longer = Period(period.first - timedelta(days=DAYS_BEFORE[interval]), period.last, period.zone, period.now, is_alone=True)
    asked = replace(view, period=longer, interval=interval)
    usage = answer(queries.usage, asked, None, ("spend_usd",), compares=False)
    steps = intervals(longer, interval)
    full = [place for place, step in enumerate(steps) if not (step.is_running or step.is_ahead)]
    amounts = [0.0 if pd.isna(amount) else float(amount) for amount in usage.over_time["spend_usd"]]
    found = explain.find_spikes([amounts[place] for place in full], _slots(steps, full, interval, period.zone), WEEK[interval])
    return [(steps[full[spike.place]], spike) for spike in found if steps[full[spike.place]].start >= period.start]


def _slots(steps: Sequence[Interval], full: Sequence[int], interval: str, zone: str) -> list[int]:
    """What intervals are alike by: days by their weekday, hours by the hour and whether it is a day of the weekend."""
    local = [steps[place].start.astimezone(ZoneInfo(zone)) for place in full]
    return [at.weekday() if interval == "day" else at.hour + 24 * (at.weekday() >= 5) for at in local]


def _cause(view: View, step: Interval, spike: Spike) -> str:
    """The smallest set of values that makes most of a difference, in words."""
    before = step.start - RECENT, step.start
    amounts = {name: answer(queries.explained.against, view, name, (step.start, step.end), before) for name in CAUSES}
    labels = labels_of(view)
    return ", ".join(
        CAUSES[name] + " and ".join(f"no known {name}" if one is None else labels.of(name, one) for one in values)
        for name, values in explain.causes(spike, amounts)
    )
