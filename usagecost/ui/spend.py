"""Spend as people see it: what is not known of it stands beside it, and a sum that leaves something out carries "≥"."""

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
from usagecost.vocabulary import METRICS
from usagecost.vocabulary.formats import LOWER_BOUND

IS_AT_LEAST = "_is_at_least"
"""The end of the name of a column that says of another amount whether it leaves something out."""
MOST_STYLED = 1_000
"""Rows up to which the mark can stand in the amount's own cell; to draw each cell of more takes too long."""


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
    mark = st.column_config.TextColumn("≥", width=36, help="≥: a lower bound, as of some requests the cost is not known")
    spend = st.column_config.NumberColumn("Spend", format=usd, help=METRICS["spend_usd"].help)
    missing = st.column_config.NumberColumn("Spend incomplete", format="localized", help=METRICS["incomplete_requests"].help)
    if not _lacks_prices(frame):
        return {"spend_usd": spend, "incomplete_requests": missing}
    tokens = st.column_config.NumberColumn("Tokens incomplete", format="compact", help=METRICS["incomplete_tokens"].help)
    marked = {"spend_usd": spend} if _is_styled(frame) else {AT_LEAST: mark, "spend_usd": spend}
    return {**marked, "incomplete_requests": missing, "incomplete_tokens": tokens}


def with_marks(frame: pd.DataFrame, places: int) -> pd.DataFrame | Styler:
    """A table of `spend_columns`, its amounts as doubles, in which those that leave something out carry their mark.

    In a long table it stands in a narrow column of its own. Other amounts are marked where `x_usd_is_at_least` says so of `x_usd`.
    """
    if not _is_styled(frame):
        return frame.assign(**{AT_LEAST: frame[AT_LEAST].map({True: "≥", False: ""})})
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
