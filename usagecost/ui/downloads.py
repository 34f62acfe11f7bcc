"""Downloads: the full numbers of a chart or table as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import pandas as pd
import streamlit as st

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_text(frame: pd.DataFrame) -> str:
    """The frame as CSV. A text that a spreadsheet would run as a formula gets an apostrophe in front; NA is empty."""
    return frame.apply(_neutral).to_csv(index=False)


def _neutral(column: pd.Series) -> pd.Series:
    """Text columns with formulas disarmed; numbers, negative ones too, as they are."""
    return column.map(lambda cell: f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell)


def csv_button(frame: pd.DataFrame, name: str) -> None:
    """A small button that makes and downloads the CSV only when it is clicked."""
    st.download_button(
        "CSV",
        data=lambda: csv_text(frame),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"csv_{name}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        help="The full numbers behind this, as CSV",
    )
