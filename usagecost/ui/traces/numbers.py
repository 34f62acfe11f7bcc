"""The cards and the histogram of the requests that match: folds of one aggregate, and latencies from the rows."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from usagecost import charts, queries
from usagecost.charts import BRUSHED, Drawing, TimeAxis
from usagecost.charts.drawing import encoded
from usagecost.periods import MOST_DAYS, Interval, chosen_interval
from usagecost.queries import folds
from usagecost.queries.folds import Usage
from usagecost.ui.answers import answer
from usagecost.ui.tables import note_with_link
from usagecost.ui.text import plain
from usagecost.ui.viewing import narrow_to, stretch_of
from usagecost.vocabulary import METRICS, spend_coverage, spend_text
from usagecost.vocabulary.colours import STATUS_COLORS
from usagecost.vocabulary.filters import NOT_REPORTED, View
from usagecost.vocabulary.formats import milliseconds

CARDS = ("requests", "success_rate", "total_tokens", "spend_usd", "avg_latency_ms")
QUANTILES = {"latency_p50_ms": "p50 latency", "latency_p95_ms": "p95 latency", "latency_p99_ms": "p99 latency"}
HELP = "The time that {share} of the requests did not exceed, over those whose log tells it; from the requests themselves."
SHARES = {"latency_p50_ms": "half", "latency_p95_ms": "95 %", "latency_p99_ms": "99 %"}
LOW = 142
"""Pixels of the histogram, which takes its room before it is drawn: the list begins above the fold."""
HOURS_WITHIN = 3 * 24 * 3600
QUARTERS_WITHIN = 12 * 3600
"""A stretch of the period up to as many seconds is drawn by the hour, and by its quarters."""


def numbers(view: View, note: DeltaGenerator) -> Usage:
    """The cards and the histogram, and in the place of the ``note`` what the spend lacks; returns the aggregate that they are folds
    of.
    """
    usage = answer(queries.usage, replace(view, interval=_interval(view)), "status")
    latencies = answer(queries.requests.latencies, view)
    totals = usage.totals
    grid = st.container(border=True).grid(8, min_column_width=112, gap="xsmall")
    for metric in (METRICS[name] for name in CARDS):
        value = spend_text(totals) if metric.name == "spend_usd" else metric.format(metric.of(totals))
        grid.metric(metric.label, value, help=metric.help)
    for name, label in QUANTILES.items():
        grid.metric(label, milliseconds(latencies[name]), help=HELP.format(share=SHARES[name]))
    if missing := spend_coverage(totals):
        with note:
            note_with_link(f"Lower bound: {plain(missing)}.")
    if totals["requests"]:
        _histogram(usage, view)
    return usage


def _interval(view: View) -> str:
    """The interval of the histogram: hours where the period is narrowed to a few days of a month, their quarters where to hours."""
    narrowed = stretch_of(view)
    seconds = (narrowed.end - narrowed.start).total_seconds() if narrowed else HOURS_WITHIN + 1
    if seconds > HOURS_WITHIN or view.period.days > MOST_DAYS["hour"]:
        return view.interval
    return chosen_interval("15min" if seconds <= QUARTERS_WITHIN else "hour", view.period.days)


def _steps(usage: Usage, view: View) -> tuple[int, int]:
    """The first interval that is drawn and the one after the last: those of the stretch that the period is narrowed to."""
    narrowed = stretch_of(view)
    places = [
        place
        for place, step in enumerate(usage.intervals)
        if narrowed is None or (step.start < narrowed.end and narrowed.start < step.end)
    ]
    return (places[0], places[-1] + 1) if places else (0, len(usage.intervals))


def _histogram(usage: Usage, view: View) -> None:
    first, behind = _steps(usage, view)
    steps = usage.intervals[first:behind]
    drawing = usage.once(("histogram", first, behind), lambda: _bars(usage, view, first, behind), inputs=(charts,))
    key = f"histogram_{steps[0].label}_{len(steps)}"  # a brush belongs to the axis that it was drawn on

    def narrow() -> None:
        _narrow(steps, list(st.session_state[key].selection[BRUSHED].get("interval", [])))

    x = drawing.spec["layer"][0]["encoding"]["x"]
    st.vega_lite_chart(
        spec={**encoded(drawing.whole, x={"axis": {**x["axis"], "title": None}}), "height": LOW},
        key=key,
        height=LOW,
        alt="Requests over time by outcome. Drag over a stretch of it to narrow the range.",
        on_select=narrow,
        selection_mode=BRUSHED,
    )


def _bars(usage: Usage, view: View, first: int, behind: int) -> Drawing:
    """The bars of outcomes from one interval to before another."""
    steps = usage.intervals[first:behind]
    cells = folds.frame(folds.folded(usage.cells, ["interval", "value"]))[["interval", "value", "requests"]]
    cells = cells[(cells["interval"] >= first) & (cells["interval"] < behind)].assign(
        interval=lambda rows: rows["interval"] - first
    )
    names = {value: value.capitalize() if value else NOT_REPORTED for value in STATUS_COLORS}
    reported = [names.get(None if pd.isna(value) else value, NOT_REPORTED) for value in cells["value"]]
    legend = [name for name in names.values() if name in reported]
    palette = [STATUS_COLORS[value] for value, name in names.items() if name in legend]
    parts, axis = charts.parts_of(cells.assign(name=reported), "requests"), TimeAxis(steps, _interval(view), view.period.zone)
    return charts.over_time(parts, "bar", METRICS["requests"].format, legend, palette, axis, stacked=True, brushes=True)


def _narrow(steps: tuple[Interval, ...], labels: list[str]) -> None:
    marked = [step for step in steps if step.label in labels]
    if marked:
        narrow_to(marked[0].start, marked[-1].end)
