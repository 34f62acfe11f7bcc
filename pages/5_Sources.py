"""Sources: files dropped and loaded, what feeds the lake and how fresh it is, loads to undo, and lines that could not be read."""

from usagecost.start import first_frame

first_frame("Sources", has_cards=False)

import streamlit as st

from usagecost import ui
from usagecost.ui import sign_in, sources

PARTS = ("Feeds", "History", "Rejected lines")

view = ui.page(
    "Sources",
    icon=":material/database:",
    without_lake=sources.load_files,
    own={"part": ui.Choice(default=PARTS[0], options=PARTS)},
    uses=("range", "interval"),
    at_once=True,
)
sign_in.warn_if_open()
if sources.load_files():
    st.stop()  # one thing at a time: what is in the lake shows again when the files are loaded or discarded

feeds_tab, history_tab, rejected_tab = st.tabs(PARTS, key="part", on_change="rerun")

if feeds_tab.open:
    with feeds_tab:
        sources.feeds(view)

if history_tab.open:
    with history_tab:
        sources.history(view)

if rejected_tab.open:
    with rejected_tab:
        sources.rejected_lines(view)
