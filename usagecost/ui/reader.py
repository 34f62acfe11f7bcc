"""Who is reading, and what they may see and do."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import streamlit as st

from usagecost.access import NAME, OWNER, AccessProblem, Act, Reader, read_access, reader_of
from usagecost.engine import open_lake
from usagecost.lake import LakeError, lake_root
from usagecost.ui.memory import cached_answer_for
from usagecost.vocabulary.filters import Scope, View

SECONDS = 10
"""After how long a change of who may see what is seen, at most; of a file on this machine at once."""
NOBODY = Reader("", "none", Scope(()))
LOOPBACK = ("localhost", "127.0.0.1", "::1")
OPEN = "USAGECOST_OPEN"
"""The setting that says: something else decides who reaches the app."""
OF_A_PROXY = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via", "Cf-Connecting-Ip")
"""Headers of who comes from another machine, through a proxy on this one."""


Download = TypeVar("Download")


@dataclass(frozen=True)
class Door:
    """What decides who is let in: where the app listens, and the section `[auth]` of its secrets.

    The section is None without one, and empty where the secrets are there and cannot be read.
    """

    address: str
    section: Mapping[str, object] | None


@st.cache_resource(max_entries=1, show_spinner=False)
def door() -> Door:
    """The one of this process, as it was started: secrets that are gone for a moment, or for good, open nothing."""
    return Door(str(st.get_option("server.address") or ""), _read_auth_section())


def auth_section() -> Mapping[str, object] | None:
    """The section `[auth]` of the secrets; None where nobody has to sign in."""
    return door().section


def is_guarded() -> bool:
    """Whether who reads is on this machine, or is let in by something else.

    What a connection comes from is told by its socket; what passes through a proxy says so, or names another host.
    """
    if os.environ.get(OPEN) == "1":
        return True
    headers, address = st.context.headers, door().address
    addresses = [f"//{headers.get('Host') or LOOPBACK[0]}", headers.get("Origin") or ""]
    is_from_here = all(_is_of_here(url) for url in addresses if url) and not any(headers.get(name) for name in OF_A_PROXY)
    listens_here = address in LOOPBACK or address.startswith("unix:")
    return is_from_here and (listens_here or _is_loopback(st.context.ip_address))


def _is_loopback(peer: object) -> bool:
    """Whether the other end of a connection is on this machine, which Streamlit mostly tells by no address at all."""
    if not isinstance(peer, str):
        return True
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _is_of_here(url: str) -> bool:
    """Whether an address is one of this machine's own."""
    try:
        return urlsplit(url).hostname in LOOPBACK
    except ValueError:
        return False


def reading() -> Reader:
    """Who has signed in; the owner, who may do everything, where nobody has to. Raises AccessProblem and LakeError."""
    if auth_section() is None:
        return OWNER if is_guarded() else NOBODY
    if st.user.get("is_logged_in") is not True:
        return NOBODY
    return _known_reader(lake_root(), _claims())


def may(act: Act) -> bool:
    """Whether the role of who reads includes an act; of nobody's where that cannot be read."""
    try:
        return reading().may(act)
    except (AccessProblem, LakeError):
        return False


def sees(view: View) -> bool:
    """Whether who reads may see what a view does: a dialog can be older than their role."""
    try:
        return reading().scope == view.scope
    except (AccessProblem, LakeError):
        return False


def check(view: View) -> None:
    """Draws the page anew where who reads may see something else than a view does."""
    if not sees(view):
        st.rerun()


def made_later(make: Callable[[], Download]) -> Callable[[], Download]:
    """What makes a download when it is asked for; it raises PermissionError if who reads may do something else by then.

    It is asked for outside of any run, where nobody is known to read.
    """
    if auth_section() is None:
        return make
    lake, claims, reader = lake_root(), _claims(), reading()

    def checked() -> Download:
        if _known_reader(lake, claims) != reader:
            raise PermissionError("The role of who asks has changed: load the page again.")
        return make()

    return checked


def _claims() -> str:
    """What is claimed of who has signed in."""
    return json.dumps(dict(st.user), default=str, sort_keys=True)


def _known_reader(lake: str, claims: str) -> Reader:
    handle = open_lake(lake)
    return cached_answer_for(SECONDS, _reader, lake, claims, None if handle.is_remote else handle.texts_beside().identity(NAME))


def _reader(lake: str, claims: str, _: Hashable) -> Reader:
    handle = open_lake(lake)
    return reader_of(json.loads(claims), read_access(handle), handle.rows("names"))


def _read_auth_section() -> Mapping[str, object] | None:
    if not st.secrets.load_if_toml_exists():
        return {} if any(Path(file).exists() for file in st.get_option("secrets.files")) else None
    section = st.secrets.get("auth")
    return section if section is None or isinstance(section, Mapping) else {}
