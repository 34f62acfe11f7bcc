"""The export of what matches: written from the engine to a file when a reader clicks, and handed to the browser."""

from __future__ import annotations

from functools import partial

import streamlit as st

from usagecost.exporting import Form, write_requests
from usagecost.ui.downloads import MIME, file_name, written_bytes
from usagecost.ui.reader import made_later
from usagecost.ui.text import plain
from usagecost.vocabulary import formats
from usagecost.vocabulary.filters import View

KINDS: dict[Form, str] = {"csv": "CSV", "parquet": "Parquet", "jsonl": "JSON lines"}
MOST_EXPORTED = 1_000_000
"""Requests that are handed through the page, which keeps the file in memory until the browser has it."""


def export(view: View, matching: int) -> None:
    """A button for each format, which writes the file and hands it over."""
    with st.popover("Export", icon=":material/download:", disabled=not matching):
        st.caption(f"All columns of the {plain(formats.counted(matching, 'request'))} that match, the newest first.")
        if matching > MOST_EXPORTED:
            st.info(
                f"A page hands out up to {formats.exact_count(MOST_EXPORTED)} requests. Filter further, take fewer days, or write "
                "any number of them on the command line: `python -m usagecost export --help`."
            )
            return
        for kind, name in KINDS.items():
            st.download_button(
                name,
                data=made_later(partial(written_bytes, partial(write_requests, view, form=kind))),
                file_name=file_name("requests", kind),
                mime=MIME[kind],
                key=f"export_{kind}",
                on_click="ignore",
                icon=":material/description:",
                width="stretch",
            )
