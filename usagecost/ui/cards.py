"""Summary cards: metrics with their changes and their course, what is left out of them, and where spend ends."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from usagecost.charts import TimeAxis
from usagecost.queries.folds import Usage
from usagecost.queries.forecasts import forecast_text
from usagecost.start import BADGE_HEIGHT, CARD_COLUMNS, CARD_GAP, CARD_HEIGHT, CARD_WIDTH
from usagecost.ui import drilldown
from usagecost.ui.currency import chosen_rate, spend_in
from usagecost.ui.forecasts import forecast_help, outlook_of
from usagecost.ui.marks import shortage
from usagecost.ui.tables import set_prices_link
from usagecost.ui.text import plain
from usagecost.vocabulary import CARDS, METRICS, Metric, Sums, spend_coverage
from usagecost.vocabulary.cards import card_notes, card_of, value_text
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import Number, count

if TYPE_CHECKING:
    from usagecost.bills.currencies import ExchangeRate

Course = Sequence[tuple[str, Sums]]
"""What each interval is called, and its measures."""

MOST_COLUMNS = 120
"""Of more intervals the highest of each few is drawn."""
LEAST_HEIGHT = 0.12
"""How high the least of ratios is drawn, which need not begin at 0."""


def course_of(usage: Usage, view: View) -> Course:
    """Returns the intervals of the answer to a view that are over, so that it does not end in a fall."""
    axis = TimeAxis.of(usage.intervals, view)
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


def cards(usage: Usage, view: View, metrics: Sequence[str] = CARDS, *, name: str = "") -> None:
    """Summary cards, each with its change against the previous period and its course, and what is left out of them.

    Where the period reaches into this month, also where its spend ends. With a ``name`` a menu beside them leads to their requests.
    """
    lack = shortage(view)
    totals, before = usage.totals, None if lack else usage.totals_before
    course, rate = course_of(usage, view), chosen_rate(view) if "spend_usd" in metrics else None
    is_usual = bool(totals["requests"]) and len(course) > 1 and not rate
    row_height = CARD_HEIGHT - (0 if before else BADGE_HEIGHT) if is_usual else "content"  # takes its room before it is drawn
    grid = st.grid(CARD_COLUMNS, min_column_width=CARD_WIDTH, gap=CARD_GAP, row_height=row_height)
    for metric in metrics:
        with grid:
            card(METRICS[metric], totals, before, course, rate=rate if metric == "spend_usd" else None)
    if not totals["requests"] and not (before and before["requests"]):
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="xsmall"):
        missing = "spend_usd" in totals and spend_coverage(totals)
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="stretch"):
            st.caption(" ".join(card_notes(totals, view.period, lack)), width="content")
            if missing:
                set_prices_link()
            if "spend_usd" in metrics and (outlook := outlook_of(view)):
                st.caption(plain(forecast_text(outlook)), width="content", help=forecast_help(outlook))
        if name:
            drilldown.links(view, name)


def card(
    metric: Metric,
    totals: Sums,
    before: Sums | None,
    course: Course,
    *,
    border: bool = True,
    rate: ExchangeRate | None = None,
) -> None:
    """One metric: its value, its change against the measures before, and its course.

    ``rate`` is that of the currency in which spend stands beside its dollars.
    """
    value, other = card_of(metric, totals, before), spend_in(rate, totals) if rate else None
    is_alone = bool(other) and not value.change
    with st.container(border=border, height="stretch", gap="xsmall"):
        st.metric(
            metric.label,
            value.value,
            delta=value.change or other,
            delta_arrow="off" if is_alone else value.direction,
            delta_color="gray" if is_alone or value.is_good is None else "green" if value.is_good else "red",
            delta_description=None if is_alone else other,
            help=f"{metric.help} {plain(rate.words)}." if rate and other else metric.help,
        )
        sparkline(metric, course)
