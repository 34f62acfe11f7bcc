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
from usagecost.periods import Interval, Period, intervals
from usagecost.queries.folds import Usage
from usagecost.queries.forecasts import as_of_today, history
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


def unusual_marks(usage: Usage, view: View, by: str) -> tuple[Mark, ...]:
    """The marks of a chart of spend by day at the days that stand out most, with the values of its split that caused it.

    The days are those that the forecast of the view is learned from, so nothing else is asked for.
    """
    if view.interval != "day":
        return ()
    days = answer(history, as_of_today(view))
    full = range(len(days.intervals) - 1)
    amounts = [0.0 if pd.isna(amount) else float(amount) for amount in days.over_time["spend_usd"]]
    spikes = explain.find_spikes(amounts[:-1], _slots(days.intervals, full, "day", view.period.zone), WEEK["day"])
    places = {step.start: place for place, step in enumerate(usage.intervals)}
    of_period = [(days.intervals[spike.place].start, spike) for spike in spikes if days.intervals[spike.place].start in places]
    largest = sorted(of_period, key=lambda one: -abs(one[1].excess))[:MOST_SHOWN]
    return tuple(Mark(start, "Unusual", _against_usual(usage, view, by, places[start], spike)) for start, spike in largest)


def _against_usual(usage: Usage, view: View, by: str, place: int, spike: Spike) -> str:
    """+$180.31 against usual: claude-opus-5. The cause is told against the other days of the answer."""
    amounts: dict[str | None, tuple[float, float]] = {}
    for cell in usage.cells.select(["interval", "value", "is_other", "spend_usd"]).to_pylist():
        if cell["is_other"] or cell["spend_usd"] is None:
            continue
        now, other = amounts.get(cell["value"], (0.0, 0.0))
        spent = float(cell["spend_usd"])
        amounts[cell["value"]] = (now + spent, other) if cell["interval"] == place else (now, other + spent)
    found = _named(view, explain.causes(spike, {by: amounts}))
    return f"{explain.signed(spike.excess, usd)} against usual{f': {found}' if found else ''}"


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
    return _named(view, explain.causes(spike, amounts))


def _named(view: View, found: Sequence[tuple[str, tuple[str | None, ...]]]) -> str:
    labels = labels_of(view)
    return ", ".join(
        CAUSES.get(name, "") + " and ".join(f"no known {name}" if one is None else labels.of(name, one) for one in values)
        for name, values in found
    )
