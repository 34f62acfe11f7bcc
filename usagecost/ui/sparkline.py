"""The course of a metric on a card, as columns in HTML: one that Vega draws takes a browser longer than the card it is on."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from usagecost.charts import TimeAxis
from usagecost.queries.folds import Usage
from usagecost.vocabulary import Metric, Sums
from usagecost.vocabulary.cards import value_text
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import Number, count

Course = Sequence[tuple[str, Sums]]
"""What each interval is called, and its measures."""

MOST_COLUMNS = 120
"""Of more intervals the highest of each few is drawn."""
LEAST_HEIGHT = 0.12
"""How high the least of ratios is drawn, which need not begin at 0."""


def course_of(usage: Usage, view: View) -> Course:
    """Returns the intervals of the answer to a view that are over, so that it does not end in a fall."""
    axis = TimeAxis(usage.intervals, view.interval, view.period.zone)
    return usage.once("course", lambda: [(axis.text_of(step), sums) for step, sums in usage.complete])


def sparkline(metric: Metric, course: Course) -> None:
    """Draws a metric over time, with gaps where it is not known; nothing where there is nothing to see."""
    values = [metric.of(sums) for _, sums in course]
    if len(values) > 1 and any(values):
        unit = f" {metric.label.removeprefix('Total ').lower()}" if metric.format is count else ""
        texts = [f"{when}: {value_text(metric, sums)}{unit}" for when, sums in course]
        st.html(sparkline_html(metric, [*zip(texts, values, strict=True)]))


def sparkline_html(metric: Metric, points: Sequence[tuple[str, Number | None]]) -> str:
    """Returns the columns of texts with their values, which are None where not known; sums are drawn from 0."""
    size = -(-len(points) // MOST_COLUMNS)
    groups = [points[place : place + size] for place in range(0, len(points), size)]
    extremes = [max(group, key=lambda point: float("-inf") if point[1] is None else float(point[1])) for group in groups]
    amounts = [float(value) for _, value in extremes if value is not None]
    low, floor = (min(0.0, *amounts), 0.0) if metric.is_additive else (min(amounts), LEAST_HEIGHT)
    span = max(amounts) - low or 1.0
    columns = []
    for text, value in extremes:
        height = None if value is None else floor + (1 - floor) * (float(value) - low) / span
        columns.append(f"<i data-tip='{escape(text)}'{'' if height is None else f' style=--h:{height:.1%}'}></i>")
    return f"<div class=spark role=img aria-label='{escape(metric.label)} over time'>{''.join(columns)}</div>"
