"""FOCUS rows of some days as one file, CSV or Parquet, written a day at a time.

In memory are the sums of one day, and some thousands of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from usagecost.bills.closes import read_closes
from usagecost.bills.coverage import current_lines
from usagecost.bills.focus import Row, accounts_of, bill_rows, usage_rows
from usagecost.bills.focus_closed import closed_rows
from usagecost.bills.focus_columns import SAME, Version, columns_of
from usagecost.exports import csv_text
from usagecost.lake import Lake
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.labels import Labels

FocusForm = Literal["csv", "parquet"]
FOCUS_FORMS: dict[FocusForm, str] = {"csv": "CSV", "parquet": "Parquet"}

_TOGETHER = 10_000
"""Rows that are written at once."""

Progress = Callable[[float], None]
"""Is told how much of the work is done, from 0 to 1."""


class Written(NamedTuple):
    """How many rows a file has, and how many of them have no cost, as no price is known."""

    rows: int
    unpriced: int


def write_focus(
    view: View, version: Version, file: Path, form: FocusForm, progress: Progress = lambda _: None, zone: str = "UTC"
) -> Written:
    """Write the usage of a view as FOCUS rows, the oldest day first; ``zone`` is the one whose closed months are meant.

    The days are those of the view's period, each from midnight to midnight UTC; costs are reported, else list, whatever the view's
    basis. Lines of bills and corrections are left out where the view has filters or a scope, as they do not tell what these ask
    for. A file is there when it is whole. In CSV a text that a spreadsheet would run as a formula gets an apostrophe in front.
    Raises LakeError, UnansweredError or OSError.
    """
    columns = columns_of(version)
    rows = unpriced = 0
    with TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder:
        whole = Path(folder, "whole")
        write = _csv if form == "csv" else _parquet
        with write(whole, columns) as add:
            for table in _tables(view, columns, progress, zone):
                add(table)
                rows += table.num_rows
                unpriced += table["BilledCost"].null_count
        whole.replace(file)
    return Written(rows, unpriced)


def _tables(view: View, columns: pa.Schema, progress: Progress, zone: str) -> Iterator[pa.Table]:
    """The rows of all days, some thousands at a time."""
    lake = Lake(view.lake)
    labels, lines = Labels.of_names(lake.rows("names")), current_lines(lake)
    accounts, closes = accounts_of(lines), read_closes(lake, zone)
    for place in range(view.period.days):
        day = view.period.first + timedelta(days=place)
        rows = usage_rows(view, day, accounts, labels)
        if not view.filters.conditions and view.scope.is_everything:
            rows = chain(rows, bill_rows(lines, day), closed_rows(view, day, closes, accounts, labels))
        while some := list(islice(rows, _TOGETHER)):
            yield _table(some, columns)
        progress((place + 1) / view.period.days)


def _table(rows: list[Row], columns: pa.Schema) -> pa.Table:
    cells = {name: [row.get(SAME.get(name, name)) for row in rows] for name in columns.names}
    return pa.table({field.name: pa.array(cells[field.name], field.type) for field in columns}, columns)


@contextmanager
def _parquet(file: Path, columns: pa.Schema) -> Generator[Callable[[pa.Table], None]]:
    with pq.ParquetWriter(file, columns, compression="zstd") as writer:
        yield writer.write_table


@contextmanager
def _csv(file: Path, columns: pa.Schema) -> Generator[Callable[[pa.Table], None]]:
    import pandas as pd  # takes half of the time in which a command starts

    def add(table: pa.Table) -> None:
        cells = {name: [_cell(value) for value in table[name].to_pylist()] for name in columns.names}
        opened.write(csv_text(pd.DataFrame(cells, dtype=object), has_header=False))

    with file.open("w", encoding="utf-8", newline="") as opened:
        opened.write(csv_text(pd.DataFrame(columns=columns.names)))
        yield add


def _cell(value: object) -> object:
    """An instant as FOCUS writes it, the rest as it is."""
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value
