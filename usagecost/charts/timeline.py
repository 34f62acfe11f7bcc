"""The requests of a trace or session: one labelled row each on one time axis, the one that is looked at marked."""

from __future__ import annotations

from functools import cache

import altair as alt
import pandas as pd

from usagecost.charts.drawing import Drawing, Spec, encoded, openable, shape
from usagecost.charts.look import short_names
from usagecost.charts.units import axis_of, axis_ticks
from usagecost.vocabulary import formats
from usagecost.vocabulary.colours import QUIET, STATUS_COLORS
from usagecost.vocabulary.filters import NOT_REPORTED

ROW, AROUND = 24, 60
"""Pixels of a row, and of the time axis and its title."""
LABEL_WIDTH, DURATION_WIDTH = 170, 110
ROW_OF = "data('rows')[datum.value]"


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
