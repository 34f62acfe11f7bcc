"""Who is reading, and what they may see and do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import streamlit as st

from usagecost.access import OWNER, AccessFile, Act, Reader, read_access, reader_of
from usagecost.engine import open_lake
from usagecost.lake import lake_root
from usagecost.ui.memory import known_for
from usagecost.vocabulary.filters import Scope

SECONDS = 10
"""After how long a change of who may see what is seen."""


def auth_section() -> Mapping[str, object] | None:
    """The section `[auth]` of the secrets; None without one; empty where the secrets are there and cannot be read."""
    if not st.secrets.load_if_toml_exists():
        return {} if any(Path(file).exists() for file in st.get_option("secrets.files")) else None
    section = st.secrets.get("auth")
    return section if section is None or isinstance(section, Mapping) else {}


def reading() -> Reader:
    """Who has signed in; the owner, who may do everything, where nobody has to. Raises AccessProblem and LakeError."""
    if auth_section() is None:
        return OWNER
    if st.user.get("is_logged_in") is not True:
        return Reader("", "none", Scope(()))
    said, names = access_of(lake_root())
    return reader_of(st.user, said, names)


def may(act: Act) -> bool:
    """Whether the role of who reads includes an act."""
    return reading().may(act)


def access_of(lake: str) -> tuple[AccessFile, pa.Table]:
    """What decides it: the file, and what LiteLLM's tables say of users and teams; as of a moment ago."""
    return known_for(SECONDS, _access, lake)


def _access(lake: str) -> tuple[AccessFile, pa.Table]:
    handle = open_lake(lake)
    return read_access(handle), handle.names()
