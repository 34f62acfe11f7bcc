"""Charts over time: lines, areas or bars of parts of one unit. What adds up is stacked, what does not stands side by side."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache
from math import isnan, nan
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from usagecost.charts import beside
from usagecost.charts.beside import READ_OUT, TIP, Level, Mark
from usagecost.charts.drawing import Drawing, Spec, brushable, encoded, openable, shape
from usagecost.charts.look import (
    HEIGHT,
    LEGEND_ROW,
    axis_of,
    axis_ticks,
    doubles,
    in_full,
    legend,
    short_names,
    tooltip_texts,
    value_axis,
    value_ticks,
)
from usagecost.charts.timeaxis import PADDING, PLACE, TimeAxis, time_axis
from usagecost.vocabulary import METRICS, formats
from usagecost.vocabulary.colours import QUIET
from usagecost.vocabulary.formats import Format

Opacity = Callable[[float], Any]

LOW = 190
"""The height of a chart that helps to choose a stretch of time."""
MOST_DOTTED = 62
"""Intervals up to which a line has a dot at each, so that one between two gaps is seen; beyond, only the pointer finds them."""
FADED = 0.1
"""The opacity of what was not chosen in the legend."""
TOTALS = ("total_tokens", "requests")
"""Metrics that hold others: their line is dashed and on top, so that a part that is nearly all of it is seen below."""
DTYPES = {"band": "int32", "interval": "int64", "value": "float64"}
"""The types of those columns that are numbers, also where there is no row."""


def parts_of(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Returns the parts that a metric has in rows of (interval, name) with its measures: ``value``; ``text``, what a tooltip says;
    ``label``, the metric's own.
    """
    values = METRICS[metric].column(rows)
    texts = tooltip_texts(rows.assign(**{metric: values}), metric)
    return rows[["interval", "name"]].assign(value=values, text=texts, label=METRICS[metric].label)


def parts_of_metrics(over_time: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Returns the same of several metrics that stand in the order of intervals: a part each, called as the metric is."""
    rows = over_time.assign(interval=range(len(over_time)))
    parts = [parts_of(rows.assign(name=METRICS[name].label), name).assign(is_total=name in TOTALS) for name in metrics]
    return pd.concat(parts, ignore_index=True)


def over_time(
    parts: pd.DataFrame,
    mark: str,
    unit: Format,
    names: Sequence[str],
    palette: Sequence[str],
    axis: TimeAxis,
    *,
    stacked: bool = False,
    brushes: bool = False,
    before: pd.DataFrame | None = None,
    ahead: pd.DataFrame | None = None,
    marks: Sequence[Mark] = (),
    levels: Sequence[Level] = (),
) -> Drawing:
    """Draws parts over time, each a line, an area or the bars of one colour.

    ``parts``: one row is (interval, name) with its ``value`` and ``text``, the interval being a place in the axis; ``label`` names
    their sum, ``is_total`` marks those that hold the others. ``mark`` is line, area or bar. Of stacked parts what is absent is 0,
    of others it is not known: a gap. Partial intervals are shaded; of those to come there is the place on the axis only.

    A click says the interval, and the name and its place among ``names``; or, if it ``brushes``, a stretch can be marked. One on
    the legend shows a part alone, and once more all; with the shift key it hides it.

    ``before`` is what the intervals are compared with (`before_of`): that of the whole lies over a stack, those of lines behind the
    total, or behind what is shown alone. ``ahead`` is a forecast of the whole: one row is (interval), the name being None, with
    ``ahead``, the band ``ahead_low`` to ``ahead_high``, and ``ahead_text``. ``marks`` are rules at the intervals of their instants,
    the first three ``levels`` thin lines. Few lines have labels at their ends.
    """
    colors = dict(zip(names, palette, strict=True))
    names = list(colors)
    short = dict(zip(names, short_names(names), strict=True))
    expected = () if ahead is None else set(ahead["interval"])
    part_rows = _part_rows(parts, names, axis, expected, nothing=in_full(unit, 0) if stacked else None)
    label = parts["label"].iloc[0] if "label" in parts and len(parts) else "Total"
    mark_lines = beside.marks_by_interval(marks, axis)
    is_labelled = mark == "line" and 1 < len(names) <= beside.MOST_LABELLED
    if before is not None:
        part_rows = _with_columns(part_rows, before.assign(before=doubles(before["before"])))
    if ahead is not None:
        part_rows = _with_columns(part_rows, ahead)
    part_rows["is_marked"] = part_rows["name"].isna() & part_rows["interval"].isin(list(mark_lines))
    levels = levels[: beside.MOST_LEVELS]
    lines = {
        interval: {**beside.level_lines(levels, unit, interval), **mark_lines.get(interval, {})}
        for interval in range(len(axis.steps))
    }
    tips = beside.tips_of(part_rows, axis, unit, label if stacked else None, lines)
    low, high = _extent(part_rows, stacked=stacked)
    extent = low, beside.highest(levels, high)
    domain = axis_ticks(unit, *extent)[0]
    part_rows = beside.end_labels(part_rows, short, domain) if is_labelled else part_rows
    part_rows = beside.with_levels(part_rows, levels, high, domain)
    labels = np.array([step.label for step in axis.steps], dtype=object)
    part_rows = part_rows.assign(
        tip=pd.Series(tips, dtype=object), short=part_rows["name"].map(short), interval=labels[part_rows["interval"].to_numpy()]
    )
    spec = _shape(
        mark,
        unit,
        stacked,
        len(names) > 1,
        len(axis.steps) <= MOST_DOTTED,
        brushes,
        is_labelled,
        before is not None,
        ahead is not None,
        bool(mark_lines),
        len(levels),
    )
    x = time_axis(axis)
    x = {**x, "scale": {**x["scale"], **beside.label_room()}} if is_labelled or levels else x
    spec = encoded(spec, x=x, color={"scale": {"domain": list(short.values()), "range": list(colors.values())}})
    height = (LOW if brushes else HEIGHT) + (LEGEND_ROW * len(names) if len(names) > 1 else 0)
    return Drawing(part_rows, {**value_ticks(spec, unit, *extent), "height": height})


def _part_rows(
    parts: pd.DataFrame, names: Sequence[str], axis: TimeAxis, expected: Collection[int], *, nothing: str | None
) -> pd.DataFrame:
    """Returns a row for every part of every interval, in the order of time.

    Each interval has a first row of no part; the first name is last, then totals, so that they lie on top. What is absent is
    ``nothing`` in words, or not known. Intervals to come are left out, unless something is known of them; of those ``expected`` the
    first row stays. ``band`` is the place of the interval's first row, ``edge`` the value at a partial interval and at those beside
    it. ``interval`` is a place in the axis.
    """
    totals = set(parts.loc[parts["is_total"], "name"]) if "is_total" in parts and len(names) > 1 else set()
    order = [*(name for name in reversed(names) if name not in totals), *totals]
    rows = _interval_rows(parts, order, axis, expected, (0.0, nothing) if nothing else (nan, formats.UNKNOWN))
    columns = zip(("band", "interval", "name", "value", "text"), zip(*rows, strict=True) if rows else [()] * 5, strict=True)
    part_rows = pd.DataFrame({name: pd.Series(column, dtype=DTYPES.get(name, object)) for name, column in columns})
    steps, partial = part_rows["interval"].to_numpy(), np.array(axis.partial, dtype=bool)
    near = np.convolve([False, *partial, False], [1, 1, 1], mode="valid") > 0 if len(partial) else partial
    part_rows["place"] = part_rows["name"].map({name: place for place, name in enumerate(names)})
    part_rows["is_total"], part_rows["partial"] = part_rows["name"].isin(totals), partial[steps]
    part_rows["edge"] = np.where(near[steps], part_rows["value"], nan)
    return part_rows


def _interval_rows(
    parts: pd.DataFrame, order: Sequence[str], axis: TimeAxis, expected: Collection[int], absent: tuple[float, str]
) -> list[tuple[int, int, str | None, float, str]]:
    """The rows of every interval, that of no part first: its ``band``, the interval, the name, the value and its text."""
    points: dict[tuple[int, str], list[tuple[float, str]]] = {}  # two values may be called the same
    for interval, name, value, text in _rows_of(parts.assign(value=doubles(parts["value"])), "interval", "name", "value", "text"):
        points.setdefault((interval, name), []).append((absent[0] if isnan(value) else value, text))
    rows: list[tuple[int, int, str | None, float, str]] = []
    for interval, step in enumerate(axis.steps):
        of_step = [(name, *part) for name in order for part in points.get((interval, name), [absent])]
        is_over = not step.is_ahead or any(value and not isnan(value) for _, value, _ in of_step)
        if is_over or interval in expected:
            band = len(rows)
            rows += [(band, interval, *part) for part in [(None, nan, absent[1]), *(of_step if is_over else ())]]
    return rows


def _rows_of(frame: pd.DataFrame, *columns: str) -> Iterable[tuple]:
    """The rows of some columns, as Python's values."""
    return zip(*(frame[name].tolist() for name in columns), strict=True)


def _with_columns(part_rows: pd.DataFrame, additions: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows with what else is said of their interval and name."""
    keys = ["interval", "name"]
    row_of = {(interval, None if pd.isna(name) else name): row for row, (interval, name) in enumerate(_rows_of(additions, *keys))}
    positions = [row_of.get(key, -1) for key in _rows_of(part_rows, *keys)]
    columns = additions.drop(columns=keys).reset_index(drop=True).reindex(positions)
    return part_rows.assign(**{str(name): column.to_numpy() for name, column in columns.items()})


def _extent(part_rows: pd.DataFrame, *, stacked: bool) -> tuple[float, float]:
    """Returns the least and the most that is drawn at any interval; what is stacked is so above and below 0."""
    values = np.nan_to_num(part_rows["value"].to_numpy())
    low, high = np.minimum(values, 0), np.maximum(values, 0)
    if stacked:
        low, high = (np.bincount(part_rows["band"], end) for end in (low, high))
    ends = [low, high, *(np.nan_to_num(part_rows[name].to_numpy()) for name in ("before", "ahead_high") if name in part_rows)]
    return min(float(end.min(initial=0)) for end in ends), max(float(end.max(initial=0)) for end in ends)


@cache
def _shape(
    mark: str,
    unit: Format,
    is_stacked: bool,
    has_legend: bool,
    is_dotted: bool,
    brushes: bool,
    is_labelled: bool,
    is_compared: bool,
    is_forecast: bool,
    is_marked: bool,
    level_count: int,
) -> Spec:
    is_line = mark == "line"
    symbol: dict[str, Any] = {"symbolType": "stroke", "symbolStrokeWidth": 3} if is_line else {"symbolType": "square"}
    symbol |= {"labelFontSize": 11, "symbolSize": 60} if is_labelled else {}
    parts = (
        alt.Chart()
        .transform_filter("isValid(datum.name)")
        .encode(
            x=PLACE,
            y=alt.Y("value:Q", axis=value_axis(axis_of(unit)), stack="zero" if is_stacked else None),
            color=alt.Color("short:N", legend=legend(symbolOpacity=1, **symbol) if has_legend else None),
            **({"order": alt.Order("place:Q")} if is_stacked and mark != "line" else {}),
        )
    )

    def fading(opacity: float) -> Any:
        return beside.legend_opacity(opacity, opacity * FADED) if has_legend else alt.value(opacity)

    draw = {"line": _lines, "area": _areas, "bar": _bars}[mark]
    marks = draw(parts, is_stacked, fading)
    dots = parts.mark_circle(size=22, tooltip=TIP, description=READ_OUT).encode(opacity=fading(1))
    if not is_dotted or not is_line:
        dots = parts.mark_circle(size=60, opacity=0, tooltip=TIP, description=READ_OUT)
    aim, *marks = marks if mark == "bar" else [dots, *marks]  # the legend listens only to a selection of the first of its layers
    params = [brushable() if brushes else openable("interval", "name", "place"), *(beside.legend_choices() if has_legend else [])]
    bands, values = alt.Chart().transform_filter("!isValid(datum.name)"), parts.encoding.y.axis
    if is_compared and is_stacked:
        marks.append(beside.ghost_of_whole(bands, values))
    elif is_compared:
        marks.insert(0, beside.ghosts_of_lines(parts, values, has_legend=has_legend))
    marks += beside.forecast_layers(bands, values) if is_forecast else []
    marks += beside.level_layers(bands, values, level_count)
    marks += [beside.label_layer(parts, values, fading)] if is_labelled else []
    marks += beside.mark_layers(bands, TIP) if is_marked else []
    return shape(_band(), aim.add_params(*params), *marks, height=HEIGHT)


def _band() -> alt.Chart:
    """A shade behind the interval that the pointer is in, and behind partial ones; it has the tooltip wherever no part is."""
    near = alt.selection_point(name="near", on="pointerover", clear="pointerout", fields=["interval"], nearest=False)
    shade = alt.when(near, empty=False).then(alt.value(0.14)).when("datum.partial").then(alt.value(0.10)).otherwise(alt.value(0))
    band = (
        alt.Chart()
        .transform_filter("!isValid(datum.name)")
        .mark_rect(color=QUIET, width=alt.RelativeBandSize(1 / (1 - PADDING)), tooltip=TIP, aria=False)
    )
    return band.encode(x=PLACE, opacity=shade).add_params(near)


def _lines(parts: alt.Chart, _: bool, opacity_of: Opacity) -> list[alt.Chart]:
    """The steps out of and into a partial interval are dashed; totals are thin and dotted."""
    solid = parts.encode(
        opacity=opacity_of(1),
        strokeDash=alt.condition("datum.is_total", alt.value([2, 2]), alt.value([1, 0])),
        strokeWidth=alt.condition("datum.is_total", alt.value(1.5), alt.value(2)),
    )
    dashed = parts.encode(y=alt.Y("edge:Q", axis=parts.encoding.y.axis), opacity=opacity_of(1))
    return [
        solid.transform_filter("!datum.partial").mark_line(aria=False),
        dashed.mark_line(strokeWidth=2, strokeDash=[4, 3], aria=False),
    ]


def _areas(parts: alt.Chart, is_stacked: bool, opacity_of: Opacity) -> list[alt.Chart]:
    """Areas on top of each other hide nothing; those that overlap let each other through."""
    return [parts.encode(opacity=opacity_of(0.85 if is_stacked else 0.2)).mark_area(line={"strokeWidth": 1.5}, aria=False)]


def _bars(parts: alt.Chart, is_stacked: bool, opacity_of: Opacity) -> list[alt.Chart]:
    """Partial intervals are paler. Bars that do not add up stand beside each other."""
    bars = parts.encode(opacity=opacity_of(1), fillOpacity=alt.condition("datum.partial", alt.value(0.5), alt.value(1)))
    return [
        (bars if is_stacked else bars.encode(xOffset=alt.XOffset("name:N", sort=None))).mark_bar(tooltip=TIP, description=READ_OUT)
    ]
