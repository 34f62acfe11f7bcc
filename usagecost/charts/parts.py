"""Several parts over time, of one unit: lines, areas or bars. What adds up is stacked, what does not stands beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import altair as alt
import pandas as pd

from usagecost import formats
from usagecost.charts.drawing import Drawing, Spec, encoded, shape
from usagecost.charts.look import CUT_LEGEND, HEIGHT, LEGEND_ROW, QUIET, doubles, legend, value_axis
from usagecost.charts.timeaxis import PLACE, TimeAxis, time_axis
from usagecost.charts.units import axis_of, exact
from usagecost.formats import Format

MOST_DOTTED = 62
"""Intervals up to which a line has a dot at each, so that one between two gaps is seen; beyond, only the pointer finds them."""


def parts_over_time(
    parts: pd.DataFrame, mark: str, unit: Format, names: Sequence[str], palette: Sequence[str], axis: TimeAxis, *, stacked: bool
) -> Drawing:
    """``parts``: one row is (interval, name) with its ``value``, the interval being a place in the axis.

    A value that ``is_at_least`` its amount says so in its tooltip. ``mark`` is line, area or bar. Of stacked parts what is absent
    is 0, of others it is not known: a gap.
    """
    drawn = _every_part(parts, names, axis, stacked=stacked)
    texts = [exact(unit, None if pd.isna(value) else value) for value in drawn["value"]]
    drawn["text"] = [f"≥ {text}" if lower else text for text, lower in zip(texts, drawn.pop("is_at_least"), strict=True)]
    drawn["value"] = doubles(drawn["value"])
    step, is_dotted = axis.interval.capitalize(), len(axis.steps) <= MOST_DOTTED
    spec = _shape(mark, unit, step, stacked, len(names) > 1, is_dotted)
    color = {**spec["layer"][1]["encoding"]["color"], "scale": {"domain": list(names), "range": list(palette)}}
    placed = encoded(spec, x=time_axis(axis), color=color)
    return Drawing(drawn, {**placed, "height": HEIGHT + (LEGEND_ROW * len(names) if len(names) > 1 else 0)})


def _every_part(parts: pd.DataFrame, names: Sequence[str], axis: TimeAxis, *, stacked: bool) -> pd.DataFrame:
    """Every part of every interval, in the order of time and of the names, and which of them are still running. Those that are
    yet to come are left out.
    """
    every = pd.MultiIndex.from_product([range(len(axis.steps)), names], names=["interval", "name"])
    known = parts if "is_at_least" in parts else parts.assign(is_at_least=False)
    drawn = known.set_index(["interval", "name"])[["value", "is_at_least"]].reindex(every).reset_index()
    drawn["is_at_least"] = drawn["is_at_least"].astype("boolean").fillna(False)
    if stacked:
        drawn["value"] = drawn["value"].fillna(0)
    told = {place for place, value in zip(drawn["interval"], drawn["value"], strict=True) if pd.notna(value) and value}
    drawn = drawn[[place in told or not axis.steps[place].is_ahead for place in drawn["interval"]]].reset_index(drop=True)
    running = [step.is_running for step in axis.steps]
    until = [now or after for now, after in zip(running, [*running[1:], False], strict=True)]
    places = drawn["interval"]
    drawn["running"], drawn["until_running"] = [running[i] for i in places], [until[i] for i in places]
    drawn["place"] = [names.index(name) for name in drawn["name"]]
    drawn["band"] = drawn["running"] & (drawn["place"] == 0)
    drawn["interval"] = [axis.steps[i].label for i in places]
    return drawn


@cache
def _shape(mark: str, unit: Format, step: str, is_stacked: bool, has_legend: bool, is_dotted: bool) -> Spec:
    band = alt.Chart().transform_filter("datum.band").mark_rect(color=QUIET, opacity=0.10)
    parts = alt.Chart().encode(
        x=PLACE,
        y=alt.Y("value:Q", axis=value_axis(axis_of(unit), is_count=unit is formats.count), stack="zero" if is_stacked else None),
        color=alt.Color("name:N", legend=legend(labelExpr=CUT_LEGEND, symbolType="square") if has_legend else None),
        tooltip=[alt.Tooltip("interval:N", title=step), alt.Tooltip("name:N", title="Part"), alt.Tooltip("text:N", title="Value")],
    )
    marks = _bars(parts, is_stacked) if mark == "bar" else _areas(parts, is_stacked) if mark == "area" else _lines(parts)
    dots = parts.mark_circle(size=22 if is_dotted else 60, opacity=1 if is_dotted else 0)
    running = band.encode(x=PLACE, tooltip=[alt.Tooltip("interval:N", title="Still running")])
    return shape(running, *marks, *([dots] if mark == "line" else []), height=HEIGHT)


def _lines(parts: alt.Chart) -> list[alt.Chart]:
    """The step into the running interval is dashed."""
    return [
        parts.transform_filter("!datum.running").mark_line(strokeWidth=2),
        parts.transform_filter("datum.until_running").mark_line(strokeWidth=2, strokeDash=[4, 3]),
    ]


def _areas(parts: alt.Chart, is_stacked: bool) -> list[alt.Chart]:
    """Areas on top of each other hide nothing; those that overlap let each other through."""
    return [parts.encode(order=alt.Order("place:Q")).mark_area(opacity=0.85 if is_stacked else 0.2, line={"strokeWidth": 1.5})]


def _bars(parts: alt.Chart, is_stacked: bool) -> list[alt.Chart]:
    """The running interval is paler. Bars that do not add up stand beside each other."""
    bars = parts.encode(opacity=alt.condition("datum.running", alt.value(0.5), alt.value(1)))
    beside = alt.XOffset("name:N", sort=None)
    return [(bars.encode(order=alt.Order("place:Q")) if is_stacked else bars.encode(xOffset=beside)).mark_bar()]
