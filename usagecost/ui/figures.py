"""The numbers behind a chart as a table that a keyboard reaches, with the words and number formats of the vocabulary."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from usagecost.queries.folds import AT_LEAST
from usagecost.ui.spend import spend_columns
from usagecost.vocabulary import METRICS, SPLITS, formats

COLUMN_FORMATS: dict[formats.Format, str] = {
    formats.count: "localized",
    formats.usd: "$%,.4f",
    formats.percent: "%,.1f%%",
    formats.milliseconds: "%,.0f ms",
    formats.per_second: "%,.1f",
}
"""A metric's format -> how a column of a table writes it, of shares in percent."""
OTHER_COLUMNS = {"interval_start": "From"}
BUDGET = "Budget "
"""What the names of columns begin with that say what a budget allows at an even pace."""
SPEND_PLACES = 4
_TABLES = "_charts_shown_as_tables"


def shows_table(name: str) -> bool:
    """Draws the switch between a chart and its numbers; returns whether the reader chose the numbers."""
    tables: set[str] = st.session_state.setdefault(_TABLES, set())
    is_table = name in tables
    st.button(
        "Chart" if is_table else "Table",
        key=f"switch_{name}",
        icon=":material/show_chart:" if is_table else ":material/table:",
        type="tertiary",
        help="Show the chart" if is_table else "Show the numbers of this chart as a table",
        on_click=tables.symmetric_difference_update,
        args=([name],),
    )
    return is_table


def shares(numbers: pd.DataFrame) -> list[str]:
    """The columns of metrics that are shares, which a table shows in percent."""
    return [name for name in numbers if name in METRICS and METRICS[name].format is formats.percent]


def readable(numbers: pd.DataFrame) -> pd.DataFrame:
    """The rows of a download with the starts of intervals as people write them: days alone where each begins at midnight."""
    if "interval_start" not in numbers:
        return numbers
    starts = numbers["interval_start"].astype(str)
    has_times = bool((starts.str[11:16] != "00:00").any())
    offsets = starts.str[19:].replace("+00:00", "UTC")
    return numbers.assign(interval_start=starts.str[:10] + (" " + starts.str[11:16] + " " + offsets if has_times else ""))


def columns_of(numbers: pd.DataFrame, spend_places: int = SPEND_PLACES) -> dict[str, Any]:
    """How a table draws the columns of a download: metrics and dimensions by their labels, anything else by its name in words."""
    columns = {name: _column(str(name)) for name in numbers.columns}
    if AT_LEAST not in numbers:
        return columns
    of_spend = spend_columns(numbers, spend_places)
    ordered = {name: column for name, column in columns.items() if name not in (*of_spend, "incomplete_tokens", AT_LEAST)}
    return {**ordered, **of_spend}


def _column(name: str) -> Any:
    if name in METRICS:
        metric = METRICS[name]
        return st.column_config.NumberColumn(metric.label, format=COLUMN_FORMATS[metric.format], help=metric.help)
    if name.startswith(BUDGET):
        help_text = "What the budget allows in the whole interval, at an even pace"
        return st.column_config.NumberColumn(name, format=COLUMN_FORMATS[formats.usd], help=help_text)
    dimension, is_id = name.removesuffix("_id"), name.endswith("_id")
    if dimension in SPLITS:
        return st.column_config.TextColumn(f"{SPLITS[dimension].label}{' id' if is_id else ''}")
    return st.column_config.Column(OTHER_COLUMNS.get(name, name.replace("_", " ").capitalize()))
