"""What caching is worth: what reads from the providers' caches saved, against what writes to them cost extra."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from usagecost import queries
from usagecost.ui.answers import answer, empty
from usagecost.ui.blocks import heading, table
from usagecost.ui.prices.models import name_of
from usagecost.vocabulary import METRICS
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import usd

CARDS = {"cache_saved_usd": "cache_saved_usd", "cache_extra_usd": "cache_extra_usd", "net_usd": "cache_savings_usd"}
"""Column of the table -> the metric that its sum is."""


def caching(view: View) -> None:
    """Three cards and a table by model, the largest effect first."""
    rows = [
        row
        for row in answer(queries.prices.models, view)
        if row["cache_saved_usd"] is not None or row["cache_extra_usd"] is not None
    ]
    if not rows:
        empty(
            "Nothing is known of caching in this period",
            "No log of it tells of cache reads or writes of a model with a price. Stored requests of an earlier version "
            "of this app get it under Reprice.",
        )
        return
    savings = pd.DataFrame([_savings_row(row) for row in rows]).sort_values("net_usd", key=abs, ascending=False, ignore_index=True)
    for column, (name, metric) in zip(st.columns(3), CARDS.items(), strict=True):
        definition = METRICS[metric]
        column.metric(definition.label, definition.format(_sum(savings[name])), border=True, help=definition.help)
    heading(
        "Cache economics",
        lambda: savings,
        name="caching",
        help="At list prices, or own ones, of each request's own time, against the same tokens as input that is not cached.",
    )
    columns = {"cache_saved_usd": "Saved by reads", "cache_extra_usd": "Extra for writes", "net_usd": "Net"}
    table(
        savings,
        name="caching",
        columns={
            "model": st.column_config.TextColumn("Provider / model", width="medium"),
            "cache_read_tokens": st.column_config.NumberColumn("Read tokens", format="compact"),
            "cache_write_tokens": st.column_config.NumberColumn("Written tokens", format="compact"),
            **{name: st.column_config.NumberColumn(title) for name, title in columns.items()},
        },
        alt_text="Models with tokens read from and written to caches, what that saved and cost, and the net",
        texts=dict.fromkeys(columns, usd),
    )
    st.caption("A net below zero: more was written to the cache than its reads were worth. Models without a price are not in it.")


def _savings_row(row: dict[str, Any]) -> dict[str, Any]:
    saved, extra = row["cache_saved_usd"], row["cache_extra_usd"]
    return {
        "model": name_of(row),
        "cache_read_tokens": row["cache_read_tokens"],
        "cache_write_tokens": row["cache_write_tokens"],
        "cache_saved_usd": saved,
        "cache_extra_usd": extra,
        "net_usd": (saved or Decimal(0)) - (extra or Decimal(0)),
    }


def _sum(amounts: pd.Series) -> Decimal | None:
    amounts_known = [amount for amount in amounts if amount is not None and not pd.isna(amount)]
    return sum(amounts_known, Decimal(0)) if amounts_known else None
