"""Horizontal bars, one a row: ranked values, the steps of a waterfall, the requests of a trace on one time axis."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import accumulate, pairwise

import altair as alt
import pandas as pd

from usagecost.charts.drawing import Drawing, Spec, encoded, openable, shape
from usagecost.charts.look import (
    BAR_LABEL_WIDTH,
    BAR_STEP,
    axis_of,
    axis_ticks,
    bar_scale,
    doubles,
    legend,
    name_axis,
    short_names,
    tooltip_texts,
)
from usagecost.vocabulary import METRICS, formats
from usagecost.vocabulary.colours import QUIET, STATUS_COLORS, series_colors
from usagecost.vocabulary.filters import NOT_REPORTED

LEAST_SEEN = 1 / 3
"""Steps that reach over less than this share of the whole would be slivers: the scale begins above 0, and the wholes fade."""
BELOW = 0.5
"""How far below the lowest step such a scale begins, in widths of what the steps reach over."""
ROW, AROUND = 24, 60
"""Pixels of a row, and of the time axis and its title."""
LABEL_WIDTH, DURATION_WIDTH = 170, 110
ROW_OF = "data('rows')[datum.value]"


def ranked_bars(ranking: pd.DataFrame, metric: str, palette: Sequence[str]) -> Drawing:
    """One bar a row of ``ranking``, in its order: ``name``, the metric, and ``text``, its label. A click says the bar's place."""
    bars = ranking[["name", "text"]].assign(
        **{metric: doubles(ranking[metric]), "said": tooltip_texts(ranking, metric), "place": range(len(ranking))}
    )
    spec = _ranked(metric)
    color = {"scale": {"domain": list(bars["name"]), "range": list(palette)}}
    return Drawing(bars, encoded(spec, x={"scale": bar_scale(bars[metric].max())}, color=color))


@cache
def _ranked(metric: str) -> Spec:
    x, y = alt.X(f"{metric}:Q", axis=None), alt.Y("name:N", sort=None, axis=name_axis())
    tips = [alt.Tooltip("name:N", title="Name"), alt.Tooltip("said:N", title=METRICS[metric].label)]
    bars = (
        alt.Chart()
        .mark_bar(height=alt.RelativeBandSize(0.7), description=alt.ExprRef("datum.name + ': ' + datum.said"))
        .encode(x=x, y=y, color=alt.Color("name:N", legend=None), tooltip=tips)
    )
    return shape(bars.add_params(openable("place")), _labels(x, y), height=alt.Step(BAR_STEP))


def stacked_ranked_bars(ranking: pd.DataFrame, series: Sequence[str]) -> Drawing:
    """One bar a row of ``ranking``, in its order, with additive metrics stacked: ``name``, the measures, ``text``, its label.

    A click says the bar's place and the metric's label as ``series``.
    """
    names = [METRICS[name].label for name in series]
    bars = pd.DataFrame({METRICS[name].label: doubles(METRICS[name].column(ranking)).fillna(0) for name in series})
    bars = bars.assign(
        name=ranking["name"].astype(str), text=ranking["text"], whole=bars[names].sum(axis=1), place=range(len(bars))
    )
    return Drawing(bars, encoded(_stacked(tuple(series)), x={"scale": bar_scale(bars["whole"].max())}))


@cache
def _stacked(series: tuple[str, ...]) -> Spec:
    names = [METRICS[name].label for name in series]
    y = alt.Y("name:N", sort=None, axis=name_axis())
    bars = (
        alt.Chart()
        .transform_fold(names, as_=["series", "value"])
        .mark_bar(
            height=alt.RelativeBandSize(0.7), description=alt.ExprRef("datum.name + ', ' + datum.series + ': ' + datum.value")
        )
        .encode(
            x=alt.X("value:Q", axis=None, stack="zero"),
            y=y,
            color=alt.Color("series:N", scale=alt.Scale(domain=names, range=series_colors(series)), legend=legend()),
            tooltip=[alt.Tooltip("name:N", title="Name"), *(alt.Tooltip(f"{name}:Q", format=",") for name in names)],
        )
    )
    return shape(bars.add_params(openable("place", "series")), _labels(alt.X("whole:Q", axis=None), y), height=alt.Step(BAR_STEP))


def _labels(x: alt.X, y: alt.Y) -> alt.Chart:
    """The text behind each bar."""
    return alt.Chart().mark_text(align="left", dx=6, color=QUIET, aria=False).encode(x=x, y=y, text=alt.Text("text:N"))


def waterfall(steps: pd.DataFrame, palette: tuple[str, str, str]) -> Drawing:
    """Draws steps from one whole to another.

    ``steps``: one row is a step, in order, with its ``name``, ``value``, ``text`` and ``help``; the first and the last are the
    wholes. The colours are those of wholes, rises and falls. Where steps would be slivers, the scale begins above 0.
    """
    values = [float(value) for value in steps["value"]]
    levels = [*accumulate(values[:-1])]
    starts, tops = [0.0, *levels[:-1], 0.0], [*levels, values[-1]]
    kinds = ["whole", *("rise" if value >= 0 else "fall" for value in values[1:-1]), "whole"]
    drawn = steps[["name", "text", "help"]].assign(
        start=starts, end=tops, high=[max(pair) for pair in zip(starts, tops, strict=True)], kind=kinds
    )
    names = list(steps["name"])
    drawn["next"] = [*(after for _, after in pairwise(names)), None]
    low = beginning(values[:-1])
    drawn["start"] = drawn["start"].where(drawn["kind"] != "whole", low)
    scale = {"domain": [low, max(*tops, low + 1e-9)], "nice": False, "rangeMax": {"expr": f"width - {BAR_LABEL_WIDTH}"}}
    spec = encoded(
        _shape(is_cut=low > 0),
        x={"scale": scale},
        y={"scale": {"domain": names}},
        color={"scale": {"domain": ["whole", "rise", "fall"], "range": list(palette)}},
    )
    return Drawing(drawn, spec)


def beginning(values: Sequence[float]) -> float:
    """Returns where the scale of a waterfall of these steps, the first the whole before, begins: at 0, or below the lowest level
    where steps would be slivers.
    """
    levels = [*accumulate(values)]
    low, high = min(levels), max(levels)
    if low >= 0 and high - low >= LEAST_SEEN * high:
        return 0.0
    return max(low - BELOW * (high - low), 0.0) if low > 0 else min(low, 0.0)


@cache
def _shape(*, is_cut: bool) -> Spec:
    x = alt.X("start:Q", axis=None)
    y = alt.Y("name:N", sort=None, axis=name_axis())
    tips = [alt.Tooltip("name:N", title="Step"), alt.Tooltip("text:N", title="Amount"), alt.Tooltip("help:N", title="What it is")]
    links = alt.Chart().transform_filter("isValid(datum.next)").mark_rule(color=QUIET, strokeDash=[2, 2])
    links = links.encode(x=alt.X("end:Q", axis=None), y=y, y2=alt.Y2("next:N"))
    faded = alt.condition("datum.kind == 'whole'", alt.value(0.45 if is_cut else 1), alt.value(1))
    bars = alt.Chart().mark_bar(height=alt.RelativeBandSize(0.7))
    bars = bars.encode(x=x, x2="end:Q", y=y, color=alt.Color("kind:N", legend=None), fillOpacity=faded, tooltip=tips)
    texts = alt.Chart().mark_text(align="left", dx=6, color=QUIET).encode(x=alt.X("high:Q", axis=None), y=y, text="text:N")
    return shape(links, bars, texts, height=alt.Step(BAR_STEP))


def timeline(spans: pd.DataFrame) -> Drawing:
    """One bar a row of ``spans``: ``place``, ``begin`` and ``end`` in ms, ``model`` and ``status``, which are its label,
    ``latency``, ``cost`` and ``start`` in words, and ``is_this``. A click says the place.
    """
    models = list(dict.fromkeys(spans["model"]))
    names = dict(zip(models, short_names(models), strict=True))
    labels = [f"\u2068{names[model]}\u2069 · {status}" for model, status in zip(spans["model"], spans["status"], strict=True)]
    texts = [f"{text} · current" if is_this else text for text, is_this in zip(spans["latency"], spans["is_this"], strict=True)]
    most = max(float(spans["end"].max()), 1.0)
    _, ticks = axis_ticks(formats.milliseconds, 0, most)
    x = {
        "scale": {"domain": [0, most], "nice": False, "rangeMax": {"expr": f"width - {DURATION_WIDTH}"}},
        "axis": {**_axis().to_dict(), "values": [tick for tick in ticks if tick <= most]},
    }
    height = ROW * len(spans) + AROUND
    return Drawing(spans.assign(label=labels, text=texts), {**encoded(_timeline(), x=x), "height": height})


def _axis() -> alt.Axis:
    return alt.Axis(
        title="After the first request began", labelExpr=axis_of(formats.milliseconds), labelOverlap="greedy", labelSeparation=8
    )


@cache
def _timeline() -> Spec:
    names, palette = [value or NOT_REPORTED for value in STATUS_COLORS], [*STATUS_COLORS.values()]
    x = alt.X("begin:Q", axis=_axis())
    weight = {"condition": {"test": f"{ROW_OF}.is_this", "value": "bold"}, "value": "normal"}
    labels = {"labelExpr": f"{ROW_OF}.label", "labelLimit": LABEL_WIDTH, "labelFontWeight": weight, "labelOverlap": False}
    y = alt.Y("place:O", sort=None, axis=alt.Axis(title=None, ticks=False, domain=False, labelPadding=6, **labels))
    color = alt.Color("status:N", scale=alt.Scale(domain=names, range=palette), legend=None)
    titles = {"model": "Model", "status": "Status", "start": "Start", "latency": "Latency", "cost": "Cost"}
    tips = [alt.Tooltip(f"{name}:N", title=title) for name, title in titles.items()]
    shade = alt.condition("datum.is_this", alt.value(1), alt.value(0.6))
    bars = alt.Chart().mark_bar(height=alt.RelativeBandSize(0.6), minBandSize=3, cursor="pointer")
    ends = alt.Chart().mark_tick(thickness=3, height=14).encode(x=x, y=y, color=color, opacity=shade, tooltip=tips)
    texts = alt.Chart().mark_text(align="left", dx=6, color=QUIET, cursor="pointer").encode(text=alt.Text("text:N"))
    return shape(
        bars.encode(x=x, x2="end:Q", y=y, color=color, opacity=shade, tooltip=tips).add_params(openable("place")),
        ends,
        texts.encode(x=alt.X("end:Q"), y=y, tooltip=tips),
    )
