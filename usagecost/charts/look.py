"""One look for all charts: colours with a meaning, sizes, axes and legends, names as readers see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import altair as alt
import pandas as pd

from usagecost import formats
from usagecost.filters import NOT_REPORTED
from usagecost.formats import UNKNOWN, Number, exact_count
from usagecost.metrics import METRICS

HEIGHT = 280
BAR_STEP = 28
AXIS_WIDTH = 64
"""Every value axis is as wide as the next, so that charts below each other share their time axis to the pixel."""
LEGEND_COLUMN, LEGEND_ROW = 190, 9
BAR_LABEL_WIDTH = 130

COLORS = {
    "input_tokens": "#3B82F6",
    "output_tokens": "#E8833A",
    "total_tokens": "#8A94A6",
    "cache_read_tokens": "#14A38B",
    "successful": "#2E9E6B",
    "failed": "#D6453D",
    "requests": "#8A94A6",
    "spend_usd": "#5B6FD8",
    "success_rate": "#2E9E6B",
    "failure_rate": "#D6453D",
    "errors": "#D6453D",
    "latency_p50_ms": "#3B82F6",
    "latency_p95_ms": "#E8833A",
    "latency_p99_ms": "#D6453D",
}
"""What a colour means, everywhere. Chosen to be told apart with any colour vision and to read on light and on dark."""

QUIET = "#8A94A6"
"""Shades and labels: readable on light and on dark, and never the message."""

OTHER_COLOR, MISSING_COLOR = "#A3ABB8", "#C9A227"
PALETTE = (
    "#4E79D6", "#E39B3D", "#3FA796", "#B065C8", "#7FB23A", "#35AFCB", "#E0709F", "#94744D", "#6C6FE0", "#C7A93A",
    "#5F9470", "#9D86E9", "#CF7B62", "#4A86A8", "#A65C8A", "#8C9440",
)  # fmt: skip

CUT_NAME = "length(datum.label) > 34 ? slice(datum.label, 0, 17) + '…' + slice(datum.label, -16) : datum.label"
CUT_LEGEND = "length(datum.label) > 22 ? slice(datum.label, 0, 11) + '…' + slice(datum.label, -10) : datum.label"
USD_AXIS = (
    "datum.value > 0 && datum.value < 0.01 ? format(datum.value, '$,.2~r') : "
    "datum.value >= 1000 || datum.value == 0 ? format(datum.value, '$,.3~s') : format(datum.value, '$,.3~f')"
)
COUNT_AXIS = "replace(format(datum.value, ',.3~s'), 'G', 'B')"


def colors(ranked: Sequence[str | None]) -> dict[str | None, str]:
    """A colour for each value. A name prefers the colour of its own hash, so it keeps it when ranks and ranges change."""
    taken: dict[str | None, str] = {None: MISSING_COLOR}
    free = list(PALETTE)
    for value in ranked:
        if value is not None and value not in taken:
            wish = crc32(value.encode()) % len(PALETTE)
            wishes = [*PALETTE[wish:], *PALETTE[:wish]]
            taken[value] = next((color for color in wishes if color in free), PALETTE[wish])
            if taken[value] in free:
                free.remove(taken[value])
    return taken


def series_colors(metrics: Sequence[str]) -> list[str]:
    """A colour for each metric: that of its meaning, else one of its own."""
    other = colors([name for name in metrics if name not in COLORS])
    return [COLORS.get(name) or other[name] for name in metrics]


def value_name(value: object, is_other: bool, merged: int = 1, plural: str = "") -> str:
    """What a reader calls a value of a split."""
    if is_other:
        return f"Other ({exact_count(merged)} {plural})" if plural else "Other"
    return NOT_REPORTED if pd.isna(value) else str(value)


def doubles(column: pd.Series) -> pd.Series:
    """Charts alone get doubles; NaN is a gap."""
    return column.astype("Float64").astype(float)


def said(frame: pd.DataFrame, metric: str) -> list[str]:
    """What a tooltip says of each row's metric: the figure in full, marked as a lower bound where a part of it has no price."""
    missing = frame["incomplete_requests"] if metric == "spend_usd" and "incomplete_requests" in frame else [0] * len(frame)
    return [
        UNKNOWN if pd.isna(value) else f"{'≥ ' if lacks else ''}{_in_full(value, metric)}"
        for value, lacks in zip(frame[metric], missing, strict=True)
    ]


def _in_full(value: Number, metric: str) -> str:
    """Counts with all their digits, amounts to a hundredth of a cent; what is measured as its metric says it."""
    if metric.endswith("_usd"):
        return f"${value:,.4f}"
    return f"{value:,}" if METRICS[metric].format is formats.count else METRICS[metric].format(value)


def value_axis(expression: str, *, is_count: bool = False) -> alt.Axis:
    """``is_count``: there is nothing between two ticks that are one apart."""
    whole = {"tickMinStep": 1} if is_count else {}
    return alt.Axis(
        title=None, labelExpr=expression, minExtent=AXIS_WIDTH, maxExtent=AXIS_WIDTH, tickCount=5, domain=False, **whole
    )


def name_axis() -> alt.Axis:
    return alt.Axis(title=None, labelExpr=CUT_NAME, labelLimit=260, ticks=False, domain=False, labelPadding=8)


def bar_scale(most: float) -> dict[str, Any]:
    """From zero to the longest bar, with room behind it for its label on any screen."""
    room = {"expr": f"width - {BAR_LABEL_WIDTH}"}
    return {"domainMin": 0, "domainMax": float(most) if most > 0 else 1.0, "nice": False, "rangeMax": room}


def legend(**more: Any) -> alt.Legend:
    """Above the chart, in as many columns as fit the reader's screen; where two are too many, names are cut instead."""
    columns = f"max(2, floor(width / {LEGEND_COLUMN}))"
    return alt.Legend(
        orient="top",
        title=None,
        columns=alt.ExprRef(expr=columns),
        labelLimit=alt.ExprRef(expr=f"min({LEGEND_COLUMN}, width / {columns}) - 30"),
        symbolLimit=0,
        **more,
    )
