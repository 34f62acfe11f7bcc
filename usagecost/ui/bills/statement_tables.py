"""The tables of a month's statement: what each team owes, what was corrected, and the month by key, app and model."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from usagecost.bills import month_tables
from usagecost.bills.closing import words
from usagecost.bills.month_page import amount_texts
from usagecost.bills.month_tables import COUNTS, SPEND, MonthTable
from usagecost.bills.monthly import MonthStatement
from usagecost.bills.owed import Owed
from usagecost.bills.rounding import places_of
from usagecost.queries.folds import AT_LEAST
from usagecost.ui.blocks import heading, table
from usagecost.ui.spend import IS_AT_LEAST, spend_columns
from usagecost.ui.text import plain
from usagecost.vocabulary import DIMENSIONS

BY = ("key", "app", "model")
PLACES = 2

Cells = dict[str, Any]


def teams(done: MonthStatement) -> None:
    """Draws what each team owes: of its own, of corrections and of shared costs, and how these are split."""
    _draw(done, month_tables.teams(done), "Whole cents that add up to the total.")
    for pool in done.pools:
        st.caption(plain(f"{pool.rule.name}: {amount_texts(done, pool.owed)[0]}, split {pool.rule.words}."))


def parts(done: MonthStatement) -> None:
    """Draws the month by key, app or model, as the reader chooses."""
    labels = {name: DIMENSIONS[name].label for name in BY}
    by = st.segmented_control("Direct by", BY, format_func=labels.__getitem__, default=BY[0], required=True, key="statement_by")
    _draw(done, month_tables.parts(done, by), "Direct costs of the month, the highest first.")


def corrections(done: MonthStatement) -> None:
    """Draws what has changed of earlier months since they were closed, and why; nothing where nothing has."""
    if done.corrections:
        _draw(done, month_tables.corrections(done), "What has changed of closed months since they were closed, and why.")


def _draw(done: MonthStatement, shown: MonthTable, help_text: str) -> None:
    """A table of the statement, whose download has its numbers in full."""
    rows = [
        {key: value for name, cell in zip(shown.columns, row, strict=True) for key, value in _cells(done, name, cell).items()}
        for row in shown.rows
    ]
    columns = _columns(done, shown, pd.DataFrame(rows, columns=["incomplete_requests"]))
    exact = pd.DataFrame(rows, columns=list(dict.fromkeys([*columns, *(rows[0] if rows else ())])), dtype=object)
    name, file = f"statement-{shown.title.lower().replace(' ', '-')}", f"statement {done.close.month:%Y-%m} {shown.title}"
    heading(shown.title, lambda: exact, name=name, help=help_text, file=file)
    numbers = exact.assign(amount=exact["amount"].astype("Float64")) if "amount" in exact else exact
    alt_text = f"Statement of {words(done.close.month)}: {shown.title}"
    table(numbers, name=name, columns=columns, alt_text=alt_text, spend_places=PLACES)


def _columns(done: MonthStatement, shown: MonthTable, rows: pd.DataFrame) -> Cells:
    """The columns of a table, and of how many requests what is owed lacks a part."""
    spend, found = spend_columns(rows, PLACES), Cells()
    for name, label in shown.columns.items():
        if name.endswith("_usd"):
            found[name] = {**spend[SPEND], "label": label} | ({} if name == SPEND else {"help": None})
        else:
            found[name] = st.column_config.NumberColumn(label, format="localized") if name in COUNTS else label
    if done.rate:
        label, places = shown.columns[SPEND], places_of(done.currency)
        found["amount"] = st.column_config.NumberColumn(f"{label} ({done.currency})", format=f"%,.{places}f")
    return found | {name: spend[name] for name in (AT_LEAST, "incomplete_requests") if name in spend}


def _cells(done: MonthStatement, name: str, cell: month_tables.Cell) -> Cells:
    """A cell of a statement as cells of a frame: of what is owed also whether it is a lower bound."""
    if not isinstance(cell, Owed):
        return {name: cell or None if isinstance(cell, str) else cell}
    known = cell.known
    marked = {name: known and known.usd, AT_LEAST if name == SPEND else f"{name}{IS_AT_LEAST}": bool(known) and cell.is_at_least}
    if name != SPEND:
        return marked
    other = {"amount": known.other} if done.rate and known else {}
    return marked | other | {"incomplete_requests": cell.sums["incomplete_requests"] or 0}
