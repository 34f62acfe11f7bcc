"""Signing in: where `[auth]` is configured, a page shows and asks nothing before its reader has signed in and has a role.

Where it is not, only who is on this machine is let in, unless a setting says that something else decides.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NoReturn

import streamlit as st
from streamlit.errors import StreamlitAuthError, StreamlitMissingAuthlibError

from usagecost import start
from usagecost.access import NAME, OWNER, ROLES, AccessProblem, Reader, read_access
from usagecost.engine import open_lake
from usagecost.lake import LakeError, lake_root
from usagecost.ui.reader import OPEN, auth_section, is_guarded, reading
from usagecost.ui.text import plain

OPEN_TO_ALL = (
    "No sign-in is configured: whoever reaches this app may read everything, load and remove requests, and change prices and "
    "boards. Let only people in whom you trust, or configure a sign-in: README, Deploy."
)
_TOO_OPEN = (
    "You come from beyond this machine, and nobody has to sign in: whoever reaches this app could read and change everything. "
    "Do one of these:"
)
_WAYS_TO_CLOSE = f"""
- Open it on the machine that it runs on, at `localhost`
- Configure a sign-in, a section `[auth]` in `.streamlit/secrets.toml`, and restart it: README, Deploy
- If a proxy in front of it decides who gets in: set `{OPEN}=1`, and restart it
"""
_NO_ROLE = "You are signed in as {name}, and have no role here yet. Ask an administrator of this app for one."
_FIRST_ROLE = "Whoever runs the app gives the first one: `python -m usagecost access grant YOU@EXAMPLE.COM admin`"


def is_required() -> bool:
    """Whether the secrets have a section `[auth]`, or are a file that cannot be read, which may have had one."""
    return auth_section() is not None


def let_in() -> Reader:
    """Who reads. Ends the page with a sign-in unless they have signed in or nobody has to, and where they may see nothing."""
    section = auth_section()
    if section is None:
        if not is_guarded():
            _stop("Nobody is let in", _TOO_OPEN + _WAYS_TO_CLOSE)
        return OWNER
    if st.user.get("is_logged_in") is not True:
        _ask(section)
    try:
        reader = reading()
    except (AccessProblem, LakeError):
        logging.getLogger(__name__).exception("Who may see what cannot be read")
        _stop(
            "Nobody can be let in",
            f"{NAME}, or the lake beside it, cannot be read: whoever runs the app finds the reason in its log.",
        )
    if reader.role == "none":
        _stop("Nothing to see yet", f"{_NO_ROLE.format(name=plain(reader.name))}{_first_role()}")
    return reader


def show_reader(reader: Reader) -> None:
    """Draws who has signed in, and the way out. Draws nothing where no sign-in is configured."""
    if not is_required():
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"):
        st.caption(f"Signed in as {plain(reader.name)}", width="stretch", help=f"Your role is {reader.role}: {ROLES[reader.role]}.")
        st.button("Sign out", key="sign_out", icon=":material/logout:", type="tertiary", on_click=st.logout)


def warn_if_open() -> None:
    """Says who may do what where no sign-in is configured."""
    if not is_required():
        st.caption(f":material/lock_open: {OPEN_TO_ALL}")


def _first_role() -> str:
    """How the first administrator is made, while there is none."""
    return "" if read_access(open_lake(lake_root())).grant else f" {_FIRST_ROLE}"


def _stop(title: str, words: str) -> NoReturn:
    """Ends the page with a sentence, and the way out where somebody has signed in."""
    start.clear()
    st.title("Usage & Cost", anchor=False)
    st.error(words, title=title, icon=":material/lock:")
    if st.user.get("is_logged_in") is True:
        st.button("Sign out", key="sign_out", icon=":material/logout:", on_click=st.logout)
    st.stop()


def _ask(section: Mapping[str, object]) -> NoReturn:
    if not section:
        _stop(
            "Nobody can sign in", "The app's secrets cannot be read, or their section `[auth]` is empty. Correct them and restart."
        )
    start.clear()
    st.title("Usage & Cost", anchor=False)
    st.markdown("Sign in to see the usage and cost of your organisation.")
    for provider in _providers(section):
        _button(provider)
    st.stop()


def _providers(section: Mapping[str, object]) -> list[str | None]:
    """The names of the providers that the section configures; None is the one without a name, which stands in it directly."""
    sections: list[str | None] = [name for name, value in section.items() if name != "client_kwargs" and isinstance(value, Mapping)]
    return [None, *sections] if "client_id" in section or not sections else sections


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
