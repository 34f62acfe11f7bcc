"""The download of what a view costs as FOCUS rows, for finance."""

from __future__ import annotations

from functools import partial

import streamlit as st

from usagecost.bills import FOCUS_FORMS, VERSIONS, write_focus
from usagecost.exports import file_name
from usagecost.periods.words import days_text
from usagecost.ui.downloads import file_buttons
from usagecost.vocabulary.filters import View


def focus_download(view: View, zone: str) -> None:
    """The choice of a version, and a button for each format, which writes the file of a view without filters.

    ``zone`` is as in `write_focus`.
    """
    with st.popover("FOCUS export", icon=":material/download:"):
        days = days_text(view.period.first, view.period.last)
        st.caption(
            f"{days} in UTC. One row per day, token kind, account, model, team, user, key and app. Costs are as reported, else "
            "list price. Taxes and credits of loaded bills have rows of their own, on their first day. A closed month adds up to "
            "its statement: with its corrections of earlier months, and without what has changed of it since."
        )
        version = st.segmented_control("Version", VERSIONS, default=VERSIONS[0], required=True, key="focus_version") or VERSIONS[0]
        name = partial(file_name, f"focus-{version}", days=(view.period.first, view.period.last))
        file_buttons(FOCUS_FORMS, partial(write_focus, view, version, zone=zone), name, "focus")
