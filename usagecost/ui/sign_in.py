"""Signing in: where `[auth]` is configured, a page shows and asks nothing before its reader has signed in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitAuthError, StreamlitMissingAuthlibError

from usagecost import start
from usagecost.ui.reader import reader
from usagecost.ui.text import plain

OPEN_TO_ALL = (
    "No sign-in is configured: whoever reaches this app may read everything, load and remove requests, and change prices and "
    "boards. Let only people in whom you trust, or configure a sign-in: README, Deploy."
)


def is_required() -> bool:
    """Whether the secrets have a section `[auth]`, or are a file that cannot be read, which may have had one."""
    return _auth_section() is not None


def require_sign_in() -> None:
    """Ends the page with a sign-in unless the reader has signed in or nobody has to."""
    section = _auth_section()
    if section is None or st.user.get("is_logged_in") is True:
        return
    start.clear()
    st.title("Usage & Cost", anchor=False)
    if not section:
        st.error(
            "The app's secrets cannot be read, or their section `[auth]` is empty. Correct them and restart the app.",
            title="Nobody can sign in",
            icon=":material/lock:",
        )
        st.stop()
    st.markdown("Sign in to see the usage and cost of your organisation.")
    for provider in _providers(section):
        _button(provider)
    st.stop()


def show_reader() -> None:
    """Draws who has signed in, and the way out. Draws nothing where no sign-in is configured."""
    if not is_required():
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
        st.caption(f"Signed in as {plain(reader() or 'unknown')}", width="stretch")
        st.button("Sign out", key="sign_out", icon=":material/logout:", type="tertiary", on_click=st.logout)


def warn_if_open() -> None:
    """Says who may do what where no sign-in is configured."""
    if not is_required():
        st.caption(f":material/lock_open: {OPEN_TO_ALL}")


def _auth_section() -> Mapping[str, object] | None:
    """The section `[auth]` of the secrets; None without one; empty where the secrets are there and cannot be read."""
    if not st.secrets.load_if_toml_exists():
        return {} if any(Path(file).exists() for file in st.get_option("secrets.files")) else None
    section = st.secrets.get("auth")
    return section if section is None or isinstance(section, Mapping) else {}


def _providers(section: Mapping[str, object]) -> list[str | None]:
    """The names of the providers that the section configures; None is the one without a name, which stands in it directly."""
    named: list[str | None] = [name for name, value in section.items() if name != "client_kwargs" and isinstance(value, Mapping)]
    return [None, *named] if "client_id" in section or not named else named


def _button(provider: str | None) -> None:
    """The button that leads to a provider. What is wrong with its configuration is said below it."""
    label = f"Sign in with {plain(provider)}" if provider else "Sign in"
    if not st.button(label, key=f"sign_in_{provider or ''}", icon=":material/login:", type="primary"):
        return
    try:
        st.login(provider)
    except StreamlitMissingAuthlibError:
        st.error("The package Authlib is missing: run `pip install -r requirements.txt` and restart the app.", title="Not possible")
    except StreamlitAuthError as problem:
        st.error(plain(str(problem)), title="The configuration of the sign-in is wrong")
