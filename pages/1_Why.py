"""Why: what made spend, tokens, requests or latency change since the comparison period, to the cent."""

from usagecost.start import first_frame

first_frame("Why", has_cards=False)

import streamlit as st

from usagecost import ui
from usagecost.ui import why

view = ui.page("Why", icon=":material/call_split:", own=why.CHOICES, uses=("range", "compare", "filters", "basis"))

change_tab, unusual_tab = st.tabs(why.PARTS, key="part", on_change="rerun")

if change_tab.open:
    with change_tab:
        why.explain_change(view)

if unusual_tab.open:
    with unusual_tab:
        why.unusual(view)
