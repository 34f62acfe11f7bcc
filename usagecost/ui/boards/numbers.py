"""The table of a panel, with its totals."""

from __future__ import annotations

from typing import Any

import streamlit as st

from usagecost.boards import Answer, Panel
from usagecost.boards.numbers import first_label, table_rows
from usagecost.boards.words import alt_of
from usagecost.queries import folds
from usagecost.ui.blocks import table
from usagecost.ui.figures import COLUMN_FORMATS
from usagecost.ui.labels import labels_of
from usagecost.ui.spend import spend_columns

SPEND_PLACES = 2


def table_of(panel: Panel, answer: Answer, name: str) -> None:
    """The table with its totals as the last row."""
    question, shown = answer.question, table_rows(panel, answer, labels_of(answer.question.view))
    first, label = shown.columns[0], first_label(answer)
    columns: dict[str, Any] = {first: st.column_config.TextColumn(label, width="medium")}
    if (of_ids := f"{first}_id") in shown:
        columns[of_ids] = st.column_config.TextColumn(f"{label} id", width="small")
    for metric in question.metrics:
        columns[metric.name] = st.column_config.NumberColumn(metric.label, format=COLUMN_FORMATS[metric.format], help=metric.help)
    has_spend = any(metric.name == "spend_usd" for metric in question.metrics)
    if has_spend:
        columns |= {
            name: column for name, column in spend_columns(shown, SPEND_PLACES).items() if name in (folds.AT_LEAST, "spend_usd")
        }
    table(shown, name=name, columns=columns, alt_text=alt_of(panel), spend_places=SPEND_PLACES if has_spend else None)
