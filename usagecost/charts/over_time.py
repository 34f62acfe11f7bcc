"""Charts over time: lines of several metrics, and stacked bars of one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import altair as alt
import pandas as pd

from usagecost.charts.drawing import Drawing, Spec, encoded, openable, shape
from usagecost.charts.look import (
    CUT_LEGEND,
    HEIGHT,
    LEGEND_ROW,
    QUIET,
    doubles,
    legend,
    said,
    series_colors,
    value_axis,
)
from usagecost.charts.timeaxis import PLACE, TimeAxis, time_axis
from usagecost.charts.units import axis_of, number_format
from usagecost.metrics import METRICS
from usagecost.periods import Interval

MOST_DOTTED = 200
"""Beyond as many intervals the dots of a line are too close to be aimed at."""


def lines_over_time(over_time: pd.DataFrame, series: Sequence[str], axis: TimeAxis) -> Drawing:
    """Lines of metrics of one unit over the intervals; the step into the running interval is dashed and its stretch shaded. Of
    intervals that are yet to come there is the place on the axis only.

    A click says the interval and, on a dot of a line, the metric's label as ``series``.
    """
    drawn = pd.DataFrame({METRICS[name].label: doubles(METRICS[name].column(over_time)) for name in series})
    drawn.insert(0, "interval", [step.label for step in axis.steps])
    drawn["running"] = [step.is_running for step in axis.steps]
    drawn["band"] = drawn["running"]
    drawn["until_running"] = drawn["running"] | drawn["running"].shift(-1, fill_value=False)
    spec = _lines(tuple(series), axis.interval.capitalize(), len(axis.steps) == 1, len(axis.steps) <= MOST_DOTTED)
    is_ahead = pd.Series([step.is_ahead for step in axis.steps], dtype=bool)
    drawn = drawn[~(is_ahead & (over_time["requests"] == 0).to_numpy(bool))]
    return Drawing(drawn, encoded(spec, x=time_axis(axis)))


@cache
def _lines(series: tuple[str, ...], step: str, is_single: bool, has_dots: bool) -> Spec:
    names, unit = [METRICS[name].label for name in series], METRICS[series[0]].format
    color = alt.Color(
        "series:N",
        scale=alt.Scale(domain=names, range=series_colors(series)),
        legend=legend(symbolType="stroke", symbolStrokeWidth=3),
    )
    lines = (
        alt.Chart()
        .transform_fold(names[::-1], as_=["series", "value"])  # what is drawn last lies on top: the first series
        .encode(x=PLACE, y=alt.Y("value:Q", axis=value_axis(axis_of(unit))), color=color)
    )
    near = alt.selection_point(name="near", on="pointerover", clear="pointerout", fields=["interval"], nearest=False)
    tips = [alt.Tooltip("interval:N", title=step), *(alt.Tooltip(f"{name}:Q", format=number_format(unit)) for name in names)]
    dots = lines.mark_circle(size=90).encode(opacity=alt.condition(near, alt.value(1), alt.value(0), empty=False), tooltip=tips)
    return shape(
        _running_band(),
        lines.transform_filter("!datum.running").mark_line(strokeWidth=2, point=is_single),
        lines.transform_filter("datum.until_running").mark_line(strokeWidth=2, strokeDash=[4, 3], point=is_single),
        alt.Chart()
        .mark_rect(color=QUIET)
        .encode(x=PLACE, opacity=alt.condition(near, alt.value(0.14), alt.value(0), empty=False), tooltip=tips)
        .add_params(near, openable("interval", "series")),
        *([dots] if has_dots else []),
        height=HEIGHT,
    )


def bars_over_time(stacks: pd.DataFrame, metric: str, names: Sequence[str], palette: Sequence[str], axis: TimeAxis) -> Drawing:
    """Bars of a metric, stacked if it is additive. ``stacks``: one row is (interval, name) with its measures, the interval being a
    place in the axis.

    A click says the interval and the place of the name among ``names``.
    """
    drawn = every_interval(stacks.assign(**{metric: METRICS[metric].column(stacks)}), metric, axis.steps)
    places = {name: place for place, name in enumerate(names)}
    drawn["place"] = [places.get(name, len(places)) for name in drawn["name"]]
    spec = _bars(metric, axis.interval.capitalize(), len(names) > 1)
    color = {**spec["layer"][1]["encoding"]["color"], "scale": {"domain": list(names), "range": list(palette)}}
    return Drawing(drawn, {**encoded(spec, x=time_axis(axis), color=color), "height": HEIGHT + LEGEND_ROW * len(names)})


@cache
def _bars(metric: str, step: str, has_legend: bool) -> Spec:
    is_additive, unit = METRICS[metric].is_additive, METRICS[metric].format
    bars = (
        alt.Chart()
        .mark_bar()
        .encode(
            x=PLACE,
            y=alt.Y(f"{metric}:Q", axis=value_axis(axis_of(unit)), stack="zero" if is_additive else None),
            color=alt.Color("name:N", legend=legend(labelExpr=CUT_LEGEND, symbolType="square") if has_legend else None),
            order=alt.Order("place:Q"),
            opacity=alt.condition("datum.running", alt.value(0.5), alt.value(1)),
            tooltip=[
                alt.Tooltip("interval:N", title=step),
                alt.Tooltip("name:N", title="Part"),
                alt.Tooltip("said:N", title=METRICS[metric].label),
                alt.Tooltip("note:N", title="State"),
            ],
        )
    )
    if not is_additive:
        bars = bars.encode(xOffset=alt.XOffset("name:N", sort=None))
    return shape(_running_band(), bars.add_params(openable("interval", "place")))


def _running_band() -> alt.Chart:
    """A shade behind the interval that is not over yet."""
    band = alt.Chart().transform_filter("datum.band").mark_rect(color=QUIET, opacity=0.10)
    return band.encode(x=PLACE, tooltip=[alt.Tooltip("interval:N", title="Still running")])


def every_interval(stacks: pd.DataFrame, metric: str, steps: Sequence[Interval]) -> pd.DataFrame:
    """The stacks with a first row for each interval, so that empty ones stand on the axis too and the order is time's."""
    known = stacks[stacks[metric].notna()]
    blank = pd.DataFrame({"interval": range(len(steps)), "name": None, metric: 0.0})
    parts = pd.DataFrame({**known[["interval", "name"]], metric: doubles(known[metric]), "said": said(known, metric)})
    drawn = pd.concat([blank, parts], ignore_index=True)
    places = drawn["interval"].astype(int)
    drawn["running"] = [steps[place].is_running for place in places]
    drawn["band"] = drawn["running"] & drawn["name"].isna()  # one rectangle, not one behind every part of the stack
    drawn["note"] = ["still running" if running else "complete" for running in drawn["running"]]
    drawn["interval"] = [steps[place].label for place in places]
    return drawn
