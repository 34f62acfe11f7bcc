"""What the tooltips of a chart over time tell: once an interval its date, its parts, what it is compared with, and its marks."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan

import altair as alt
import pandas as pd

from usagecost.charts.beside import AHEAD, BEFORE, UNSEEN
from usagecost.charts.look import in_full
from usagecost.charts.timeaxis import TimeAxis
from usagecost.vocabulary import formats
from usagecost.vocabulary.formats import Format

MOST_TOLD = 12
"""Parts that a tooltip lists; what is less is summed up."""
TIP = alt.ExprRef("data('rows')[datum.band].tip")
"""What a tooltip tells stands once an interval, in the row of its band; ``rows`` is what a drawing calls its data."""
READ_OUT = alt.ExprRef("data('rows')[datum.band].tip.title + ', ' + datum.name + ': ' + datum.text")
"""What a screen reader says of a mark. What only decorates is silent: ``aria`` is off."""


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
