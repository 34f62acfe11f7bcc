"""What sources reported beside the list prices, where both are known, and what may be behind the difference."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from usagecost import queries
from usagecost.engine import open_lake
from usagecost.pricebook import current_book
from usagecost.pricing import Book, PriceQuery, rates_at
from usagecost.ui.answers import answer, empty
from usagecost.ui.blocks import heading, table
from usagecost.ui.prices.models import name_of
from usagecost.vocabulary import formats
from usagecost.vocabulary.filters import View

SMALL = 0.01
"""A difference below this share is rounding."""
TOKENS_PER_PRICE = 1_000_000


def compared(view: View) -> None:
    """A table by model, the largest difference first."""
    rows = [row for row in answer(queries.prices.models, view) if row["requests_of_both"]]
    if not rows:
        empty("Nothing to compare", "No source of this period reports what its requests cost.")
        return
    book = current_book(open_lake(view.lake)).book
    differences = pd.DataFrame([_difference_row({**row, "reads_of_both_usd": _cost_of_reads(row, book)}) for row in rows])
    differences = differences.sort_values("difference_usd", key=abs, ascending=False, ignore_index=True)
    heading(
        "Reported against list price",
        lambda: differences,
        name="reported-and-list",
        help="Only requests whose reported and list cost are both known. The difference is reported less list.",
    )
    whole, listed = differences["reported_usd"].sum(), differences["list_usd"].sum()
    st.caption(f"Reported {formats.usd(whole)}, at list prices {formats.usd(listed)}: difference {formats.usd(whole - listed)}.")
    usd = {"reported_usd": "Reported", "list_usd": "List", "difference_usd": "Difference"}
    table(
        differences,
        name="compared",
        columns={
            "model": st.column_config.TextColumn("Provider / model", width="medium"),
            "requests": st.column_config.NumberColumn("Requests", format="localized"),
            **{name: st.column_config.NumberColumn(title) for name, title in usd.items()},
            "share": st.column_config.NumberColumn("Of list"),
            "cause": st.column_config.TextColumn("Likely cause", width="large"),
        },
        alt_text="Models with reported and list cost, their difference and its likely cause",
        texts={**dict.fromkeys(usd, formats.usd), "share": formats.percent},
    )


def _difference_row(row: dict[str, Any]) -> dict[str, Any]:
    reported, listed = row["reported_of_both_usd"], row["list_of_both_usd"]
    difference = reported - listed
    share = float(difference / listed) if listed else None
    return {
        "model": name_of(row),
        "requests": row["requests_of_both"],
        "reported_usd": reported,
        "list_usd": listed,
        "difference_usd": difference,
        "share": share,
        "cause": likely_cause(row, share),
    }


def _cost_of_reads(row: dict[str, Any], book: Book) -> Decimal | None:
    """What the cache reads of the `requests_of_both` cost in USD, at the rate that a short request has now; a guess's ground."""
    priced_model = PriceQuery(row["provider"], row["model"] or "")
    rate = rates_at(priced_model, book, time.time_ns() // 1000).get("cache_read_tokens")
    return rate * row["cache_read_of_both"] / TOKENS_PER_PRICE if rate and row["cache_read_of_both"] else None


def likely_cause(row: dict[str, Any], share: float | None) -> str:
    """What may be behind a difference, in words; a guess, from the direction and from what the requests have."""
    reported, listed = row["reported_of_both_usd"], row["list_of_both_usd"]
    if share is not None and abs(share) < SMALL:
        return "none: they agree"
    if share is None:
        return "free at list prices: the gateway has a price of its own"
    if _is_about(reported - listed, row["saved_of_both_usd"]):
        return "cache reads, which the source bills as other input"
    if _is_about(listed - reported, row["reads_of_both_usd"]):
        return "cache reads, which the source leaves out"
    if row["has_tiers"]:
        return "batch or service tier, billed at other rates"
    if row["cache_read_tokens"] or row["cache_write_tokens"]:
        return "cache tokens, which the source counts or prices in another way" if share > 0 else "cache tokens, or a discount"
    if row["price_status"] == "alias":
        return "an alias that is not known for sure: the name may mean another listed model"
    return "a price that changed, or a surcharge of the gateway" if share > 0 else "a negotiated discount"


def _is_about(difference: Decimal, amount: Decimal | None) -> bool:
    """Whether a difference is explained by an amount, but for rounding."""
    return bool(amount) and abs(difference - amount) <= abs(amount) * Decimal(str(SMALL))
