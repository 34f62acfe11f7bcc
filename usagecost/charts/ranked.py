"""Ranked charts: horizontal bars, the largest first, with what they say behind them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import altair as alt
import pandas as pd

from usagecost.charts.drawing import Drawing, Spec, encoded, openable, shape
from usagecost.charts.look import BAR_STEP, bar_scale, doubles, legend, name_axis, tooltip_texts
from usagecost.vocabulary import METRICS
from usagecost.vocabulary.colours import QUIET, series_colors


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
