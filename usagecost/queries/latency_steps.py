"""Percentiles with the help of a rollup: it tells how many latencies lie below which, so only those around a percentile are read.

The answer is that of all the requests, to the last binary digit of it, which may be rounded another way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import accumulate
from math import ceil, floor

import numpy as np
import pyarrow as pa

from usagecost.lake import Rolled
from usagecost.lake.rollups import LATENCY, column_of
from usagecost.queries.groups import Groups
from usagecost.queries.rows import Rows, prefer_rollups
from usagecost.vocabulary import DIMENSIONS, LATENCY_STEP, LATENCY_STEPS_PER_ROOT, PERCENTILES
from usagecost.vocabulary.filters import Parameters

MOST_SHARE = 0.5
"""If more of the latencies would have to be looked at, all are."""
MOST_LATENCIES = 4_000_000
"""The same, however many there are: they are kept in memory for a moment."""
MARGIN = 1e-9
"""By how much the edges of steps may be wrong: what decides is the step of a latency, but what is far from it need not be read."""
KEYS = ["grouped", "number", "place"]


def percentiles_about(rows: Rows, level: float) -> list[float | None]:
    """About the percentile of each interval's latencies (ms), in order, None where none is known. It needs nothing but how many
    are in each step, which rollups tell, and takes those of a step for evenly spread.
    """
    groups, names = Groups(rows, None, (), ("time",)), rows.view.filters.deciding_dimensions()
    rolled = rows.rolled(names, ("timed_requests",), also=(LATENCY,))
    counted = rows.answer_with_rollups(lambda with_rollups: _steps_sql(groups, names or (), with_rollups), rolled)
    found_at = {group[1]: _percentile_about(group_steps, level) for group, group_steps in _by_group(counted).items() if group_steps}
    numbers = pa.table({"number": pa.array([*found_at], pa.int64())})
    intervals = rows.placed(numbers)["interval"].to_pylist()
    by_interval = dict(zip(intervals, found_at.values(), strict=True))
    return [by_interval.get(number) for number in range(len(rows.steps))]


def _percentile_about(steps: Sequence[tuple[int, int]], level: float) -> float:
    """The same of the counts of some steps."""
    ends = [*accumulate(requests for _, requests in steps)]
    rank = level * (ends[-1] - 1)
    step, requests = steps[number := bisect_right(ends, rank)]
    within = (rank - ends[number] + requests) / requests
    return _edge(step) + within * (_edge(step + 1) - _edge(step))


def percentiles(groups: Groups, measures: Sequence[str]) -> pa.Table | None:
    """The answer to `Groups.sql` of percentiles, made with the help of a rollup; None if it is no help."""
    levels = {name: PERCENTILES[name] for name in measures if name in PERCENTILES}
    names = groups.rows.view.filters.deciding_dimensions(*groups.by)
    if names is None or len(levels) < len(measures):
        return None

    def ask(rolled: Rolled | None) -> pa.Table | None:
        return _percentiles(groups, levels, names, rolled) if rolled else None

    return prefer_rollups(groups.rows.rolled(names, ("timed_requests",), groups.split, also=(LATENCY,)), ask)


def _percentiles(groups: Groups, levels: Mapping[str, float], names: Collection[str], rolled: Rolled) -> pa.Table | None:
    """The same with a rollup that tells latencies; None if too many would have to be looked at."""
    steps = _by_group(groups.rows.answer(*_steps_sql(groups, names, with_rollups=True), rolled))
    step_range = _steps_of_percentiles(steps, levels.values())
    if step_range is None:
        return None
    first, last = step_range
    within = f"(FROM {{requests}} WHERE duration_ms >= $least AND duration_ms < $most AND {LATENCY_STEP} BETWEEN $first AND $last)"
    sql, parameters = groups.sql(within, "list(duration_ms) AS latencies")
    edges = {"least": _edge(first) * (1 - MARGIN), "most": _edge(last + 1) * (1 + MARGIN), "first": first, "last": last}
    answer = groups.rows.answer(sql, parameters | edges)
    latencies = dict(zip(_rows(answer.select(KEYS)), answer["latencies"].combine_chunks(), strict=True))
    return _answer(
        steps, {group: each.values.to_numpy() for group, each in latencies.items() if each.values is not None}, step_range, levels
    )


def _steps_sql(groups: Groups, names: Collection[str], with_rollups: bool) -> tuple[str, Parameters]:
    """How many latencies are in each step, by group: one row is (grouped, number, place, step), with ``requests``."""
    columns = ", ".join(sorted({"started_at", *(DIMENSIONS[name].stored for name in names)}))
    counted = f"SELECT {columns}, {LATENCY_STEP} AS {LATENCY}, (duration_ms IS NOT NULL)::bigint AS timed FROM {{requests}}"
    if with_rollups:
        timed = column_of("timed_requests", groups.rows.view.basis)
        counted += f" UNION ALL SELECT {columns}, {LATENCY}, {timed} FROM {{rollups}}"
    selected = f"{LATENCY} AS step, sum(timed)::bigint AS requests"
    return groups.sql(f"({counted})", selected, also_by=LATENCY)


def _by_group(counted: pa.Table) -> dict[tuple, list[tuple[int, int]]]:
    """Group -> how many latencies are in each step, the lowest first."""
    steps: dict[tuple, list[tuple[int, int]]] = {}
    for *group, step, requests in _rows(counted.sort_by("step")):
        group_steps = steps.setdefault(tuple(group), [])
        if requests:
            group_steps.append((step, requests))
    return steps


def _steps_of_percentiles(steps: Mapping[tuple, Sequence[tuple[int, int]]], levels: Collection[float]) -> tuple[int, int] | None:
    """The first and the last step in which a percentile of a group lies; None if there is none, or too much would lie between."""
    percentile_steps = set()
    for group_steps in steps.values():
        ends = [*accumulate(requests for _, requests in group_steps)]
        ranks = {end(level * (ends[-1] - 1)) for level in levels for end in (floor, ceil)} if ends else ()
        percentile_steps |= {group_steps[bisect_right(ends, rank)][0] for rank in ranks}
    if not percentile_steps:
        return None
    first, last = min(percentile_steps), max(percentile_steps)
    every = [counted for group_steps in steps.values() for counted in group_steps]
    between = sum(requests for step, requests in every if first <= step <= last)
    most = min(MOST_LATENCIES, MOST_SHARE * sum(requests for _, requests in every))
    return (first, last) if between <= most else None


def _answer(
    steps: Mapping[tuple, Sequence[tuple[int, int]]],
    read: Mapping[tuple, Sequence[float]],
    ends: tuple[int, int],
    levels: Mapping[str, float],
) -> pa.Table | None:
    """The percentiles of each group; None if not all of the latencies between were found, which must not be."""
    first, last = ends
    rows = []
    for group, group_steps in steps.items():
        latencies, every = np.sort(read.get(group, ())), sum(requests for _, requests in group_steps)
        if len(latencies) != sum(requests for step, requests in group_steps if first <= step <= last):
            return None
        below = sum(requests for step, requests in group_steps if step < first)
        quantiles = {name: _quantile(latencies, below, every, level) for name, level in levels.items()}
        rows.append({**dict(zip(KEYS, group, strict=True)), **quantiles})
    kinds = [(name, pa.int64()) for name in KEYS] + [(name, pa.float64()) for name in levels]
    return pa.Table.from_pylist(rows, pa.schema(kinds))


def _quantile(latencies: np.ndarray, below: int, every: int, level: float) -> float | None:
    """SQL's quantile_cont of ``every`` latencies, of which those are known, in their order, that have so many ``below`` them."""
    if not every:
        return None
    position = level * (every - 1)
    share = position - floor(position)
    lower, upper = (float(latencies[rank - below]) for rank in (floor(position), ceil(position)))
    return lower * (1 - share) + upper * share


def step_of(latency: float) -> int:
    """The step that a latency (ms) is in."""
    return floor(latency**0.25 * LATENCY_STEPS_PER_ROOT)


def _edge(step: int) -> float:
    """The shortest latency (ms) of a step, about."""
    return (step / LATENCY_STEPS_PER_ROOT) ** 4


def _rows(table: pa.Table) -> Iterator[tuple]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)
