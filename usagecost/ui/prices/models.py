"""The models of the period with the rates in force, those without a price first."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from usagecost import queries
from usagecost.engine import open_lake
from usagecost.pricebook import Current, current_book
from usagecost.pricing import Asked, rates_at
from usagecost.ui.answers import answer, no_requests
from usagecost.ui.blocks import heading, table
from usagecost.ui.text import plain
from usagecost.vocabulary import METRICS, list_price_coverage
from usagecost.vocabulary.filters import NOT_REPORTED, View

RATES = {
    "input_tokens": "Input",
    "cache_read_tokens": "Cache read",
    "cache_write_tokens": "Cache write",
    "cache_write_1h_tokens": "Cache write 1 h",
    "output_tokens": "Output",
    "output_reasoning_tokens": "Reasoning",
}
SUMMED = ("input_tokens", "output_tokens", "unpriced_requests", "unpriced_tokens")
WHY = "Of the newest request that lacks a price, or a part of one; else of the newest."
PARTIAL = "Requests of which a part has no rate, or a count is not known: their list cost is a lower bound."
STATUSES = {
    "exact": "list price",
    "alias": "list price, by another name",
    "override": "own price",
    "discount": "list price less discount",
    "free": "free",
    "partial": "lower bound",
    "unpriced": "no list price",
}


def models(view: View) -> None:
    """A table of the models, and how much of the period has no price."""
    current = current_book(open_lake(view.lake))
    if current.problem:
        st.warning(plain(current.problem), title="The own prices are broken", icon=":material/menu_book:")
    rows = answer(queries.prices.models, view)
    if not rows:
        no_requests(view)
        return
    shown = pd.DataFrame([_shown(row, current) for row in rows])
    heading("Models and their prices", lambda: shown, name="prices", help="USD for a million tokens, of a short request sent now.")
    st.caption(
        f"{_coverage(rows)} Prices: {plain(current.version)}. Click a row to set its price, or to say which listed model it is."
    )
    known = "At list or own prices, where they are known."
    money = {name: st.column_config.NumberColumn(f"{title} / M", format="$%.4g", width="small") for name, title in RATES.items()}
    table(
        shown,
        name="prices",
        columns={
            "provider": st.column_config.TextColumn("Provider", width="small"),
            "model": st.column_config.TextColumn("Model", width="medium"),
            "price": st.column_config.TextColumn("Price", help="Where the price of the newest request comes from."),
            **money,
            "requests": st.column_config.NumberColumn("Requests", format="localized"),
            "unpriced_requests": st.column_config.NumberColumn(
                METRICS["unpriced_requests"].label, format="localized", help=METRICS["unpriced_requests"].help
            ),
            "partial_requests": st.column_config.NumberColumn("Lower bound", format="localized", help=PARTIAL),
            "tokens": st.column_config.NumberColumn("Tokens", format="compact"),
            "unpriced_tokens": st.column_config.NumberColumn(METRICS["unpriced_tokens"].label, format="compact", width="small"),
            "list_usd": st.column_config.NumberColumn("List cost", format="$%,.2f", help=known),
            "price_reason": st.column_config.TextColumn("Why", width="medium", help=WHY),
            "price_id": st.column_config.TextColumn("Price id and date"),
        },
        alt_text="Models with requests, tokens, cost, the status of their price and the rates in force",
        on_select=lambda row: _set_price_of(rows[row]),
    )


def _set_price_of(row: dict[str, Any]) -> None:
    """A click on a row leads to the form, with that model chosen."""
    if row["model"]:
        st.session_state["price_model"] = name_of(row)
        st.session_state["part"] = "Set a price"


def name_of(row: dict[str, Any]) -> str:
    """A provider and model as a reader sees them."""
    return f"{row['provider'] or NOT_REPORTED} / {row['model'] or NOT_REPORTED}"


def _shown(row: dict[str, Any], current: Current) -> dict[str, Any]:
    asked = Asked(row["provider"], row["model"] or "")
    rates = rates_at(asked, current.book, time.time_ns() // 1000)
    tokens = [row[name] for name in ("input_tokens", "output_tokens") if row[name] is not None]
    return {
        "provider": row["provider"] or NOT_REPORTED,
        "model": row["model"] or NOT_REPORTED,
        "price": STATUSES.get(row["price_status"], row["price_status"]),
        "price_reason": row["price_reason"],
        "requests": row["requests"],
        "unpriced_requests": row["unpriced_requests"],
        "tokens": sum(tokens) if tokens else None,
        "partial_requests": row["partial_requests"],
        "unpriced_tokens": row["unpriced_tokens"],
        "list_usd": row["list_usd"] if row["price_id"] or not row["unpriced_requests"] else None,
        **{name: _number(rates.get(name)) for name in RATES},
        "price_id": row["price_id"],
    }


def _number(rate: Decimal | None) -> float | None:
    return None if rate is None else float(rate)


def _coverage(rows: list[dict[str, Any]]) -> str:
    """How much of the period has no list price, in requests and in tokens."""
    sums = {name: sum(row[name] or 0 for row in rows) for name in ("requests", *SUMMED)}
    missing = list_price_coverage(sums)
    return f"{plain(missing)}; listed first." if missing else "Every request has a list price."
