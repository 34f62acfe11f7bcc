"""The download of what a view costs as FOCUS rows, for finance."""

from __future__ import annotations

from functools import partial

import streamlit as st

from usagecost.bills import FOCUS_FORMS, VERSIONS, write_focus
from usagecost.exports import file_name
from usagecost.periods.words import days_text
from usagecost.ui.downloads import MIME, written_bytes
from usagecost.ui.reader import made_later
from usagecost.vocabulary.filters import View


def focus_download(view: View, zone: str) -> None:
    """The choice of a version, and a button for each format, which writes the file; ``zone`` as in `write_focus`."""
    with st.popover("FOCUS export", icon=":material/download:"):
        of_bills = (
            "are left out, as filters are active" if view.filters.conditions else "have rows of their own, on their first day"
        )
        days = days_text(view.period.first, view.period.last)
        st.caption(
            f"{days} in UTC. One row per day, token kind, account, model, team, user, key and app. Costs are as reported, else "
            f"list price. Taxes and credits of loaded bills {of_bills}. A closed month adds up to its statement: with its "
            "corrections of earlier months, and without what has changed of it since."
        )
        version = st.segmented_control("Version", VERSIONS, default=VERSIONS[0], required=True, key="focus_version") or VERSIONS[0]
        for form, title in FOCUS_FORMS.items():
            st.download_button(
                title,
                data=made_later(partial(written_bytes, partial(write_focus, view, version, form=form, zone=zone))),
                file_name=file_name(f"focus-{version}", form, (view.period.first, view.period.last)),
                mime=MIME[form],
                key=f"focus_{form}",
                on_click="ignore",
                icon=":material/description:",
                width="stretch",
            )
