"""A waterfall: from what a number was, step by step, to what it is, downwards as one reads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import accumulate, pairwise

import altair as alt
import pandas as pd

from usagecost.charts.drawing import Drawing, Spec, encoded, shape
from usagecost.charts.look import BAR_LABEL_WIDTH, BAR_STEP, name_axis
from usagecost.vocabulary.colours import QUIET

LEAST_SEEN = 1 / 3
"""Steps that reach over less than this share of the whole would be slivers: the scale begins above 0, and the wholes fade."""
BELOW = 0.5
"""How far below the lowest step such a scale begins, in widths of what the steps reach over."""


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
