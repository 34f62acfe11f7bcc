"""Where the period ends for each value of a dimension, as a table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from usagecost.forecast import METHODS
from usagecost.queries.folds import AT_LEAST
from usagecost.queries.forecasts import as_of_today, forecast_row, history, outlook, outlooks, reaches_into
from usagecost.ui.answers import answer
from usagecost.ui.blocks import heading, make_once, table
from usagecost.ui.forecast_words import UNTIL
from usagecost.ui.labels import with_names
from usagecost.vocabulary import DIMENSIONS
from usagecost.vocabulary.filters import View

MOST = 25
"""Values that are forecast: each takes some milliseconds."""
TOTAL = "Total"
USD, PERCENT = "$%,.2f", "%,.1f%%"


def forecast_table(view: View, by: str, most: int) -> None:
    """The values of a dimension that have cost the most in the running period, what each costs in the end, and what all do.

    The reader chooses the period. Nothing is shown of views that do not reach into the running month.
    """
    if not reaches_into(view):
        return
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
    mark = st.column_config.TextColumn("≥", width=32, help="≥: lower bounds, as of some requests the cost is not known")
    table(
        numbers.assign(error=numbers["error"].astype("Float64") * 100, **{AT_LEAST: numbers[AT_LEAST].map({True: "≥", False: ""})}),
        name="forecast",
        columns={
            by: st.column_config.TextColumn(DIMENSIONS[by].label, width="medium", pinned=True),
            **({AT_LEAST: mark} if numbers[AT_LEAST].any() else {}),
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
        names=by,
    )


def forecast_rows(view: View, by: str, until: str, most: int) -> pd.DataFrame:
    """One row a value, the most expensive first, and the total: see `forecast_row`."""
    today = as_of_today(view)
    parts, whole = answer(history, today, until, by), answer(history, today, until)

    def rows() -> pd.DataFrame:
        values = outlooks(parts, until, most)
        names = with_names(pd.DataFrame({"value": [one.value for one in values], "is_other": False}, dtype=object), view, by)[
            "name"
        ]
        named_ones = zip([*values, outlook(whole, until)], [*names, TOTAL], strict=True)
        return pd.DataFrame([{by: name, **forecast_row(one)} for one, name in named_ones])

    return make_once(parts, view, ("forecasts", until, most), rows)
