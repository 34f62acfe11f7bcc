"""Downloads: the full numbers of a chart or table."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from usagecost.exports import csv_text

Numbers = Callable[[], pd.DataFrame]
"""Makes the rows of a download, when somebody asks for them."""


def csv_button(numbers: Numbers, name: str) -> None:
    """A small button that makes and downloads the CSV only when it is clicked."""
    st.download_button(
        "CSV",
        data=lambda: csv_text(numbers()),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"csv_{name}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        help="The full numbers behind this, as CSV",
    )
