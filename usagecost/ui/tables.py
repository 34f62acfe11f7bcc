"""How tables write numbers, in the words and formats of the vocabulary: amounts that leave something out carry "≥"."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from usagecost.queries.folds import AT_LEAST
from usagecost.ui import address, viewing
from usagecost.ui.address import Query
from usagecost.ui.reader import may
from usagecost.vocabulary import METRICS, SPLITS, formats
from usagecost.vocabulary.formats import LOWER_BOUND

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
IS_AT_LEAST = "_is_at_least"
"""The end of the name of a column that says of another amount whether it leaves something out."""
MOST_STYLED = 1_000
"""Rows up to which the mark can stand in the amount's own cell; to draw each cell of more takes too long."""


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


def note_with_link(words: str) -> None:
    """A note about missing prices, and beside it the way to set them."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(words, width="content")
        set_prices_link()


def set_prices_link(model: str | None = None, days: Query | None = None) -> None:
    """A link to where prices are set: of a model, by its name there, else of the one that most requests without a price are of.

    ``days`` are the parameters of another range than the one that is shown. There is none where no page of the menu is drawn, nor
    for who may set none.
    """
    if not address.current_page() or not may("price"):
        return
    query = {**address.page_query("Prices", viewing.choices()), **(days or {}), "part": ["Set a price"]}
    query.pop("price_model", None)
    query |= {"price_model": [model]} if model else {}
    st.page_link("pages/4_Prices.py", label="**Set prices**", query_params=query)


def spend_columns(frame: pd.DataFrame, places: int) -> dict[str, Any]:
    """The columns of a table of ``folds.numbers`` that say what was spent, and how much of that is not known."""
    usd = None if _is_styled(frame) else f"$%,.{places}f"
    spend = st.column_config.NumberColumn("Spend", format=usd, help=METRICS["spend_usd"].help)
    missing = st.column_config.NumberColumn("Spend incomplete", format="localized", help=METRICS["incomplete_requests"].help)
    if not _lacks_prices(frame):
        return {"spend_usd": spend, "incomplete_requests": missing}
    tokens = st.column_config.NumberColumn("Tokens incomplete", format="compact", help=METRICS["incomplete_tokens"].help)
    marked = {"spend_usd": spend} if _is_styled(frame) else {AT_LEAST: mark_column(), "spend_usd": spend}
    return {**marked, "incomplete_requests": missing, "incomplete_tokens": tokens}


def mark_column() -> Any:
    """The column of `with_mark_column`."""
    return st.column_config.TextColumn("≥", width=36, help="≥: a lower bound, as of some requests the cost is not known")


def with_mark_column(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with a sign where an amount leaves something out, in a column of its own."""
    return frame.assign(**{AT_LEAST: frame[AT_LEAST].map({True: "≥", False: ""})})


def with_marks(frame: pd.DataFrame, places: int) -> pd.DataFrame | Styler:
    """A table of `spend_columns`, its amounts as doubles, in which those that leave something out carry their mark.

    In a long table it stands in a narrow column of its own. Other amounts are marked where `x_usd_is_at_least` says so of `x_usd`.
    """
    if not _is_styled(frame):
        return with_mark_column(frame)
    styled = frame.style
    others = {name: f"{name}{IS_AT_LEAST}" for name in frame if f"{name}{IS_AT_LEAST}" in frame}
    flags = {"spend_usd": AT_LEAST, **others}
    styled.format(dict.fromkeys(flags, lambda usd: f"${usd:,.{places}f}"), na_rep="")
    for name, flag in flags.items():
        is_marked = (frame.index[frame[flag].astype(bool)], [name])
        styled.format({name: lambda usd: f"{LOWER_BOUND}${usd:,.{places}f}"}, subset=is_marked)
    return styled


def _lacks_prices(frame: pd.DataFrame) -> bool:
    return bool((frame["incomplete_requests"] > 0).any())


def _is_styled(frame: pd.DataFrame) -> bool:
    return _lacks_prices(frame) and len(frame) <= MOST_STYLED


def doubled(frame: pd.DataFrame) -> pd.DataFrame:
    """Money as doubles: what a browser's table can sort and format."""
    money = [column for column in frame.columns if column.endswith("_usd")]
    return frame.assign(**{column: [math.nan if pd.isna(value) else float(value) for value in frame[column]] for column in money})
