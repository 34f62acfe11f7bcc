"""What single requests were like: how often each size occurred (a histogram), and some requests as points (a sample)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from usagecost import engine
from usagecost.filters import Parameters
from usagecost.metrics import METRICS
from usagecost.queries_panels.scope import Scope

ROUND_STEPS = ("1", "1.6", "2.5", "4", "6.3")
"""The edges within a decade, about equally far from each other on a logarithmic axis."""

EDGES = (0.0, *(float(f"{step}e{power}") for power in range(-9, 15) for step in ROUND_STEPS))
"""A bin holds what is above its lower edge, up to and with its upper one. The first holds what is 0: a logarithm cannot show it."""

SAMPLE = 2_000
"""Points that a scatter shows: more of them can neither be told apart nor drawn at once."""


@dataclass(frozen=True)
class Spread:
    """How many requests lie in each bin of a metric. One row of the answer is a bin: ``upper``, the place of its upper edge in
    EDGES, and ``requests``; ``upper`` is NULL for those whose value is not known.
    """

    scope: Scope
    metric: str

    @property
    def shares(self) -> tuple:
        """Needs that agree in this are answered by one query."""
        return Spread, self.scope


@dataclass(frozen=True)
class Sample:
    """Requests of which both metrics are known. One row of the answer is a request: ``x``, ``y``, ``value`` of the split, and
    ``of``, how many such requests there are. The same ones are drawn whenever it is asked.
    """

    scope: Scope
    x: str
    y: str
    split: str | None

    @property
    def shares(self) -> tuple:
        """A sample is a query of its own."""
        return (self,)


def spread_sql(needs: Sequence[Spread]) -> tuple[str, Parameters]:
    """The query of needs that share one, and its parameters. One row: a histogram for each metric."""
    scope = needs[0].scope
    rows, parameters = scope.rows_sql()
    values = {need.metric: scope.cost(str(METRICS[need.metric].of_one)) for need in needs}
    bins = ", ".join(f"histogram(({sql})::double, $edges) AS {name}, count({sql}) AS known_{name}" for name, sql in values.items())
    return f"SELECT count(*) AS requests, {bins} FROM ({rows})", parameters | {"edges": list(EDGES)}


def spread_parts(answer: pa.Table, needs: Sequence[Spread]) -> dict[Spread, pa.Table]:
    """What the query says of each of its needs."""
    (row,) = answer.to_pylist()
    return {need: _bins(row, need.metric) for need in needs}


def sample_sql(needs: Sequence[Sample]) -> tuple[str, Parameters]:
    """The query of a sample, and its parameters. What is drawn is decided by a hash of what the request was like."""
    (need,) = needs
    x, y = (need.scope.cost(str(METRICS[name].of_one)) for name in (need.x, need.y))
    rows, parameters = need.scope.rows_sql([f"by_{need.split}"] if need.split else [])
    value = f"by_{need.split}" if need.split else "NULL::varchar"
    order = engine.shuffled("started_at", "x", "y")
    sql = f"""
        SELECT x::double AS x, y::double AS y, value, count(*) OVER () AS of
        FROM (SELECT {x} AS x, {y} AS y, {value} AS value, started_at FROM ({rows})) WHERE x IS NOT NULL AND y IS NOT NULL
        ORDER BY {order}, value LIMIT {SAMPLE}"""
    return sql, parameters


def sample_parts(answer: pa.Table, needs: Sequence[Sample]) -> dict[Sample, pa.Table]:
    """What the query says of its need."""
    return dict.fromkeys(needs, answer)


def _bins(row: dict[str, Any], name: str) -> pa.Table:
    counts = {edge: count for edge, count in row[name] or () if count}
    places = {edge: place for place, edge in enumerate(EDGES)}
    found = [{"upper": places[edge], "requests": count} for edge, count in sorted(counts.items())]
    unknown = row["requests"] - row[f"known_{name}"]
    if unknown:
        found.append({"upper": None, "requests": unknown})
    return pa.Table.from_pylist(found, pa.schema([("upper", pa.int64()), ("requests", pa.int64())]))
