"""Who is reading."""

from __future__ import annotations

import streamlit as st


def reader() -> str | None:
    """Who has signed in, by address or name; "" for who has not; None where nobody has to, so that there is but one owner."""
    if "is_logged_in" not in st.user:
        return None
    return str(st.user.get("email") or st.user.get("preferred_username") or st.user.get("sub") or "")
