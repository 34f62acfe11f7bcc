"""Downloads: the full numbers of a chart or table, in files whose names say what is in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pandas as pd
import streamlit as st

from usagecost import exports
from usagecost.ui import viewing
from usagecost.ui.labels import labels_of
from usagecost.ui.reader import made_later
from usagecost.vocabulary.filters import Instants, View

Kind = TypeVar("Kind", bound=str)
Numbers = Callable[[], pd.DataFrame]
"""Makes the rows of a download, when somebody asks for them."""


MIME = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/x-ndjson",
    "html": "text/html",
}
"""The end of a file's name -> what a browser is told that it is."""
_VIEW = "_view_of_downloads"


def name_downloads(view: View) -> None:
    """Lets the downloads that follow be named after this view."""
    st.session_state[_VIEW] = view


def file_name(what: str, kind: str = "csv") -> str:
    """A name of a file after the view of the page: see `exports.file_name`."""
    view: View | None = st.session_state.get(_VIEW)
    if view is None:  # a page without a lake
        return exports.file_name(what, kind)
    filter_words = zip(view.filters.conditions, view.filters.phrases(labels_of(view).of), strict=True)
    filters = [words for one, words in filter_words if not isinstance(one, Instants)]
    return exports.file_name(what, kind, viewing.days_of(view), filters)


def file_buttons(titles: Mapping[Kind, str], write: Callable[..., object], name: Callable[[Kind], str], key: str) -> None:
    """A button for each kind of file, by its title: ``write`` writes one of a ``form`` when it is clicked."""
    for kind, title in titles.items():
        st.download_button(
            title,
            data=made_later(partial(_written, partial(write, form=kind))),
            file_name=name(kind),
            mime=MIME[kind],
            key=f"{key}_{kind}",
            on_click="ignore",
            icon=":material/description:",
            width="stretch",
        )


def _written(write: Callable[[Path], object]) -> bytes:
    """The content of a file that is written to the disk, so that no more of it than that is ever in memory."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "written")
        write(file)
        return file.read_bytes()


def csv_button(numbers: Numbers, name: str, title: str) -> None:
    """A small button that makes and downloads the CSV only when it is clicked."""
    st.download_button(
        "CSV",
        data=made_later(lambda: exports.csv_text(numbers())),
        file_name=file_name(title),
        mime=MIME["csv"],
        key=f"csv_{name}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        help="The full numbers behind this, as CSV",
    )
