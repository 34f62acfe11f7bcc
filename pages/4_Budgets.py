"""Budgets: how much of each is used, how it goes on, making and changing them, and the alerts that fired."""

from usagecost.start import first_frame

first_frame("Budgets", has_cards=False)

import streamlit as st

from usagecost import ui
from usagecost.ui import budgets

view = ui.page("Budgets", icon=":material/savings:", own=budgets.CHOICES, uses=())
budgets_tab, alerts_tab = st.tabs(budgets.PARTS, key="part", on_change="rerun")

if budgets_tab.open:
    with budgets_tab:
        budgets.listing(view)

if alerts_tab.open:
    with alerts_tab:
        budgets.alerts(view)
