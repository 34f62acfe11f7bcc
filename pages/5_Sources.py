"""Sources: files dropped and loaded, what feeds the lake and how fresh it is, loads to undo, and lines that could not be read."""

from usagecost.start import first_frame

first_frame("Sources", has_cards=False)

import streamlit as st

from usagecost import ui
from usagecost.ui import sign_in, sources

PARTS = {"Feeds": sources.feeds, "History": sources.history, "Rejected lines": sources.rejected_lines}

view = ui.page(
    "Sources",
    icon=":material/database:",
    without_lake=sources.load_files,
    own={"part": ui.Choice(default="Feeds", options=tuple(PARTS))},
    uses=("range", "interval"),
    at_once=True,
)
sign_in.warn_if_open()
if sources.load_files():
    st.stop()  # one thing at a time: what is in the lake shows again when the files are loaded or discarded
ui.parts(PARTS, view)
