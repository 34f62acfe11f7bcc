"""What single requests were like: how often each size occurred (a histogram), and some requests as points (a sample)."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from usagecost.queries.rows import Rows
from usagecost.vocabulary import METRICS
from usagecost.vocabulary.filters import View

ROUND_STEPS = ("1", "1.6", "2.5", "4", "6.3")
"""The edges within a decade, about equally far from each other on a logarithmic axis."""

EDGES = (0.0, *(float(f"{step}e{power}") for power in range(-9, 15) for step in ROUND_STEPS))
"""A bin holds what is above its lower edge, up to and with its upper one. The first holds what is 0: a logarithm cannot show it."""

SAMPLE = 2_000
"""Points that a scatter shows: more of them can neither be told apart nor drawn at once."""


def spread(view: View, metric: str) -> pa.Table:
    """How many requests lie in each bin of a metric. One row is a bin: ``upper``, the place of its upper edge in EDGES, and
    ``requests``; ``upper`` is NULL for those whose value is not known.
    """
    rows = Rows.of(view)
    sql, parameters = rows.sql(None)
    size = rows.cost(str(METRICS[metric].of_one))
    counted = f"SELECT count(*) AS requests, histogram(({size})::double, $edges) AS bins, count({size}) AS known FROM ({sql})"
    (row,) = rows.answer(counted, parameters | {"edges": list(EDGES)}).to_pylist()
    return _bins(row)


def sample(view: View, x: str, y: str, split: str | None) -> pa.Table:
    """Requests of which both metrics are known. One row is a request: ``x``, ``y``, ``value`` of the split, and ``of``, how many
    such requests there are. Which are drawn is decided by a hash of what they were like, so it is the same ones always.
    """
    rows = Rows.of(view)
    rows_sql, parameters = rows.sql(split)
    x_size, y_size = (rows.cost(str(METRICS[name].of_one)) for name in (x, y))
    sql = f"""
        SELECT x::double AS x, y::double AS y, value, count(*) OVER () AS of
        FROM (SELECT {x_size} AS x, {y_size} AS y, value, started_at FROM ({rows_sql})) WHERE x IS NOT NULL AND y IS NOT NULL
        ORDER BY hash(started_at, x, y), value LIMIT {SAMPLE}"""
    return rows.answer(sql, parameters)


def _bins(row: dict[str, Any]) -> pa.Table:
    counts = {edge: count for edge, count in row["bins"] or () if count}
    positions = {edge: position for position, edge in enumerate(EDGES)}
    bins = [{"upper": positions[edge], "requests": count} for edge, count in sorted(counts.items())]
    if unknown := row["requests"] - row["known"]:
        bins.append({"upper": None, "requests": unknown})
    return pa.Table.from_pylist(bins, pa.schema([("upper", pa.int64()), ("requests", pa.int64())]))
