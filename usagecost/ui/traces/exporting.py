"""The export of what matches: written from the engine to a file, then handed to the browser."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from usagecost import formats
from usagecost.exporting import Form, write_requests
from usagecost.filters import View
from usagecost.ui.text import plain

KINDS: dict[Form, tuple[str, str]] = {
    "csv": ("CSV", "text/csv"),
    "parquet": ("Parquet", "application/vnd.apache.parquet"),
    "jsonl": ("JSON lines", "application/x-ndjson"),
}
MOST_EXPORTED = 1_000_000
"""Requests that are handed through the page, which keeps the file in memory until the browser has it."""


def export(view: View, matching: int) -> None:
    """A button with the formats; the file is made when one is chosen."""
    with st.popover("Export", icon=":material/download:", disabled=not matching):
        st.caption(f"All columns of the {plain(formats.counted(matching, 'request'))} that match, the newest first.")
        if matching > MOST_EXPORTED:
            st.info(f"A page hands out up to {formats.exact_count(MOST_EXPORTED)} requests. Filter further, or take fewer days.")
            return
        for kind, (name, mime) in KINDS.items():
            st.download_button(
                name,
                data=lambda kind=kind: _file(view, kind),
                file_name=f"requests-{view.period.first}-{view.period.last}.{kind}",
                mime=mime,
                key=f"export_{kind}",
                on_click="ignore",
                icon=":material/download:",
                width="stretch",
            )


def _file(view: View, kind: Form) -> bytes:
    """The content of the file. It is written to the disk first, so that no more of it than this is ever in memory."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"requests.{kind}"
        write_requests(view, file, kind)
        return file.read_bytes()
