"""What a tally holds: rows of (step, grouping, values of its dimensions, started_at), with every measure that folds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import duckdb

from usagecost.lake.table import REQUESTS, rows_sql
from usagecost.lake.tally_groupings import BUCKETED, GROUPINGS, LEADING, Told, adds_little
from usagecost.lake.tally_steps import DAYS_BEGIN, HALF_HOUR_SQL, PARTS, QUIET, STEPS, finest_rows, quiet_cuts, rows_of, start_sql
from usagecost.metrics import BASES, DIMENSIONS, LATENCY, LATENCY_STEP, MEASURES, fold_sql, measure_sql, tally_column

Key = tuple[str, ...]
"""Dimensions, and a step at last."""

ROW_GROUP_ROWS = {"sums": 8_192, "pairs": 30_720, "month": 30_720}
"""Kind of file -> rows of a group: few where many dimensions lie together, so that little is read beside what is asked for."""

Written = tuple[Mapping[str, Told], int]
"""What a tally has of each grouping, and where its days are parted (see `tally_steps`)."""

VALUES = {name: one.value_column for name, one in DIMENSIONS.items()} | {LATENCY: LATENCY}
"""Dimension -> the column of its values, NULL where a grouping does not have them."""

_ALMOST = {
    "spend_of_tokens_usd": "spend_usd",
    "successful": "requests",
    "timed_requests": "requests",
    "output_us": "latency_us",
    "timed_output_tokens": "output_tokens",
    "cache_told_input_tokens": "input_tokens",
    "priced_requests": "requests",
}
"""Measure -> one that is often the same and is known wherever it is: what lies in the file is by how much it is less."""
_LARGER = {tally_column(name, basis): tally_column(larger, basis) for name, larger in _ALMOST.items() for basis in BASES}
_DIFFERENCES = ", ".join(f"{larger} - {column} AS {column}" for column, larger in _LARGER.items())
"""What the columns are replaced by when a tally is written, and once more when it is read."""

_MADE_OF_OTHERS = {
    "cache_net_usd": "CASE WHEN cache_saved_usd IS NOT NULL OR cache_extra_usd IS NOT NULL"
    " THEN coalesce(cache_saved_usd, 0) - coalesce(cache_extra_usd, 0) END",
}
"""Measure that does not lie in the file -> the SQL that makes it of those that do."""
_MADE = {
    tally_column(name, basis): sql.format_map({other: tally_column(other, basis) for other in MEASURES})
    for name, sql in _MADE_OF_OTHERS.items()
    for basis in BASES
}
MEASURED = f"* EXCLUDE (step) REPLACE ({_DIFFERENCES}), {', '.join(f'{sql} AS {column}' for column, sql in _MADE.items())}"
"""How rows are selected from tallies, to have all measures as they are."""

_FIRST = ("team", "key", "user", "provider", "model")
"""In the order of these, so that one team's, key's or model's sums lie together in every grouping that leads with nothing else."""
BUCKETS = 16
_LEADS = [" ".join(f"WHEN '{name}' THEN hash({VALUES[bucketed]}) % {BUCKETS}" for name, bucketed in BUCKETED.items())]
_LEADS += [
    " ".join(f"WHEN '{name}' THEN {VALUES[leading[place]]}" for name, leading in LEADING.items() if leading[place:])
    for place in range(max(map(len, LEADING.values())))
]
_ORDERED = [*(f"CASE grouping {lead} END" for lead in _LEADS), *(VALUES[name] for name in dict.fromkeys((*_FIRST, *VALUES)))]
_ORDER = ", ".join(["step", "grouping", *_ORDERED, "started_at"])
_OPTIONS = "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE"
"""Version 2 is read in two thirds of the time of version 1."""


def write_tally(cursor: duckdb.DuckDBPyConnection, to: Mapping[str, Path], *, path: str, requests: int) -> Written:
    """Write the tally of a file of so many requests, ``to`` where its kinds of groupings are to go: sums always, pairs if any."""
    half_hours = f"SELECT {HALF_HOUR_SQL}, count(*) FROM read_parquet($file) GROUP BY ALL"
    cuts = quiet_cuts(dict(cursor.execute(half_hours, {"file": path}).fetchall()))
    tally = Draft(cursor, path, cuts)
    told = _worth_telling(requests, tally.counts)
    if told:
        _fill(tally, told, cuts)
    for kind, part in to.items():
        if groupings := [name for name in told if GROUPINGS[name].kind == kind]:
            tally.copy(groupings, part, ROW_GROUP_ROWS[kind])
        elif kind == "sums":  # an empty file says so, and nobody tries again
            cursor.execute("COPY (SELECT NULL AS step WHERE false) TO $part (FORMAT parquet)", {"part": str(part)})
    return told, cuts


def _fill(tally: Draft, told: Mapping[str, Told], cuts: int) -> None:
    """Add up what is told: from the requests what no other grouping tells, the rest from these, and coarser steps from finer."""
    sources = {name: _source(one, told) for name, one in told.items()}
    tally.add_of_requests({name: told[name] for name in told if not sources[name]})
    for name in sorted(filter(sources.get, told), key=lambda name: -len(told[name].dimensions)):
        tally.add(_folded_sql(told[name], name, sources[name], told[sources[name]].step, cuts), [name], made_of=[sources[name]])
    if sums := [name for name in told if GROUPINGS[name].kind == "sums"]:
        for finer, coarser in (("quarter", "hour"), *((("hour", "part"),) if cuts else ()), ("hour", "day")):
            tally.add(_coarser_sql(finer, coarser, cuts), sums, made_of=sums)


class Draft:
    """A tally that is made, a temporary table for each query: inserting into a single one takes ten times as long now and then."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, path: str, cuts: int) -> None:
        self._cursor, self._file = cursor, {"file": path}
        self._tables: dict[str, frozenset[str]] = {}
        """Table -> the groupings that it has rows of."""
        times = ", ".join(f"{start_sql(step, cuts)} AS at_{step}" for step in STEPS)
        self._requests = f"SELECT {_READ}, {times} FROM {rows_sql('[$file]', REQUESTS.columns)}"

    def counts(self, keys: Sequence[Key]) -> Sequence[int]:
        """About how many rows there are by each key."""
        columns = [", ".join((*(VALUES[name] for name in names), f"at_{step}")) for *names, step in keys]
        counts = ", ".join(f"approx_count_distinct(hash({of_key}))" for of_key in columns)
        return self._cursor.execute(f"SELECT {counts} FROM ({self._requests})", self._file).fetchone() if keys else ()

    def add_of_requests(self, told: Mapping[str, Told]) -> None:
        """Add the rows of groupings by a look at the requests, from memory: that takes three quarters of the time from the file."""
        self._cursor.execute(f"CREATE TEMP TABLE request AS {self._requests}", self._file)
        self.add(_of_requests_sql(told), told)
        self._cursor.execute("DROP TABLE request")

    def add(self, rows: str, groupings: Iterable[str], *, made_of: Iterable[str] = ()) -> None:
        """Add the rows of a query, which are of some groupings and made of others, whose rows it names as ``{tally}``."""
        table = f"tally_{len(self._tables)}"
        self._cursor.execute(f"CREATE TEMP TABLE {table} AS {rows.replace('{tally}', self._sql(made_of))}")
        self._tables[table] = frozenset(groupings)

    def copy(self, groupings: Sequence[str], to: Path, row_group_rows: int) -> None:
        """Write the rows of groupings to a file."""
        asked = ", ".join(f"'{name}'" for name in groupings)
        rows = f"SELECT * REPLACE ({_DIFFERENCES}) FROM {self._sql(groupings)} WHERE grouping IN ({asked}) ORDER BY {_ORDER}"
        self._cursor.execute(f"COPY ({rows}) TO $part ({_OPTIONS} {row_group_rows})", {"part": str(to)})

    def _sql(self, groupings: Iterable[str]) -> str:
        """The rows of groupings, and perhaps of others."""
        tables = (table for table, has in self._tables.items() if not has.isdisjoint(groupings))
        return f"({' UNION ALL '.join(f'FROM {table}' for table in tables)})"


def write_month(
    cursor: duckdb.DuckDBPyConnection, to: Mapping[str, Path], *, tallies: Sequence[str], told: Mapping[str, Told], parted_at: int
) -> Written:
    """Write the days of several tallies, and their parts, to one file, by the groupings that all of them have.

    A reader then opens one file, in which what belongs together is together.
    """
    asked, steps = (", ".join(f"'{name}'" for name in names) for names in (told, ("part", *rows_of("day"))))
    rows = f"SELECT * FROM read_parquet($tallies) WHERE step IN ({steps}) AND grouping IN ({asked}) ORDER BY {_ORDER}"
    values = {"tallies": list(tallies), "part": str(to["month"])}
    cursor.execute(f"COPY ({rows}) TO $part ({_OPTIONS} {ROW_GROUP_ROWS['month']})", values)
    return told, parted_at


def _worth_telling(requests: int, counts: Callable[[Sequence[Key]], Sequence[int]]) -> dict[str, Told]:
    """What is worth being told of so many requests; ``counts`` says about how many rows there are by each of some keys."""
    step_of: dict[str, str] = {}
    for step in STEPS:
        tried = [one for one in GROUPINGS.values() if step in one.steps and one.name not in step_of]
        rows = counts([(*one.by, step) for one in tried])
        step_of |= {one.name: step for one, count in zip(tried, rows, strict=True) if one.saves_enough(count, requests)}
    may_follow = [(name, other) for name in GROUPINGS if name in step_of for other in GROUPINGS[name].may_follow]
    rows = counts([(*GROUPINGS[name].by, *more, "part") for name, other in may_follow for more in ((other,), ())])
    following: dict[str, list[str]] = {}
    for (name, other), count, without in zip(may_follow, rows[::2], rows[1::2], strict=True):
        if adds_little(count, without):
            following.setdefault(name, []).append(other)
    return {name: Told(GROUPINGS[name].dimensions(following), step_of[name]) for name in GROUPINGS if name in step_of}


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
        SELECT CASE {" ".join(f"WHEN grouping(at_{step}) = 0 THEN '{finest_rows(step)}'" for step in steps)} END AS step,
               CASE grouping_id({", ".join(keys)}) {names} END AS grouping, {_values_sql(used)},
               coalesce({", ".join(f"at_{step}" for step in steps)}) AS started_at, {_MEASURED}
        FROM request GROUP BY GROUPING SETS ({", ".join(f"({', '.join(of_set)})" for of_set in sets.values())})"""


def _folded_sql(one: Told, name: str, source: str, source_step: str, cuts: int) -> str:
    """The rows of a grouping in its finest step, from those of another one, which has more dimensions."""
    values, start = _values_sql(one.dimensions), start_sql(one.step, cuts)
    return f"""
        SELECT '{finest_rows(one.step)}' AS step, '{name}' AS grouping, {values}, {start} AS started_at, {_FOLDED}
        FROM {{tally}} WHERE grouping = '{source}' AND step = '{finest_rows(source_step)}' GROUP BY ALL"""


def _coarser_sql(finer: str, coarser: str, cuts: int) -> str:
    """The rows of all groupings in a step, from those in a finer one."""
    return f"""
        SELECT '{coarser}' AS step, grouping, {_values_sql(VALUES)}, {start_sql(coarser, cuts)} AS started_at, {_FOLDED}
        FROM {{tally}} WHERE step = '{finer}' GROUP BY ALL"""


def _values_sql(dimensions: Iterable[str]) -> str:
    """The columns of values, of which a grouping has those of some dimensions."""
    return ", ".join(f"{column if name in dimensions else 'NULL::varchar'} AS {column}" for name, column in VALUES.items())


_MEASURES = {
    tally_column(name, basis): (name, measure_sql(name, basis, "epoch_us(started_at)"))
    for name in MEASURES
    for basis in BASES
    if name not in _MADE_OF_OTHERS
}
"""Column of a tally's file -> its measure, and that measure over requests: on every basis, where that decides what they cost."""

_MEASURED = ", ".join(f"{sql} AS {column}" for column, (_, sql) in _MEASURES.items())
_FOLDED = ", ".join(f"{fold_sql(name, column)} AS {column}" for column, (name, _) in _MEASURES.items())
_SAID = " ".join((_MEASURED, *(dimension.column for dimension in DIMENSIONS.values())))
_STORED = [name for name in REQUESTS.columns.names if re.search(rf"\b{name}\b", _SAID)]
_DERIVED = [f"{one.column} AS {one.value_column}" for one in DIMENSIONS.values() if one.value_column not in _STORED]
_DERIVED += [f"({LATENCY_STEP})::varchar AS {LATENCY}"]
_READ = ", ".join((*_STORED, *_DERIVED))
"""The columns that tallies are made of, and the values of dimensions that are no column."""

_MEANT = (_SAID, LATENCY_STEP, _FOLDED, MEASURED, _ORDER, PARTS, *map(str, (QUIET, DAYS_BEGIN, *GROUPINGS.values())))
DEFINITION = sha256(" ".join(_MEANT).encode()).hexdigest()[:12]
"""What measures and groupings mean in this version of the app: tallies that another one has written are not read."""
