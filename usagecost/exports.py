"""Numbers leaving the app: CSV that is exact, and safe to open in a spreadsheet."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠")
"""What makes a text a formula in some spreadsheet: some read full-width signs as the usual ones. Carriage returns become "\\n"."""


def csv_text(frame: pd.DataFrame) -> str:
    """The frame as CSV. A text that a spreadsheet would run as a formula gets an apostrophe in front; NA is empty."""
    import pandas as pd  # takes half of the time in which a command starts

    cells = {name: pd.Series([_cell(value) for value in frame[name]], dtype=object) for name in frame.columns}
    return pd.DataFrame(cells).to_csv(index=False)


def _cell(value: object) -> object:
    """A text without its power to run or to begin a row, an amount with all its places and no exponent, the rest as it is."""
    if isinstance(value, str):
        text = value.replace("\r\n", "\n").replace("\r", "\n")  # a lone carriage return would not be quoted
        return f"'{text}" if text.startswith(FORMULA_STARTS) else text
    return f"{value:f}" if isinstance(value, Decimal) else value
