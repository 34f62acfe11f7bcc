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
from usagecost.pricing import PriceQuery, rates_at
from usagecost.ui import going
from usagecost.ui.answers import answer, no_requests
from usagecost.ui.blocks import heading, table
from usagecost.ui.text import plain
from usagecost.vocabulary import METRICS, list_price_coverage
from usagecost.vocabulary.filters import NOT_REPORTED, View
from usagecost.vocabulary.formats import rate

RATES = {
    "input_tokens": ("Input / M", 72),
    "output_tokens": ("Output / M", 82),
    "cache_read_tokens": ("Cache read", 84),
    "cache_write_tokens": ("Cache write", 88),
    "cache_write_1h_tokens": ("Write 1 h", 76),
    "output_reasoning_tokens": ("Reasoning", 80),
}
"""Rates, with their columns' titles and widths: what is asked for most comes first, so that it is seen on every screen."""
PER = "USD per million tokens, for a short request sent now."
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
        st.warning(plain(current.problem), title="The price file has an error", icon=":material/menu_book:")
    rows = answer(queries.prices.models, view)
    if not rows:
        no_requests(view)
        return
    prices = pd.DataFrame([_price_row(row, current) for row in rows])
    heading("Models and their prices", lambda: prices, name="prices", help="USD for a million tokens, of a short request sent now.")
    _say_coverage(rows)
    st.caption(f"Prices: {plain(current.version)}. Click a row to set its price, or to say which listed model it is.")
    basis = "At list or own prices, where they are known."
    money = {name: st.column_config.NumberColumn(title, width=wide, help=PER) for name, (title, wide) in RATES.items()}
    table(
        prices,
        name="prices",
        columns={
            "model": st.column_config.TextColumn("Model", width=190),
            "provider": st.column_config.TextColumn("Provider", width=80),
            **money,
            "price": st.column_config.TextColumn("Price", width=86, help="Where the price of the newest request comes from."),
            "requests": st.column_config.NumberColumn("Requests", format="localized", width=70),
            "unpriced_requests": st.column_config.NumberColumn(
                METRICS["unpriced_requests"].label, format="localized", width=82, help=METRICS["unpriced_requests"].help
            ),
            "list_usd": st.column_config.NumberColumn("List cost", format="$%,.2f", width=78, help=basis),
            "partial_requests": st.column_config.NumberColumn("Lower bound", format="localized", help=PARTIAL),
            "tokens": st.column_config.NumberColumn("Tokens", format="compact"),
            "unpriced_tokens": st.column_config.NumberColumn(METRICS["unpriced_tokens"].label, format="compact", width="small"),
            "price_reason": st.column_config.TextColumn("Why", width="medium", help=WHY),
            "price_id": st.column_config.TextColumn("Price id and date"),
        },
        alt_text="Models with requests, tokens, cost, the status of their price and the rates in force",
        on_select=lambda row: _set_price_of(rows[row]),
        texts=dict.fromkeys(RATES, rate),
        names="model",
    )


def _set_price_of(row: dict[str, Any]) -> None:
    """A click on a row leads to the form, with that model chosen."""
    if row["model"]:
        st.session_state["price_model"] = name_of(row)
        going.to_part("Set a price")


def name_of(row: dict[str, Any]) -> str:
    """A provider and model as a reader sees them."""
    return f"{row['provider'] or NOT_REPORTED} / {row['model'] or NOT_REPORTED}"


def provider_and_model(name: str) -> tuple[str | None, str]:
    """The provider and model of such a name."""
    provider, _, model = name.partition(" / ") if " / " in name else (NOT_REPORTED, "", name)
    return None if provider == NOT_REPORTED else provider, model


def _price_row(row: dict[str, Any], current: Current) -> dict[str, Any]:
    priced_model = PriceQuery(row["provider"], row["model"] or "")
    rates = rates_at(priced_model, current.book, time.time_ns() // 1000)
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


def _say_coverage(rows: list[dict[str, Any]]) -> None:
    """How much of the period has no list price, in requests and in tokens, and the way to end that."""
    sums = {name: sum(row[name] or 0 for row in rows) for name in ("requests", *SUMMED)}
    missing = list_price_coverage(sums)
    if not missing:
        st.caption("Every request has a list price.")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"Lower bound: {plain(missing)}; listed first.", width="content")
        st.button("**Set prices**", key="set_prices", type="tertiary", on_click=_set_price_of, args=(rows[0],))
