"""Access: who may see and do what, and who has done what."""

from usagecost.start import first_frame

first_frame("Access", has_cards=False)

import streamlit as st

from usagecost import ui
from usagecost.ui import access

PARTS = ("People", "Audit log")

view = ui.page(
    "Access",
    icon=":material/admin_panel_settings:",
    without_lake=access.people,
    own={"part": ui.Choice(default=PARTS[0], options=PARTS)},
    uses=("range",),
)

people_tab, log_tab = st.tabs(PARTS, key="part", on_change="rerun")

if people_tab.open:
    with people_tab:
        access.people()

if log_tab.open:
    with log_tab:
        access.audit_log(view)
