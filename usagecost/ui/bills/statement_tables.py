"""The tables of a month's statement: what each team owes, what was corrected, and the month by key, app and model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from usagecost.bills import month_tables
from usagecost.bills.closing import words
from usagecost.bills.month_page import amount_texts
from usagecost.bills.month_tables import COUNTS, SPEND, Cell, MonthTable
from usagecost.bills.monthly import MonthStatement
from usagecost.bills.owed import Owed
from usagecost.bills.rounding import places_of
from usagecost.queries.folds import AT_LEAST
from usagecost.ui.blocks import heading, table
from usagecost.ui.tables import IS_AT_LEAST, spend_columns
from usagecost.ui.text import plain
from usagecost.vocabulary import DIMENSIONS

BY = ("key", "app", "model")
PLACES = 2

Cells = dict[str, Any]


def teams(statement: MonthStatement) -> None:
    """Draws what each team owes: of its own, of corrections and of shared costs, and how these are split."""
    _draw(statement, month_tables.teams(statement), "Whole cents that add up to the total.")
    for pool in statement.pools:
        st.caption(plain(f"{pool.rule.name}: {amount_texts(statement, pool.owed)[0]}, split {pool.rule.words}."))


def parts(statement: MonthStatement) -> None:
    """Draws the month by key, app or model, as the reader chooses."""
    labels = {name: DIMENSIONS[name].label for name in BY}
    by = st.segmented_control("Direct by", BY, format_func=labels.__getitem__, default=BY[0], required=True, key="statement_by")
    _draw(statement, month_tables.parts(statement, by), "Direct costs of the month, the highest first.")


def corrections(statement: MonthStatement) -> None:
    """Draws what has changed of earlier months since they were closed, and why; nothing where nothing has."""
    if statement.corrections:
        _draw(statement, month_tables.corrections(statement), "What has changed of closed months since they were closed, and why.")


def _draw(statement: MonthStatement, month_table: MonthTable, help_text: str) -> None:
    """A table of the statement, whose download has its numbers in full."""
    rows = [_row(statement, month_table, row) for row in month_table.rows]
    columns = _columns(statement, month_table, pd.DataFrame(rows, columns=["incomplete_requests"]))
    exact = pd.DataFrame(rows, columns=list(dict.fromkeys([*columns, *(rows[0] if rows else ())])), dtype=object)
    name = f"statement-{month_table.title.lower().replace(' ', '-')}"
    file = f"statement {statement.close.month:%Y-%m} {month_table.title}"
    heading(month_table.title, lambda: exact, name=name, help=help_text, file=file)
    numbers = exact.assign(amount=exact["amount"].astype("Float64")) if "amount" in exact else exact
    alt_text = f"Statement of {words(statement.close.month)}: {month_table.title}"
    table(numbers, name=name, columns=columns, alt_text=alt_text, spend_places=PLACES)


def _row(statement: MonthStatement, month_table: MonthTable, row: Sequence[Cell]) -> Cells:
    """A row of a statement as one of a frame."""
    cells = (_cells(statement, name, cell) for name, cell in zip(month_table.columns, row, strict=True))
    return {name: value for of_cell in cells for name, value in of_cell.items()}


def _columns(statement: MonthStatement, month_table: MonthTable, rows: pd.DataFrame) -> Cells:
    """The columns of a table, and of how many requests what is owed lacks a part."""
    spend, configured = spend_columns(rows, PLACES), Cells()
    for name, label in month_table.columns.items():
        if name.endswith("_usd"):
            configured[name] = {**spend[SPEND], "label": label} | ({} if name == SPEND else {"help": None})
        else:
            configured[name] = st.column_config.NumberColumn(label, format="localized") if name in COUNTS else label
    if statement.rate:
        label, places = month_table.columns[SPEND], places_of(statement.currency)
        configured["amount"] = st.column_config.NumberColumn(f"{label} ({statement.currency})", format=f"%,.{places}f")
    return configured | {name: spend[name] for name in (AT_LEAST, "incomplete_requests") if name in spend}


def _cells(statement: MonthStatement, name: str, cell: Cell) -> Cells:
    """A cell of a statement as cells of a frame: of what is owed also whether it is a lower bound."""
    if not isinstance(cell, Owed):
        return {name: cell or None if isinstance(cell, str) else cell}
    amount = cell.known
    marked = {name: amount and amount.usd, AT_LEAST if name == SPEND else f"{name}{IS_AT_LEAST}": bool(amount) and cell.is_at_least}
    if name != SPEND:
        return marked
    other = {"amount": amount.other} if statement.rate and amount else {}
    return marked | other | {"incomplete_requests": cell.sums["incomplete_requests"] or 0}
