"""Which version of the lake the pages are of, and as of which instant: changing no more often than readers can take in.

Where requests arrive all the time every commit is another version, and each would have every reader's numbers asked anew.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from threading import Lock

import streamlit as st

from usagecost.engine import open_lake

NOW_SECONDS = 300
"""How long a page's numbers are all as of one instant. Days begin at full quarter-hours, wherever one is."""

HELD_SECONDS = 30.0
"""How long a version that came after another is shown at least, to all readers alike. A lake that was at rest changes at once."""


@dataclass
class VersionInUse:
    """The version of a lake that this process shows, and when it came to be the one; None before anybody has asked."""

    version: int | None = None
    since: float = -inf
    changing: Lock = field(default_factory=Lock)


@st.cache_resource(max_entries=20, show_spinner=False)
def _version_of(lake: str) -> VersionInUse:  # noqa: ARG001 - the lake is the cache's key
    return VersionInUse()


def version_to_show(lake: str, *, newest: bool = False) -> int:
    """The version that pages show; the ``newest`` one, from now on, if a reader has asked for it. Raises LakeError if it cannot
    be told.
    """
    in_use = _version_of(lake)
    with in_use.changing:  # also while it looks: who looked earlier and comes later would go back to an older version
        now, there = time.monotonic(), open_lake(lake).version()
        is_first = in_use.version is None
        is_older = not is_first and in_use.version < there  # a newer one is of another lake, which was in the same place
        is_held = is_older and not newest and now - in_use.since < HELD_SECONDS
        if in_use.version != there and not is_held:
            in_use.version, in_use.since = there, -inf if is_first else now
        return in_use.version


def as_of(lake: str, version: int) -> datetime:
    """The instant that a page takes for now: the same for all of its numbers, renewed with the lake or by ``renew_now``.

    And at every fifth minute of the clock, since any day of any zone begins with one: then today is another day.
    """
    return _first_asked(lake, version, int(datetime.now(UTC).timestamp()) // NOW_SECONDS)


@st.cache_data(max_entries=20, ttl=NOW_SECONDS, show_spinner=False)
def _first_asked(lake: str, version: int, since: int) -> datetime:  # noqa: ARG001 - the arguments are the cache's key
    return datetime.now(UTC)


def renew_now() -> None:
    """Lets the pages take the next instant that they ask at for now."""
    _first_asked.clear()
