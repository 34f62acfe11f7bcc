"""Numbers leaving the app: CSV that is exact, and safe to open in a spreadsheet; and names of files that say what is in them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

LONGEST_PART = 60
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠")
"""What makes a text a formula in some spreadsheet: some read full-width signs as the usual ones. Carriage returns become "\\n"."""


def csv_text(frame: pd.DataFrame, *, has_header: bool = True) -> str:
    """The frame as CSV. A text that a spreadsheet would run as a formula gets an apostrophe in front; NA is empty."""
    import pandas as pd  # takes half of the time in which a command starts

    cells = {name: pd.Series([_cell(value) for value in frame[name]], dtype=object) for name in frame.columns}
    return pd.DataFrame(cells).to_csv(index=False, header=has_header)


def file_name(what: str, kind: str, days: Iterable[date] = (), filters: Iterable[str] = ()) -> str:
    """What is in the file, the days, and the filters: ``cost-by-model_2026-11-01_2026-11-29_team-search.csv``."""
    return "_".join([_plain(what), *map(str, days), *(_plain(words.replace(" is ", " ", 1)) for words in filters)]) + f".{kind}"


def _plain(text: str) -> str:
    """The text in letters that every file system takes."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9.]+", "-", letters).strip("-.")[:LONGEST_PART].rstrip("-.") or "other"


def _cell(value: object) -> object:
    """A text without its power to run or to begin a row, an amount with all its places and no exponent, the rest as it is."""
    if isinstance(value, str):
        text = value.replace("\r\n", "\n").replace("\r", "\n")  # a lone carriage return would not be quoted
        return f"'{text}" if text.startswith(FORMULA_STARTS) else text
    return f"{value:f}" if isinstance(value, Decimal) else value
