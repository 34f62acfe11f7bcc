"""The export of what matches: written from the engine to a file, then handed to the browser."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from usagecost.engine import UnansweredError
from usagecost.exporting import Form, write_requests
from usagecost.lake import LakeError
from usagecost.ui.downloads import file_name, name_downloads
from usagecost.ui.text import plain
from usagecost.vocabulary import formats
from usagecost.vocabulary.filters import View

KINDS: dict[Form, tuple[str, str]] = {
    "csv": ("CSV", "text/csv"),
    "parquet": ("Parquet", "application/vnd.apache.parquet"),
    "jsonl": ("JSON lines", "application/x-ndjson"),
}
MOST_EXPORTED = 1_000_000
"""Requests that are handed through the page, which keeps the file in memory until the browser has it."""


_READY = "_export"
"""Where the session keeps the file that was made last, and what it is of."""


def export(view: View, matching: int) -> None:
    """A button for each format makes the file, with progress; then it can be downloaded."""
    with st.popover("Export", icon=":material/download:", disabled=not matching):
        st.caption(f"All columns of the {plain(formats.counted(matching, 'request'))} that match, the newest first.")
        if matching > MOST_EXPORTED:
            st.info(
                f"A page hands out up to {formats.exact_count(MOST_EXPORTED)} requests. Filter further, take fewer days, or write "
                "any number of them on the command line: `python -m usagecost export --help`."
            )
            return
        for kind, (name, _) in KINDS.items():
            if st.button(name, key=f"export_{kind}", icon=":material/description:", width="stretch"):
                _make(view, kind)
        ready = st.session_state.get(_READY)
        if ready and ready[0] == view:
            _offer(*ready)


def _make(view: View, kind: Form) -> None:
    """Writes the file to the disk, so that no more of it than its own content is ever in memory."""
    bar = st.progress(0.0, "Writing …")

    def tell(share: float) -> None:
        bar.progress(share, f"Writing … {formats.percent(share)}")

    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"requests.{kind}"
            write_requests(view, file, kind, tell)
            st.session_state[_READY] = (view, kind, file.read_bytes())
    except (LakeError, UnansweredError, OSError) as problem:
        st.warning(plain(str(problem)), title="The file could not be written")
    finally:
        bar.empty()


def _offer(view: View, kind: Form, content: bytes) -> None:
    name, mime = KINDS[kind]
    name_downloads(view)
    st.download_button(
        f"Download {name}",
        data=content,
        file_name=file_name("requests", kind),
        mime=mime,
        key="export_ready",
        on_click="ignore",
        icon=":material/download:",
        type="primary",
        width="stretch",
    )
