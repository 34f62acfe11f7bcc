"""Panels in rows of six parts: a third, a half or the whole of a row each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from usagecost.boards import Panel

WIDTHS = {"third": 2, "half": 3, "full": 6}
"""Of six parts of a row."""
ROW = 6


def grid(panels: Iterable[Panel]) -> Iterator[tuple[int, Panel, DeltaGenerator]]:
    """Each panel with its number, from 0, and the box on the page in which it belongs."""
    number = 0
    for row in rows(panels):
        for column, panel in zip(st.columns([WIDTHS[panel.width] for panel in row]), row, strict=True):
            yield number, panel, column.container(border=True, height="stretch")
            number += 1


def rows(panels: Iterable[Panel]) -> Iterator[list[Panel]]:
    """The panels as rows that are filled from left to right; a panel that does not fit any more begins the next."""
    row: list[Panel] = []
    for panel in panels:
        if row and sum(WIDTHS[placed.width] for placed in (*row, panel)) > ROW:
            yield row
            row = []
        row.append(panel)
    if row:
        yield row
