"""Who is reading."""

from __future__ import annotations

import streamlit as st

LOCAL = ("localhost", "127.0.0.1", "[::1]")
LOOPBACK = (None, "::ffff:127.0.0.1")
"""What Streamlit says of a reader who came by one of these."""
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")
"""Headers that a proxy adds: the reader may be anywhere then."""


def reader() -> str | None:
    """Who has signed in, by address or name; "" for who has not; None where nobody has to, so that there is but one owner."""
    if "is_logged_in" not in st.user:
        return None
    return str(st.user.get("email") or st.user.get("preferred_username") or st.user.get("sub") or "")


def is_at_this_machine() -> bool:
    """Whether the reader owns the app and sits at the machine that it runs on: they can read its files anyway."""
    headers = st.context.headers
    host = headers.get("Host", "").rpartition(":")[0] or headers.get("Host", "")
    is_direct = st.context.ip_address in LOOPBACK and not any(name in headers for name in FORWARDED)
    return reader() is None and is_direct and host in LOCAL
