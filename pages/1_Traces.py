"""Traces: the single requests behind every number, and everything that is known of each."""

from usagecost.start import first_frame

first_frame("Traces", has_cards=False)

import streamlit as st

from usagecost import ui
from usagecost.ui import traces

view = ui.page("Traces", icon=":material/list:", own=traces.CHOICES, uses=("range", "filters", "interval", "basis"))
filtered_view, note = traces.draw_filters(view)
traces.open_panel(filtered_view)
usage = traces.numbers(filtered_view, note)

requests_tab, errors_tab = st.tabs(traces.PARTS, key="part", on_change="rerun")

if requests_tab.open:
    with requests_tab:
        traces.listing(filtered_view, int(usage.totals["requests"] or 0))

if errors_tab.open:
    with errors_tab:
        traces.failures(filtered_view)
