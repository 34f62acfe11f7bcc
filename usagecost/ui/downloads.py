"""Downloads: the full numbers of a chart or table, in files whose names say what is in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pandas as pd
import streamlit as st

from usagecost.exports import csv_text
from usagecost.ui import viewing
from usagecost.ui.labels import labels_of
from usagecost.vocabulary.filters import Instants, View

Numbers = Callable[[], pd.DataFrame]
"""Makes the rows of a download, when somebody asks for them."""


LONGEST_PART = 60
_VIEW = "_view_of_downloads"


def name_downloads(view: View) -> None:
    """Lets the downloads that follow be named after this view."""
    st.session_state[_VIEW] = view


def file_name(what: str, kind: str = "csv") -> str:
    """What is in the file, the days, and the filters: ``cost-by-model_2026-11-01_2026-11-29_team-search.csv``."""
    view: View | None = st.session_state.get(_VIEW)
    if view is None:  # a page without a lake
        return f"{_plain(what)}.{kind}"
    said = zip(view.filters.conditions, view.filters.said(labels_of(view).of), strict=True)
    filters = [_plain(words.replace(" is ", " ", 1)) for one, words in said if not isinstance(one, Instants)]
    return "_".join([_plain(what), *map(str, viewing.days_of(view)), *filters]) + f".{kind}"


def _plain(text: str) -> str:
    """The text in letters that every file system takes."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9.]+", "-", letters).strip("-.")[:LONGEST_PART].rstrip("-.") or "other"


def csv_button(numbers: Numbers, name: str, title: str) -> None:
    """A small button that makes and downloads the CSV only when it is clicked."""
    st.download_button(
        "CSV",
        data=lambda: csv_text(numbers()),
        file_name=file_name(title),
        mime="text/csv",
        key=f"csv_{name}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        help="The full numbers behind this, as CSV",
    )
