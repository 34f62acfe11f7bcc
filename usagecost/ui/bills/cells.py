"""The cells of a month that differ most, each with the requests behind it, and the download of all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from usagecost.bills.result import CAUSES, Cell, Reconciliation, worst
from usagecost.bills.words import OURS, THEIRS, cause_text, signed_usd
from usagecost.periods import Interval, local_midnight
from usagecost.periods.words import days_text
from usagecost.ui import drilldown
from usagecost.ui.blocks import heading, table
from usagecost.vocabulary.filters import Condition, Filters, View
from usagecost.vocabulary.formats import usd


def largest_differences(view: View, reconciliation: Reconciliation, cells: Sequence[Cell]) -> None:
    """The cells that differ most, each with the requests behind it."""
    rows = worst(cells)
    if not rows:
        return
    differences = pd.DataFrame(
        {
            "days": [days_text(cell.first, cell.last) for cell in rows],
            "provider": [cell.provider for cell in rows],
            "model": [cell.model for cell in rows],
            **({"scope": [cell.scope for cell in rows]} if any(cell.scope for cell in rows) else {}),
            "theirs_usd": [cell.theirs for cell in rows],
            "ours_usd": [cell.ours if cell.ours or not cell.incomplete else None for cell in rows],
            "difference_usd": [cell.difference for cell in rows],
            "cause": [cause_text(cell.main) for cell in rows],
        }
    )
    heading("Largest differences", lambda: _all_cells(cells), name="bill-cells", help="By UTC day. The download has all cells.")
    table(
        differences,
        name="bill-cells",
        columns={
            "days": st.column_config.TextColumn("Day (UTC)", width=110),
            "provider": st.column_config.TextColumn("Provider", width=110),
            "model": st.column_config.TextColumn("Model", width="medium"),
            **({"scope": st.column_config.TextColumn("Key or project")} if "scope" in differences else {}),
            "theirs_usd": st.column_config.NumberColumn(THEIRS, width=100),
            "ours_usd": st.column_config.NumberColumn(OURS, width=100),
            "difference_usd": st.column_config.NumberColumn("Difference", width=100),
            "cause": st.column_config.TextColumn("Main cause", width="medium"),
        },
        alt_text="The days and models whose bill differs most from our logs, with the main cause",
        texts={"theirs_usd": usd, "ours_usd": usd, "difference_usd": signed_usd},
        on_open=lambda row: _open(view, reconciliation, rows[row]),
    )


def _all_cells(cells: Sequence[Cell]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "first_day": [cell.first for cell in cells],
            "last_day": [cell.last for cell in cells],
            "provider": [cell.provider for cell in cells],
            "model": [cell.model for cell in cells],
            "key_or_project": [cell.scope for cell in cells],
            "bill_usd": [cell.theirs for cell in cells],
            "logs_usd": [cell.ours for cell in cells],
            "difference_usd": [cell.difference for cell in cells],
            "requests": [cell.requests for cell in cells],
            "requests_without_full_price": [cell.incomplete for cell in cells],
            **{f"{name}_usd": [cell.amount_of(name) for cell in cells] for name in CAUSES},
        }
    )


def _open(view: View, reconciliation: Reconciliation, cell: Cell) -> None:
    """Leads to the requests of a cell."""
    days = local_days(cell, view.period.zone)
    start, end = _instants(cell)
    drilldown.open_requests(filters_of(reconciliation, cell), Interval(start, end, "", is_running=False), days)


def filters_of(reconciliation: Reconciliation, cell: Cell) -> Filters:
    """Which requests a cell is about, as our logs name providers, models and keys."""
    names = reconciliation.names.get((cell.provider, cell.model)) or ((cell.provider, cell.model),)
    conditions = [Condition("provider", tuple(dict.fromkeys(provider for provider, _ in names)))]
    if cell.model is not None:
        conditions.append(Condition("model", tuple(dict.fromkeys(model for _, model in names))))
    if cell.scope is not None and reconciliation.scopes.get(cell.provider) == "key":
        conditions.append(Condition("key", (cell.scope,)))
    return Filters(tuple(conditions))


def local_days(cell: Cell, zone: str) -> tuple[date, date]:
    """The days of a zone that a cell's UTC days are parts of."""
    start, end = _instants(cell)
    return start.astimezone(ZoneInfo(zone)).date(), (end - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date()


def _instants(cell: Cell) -> tuple[datetime, datetime]:
    return local_midnight(cell.first, "UTC"), local_midnight(cell.last + timedelta(days=1), "UTC")
