"""One look for all charts: how numbers, ticks, axes, legends and names are written."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import chain, count, pairwise, takewhile, zip_longest
from math import ceil, floor
from typing import Any

import altair as alt
import pandas as pd

from usagecost.charts.drawing import Spec, encoded
from usagecost.vocabulary import METRICS, Metric, formats, spend_text
from usagecost.vocabulary.filters import NOT_REPORTED
from usagecost.vocabulary.formats import UNKNOWN, Format, Number, exact_count, percent
from usagecost.vocabulary.labels import Labels

MOST_STEPS = 6
"""Steps between the ticks of an axis, at most."""
MOST_LOG_TICKS = 7

SHORT = "replace(replace(format(datum.value, '{}'), 'G', 'B'), 'k', 'K')"
COUNT_AXIS = "abs(datum.value) < 1 ? format(datum.value, '.2~f') : " + SHORT.format(",.3~s")
USD_AXIS = (
    "datum.value != 0 && abs(datum.value) < 0.01 ? format(datum.value, '$,.2~r') : "
    "datum.value % 1 ? format(datum.value, '$,.2f') : " + SHORT.format("$,.3~s")
)
PERCENT_AXIS = "format(datum.value, ',~%')"
DURATION_AXIS = (
    "datum.value >= 60000 ? format(floor(datum.value / 60000), ',') + ':' + format(datum.value % 60000 / 1000, '02.0f') + ' min' : "
    "datum.value >= 1000 ? format(datum.value / 1000, ',.3~r') + ' s' : format(datum.value, ',.3~r') + ' ms'"
)

AXES: dict[Format, str] = {
    formats.count: COUNT_AXIS,
    formats.usd: USD_AXIS,
    formats.percent: PERCENT_AXIS,
    formats.milliseconds: DURATION_AXIS,
    formats.per_second: COUNT_AXIS,
}
"""A metric's format -> the Vega expression that labels its axis."""

WHOLE = (formats.count, formats.milliseconds)
"""Units with nothing to tell between two whole numbers."""

DURATIONS = (1, 10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000)
"""The durations (ms) that a clock counts by; from an hour on they grow tenfold."""
HEIGHT = 280
BAR_STEP = 28
AXIS_WIDTH = 64
"""Every value axis is as wide as the next, so that charts below each other share their time axis to the pixel."""
LEGEND_COLUMN, LEGEND_ROW = 190, 9
BAR_LABEL_WIDTH = 130
CUT_NAME = "length(datum.label) > 34 ? slice(datum.label, 0, 17) + '…' + slice(datum.label, -16) : datum.label"
CUT_LEGEND = 22
NARROW_NAME = "width < 420 && length(datum.label) > 17 ? slice(datum.label, 0, 8) + '…' + slice(datum.label, -8) : datum.label"
"""Names in the legend of a narrow chart are cut in the middle too, before the end of the column cuts them."""


def axis_of(unit: Format) -> str:
    """Returns the expression that labels an axis of the unit."""
    return AXES[unit]


def exact(unit: Format, value: Number | None) -> str:
    """Writes a number of an axis in words: counts with all their digits."""
    return formats.exact_count(value) if unit is formats.count else unit(value)


def in_full(unit: Format, value: Number | None) -> str:
    """Writes a number as a tooltip does: counts with all their digits, amounts to a hundredth of a cent, or finer if less."""
    if value is None or unit is not formats.usd or 0 < abs(value) < 0.01:
        return UNKNOWN if value is None else exact(unit, value)
    return f"{'−' if value < 0 else ''}${abs(value):,.4f}"


def round_numbers(unit: Format, digits: Sequence[int] = (1, 2, 5)) -> Iterator[float]:
    """Yields the unit's round numbers, ascending: 1, 2, 5, 10, 20 …; of durations 10, 20, 30 s, 1, 2, 5, 10 min …"""
    if unit is formats.milliseconds:
        bases: Iterator[float] = chain(DURATIONS, (DURATIONS[-1] * 10.0**power for power in count(1)))
    else:
        bases = (float(f"1e{exponent}") for exponent in count(0 if unit in WHOLE else -9))
    for base, after in pairwise(bases):
        for digit in digits:
            yield float(f"{(3 if digit == 5 and after < 10 * base else digit) * base:.6g}")


def axis_ticks(unit: Format, low: float, high: float) -> tuple[list[float], list[float]]:
    """Returns the domain and the regular ticks of an axis that holds 0 and both numbers; of nothing it is from 0 to 1."""
    low, high = min(0.0, low), max(0.0, high)  # of no values: NaN is neither less nor more
    high = max(high, 1.0) if low == high or unit in WHOLE else high
    step = next(number for number in round_numbers(unit) if number * MOST_STEPS >= high - low)
    first, last = floor(2 * low / step), ceil(2 * high / step)
    ticks = [float(f"{step * place:.12g}") for place in range(ceil(first / 2), last // 2 + 1)]
    return [first * step / 2, last * step / 2], ticks


def log_ticks(unit: Format, low: float, high: float) -> list[float]:
    """Returns the ticks of a logarithmic axis between two positive numbers: 1, 10, 100 …, and 2 and 5 between if they are few."""
    wide, fine = (
        [number for number in takewhile(lambda number: number <= high, round_numbers(unit, digits)) if number >= low]
        for digits in ((1,), (1, 2, 5))
    )
    return fine if len(fine) <= MOST_LOG_TICKS else wide


def value_name(value: object, is_other: bool, merged: int = 1, plural: str = "") -> str:
    """What a reader calls a value of a split."""
    if is_other:
        return f"Other ({exact_count(merged)} {plural})" if plural else "Other"
    return NOT_REPORTED if pd.isna(value) else str(value)


def short_names(names: Sequence[str], room: int = CUT_LEGEND) -> list[str]:
    """Cuts names that are longer than a legend has room for in the middle, so that they stay distinct."""
    short = {name: _cut(name, room) for name in names}
    alike: dict[str, list[str]] = {}
    for name, text in short.items():
        alike.setdefault(text, []).append(name)
    in_use = set(short.values())
    for text, those in alike.items():
        if len(those) == 1:
            continue
        letters = enumerate(zip_longest(*those))
        begins = max(next((i for i, of_all in letters if len(set(of_all)) > 1), 0) - room // 4, 0)
        for number, name in enumerate(those, 1):
            cut = _cut(f"…{name[begins:]}", room)
            short[name] = f"{text} ({number})" if cut in in_use else cut
            in_use.add(short[name])
    return [short[name] for name in names]


def _cut(name: str, room: int) -> str:
    return f"{name[: room // 2]}…{name[1 - room // 2 :]}" if len(name) > room else name


def doubles(column: pd.Series) -> pd.Series:
    """Charts alone get doubles; NaN is a gap."""
    return column.astype("Float64").astype(float)


def tooltip_texts(frame: pd.DataFrame, metric: str) -> list[str]:
    """What a tooltip says of each row's metric: the figure in full, marked as a lower bound where a part of it has no price."""
    missing = frame["incomplete_requests"] if metric == "spend_usd" and "incomplete_requests" in frame else [0] * len(frame)
    return [
        UNKNOWN if pd.isna(value) else f"{'≥ ' if lacks else ''}{in_full(METRICS[metric].format, value)}"
        for value, lacks in zip(frame[metric], missing, strict=True)
    ]


def value_axis(expression: str) -> alt.Axis:
    """Returns the axis of values, without its ticks: see `value_ticks`."""
    return alt.Axis(title=None, labelExpr=expression, minExtent=AXIS_WIDTH, maxExtent=AXIS_WIDTH, domain=False, labelFlush=False)


def value_ticks(spec: Spec, unit: Format, low: float, high: float) -> Spec:
    """Returns the specification with the domain and the regular ticks of its axis of values."""
    domain, ticks = axis_ticks(unit, low, high)
    axis = next(layer["encoding"]["y"]["axis"] for layer in spec["layer"] if "y" in layer["encoding"])
    return encoded(spec, y={"scale": {"domain": domain, "nice": False}, "axis": {**axis, "values": ticks}})


def name_axis() -> alt.Axis:
    """Returns the axis of names."""
    return alt.Axis(title=None, labelExpr=CUT_NAME, labelLimit=260, ticks=False, domain=False, labelPadding=8, labelFlush=False)


def bar_scale(most: float) -> dict[str, Any]:
    """From zero to the longest bar, with room behind it for its label on any screen."""
    room = {"expr": f"width - {BAR_LABEL_WIDTH}"}
    return {"domainMin": 0, "domainMax": float(most) if most > 0 else 1.0, "nice": False, "rangeMax": room}


def legend(**more: Any) -> alt.Legend:
    """Above the chart, in as many columns as fit the reader's screen; where two are too many, names are cut instead."""
    columns = f"max(2, floor(width / {LEGEND_COLUMN}))"
    more = {"labelExpr": NARROW_NAME, **more}
    return alt.Legend(
        orient="top",
        title=None,
        columns=alt.ExprRef(expr=columns),
        labelLimit=alt.ExprRef(expr=f"min({LEGEND_COLUMN}, width / {columns}) - 30"),
        symbolLimit=0,
        **more,
    )


def with_names(values: pd.DataFrame, labels: Labels, by: str | None, plural: str = "") -> pd.DataFrame:
    """Rows with a ``value``, and ``is_other``, with the ``name`` that a reader sees, and whether one of them ``has_names``.

    ``plural``, with how many values were ``merged``, says what "Other" is made of.
    """
    texts = [None if pd.isna(value) else str(value) for value in values["value"]]
    names = labels.of_all(by, dict.fromkeys(value for value in texts if value is not None))
    merged = values["merged"] if "merged" in values else [1] * len(values)
    rows = zip(texts, values["is_other"], merged, strict=True)
    shown_names = [value_name(names.get(value or "", value), is_other, count, plural) for value, is_other, count in rows]
    return values.assign(name=shown_names, has_names=labels.has(by, names))


def bar_label(metric: Metric, row: Mapping[Hashable, Any], whole: Number | None) -> str:
    """What stands behind a bar: its value, and its share of the whole where parts add up to it."""
    sums = {str(name): None if pd.isna(row[name]) else row[name] for name in row if name not in ("name", "value")}
    value = metric.of(sums)
    if value is None:
        return "no price known" if metric.name == "spend_usd" else "not known"
    text = spend_text(sums) if metric.name == "spend_usd" else metric.format(value)
    return f"{text} · {percent(float(value) / float(whole))}" if whole else text
