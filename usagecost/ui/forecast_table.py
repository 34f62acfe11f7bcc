"""Where the period ends for each value of a dimension, as a table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from usagecost.forecast import METHODS, Forecast, TooLittle
from usagecost.queries.forecasts import Outlook, history, outlook, outlooks
from usagecost.ui.answers import answer
from usagecost.ui.blocks import heading, table
from usagecost.ui.forecast_words import UNTIL, lack_text
from usagecost.ui.labels import named
from usagecost.vocabulary import DIMENSIONS
from usagecost.vocabulary.filters import View

MOST = 25
"""Values that are forecast: each takes some milliseconds."""
TOTAL = "Total"
USD, PERCENT = "$%,.2f", "%,.1f%%"


def forecast_table(view: View, by: str, most: int) -> None:
    """The values of a dimension that have cost the most in the running period, what they cost in the end, and all of them together.

    The period is the one that the reader chooses here. Every value is forecast by itself, so they do not add up to the total.
    """
    until = st.session_state["until"]
    numbers = forecast_rows(view, by, until, min(most, MOST))
    heading(
        "Forecast",
        lambda: numbers,
        name="forecast",
        file=f"forecast by {by} to {UNTIL[until].lower()}",
        help=f"What the running {until} costs in the end. Each row takes the best of {len(METHODS)} methods by a back-test on "
        "its own past, so rows need not add up to the total. The margin covers about 8 in 10 cases.",
    )
    st.segmented_control(
        "Until", list(UNTIL), required=True, key="until", format_func=lambda name: UNTIL[name], label_visibility="collapsed"
    )
    table(
        numbers.assign(error=numbers["error"] * 100),
        name="forecast",
        columns={
            by: st.column_config.TextColumn(DIMENSIONS[by].label, width="medium", pinned=True),
            "so_far_usd": st.column_config.NumberColumn("So far", format=USD, help=f"Spend of this {until} until now"),
            "forecast_usd": st.column_config.NumberColumn("Forecast", format=USD, help=f"Spend of the whole {until}"),
            "margin_usd": st.column_config.NumberColumn("±", format=USD, help="Covers about 8 in 10 cases"),
            "before_usd": st.column_config.NumberColumn(f"Last {until}", format=USD, help=f"Spend of the whole {until} before"),
            "error": st.column_config.NumberColumn(
                "Largest error", format=PERCENT, help=f"From the same day of up to six {until}s before, by the same rule"
            ),
            "method": st.column_config.TextColumn("Method"),
        },
        alt_text=f"Spend so far and forecast for the end of the {until} by {DIMENSIONS[by].label.lower()}",
    )


def forecast_rows(view: View, by: str, until: str, most: int) -> pd.DataFrame:
    """One row a value, the most expensive first, and the total: spend so far, forecast and margin, what the period before cost.

    Amounts are NA where they are not known, and for a forecast that takes more history, which ``method`` says then.
    """
    values, whole = outlooks(answer(history, view, until, by), until, most), outlook(answer(history, view, until), until)
    names = named(pd.DataFrame({"value": [one.value for one in values], "is_other": False}, dtype=object), view, by)["name"]
    return pd.DataFrame([_row(one, by, name) for one, name in zip([*values, whole], [*names, TOTAL], strict=True)])


def _row(one: Outlook, by: str, name: str) -> dict[str, object]:
    found = one.found if isinstance(one.found, Forecast) else None
    return {
        by: name,
        "so_far_usd": one.so_far,
        "forecast_usd": found and found.total,
        "margin_usd": found and found.margin,
        "before_usd": one.before,
        "error": max(found.errors) if found and found.errors else None,
        "method": f"Too little history: {lack_text(one.found)}" if isinstance(one.found, TooLittle) else one.found.method,
    }
