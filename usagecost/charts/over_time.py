"""Charts over time: lines, areas or bars of parts of one unit. What adds up is stacked, what does not stands side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import altair as alt
import pandas as pd

from usagecost.charts.drawing import Drawing, Spec, brushable, encoded, openable, shape
from usagecost.charts.look import CUT_LEGEND, HEIGHT, LEGEND_ROW, doubles, legend, said, value_axis, value_ticks
from usagecost.charts.timeaxis import PLACE, TimeAxis, time_axis
from usagecost.charts.units import axis_of, in_full
from usagecost.vocabulary import METRICS, formats
from usagecost.vocabulary.colours import QUIET
from usagecost.vocabulary.formats import Format

LOW = 190
"""The height of a chart that helps to choose a stretch of time."""
MOST_DOTTED = 62
"""Intervals up to which a line has a dot at each, so that one between two gaps is seen; beyond, only the pointer finds them."""
MOST_TOLD = 12
"""Parts up to which a tooltip tells all of an interval; of more it tells the one under the pointer."""


def parts_of(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The parts that a metric has in rows of (interval, name) with its measures: ``value`` and ``text``, what a tooltip says."""
    values = METRICS[metric].column(rows)
    return rows[["interval", "name"]].assign(value=values, text=said(rows.assign(**{metric: values}), metric))


def parts_of_metrics(over_time: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """The same of several metrics that stand in the order of intervals: a part each, called as the metric is."""
    rows = over_time.assign(interval=range(len(over_time)))
    return pd.concat([parts_of(rows.assign(name=METRICS[name].label), name) for name in metrics], ignore_index=True)


def over_time(
    parts: pd.DataFrame,
    mark: str,
    unit: Format,
    names: Sequence[str],
    palette: Sequence[str],
    axis: TimeAxis,
    *,
    stacked: bool = False,
    names_are_ours: bool = False,
    brushes: bool = False,
) -> Drawing:
    """Parts over time, each a line, an area or the bars of one colour.

    ``parts``: one row is (interval, name) with its ``value`` and ``text``, the interval being a place in the axis. ``mark`` is
    line, area or bar. Of stacked parts what is absent is 0, of others it is not known: a gap. The running interval is shaded; of
    those to come there is the place on the axis only. A click says the interval, and the name and its place among ``names``; or, if
    it ``brushes``, a stretch can be marked. Where ``names_are_ours``, and no log's, tooltips tell all of them.
    """
    colors = dict(zip(names, palette, strict=True))
    names, step = list(colors), axis.interval.capitalize()
    tells_all = names_are_ours and len(names) <= MOST_TOLD
    drawn = _drawn(parts, names, axis, nothing=in_full(unit, 0) if stacked else None)
    if tells_all:
        drawn = _with_all_texts(drawn, names)
    told = tuple(names) if tells_all else ()
    spec = _shape(mark, unit, step, stacked, len(names) > 1, len(axis.steps) <= MOST_DOTTED, told, brushes)
    spec = encoded(spec, x=time_axis(axis), color={"scale": {"domain": names, "range": list(colors.values())}})
    height = (LOW if brushes else HEIGHT) + (LEGEND_ROW * len(names) if len(names) > 1 else 0)
    return Drawing(drawn, {**value_ticks(spec, unit, *_extent(drawn, stacked=stacked)), "height": height})


def _drawn(parts: pd.DataFrame, names: Sequence[str], axis: TimeAxis, *, nothing: str | None) -> pd.DataFrame:
    """Every part of every interval, in the order of time, each interval with a first row of no part, and the first name last: so it
    lies on top. What is absent is ``nothing`` in words, or not known. Intervals to come are left out, unless something is known of
    them.
    """
    order = pd.MultiIndex.from_product([range(len(axis.steps)), [None, *reversed(names)]], names=["interval", "name"])
    drawn = order.to_frame(index=False).merge(parts, how="left", on=["interval", "name"])  # two values may be called the same
    is_part = drawn["name"].notna()
    drawn["value"] = doubles(drawn["value"])
    if nothing:
        drawn.loc[is_part, "value"] = drawn.loc[is_part, "value"].fillna(0)
    drawn["text"] = drawn["text"].where(drawn["text"].notna(), nothing or formats.UNKNOWN)
    told = set(drawn.loc[drawn["value"].fillna(0) != 0, "interval"])
    running = [step.is_running for step in axis.steps]
    until = [now or after for now, after in zip(running, [*running[1:], False], strict=True)]
    places = drawn["interval"]
    drawn["place"] = [names.index(name) if known else None for name, known in zip(drawn["name"], is_part, strict=True)]
    drawn["running"], drawn["until_running"] = [running[i] for i in places], [until[i] for i in places]
    drawn["interval"] = [axis.steps[i].label for i in places]
    return drawn[[i in told or not axis.steps[i].is_ahead for i in places]].reset_index(drop=True)


def _with_all_texts(drawn: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The rows with what a tooltip says of each part of their interval."""
    texts = drawn[drawn["name"].notna()].pivot_table(index="interval", columns="name", values="text", aggfunc="first")
    return drawn.assign(**{f"text_{place}": drawn["interval"].map(texts[name]) for place, name in enumerate(names)})


def _extent(drawn: pd.DataFrame, *, stacked: bool) -> tuple[float, float]:
    """Returns the least and the most that is drawn at any interval; what is stacked is so above and below 0."""
    ends = [drawn["value"].clip(upper=0), drawn["value"].clip(lower=0)]
    low, high = (end.groupby(drawn["interval"]).sum() for end in ends) if stacked else ends
    return float(low.fillna(0).min()), float(high.fillna(0).max())


@cache
def _shape(
    mark: str,
    unit: Format,
    step: str,
    is_stacked: bool,
    has_legend: bool,
    is_dotted: bool,
    told: tuple[str, ...],
    brushes: bool,
) -> Spec:
    is_line = mark == "line"
    symbol = {"symbolType": "stroke", "symbolStrokeWidth": 3} if is_line else {"symbolType": "square"}
    interval = alt.Tooltip("interval:N", title=step)
    whole = [alt.Tooltip(f"text_{place}:N", title=name) for place, name in enumerate(told)]
    parts = (
        alt.Chart()
        .transform_filter("isValid(datum.name)")
        .encode(
            x=PLACE,
            y=alt.Y("value:Q", axis=value_axis(axis_of(unit)), stack="zero" if is_stacked else None),
            color=alt.Color("name:N", legend=legend(labelExpr=CUT_LEGEND, **symbol) if has_legend else None),
            tooltip=[interval, *(whole or [alt.Tooltip("name:N", title="Part"), alt.Tooltip("text:N", title="Value")])],
        )
    )
    marks = {"line": _lines, "area": _areas, "bar": _bars}[mark](parts, is_stacked)
    dots = parts.mark_circle(size=22 if is_dotted else 60, opacity=1 if is_dotted else 0)
    chosen = brushable() if brushes else openable("interval", "name", "place")
    band = _aimed([interval, *whole]) if told else _running()
    top = dots if is_line else marks.pop()
    return shape(band, *marks, top.add_params(chosen), height=HEIGHT)


def _running() -> alt.Chart:
    """A shade behind the interval that is not over yet."""
    band = alt.Chart().transform_filter("!isValid(datum.name) && datum.running").mark_rect(color=QUIET, opacity=0.10)
    return band.encode(x=PLACE, tooltip=[alt.Tooltip("interval:N", title="Still running")])


def _aimed(tooltip: list[alt.Tooltip]) -> alt.Chart:
    """The same, and a shade behind the interval that the pointer is in, wherever it is between the parts."""
    near = alt.selection_point(name="near", on="pointerover", clear="pointerout", fields=["interval"], nearest=False)
    shade = alt.when(near, empty=False).then(alt.value(0.14)).when("datum.running").then(alt.value(0.10)).otherwise(alt.value(0))
    band = alt.Chart().transform_filter("!isValid(datum.name)").mark_rect(color=QUIET)
    return band.encode(x=PLACE, opacity=shade, tooltip=tooltip).add_params(near)


def _lines(parts: alt.Chart, _: bool) -> list[alt.Chart]:
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
