"""The colours of values: one for each, on every page and under every filter."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from usagecost import queries
from usagecost.filters import Filters, View
from usagecost.metrics import DIMENSIONS, SPLITS
from usagecost.metrics.colours import COLORS, OTHER_COLOR, STATUS_COLORS, colors
from usagecost.periods import WHOLE
from usagecost.ui.memory import known

ORDERED = COLORS["input_tokens"]
"""Of what has an order of its own, the place tells one from another, and no colour needs to."""


def palette(view: View, by: str, values: pd.DataFrame, *, over_time: bool = False) -> list[str]:
    """A colour for each row of (``value``, ``is_other``). Which values the period has without the filters decides, and how many
    requests: so no filter, metric or page changes one. ``over_time`` nothing but colours tells weekdays and hours apart.
    """
    if SPLITS[by].order and not over_time:
        return [ORDERED] * len(values)
    color = colors(_ranked(view, by, values)) | (STATUS_COLORS if by == "status" else {})
    rows = zip(values["value"], values["is_other"], strict=True)
    return [OTHER_COLOR if is_other else color[None if pd.isna(value) else value] for value, is_other in rows]


def _ranked(view: View, by: str, values: pd.DataFrame) -> list[str | None]:
    """The values that take colours, the busiest first."""
    shown = [value for value in values["value"] if not pd.isna(value)]
    if by not in DIMENSIONS:
        return sorted(shown)
    everything = replace(view, filters=Filters(), interval=WHOLE)
    return [*known(queries.choices, everything)[by], *shown]
