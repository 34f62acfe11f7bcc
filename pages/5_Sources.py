"""Sources: what feeds the lake and how fresh it is, loading files, undoing a load, and the lines that could not be read."""

import streamlit as st

from usagecost import ui
from usagecost.ui import sign_in, sources

PARTS = ("Feeds", "Load files", "History", "Rejected lines")

view = ui.page(
    "Sources",
    icon=":material/database:",
    without_lake=sources.load_files,
    own={"part": ui.Choice(default=PARTS[0], options=PARTS)},
    uses=("range", "interval"),
    at_once=True,
)
sign_in.warn_if_open()

feeds_tab, load_tab, history_tab, rejected_tab = st.tabs(PARTS, key="part", on_change="rerun")

if feeds_tab.open:
    with feeds_tab:
        sources.feeds(view)

if load_tab.open:
    with load_tab:
        sources.load_files()

if history_tab.open:
    with history_tab:
        sources.history(view)

if rejected_tab.open:
    with rejected_tab:
        sources.rejected_lines(view)
