"""Bills: what providers bill beside what requests say, what explains the difference; closed months; loading bills."""

from usagecost.start import first_frame

first_frame("Bills", has_cards=False)

import streamlit as st

from usagecost import ui
from usagecost.ui import bills

view = ui.page("Bills", icon=":material/receipt_long:", own=bills.CHOICES, uses=("basis",))
reconciliation_tab, statements_tab, loaded_tab = st.tabs(bills.PARTS, key="part", on_change="rerun")

if reconciliation_tab.open:
    with reconciliation_tab:
        bills.reconciliation(view)

if statements_tab.open:
    with statements_tab:
        bills.statements(view)

if loaded_tab.open:
    with loaded_tab:
        bills.loaded(view)
