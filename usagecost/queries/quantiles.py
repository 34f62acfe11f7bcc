"""Measures that do not fold (percentiles, different users): each grouping that is shown is computed from its own rows.

Who was there at all is told by rollups of users too, and where a percentile lies by the one of latencies: see `latency_steps`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyarrow as pa

from usagecost.periods import WHOLE
from usagecost.queries.groups import Groups
from usagecost.queries.latency_steps import percentiles
from usagecost.queries.rows import Rows, is_list
from usagecost.vocabulary import DIMENSIONS
from usagecost.vocabulary.filters import Parameters

USERS = "active_users"


def exact(
    rows: Rows, split: str | None, measures: Sequence[str], named_values: Sequence[str | None], *, parts_only: bool = False
) -> dict[tuple[str, str], pa.Table]:
    """The measures by period ("now", "before") and grouping, as `folds.Usage` has them.

    Of the split the values ``named_values`` are told apart; what is not among them is one "Other", from its own rows.
    ``parts_only`` leaves out the whole and its course; parts that do not add up have none. A ranking of the whole period shows no
    changes of them, so the period before is left out of it.
    """
    tables: dict[tuple[str, str], pa.Table] = {}
    is_ranking = split is not None and rows.view.interval == WHOLE
    for period, period_rows in _periods(replace(rows, before=None) if is_ranking else rows).items():
        groupings = _groupings(period_rows, split, parts_only=parts_only)
        for some in _together(measures) if groupings else ():
            groups = Groups(period_rows, split, tuple(named_values), tuple(groupings))
            answer = _answer(groups, some)
            for grouping in groupings:
                table = groups.part(answer, grouping, some)
                earlier = tables.get((period, grouping))
                tables[period, grouping] = table if earlier is None else _joined(earlier, table, some)
    return tables


def _periods(rows: Rows) -> dict[str, Rows]:
    """The requests of the period and, as one interval, those of the one that it is compared with."""
    now = {"now": replace(rows, before=None)}
    return now if rows.before is None else now | {"before": Rows(replace(rows.view, interval=WHOLE), rows.before)}


def _groupings(rows: Rows, split: str | None, *, parts_only: bool) -> list[str]:
    """What is shown of a view by a split."""
    is_whole = rows.view.interval == WHOLE
    parts = [] if split is None else ["value"] if is_whole else ["value", "both"]
    without_split = [] if parts_only or is_list(split) else ["whole"] if is_whole else ["whole", "time"]
    return parts + without_split


def _together(measures: Sequence[str]) -> list[tuple[str, ...]]:
    """Measures that one scan answers best: different users take long, and other rollups help with them."""
    others = tuple(name for name in measures if name != USERS)
    return [some for some in (others, (USERS,) if USERS in measures else ()) if some]


def _answer(groups: Groups, measures: Sequence[str]) -> pa.Table:
    table = percentiles(groups, measures)
    if table is not None:
        return table
    rows = groups.rows
    names = rows.view.filters.deciding_dimensions("user", *groups.by) if measures == (USERS,) else None

    def question(with_rollups: bool) -> tuple[str, Parameters]:
        return groups.sql(_users_sql(names or ()) if with_rollups else "{requests}", rows.measures_sql(measures))

    return rows.answer_with_rollups(question, rows.rolled(names, (), groups.split))


def _joined(table: pa.Table, more: pa.Table, measures: Sequence[str]) -> pa.Table:
    """Both tables' measures side by side: they have the same groups."""
    keys = [name for name in ("interval", "value", "is_other") if name in table.column_names]
    positions = {key: position for position, key in enumerate(zip(*(more[name].to_pylist() for name in keys), strict=True))}
    if keys:
        rows = zip(*(table[name].to_pylist() for name in keys), strict=True)
        more = more.take(pa.array([positions[key] for key in rows], pa.int64()))
    for name in measures:
        table = table.append_column(name, more[name])
    return table


def _users_sql(names: Iterable[str]) -> str:
    """The relation of who sent requests, and when, by some dimensions: a rollup says it once for each step of time."""
    columns = ", ".join(sorted({"started_at", *(DIMENSIONS[name].stored for name in names)}))
    return f"(SELECT {columns} FROM {{requests}} UNION ALL SELECT {columns} FROM {{rollups}})"
