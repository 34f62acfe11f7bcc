"""What a tally holds: rows of (step, grouping, values of its dimensions, started_at), with every measure that folds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import duckdb

from usagecost.lake.table import REQUESTS
from usagecost.lake.tally_groupings import GROUPINGS, LEADING, STEPS, Grouping, Told, adds_little
from usagecost.metrics import BASES, DIMENSIONS, LATENCY, LATENCY_STEP, MEASURES, fold_sql, tally_column

ROW_GROUP_ROWS = 8_192
"""Small, so that little is read beside the dimension that is asked for."""
ROW_GROUP_ROWS_OF_MONTH = 30_720

VALUES = {name: one.value_column for name, one in DIMENSIONS.items()} | {LATENCY: LATENCY}
"""Dimension -> the column of its values, NULL where a grouping does not have them."""

_ALMOST = {
    "spend_of_tokens_usd": "spend_usd",
    "priced_requests": "requests",
    "successful": "requests",
    "timed_requests": "requests",
    "output_us": "latency_us",
    "timed_output_tokens": "output_tokens",
    "cache_told_input_tokens": "input_tokens",
}
"""Measure -> one that is often the same and is known wherever it is: what lies in the file is by how much it is less."""
_LARGER = {tally_column(name, basis): tally_column(larger, basis) for name, larger in _ALMOST.items() for basis in BASES}
DIFFERENCES = ", ".join(f"{larger} - {column} AS {column}" for column, larger in _LARGER.items())
"""What the columns are replaced by when a tally is written, and once more when it is read."""

_FIRST = ("team", "key", "user", "provider", "model")
"""In the order of these, so that one team's, key's or model's sums lie together in every grouping that leads with nothing else."""
_LEADS = [
    " ".join(f"WHEN '{name}' THEN {VALUES[leading[place]]}" for name, leading in LEADING.items() if leading[place:])
    for place in range(max(map(len, LEADING.values())))
]
_ORDERED = [*(f"CASE grouping {lead} END" for lead in _LEADS), *(VALUES[name] for name in dict.fromkeys((*_FIRST, *VALUES)))]
_ORDER = ", ".join(["step", "grouping", *_ORDERED, "started_at"])
_OPTIONS = "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE"
"""Version 2 is read in two thirds of the time of version 1."""


def write_tally(cursor: duckdb.DuckDBPyConnection, to: Path, *, path: str, requests: int) -> dict[str, Told]:
    """Write the tally of a file of so many requests; returns what it has."""
    cursor.execute(f"CREATE TEMP TABLE request AS SELECT {_READ}, {_TIMES} FROM read_parquet($file)", {"file": path})
    counts = iter(cursor.execute(f"SELECT {_COUNTS} FROM request").fetchone())
    told = _worth_telling(requests, counts)
    if not told:  # an empty file says so, and nobody tries again
        cursor.execute("COPY (SELECT NULL AS step WHERE false) TO $part (FORMAT parquet)", {"part": str(to)})
        return told
    sources = {name: _source(one, told) for name, one in told.items()}
    cursor.execute(f"CREATE TEMP TABLE tally AS {_of_requests_sql({name: told[name] for name in told if not sources[name]})}")
    for name in sorted(filter(sources.get, told), key=lambda name: -len(told[name].dimensions)):
        cursor.execute(f"INSERT INTO tally {_folded_sql(told[name], name, sources[name], told[sources[name]].step)}")
    for finer, coarser in pairwise(STEPS):
        cursor.execute(f"INSERT INTO tally {_coarser_sql(finer, coarser)}")
    rows = f"SELECT * REPLACE ({DIFFERENCES}) FROM tally ORDER BY {_ORDER}"
    cursor.execute(f"COPY ({rows}) TO $part ({_OPTIONS} {ROW_GROUP_ROWS})", {"part": str(to)})
    return told


def write_month(
    cursor: duckdb.DuckDBPyConnection, to: Path, *, tallies: Sequence[str], told: Mapping[str, Told]
) -> Mapping[str, Told]:
    """Write the days of several tallies, by the groupings that all of them have, to one file; returns what it has.

    A reader then opens one file, in which what belongs together is together.
    """
    asked = ", ".join(f"'{grouping}'" for grouping in told)
    rows = f"SELECT * FROM read_parquet($tallies) WHERE step = 'day' AND grouping IN ({asked}) ORDER BY {_ORDER}"
    cursor.execute(f"COPY ({rows}) TO $part ({_OPTIONS} {ROW_GROUP_ROWS_OF_MONTH})", {"tallies": list(tallies), "part": str(to)})
    return told


def _worth_telling(requests: int, counts: Iterator[int]) -> dict[str, Told]:
    """What is worth being told of so many requests, of which there are ``counts`` as `_counts_sql` says."""
    told: dict[str, Told] = {}
    following: dict[str, tuple[str, ...]] = {}
    for name, grouping in GROUPINGS.items():
        by_step = {step: next(counts) for step in grouping.steps}
        adding_little = tuple(one for one in grouping.may_follow if adds_little(next(counts), by_step["day"]))
        step = next((step for step, count in by_step.items() if grouping.saves_enough(count, requests)), None)
        if step:
            following[name] = adding_little
            told[name] = Told(grouping.dimensions(following), step)
    return told


def _counts_sql(grouping: Grouping) -> str:
    """About how many rows there are of a grouping in each of its steps, and of its days with each dimension that may follow."""
    columns = ", ".join(VALUES[name] for name in grouping.by)
    keys = [f"{columns}, at_{step}" for step in grouping.steps]
    keys += [f"{columns}, {VALUES[name]}, at_day" for name in grouping.may_follow]
    return ", ".join(f"approx_count_distinct(hash({key}))" for key in keys)


def _source(one: Told, told: Mapping[str, Told]) -> str | None:
    """The grouping whose sums add up to those of another, which then needs no look at the requests; None if there is none."""
    dimensions = frozenset(one.dimensions)
    more = {name: other for name, other in told.items() if dimensions < {*other.dimensions}}
    telling = {name: len(other.dimensions) for name, other in more.items() if other.tells(dimensions, one.step)}
    return min(telling, key=telling.get, default=None)


def _of_requests_sql(told: Mapping[str, Told]) -> str:
    """The rows of groupings in their finest steps, from the requests."""
    used = list(dict.fromkeys(name for one in told.values() for name in one.dimensions))
    steps = list(dict.fromkeys(one.step for one in told.values()))
    keys = [*(VALUES[name] for name in used), *(f"at_{step}" for step in steps)]
    sets = {grouping: [*(VALUES[name] for name in one.dimensions), f"at_{one.step}"] for grouping, one in told.items()}
    names = " ".join(
        f"WHEN {sum(1 << place for place, key in enumerate(reversed(keys)) if key not in of_set)} THEN '{grouping}'"
        for grouping, of_set in sets.items()
    )
    return f"""
        SELECT CASE {" ".join(f"WHEN grouping(at_{step}) = 0 THEN '{step}'" for step in steps)} END AS step,
               CASE grouping_id({", ".join(keys)}) {names} END AS grouping, {_values_sql(used)},
               coalesce({", ".join(f"at_{step}" for step in steps)}) AS started_at, {_MEASURED}
        FROM request GROUP BY GROUPING SETS ({", ".join(f"({', '.join(of_set)})" for of_set in sets.values())})"""


def _folded_sql(one: Told, name: str, source: str, source_step: str) -> str:
    """The rows of a grouping in its finest step, from those of another one, which has more dimensions."""
    values, start = _values_sql(one.dimensions), _start_sql(one.step)
    return f"""
        SELECT '{one.step}' AS step, '{name}' AS grouping, {values}, {start} AS started_at, {_FOLDED}
        FROM tally WHERE grouping = '{source}' AND step = '{source_step}' GROUP BY ALL"""


def _coarser_sql(finer: str, coarser: str) -> str:
    """The rows of all groupings in a step, from those in a finer one."""
    return f"""
        SELECT '{coarser}' AS step, grouping, {_values_sql(VALUES)}, {_start_sql(coarser)} AS started_at, {_FOLDED}
        FROM tally WHERE step = '{finer}' GROUP BY ALL"""


def _values_sql(dimensions: Iterable[str]) -> str:
    """The columns of values, of which a grouping has those of some dimensions."""
    return ", ".join(f"{column if name in dimensions else 'NULL::varchar'} AS {column}" for name, column in VALUES.items())


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
_COUNTS = ", ".join(map(_counts_sql, GROUPINGS.values()))
_SAID = " ".join((_MEASURED, *(dimension.column for dimension in DIMENSIONS.values())))
_STORED = [name for name in REQUESTS.columns.names if re.search(rf"\b{name}\b", _SAID)]
_DERIVED = [f"{one.column} AS {one.value_column}" for one in DIMENSIONS.values() if one.value_column not in _STORED]
_DERIVED += [f"({LATENCY_STEP})::varchar AS {LATENCY}"]
_READ = ", ".join((*_STORED, *_DERIVED))
"""The columns that tallies are made of, and the values of dimensions that are no column."""

_MEANT = (_SAID, LATENCY_STEP, _FOLDED, DIFFERENCES, _ORDER, *map(str, GROUPINGS.values()))
DEFINITION = sha256(" ".join(_MEANT).encode()).hexdigest()[:12]
"""What measures and groupings mean in this version of the app: tallies that another one has written are not read."""
