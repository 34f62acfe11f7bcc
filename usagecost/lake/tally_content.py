"""What a tally holds: rows of (step, dimension, value, started_at), with every measure that folds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import duckdb

from usagecost.lake.table import REQUESTS
from usagecost.metrics import BASES, DIMENSIONS, MEASURES, fold_sql, tally_column

SECOND_US = 1_000_000
STEPS = {"quarter": 900 * SECOND_US, "hour": 3_600 * SECOND_US, "day": 86_400 * SECOND_US}
"""What time is cut into, the finest first -> its length in µs."""

LEAST_SAVED = 4
"""How many times fewer rows the tally of a dimension has than its file, at least."""
ROW_GROUP_ROWS = 8_192
"""Small, so that little is read beside the dimension that is asked for."""
ROW_GROUP_ROWS_OF_MONTH = 30_720

_ORDER = "ORDER BY step, dimension, value, started_at"
_OPTIONS = "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE"
"""Version 2 is read in two thirds of the time of version 1."""


def write_tally(cursor: duckdb.DuckDBPyConnection, to: Path, *, path: str, rows: int) -> dict[str, str]:
    """Write the tally of a file of so many requests; returns its finest steps."""
    cursor.execute(f"CREATE TEMP TABLE request AS SELECT {_READ}, {_TIMES} FROM read_parquet($file)", {"file": path})
    counts = iter(cursor.execute(f"SELECT {_COUNTS} FROM request").fetchone())
    groups = {name: {step: next(counts) for step in STEPS} for name in DIMENSIONS}
    finest = {
        name: step
        for name, of_step in groups.items()
        if (step := next((step for step, count in of_step.items() if count * LEAST_SAVED <= rows), None))
    }
    if not finest:  # an empty file says so, and nobody tries again
        cursor.execute("COPY (SELECT NULL AS step WHERE false) TO $part (FORMAT parquet)", {"part": str(to)})
        return finest
    cursor.execute(f"CREATE TEMP TABLE tally AS {_finest_sql(finest)}")
    for finer, coarser in pairwise(STEPS):
        cursor.execute(
            f"INSERT INTO tally SELECT '{coarser}', dimension, value, {_start_sql(coarser)}, {_FOLDED} "
            f"FROM tally WHERE step = '{finer}' GROUP BY ALL"
        )
    cursor.execute(f"COPY (FROM tally {_ORDER}) TO $part ({_OPTIONS} {ROW_GROUP_ROWS})", {"part": str(to)})
    return finest


def write_month(
    cursor: duckdb.DuckDBPyConnection, to: Path, *, tallies: Sequence[str], dimensions: Sequence[str]
) -> dict[str, str]:
    """Write the days of several tallies, by the dimensions that all of them have, to one file; returns its finest steps.

    A reader then opens one file, in which what belongs together is together.
    """
    asked = ", ".join(f"'{dimension}'" for dimension in dimensions)
    rows = f"SELECT * FROM read_parquet($tallies) WHERE step = 'day' AND dimension IN ({asked}) {_ORDER}"
    cursor.execute(f"COPY ({rows}) TO $part ({_OPTIONS} {ROW_GROUP_ROWS_OF_MONTH})", {"tallies": list(tallies), "part": str(to)})
    return dict.fromkeys(dimensions, "day")


def _finest_sql(finest: Mapping[str, str]) -> str:
    """One row = (step, dimension, value, started_at, measures …): each dimension by its finest step."""
    columns = {name: DIMENSIONS[name].column for name in finest}
    choose = {name: f"WHEN grouping({column}) = 0 THEN" for name, column in columns.items()}
    steps = " ".join(f"{choose[name]} '{step}'" for name, step in finest.items())
    names = " ".join(f"{choose[name]} '{name}'" for name in finest)
    values = " ".join(f"{choose[name]} {column}" for name, column in columns.items())
    times = " ".join(f"{choose[name]} at_{step}" for name, step in finest.items())
    sets = ", ".join(f"({column}, at_{finest[name]})" for name, column in columns.items())
    return f"""
        SELECT CASE {steps} END AS step, CASE {names} END AS dimension, CASE {values} END AS value, CASE {times} END AS started_at,
               {_MEASURED}
        FROM request GROUP BY GROUPING SETS ({sets})"""


def _start_sql(step: str) -> str:
    """The SQL of the start of the step that an instant is in."""
    return f"make_timestamptz((epoch_us(started_at) // {STEPS[step]}) * {STEPS[step]})"


_MEASURES = {
    tally_column(name, basis): (name, MEASURES[name].format(spend=spend, instant_us="epoch_us(started_at)"))
    for name in MEASURES
    for basis, (_, spend) in BASES.items()
}
"""Column of a tally -> its measure, and that measure over requests: on every basis, where that decides what they cost."""

_MEASURED = ", ".join(f"{sql} AS {column}" for column, (_, sql) in _MEASURES.items())
_FOLDED = ", ".join(f"{fold_sql(name, column)} AS {column}" for column, (name, _) in _MEASURES.items())
_TIMES = ", ".join(f"{_start_sql(step)} AS at_{step}" for step in STEPS)
_COUNTS = ", ".join(f"approx_count_distinct(hash({one.column}, at_{step}))" for one in DIMENSIONS.values() for step in STEPS)
_SAID = " ".join((_MEASURED, *(dimension.column for dimension in DIMENSIONS.values())))
_READ = ", ".join(name for name in REQUESTS.columns.names if re.search(rf"\b{name}\b", _SAID))
"""The columns that tallies are made of."""

DEFINITION = sha256(" ".join((_SAID, _FOLDED, *DIMENSIONS)).encode()).hexdigest()[:12]
"""What measures and dimensions mean in this version of the app: tallies that another one has written are not read."""
