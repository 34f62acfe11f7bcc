"""Spend as people see it: what is not known of it stands beside it, and a sum that leaves something out carries "≥"."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from usagecost.folds import AT_LEAST
from usagecost.formats import GAP
from usagecost.metrics import METRICS, Sums, spend_coverage
from usagecost.ui.text import plain

Shown = pd.DataFrame | Styler

MARK = f"≥{GAP}"
MOST_STYLED = 1_000
"""Rows up to which the mark can stand in the amount's own cell; to draw each cell of more takes too long."""


def coverage_note(totals: Sums) -> None:
    """Under a chart of spend: how much of what it shows has no price and is in no bar."""
    if missing := spend_coverage(totals):
        st.caption(f"{plain(missing)} and are in no bar; sums that leave something out carry ≥.")


def spend_columns(frame: pd.DataFrame, places: int) -> tuple[Shown, dict[str, Any]]:
    """A table of ``folds.numbers`` as it is shown, and its columns of what was spent and of how much of that is not known.

    An amount that leaves something out carries its mark; in a long table it stands in a narrow column of its own.
    """
    usd = f"$%,.{places}f"
    unknown = {
        "unpriced_requests": st.column_config.NumberColumn(
            "Without price", format="localized", help=METRICS["unpriced_requests"].help
        ),
        "unpriced_tokens": st.column_config.NumberColumn(
            "Tokens without price", format="compact", help=METRICS["unpriced_tokens"].help
        ),
    }
    if not (frame["unpriced_requests"] > 0).any():
        return frame, {"spend_usd": _spend(usd), "unpriced_requests": unknown["unpriced_requests"]}
    if len(frame) > MOST_STYLED:
        mark = st.column_config.TextColumn("≥", width=36, help="≥: some of these requests have no price")
        return frame.assign(**{AT_LEAST: frame[AT_LEAST].map({True: "≥", False: ""})}), {
            AT_LEAST: mark,
            "spend_usd": _spend(usd),
            **unknown,
        }
    return _with_marks(frame, places), {"spend_usd": _spend(None), **unknown}


def _spend(usd: str | None) -> Any:
    return st.column_config.NumberColumn("Spend", format=usd, help=METRICS["spend_usd"].help)


def _with_marks(frame: pd.DataFrame, places: int) -> Styler:
    """The amounts as texts, which the table shows and does not sort by."""
    styled = doubled(frame).style.format({"spend_usd": lambda usd: f"${usd:,.{places}f}"}, na_rep="")
    is_marked = (frame.index[frame[AT_LEAST]], ["spend_usd"])
    return styled.format({"spend_usd": lambda usd: f"{MARK}${usd:,.{places}f}"}, subset=is_marked)


def doubled(frame: pd.DataFrame) -> pd.DataFrame:
    """Money as doubles: what a browser's table can sort and format."""
    return frame.astype({column: float for column in frame.columns if column.endswith("_usd")})
