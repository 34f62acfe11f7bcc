"""The colours of values: one for each, on every page and under every filter."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from usagecost.periods import WHOLE
from usagecost.queries.folds import Usage
from usagecost.queries.usage import Ask, call, usage
from usagecost.vocabulary import DIMENSIONS, SPLITS
from usagecost.vocabulary.colours import COLORS, OTHER_COLOR, STATUS_COLORS, colors
from usagecost.vocabulary.filters import Filters, View

ORDERED = COLORS["input_tokens"]
"""Of what has an order of its own, the place tells one from another, and no colour needs to."""


def palette(
    view: View,
    by: str,
    values: pd.DataFrame,
    *,
    everything: Usage | None = None,
    over_time: bool = False,
    ask: Ask = call,
) -> list[str]:
    """A colour for each row of (``value``, ``is_other``). What the period has without filters decides, the most expensive first: no
    filter, metric or page changes one. ``everything`` are the period's numbers without filters, where they are known. Only colours
    tell weekdays and hours apart ``over_time``.
    """
    if SPLITS[by].order and not over_time:
        return [ORDERED] * len(values)
    reported_values = [value for value in values["value"] if not pd.isna(value)]
    color = colors([*_ranked(view, by, everything, ask), *sorted(reported_values)]) | (STATUS_COLORS if by == "status" else {})
    rows = zip(values["value"], values["is_other"], strict=True)
    return [OTHER_COLOR if is_other else color[None if pd.isna(value) else value] for value, is_other in rows]


def _ranked(view: View, by: str, everything: Usage | None, ask: Ask) -> list[str]:
    """The values that take colours, the most expensive first; none of a split by what the clocks show."""
    if by not in DIMENSIONS:
        return []
    unfiltered = replace(view, filters=Filters(), interval=WHOLE)
    answer = everything or ask(usage, unfiltered, by, ("requests",), compares=False)
    return [value for value in answer.by_value["value"] if not pd.isna(value)]
