"""What a chart over time shows beside its parts: comparison, forecast, marks and levels, labels of lines; and what tooltips say.

Each is data: columns of the rows that are drawn, and a layer that draws them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isnan, nan
from typing import Any

import altair as alt
import pandas as pd

from usagecost.charts.look import in_full, tooltip_texts
from usagecost.charts.timeaxis import PADDING, PLACE, TimeAxis
from usagecost.periods import Interval
from usagecost.vocabulary import METRICS, formats
from usagecost.vocabulary.colours import COLORS, QUIET
from usagecost.vocabulary.formats import UNKNOWN, Format

MOST_LABELLED = 5
"""Lines that are labelled at their ends."""
LABEL_ROOM, LEAST_WIDTH = 118, 560
"""Pixels beside the lines for their labels, and the width of a chart that has the room."""
LABEL_HEIGHT, PLOT_HEIGHT = 13, 215
"""Pixels that a label takes, and that the axis of values is high at least."""
MOST_MARKS, LONGEST_MARK = 4, 80
"""Marks of one interval that a tooltip lists, and the letters of each; the rest is counted."""
UNSEEN = "\u200b"
"""Follows each name in a tooltip. Names are keys there: so none is taken for a number or a heading, and none stands there twice."""
BEFORE, AHEAD = "Before", "Forecast"
FAINT = 0.6
"""The opacity of the comparison."""
MOST_LEVELS = 3
MOST_ABOVE = 3.0
"""A level that is more than so many times as high as all else is only named, so that the rest can be read."""
MOST_TOLD = 12
"""Parts that a tooltip lists; what is less is summed up."""
TIP = alt.ExprRef("data('rows')[datum.band].tip")
"""What a tooltip tells stands once an interval, in the row of its band; ``rows`` is what a drawing calls its data."""
READ_OUT = alt.ExprRef("data('rows')[datum.band].tip.title + ', ' + datum.name + ': ' + datum.text")
"""What a screen reader says of a mark. What only decorates is silent: ``aria`` is off."""


@dataclass(frozen=True)
class Mark:
    """What happened at an instant, of a ``kind`` that heads its ``text`` in the tooltip."""

    at: datetime
    kind: str
    text: str


def before_of(
    course: pd.DataFrame, metrics: Sequence[str], steps: Sequence[Interval | None], axis: TimeAxis, *, whole: bool = False
) -> pd.DataFrame:
    """Returns what the intervals are compared with: one row is (interval, name), with its value, ``before``, and ``before_text``.

    ``course``: the measures of ``steps``, with which the intervals of the axis are compared, a row each. The ``whole`` has no name.
    """
    dates = [step and axis.text_of(step) for step in steps]
    rows = course.assign(interval=range(len(course)))
    parts = []
    for name in metrics:
        values = METRICS[name].column(rows)
        texts = [
            f"{text} ({date})" if date else UNKNOWN
            for text, date in zip(tooltip_texts(rows.assign(**{name: values}), name), dates, strict=True)
        ]
        label = None if whole else METRICS[name].label
        parts.append(pd.DataFrame({"interval": rows["interval"], "name": label, "before": values, "before_text": texts}))
    return pd.concat(parts, ignore_index=True)


def marks_by_interval(marks: Sequence[Mark], axis: TimeAxis) -> dict[int, dict[str, str]]:
    """Returns the place of each interval with marks -> the lines that its tooltip has for them; of those of one kind, in order."""
    lines: dict[int, dict[str, str]] = {}
    left_out: dict[int, int] = {}
    for mark in sorted(marks, key=lambda mark: mark.at):
        interval = next((interval for interval, step in enumerate(axis.steps) if step.start <= mark.at < step.end), None)
        if interval is None or axis.steps[interval].is_ahead:
            continue
        texts = lines.setdefault(interval, {})
        if len(texts) == MOST_MARKS:
            left_out[interval] = left_out.get(interval, 0) + 1
            continue
        key = mark.kind
        while key in texts:
            key += UNSEEN
        texts[key] = mark.text if len(mark.text) <= LONGEST_MARK else f"{mark.text[:LONGEST_MARK]} …"
    for interval, count in left_out.items():
        lines[interval][f"{count} more{UNSEEN}"] = "on this date"
    return lines


def end_labels(part_rows: pd.DataFrame, short: Mapping[str, str], domain: Sequence[float]) -> pd.DataFrame:
    """Returns the rows with the ``label`` of a line at its last known point, and its height, ``label_y``: no two overlap."""
    names, values = part_rows["name"].tolist(), part_rows["value"].tolist()
    last = {name: row for row, name in enumerate(names) if name is not None and not isnan(values[row])}
    rows = sorted(last.values(), key=lambda row: (values[row], row))
    gap = (domain[1] - domain[0]) * LABEL_HEIGHT / PLOT_HEIGHT
    heights = spread([values[row] for row in rows], gap, domain[1])
    return part_rows.join(pd.DataFrame({"label": [short[names[row]] for row in rows], "label_y": heights}, index=rows))


def spread(values: Sequence[float], gap: float, top: float) -> list[float]:
    """Returns heights near ascending values, none above the top, and no two nearer to each other than the gap."""
    heights: list[float] = []
    for value in values:
        heights.append(max(value, heights[-1] + gap) if heights else value)
    for place in reversed(range(len(heights))):
        above = heights[place + 1] - gap if place + 1 < len(heights) else top
        heights[place] = min(heights[place], above)
    return heights


def ghost_of_whole(bands: alt.Chart, axis: Any) -> alt.Chart:
    """The comparison as a dashed line in steps over the bars of a stack."""
    whole = bands.encode(x=PLACE, y=alt.Y("before:Q", axis=axis))
    return whole.mark_line(color=QUIET, strokeWidth=1.75, strokeDash=[4, 2], interpolate="step", aria=False)


def forecast_layers(bands: alt.Chart, axis: Any) -> list[alt.Chart]:
    """A forecast as a dashed line from today on, in the band of what is likely."""
    ahead = bands.transform_filter("isValid(datum.ahead)").encode(x=PLACE, y=alt.Y("ahead_low:Q", axis=axis))
    return [
        ahead.encode(y2="ahead_high:Q").mark_area(color=QUIET, opacity=0.18, interpolate="step"),
        ahead.encode(y=alt.Y("ahead:Q", axis=axis)).mark_line(color=QUIET, strokeWidth=1.75, strokeDash=[2, 2], interpolate="step"),
    ]


def legend_choices() -> list[alt.Parameter]:
    """Returns what a legend says: the one part that it shows alone, until it is clicked once more, and those that it hides, each
    with the shift key.
    """
    is_again = "length(data('shown_store')) && data('shown_store')[0].values[0] === shown_short_legend"
    return [
        alt.selection_point(name=name, fields=["short"], bind={"legend": f"click[{event}]"}, toggle=toggle)
        for name, event, toggle in (("shown", "!event.shiftKey", is_again), ("hidden", "event.shiftKey", "true"))
    ]


def legend_opacity(opacity: float, unseen: float, test: str = "true") -> Any:
    """Returns the opacity of parts: ``opacity`` where the legend shows them and they pass the test, else ``unseen``."""
    legend_match, hidden = legend_choices()
    hides = alt.when(hidden, empty=False).then(alt.value(unseen)).when(f"!({test})").then(alt.value(unseen))
    return hides.when(legend_match).then(alt.value(opacity)).otherwise(alt.value(unseen))


def ghosts_of_lines(parts: alt.Chart, axis: Any, *, has_legend: bool) -> alt.Chart:
    """The comparison as a faint dashed line behind that of the total, or behind the one that the legend shows alone."""
    is_seen = "datum.is_total || length(data('shown_store'))"
    ghosts = parts.encode(
        y=alt.Y("before:Q", axis=axis), opacity=legend_opacity(FAINT, 0, is_seen) if has_legend else alt.value(FAINT)
    )
    return ghosts.mark_line(strokeWidth=1.5, strokeDash=[5, 4], aria=False)


def mark_layers(bands: alt.Chart, tip: Any) -> list[alt.Chart]:
    """A thin rule at each interval with marks, and a handle at its top."""
    marked = bands.transform_filter("datum.is_marked").encode(x=PLACE)
    return [
        marked.mark_rule(color=QUIET, strokeWidth=1, opacity=0.6, strokeDash=[2, 2], tooltip=tip, aria=False),
        marked.mark_point(color=QUIET, shape="triangle-down", filled=True, size=70, opacity=1, y=4, tooltip=tip, aria=False),
    ]


def label_layer(parts: alt.Chart, axis: Any, opacity: Callable[[float], Any]) -> alt.Chart:
    """Names at the ends of lines, where the chart is wide enough."""
    size = alt.ExprRef(expr=f"width > {LEAST_WIDTH} ? 11 : 0")
    return (
        parts.transform_filter("isValid(datum.label)")
        .encode(y=alt.Y("label_y:Q", axis=axis), text=alt.Text("label:N"), opacity=opacity(1))
        .mark_text(align="left", baseline="middle", dx=8, fontSize=size, limit=LABEL_ROOM - 10, aria=False)
    )


def label_room() -> dict[str, Any]:
    """The part of the time axis's scale that leaves the room for them."""
    return {"rangeMax": {"expr": f"width > {LEAST_WIDTH} ? width - {LABEL_ROOM} : width"}}


@dataclass(frozen=True)
class Level:
    """A level called ``name``, the heights of it at the intervals of the axis, and what its label says they are."""

    name: str
    values: tuple[float, ...]
    text: str


def highest(levels: Sequence[Level], high: float) -> float:
    """Returns the most that is drawn, of levels and of what is ``high`` besides."""
    return max([high, *(max(level.values) for level in levels if _is_drawn(level, high))])


def with_levels(part_rows: pd.DataFrame, levels: Sequence[Level], high: float, domain: Sequence[float]) -> pd.DataFrame:
    """Returns the rows with, for each level by its number, its height in the row of each interval's band, ``level_0``, and at the
    last one the label, ``level_0_label``, and its height, ``level_0_y``: no two overlap.
    """
    bands = part_rows.index[part_rows["name"].isna()]
    if not len(bands):
        return part_rows
    last = int(part_rows.at[bands[-1], "interval"])
    is_visible = [_is_drawn(level, high) for level in levels]
    level_heights = [level.values[last] if is_drawn else domain[1] for level, is_drawn in zip(levels, is_visible, strict=True)]
    order = sorted(range(len(levels)), key=lambda number: level_heights[number])
    gap = 2 * (domain[1] - domain[0]) * LABEL_HEIGHT / PLOT_HEIGHT
    heights = dict(zip(order, spread([level_heights[number] for number in order], gap, domain[1]), strict=True))
    columns: dict[str, Any] = {}
    for number, level in enumerate(levels):
        values = [level.values[interval] if is_visible[number] else nan for interval in part_rows.loc[bands, "interval"]]
        label = f"{level.name}\n{level.text}{'' if is_visible[number] else ' ↑'}"
        columns[f"level_{number}"] = pd.Series(values, index=bands)
        columns[f"level_{number}_label"] = pd.Series([label], index=bands[-1:], dtype=object)
        columns[f"level_{number}_y"] = pd.Series([heights[number]], index=bands[-1:])
    return part_rows.assign(**columns)


def level_lines(levels: Sequence[Level], unit: Format, interval: int) -> dict[str, str]:
    """Returns the lines that the tooltip of an interval has for levels."""
    return {level.name: unit(level.values[interval]) for level in levels}


def level_layers(bands: alt.Chart, axis: Any, count: int) -> list[alt.Chart]:
    """A thin line for each level, a piece an interval, and its name at the right where the chart is wide enough."""
    layers = []
    size, beside = alt.ExprRef(expr=f"width > {LEAST_WIDTH} ? 11 : 0"), alt.ExprRef(expr="bandwidth('x') / 2 + 8")
    for number in range(count):
        color = COLORS["failed"]
        line = bands.encode(x=PLACE, y=alt.Y(f"level_{number}:Q", axis=axis))
        layers.append(line.mark_tick(color=color, thickness=1.5, width=alt.RelativeBandSize(1 / (1 - PADDING)), aria=False))
        labelled = bands.transform_filter(f"isValid(datum.level_{number}_label)")
        labelled = labelled.encode(x=PLACE, y=alt.Y(f"level_{number}_y:Q", axis=axis), text=alt.Text(f"level_{number}_label:N"))
        style = {"align": "left", "baseline": "middle", "lineBreak": "\n", "dx": beside, "limit": LABEL_ROOM - 10}
        layers.append(labelled.mark_text(color=color, fontSize=size, aria=False, **style))
    return layers


def _is_drawn(level: Level, high: float) -> bool:
    return high <= 0 or max(level.values) <= MOST_ABOVE * high


def tips_of(
    part_rows: pd.DataFrame, axis: TimeAxis, unit: Format, total: str | None, marks: Mapping[int, dict[str, str]]
) -> list[dict[str, str] | None]:
    """Returns what a tooltip tells, in the row of each interval's band: its date and its parts, the largest first.

    Of what adds up to a ``total`` also that and the shares, without what is nothing. Then what it is compared with, and its marks.
    """
    nothing = in_full(unit, 0)
    parts: dict[int, list[tuple[str, float, str]]] = {}
    for band, name, value, text in zip(*(part_rows[name].tolist() for name in ("band", "name", "value", "text")), strict=True):
        if name is not None and (text != nothing or total is None):
            parts.setdefault(band, []).append((name, value, text))
    for of_band in parts.values():
        of_band.sort(key=lambda part: (isnan(part[1]), -part[1]))
    tips: list[dict[str, str] | None] = [None] * len(part_rows)
    is_whole = part_rows["is_total"] | part_rows["name"].isna() | (part_rows["name"].nunique() == 1)
    before = part_rows[is_whole & part_rows["before"].notna()] if "before" in part_rows else part_rows[:0].assign(before_text="")
    compared = dict(zip(before["band"].tolist(), before["before_text"].tolist(), strict=True))
    expected = part_rows["ahead_text"].dropna().to_dict() if "ahead_text" in part_rows else {}
    for band, interval in part_rows.loc[part_rows["name"].isna(), "interval"].items():
        is_to_come = axis.steps[interval].is_ahead and band not in parts
        lines = {} if is_to_come else _lines_of(parts.get(band, []), unit, total)
        compared_lines = {BEFORE: compared[band]} if band in compared else {}
        compared_lines |= {AHEAD: expected[band]} if band in expected else {}
        tips[band] = {"title": axis.texts[interval], **lines, **compared_lines, **marks.get(interval, {})}
    return tips


def _lines_of(parts: list[tuple[str, float, str]], unit: Format, total: str | None) -> dict[str, str]:
    """Returns the lines of a tooltip below its date: names, and what is said of them."""
    sum_of_parts, lines = sum(value for _, value, _ in parts), {}
    if total:
        texts = {text for _, _, text in parts}
        is_less = any(text.startswith(("≥", formats.UNKNOWN)) for text in texts)
        lines[total] = formats.UNKNOWN if texts == {formats.UNKNOWN} else f"{'≥ ' if is_less else ''}{in_full(unit, sum_of_parts)}"
    for name, value, text in parts[:MOST_TOLD]:
        key = name + UNSEEN
        while key in lines:
            key += UNSEEN
        lines[key] = f"{text} · {formats.percent(value / sum_of_parts)}" if total and value > 0 and sum_of_parts > 0 else text
    if total and len(parts) > MOST_TOLD:
        lines[f"{len(parts) - MOST_TOLD} more"] = in_full(unit, sum(value for _, value, _ in parts[MOST_TOLD:]))
    return lines
