"""What the days that are over add up to, kept from one version of the lake to the next.

A commit adds to the newest day, seldom to another: where requests arrive all the time, only that day is asked anew. What is kept
goes by the names of the files that it was summed up from, and a file never changes; so it is never out of date.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock

import pyarrow as pa
import streamlit as st

MOST_BYTES, MOST_KEPT = 100_000_000, 2_000
"""What is kept altogether; what was last used longest ago goes first."""
LARGEST_BYTES = 4_000_000
"""An answer that is larger is not kept: it would take the place of many, and is as quickly asked anew."""


@dataclass
class Kept:
    """Sums by what they answer; None where they are too large."""

    sums: OrderedDict[Hashable, pa.Table | None] = field(default_factory=OrderedDict)
    bytes: int = 0
    changing: Lock = field(default_factory=Lock)

    def of(self, question: Hashable, ask: Callable[[], pa.Table]) -> pa.Table | None:
        """The sums, asked for if they are not known; None if they were, and are too large to be kept: nothing is asked twice."""
        with self.changing:
            if question in self.sums:
                self.sums.move_to_end(question)
                return self.sums[question]
        found = ask()
        kept = found if found.nbytes <= LARGEST_BYTES else None
        with self.changing:
            if question not in self.sums:
                self.sums[question] = kept
                self.bytes += _bytes(kept)
            while self.bytes > MOST_BYTES or len(self.sums) > MOST_KEPT:
                self.bytes -= _bytes(self.sums.popitem(last=False)[1])
        return found


@st.cache_resource(max_entries=1, show_spinner=False)
def kept() -> Kept:
    """The sums that this process keeps."""
    return Kept()


def _bytes(sums: pa.Table | None) -> int:
    return 0 if sums is None else sums.nbytes
