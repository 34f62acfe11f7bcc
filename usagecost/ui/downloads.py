"""Downloads: the full numbers of a chart or table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from usagecost.exports import csv_text


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
