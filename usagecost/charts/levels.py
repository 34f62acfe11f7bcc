"""Levels of a chart over time: thin lines at a height that is given for each interval, such as a budget's even pace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import altair as alt
import pandas as pd

from usagecost.charts.beside import LABEL_HEIGHT, LABEL_ROOM, LEAST_WIDTH, PLOT_HEIGHT, spread
from usagecost.charts.timeaxis import PADDING, PLACE
from usagecost.vocabulary.colours import COLORS
from usagecost.vocabulary.formats import Format

MOST_LEVELS = 3
MOST_ABOVE = 3.0
"""A level that is more than so many times as high as all else is only named, so that the rest can be read."""


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
