"""Measures that do not fold (percentiles, different users): each grouping that is shown is computed from its own rows.

Who was there at all is told by tallies of users too, and where a percentile lies by tallies of latencies: see `latency_steps`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.filters import Parameters
from usagecost.lake import Tallied
from usagecost.metrics import DIMENSIONS
from usagecost.periods import WHOLE
from usagecost.queries.latency_steps import percentiles
from usagecost.queries.rows import Rows, is_list, told

GROUPINGS = {"whole": (), "time": ("number",), "value": ("place",), "both": ("number", "place")}
"""What can be shown: the whole, each interval, each value of the split, each value in each interval -> what SQL groups by."""

USERS = "active_users"


def exact(
    rows: Rows, split: str | None, measures: Sequence[str], named: Sequence[str | None], *, parts_only: bool = False
) -> dict[tuple[str, str], pa.Table]:
    """The measures by period ("now", "before") and grouping, as `folds.Usage` has them.

    Of the split the values ``named`` are told apart; what is not among them is one "Other", from its own rows. ``parts_only``
    leaves out the whole and its course; parts that do not add up have none.
    """
    found: dict[tuple[str, str], pa.Table] = {}
    for period, asked in _periods(rows).items():
        groupings = _groupings(asked, split, parts_only=parts_only)
        for some in _together(measures) if groupings else ():
            answer = _answer(asked, split, some, named, groupings)
            for grouping in groupings:
                table = _part(asked, answer, grouping, _bits(grouping, groupings), some, named)
                known = found.get((period, grouping))
                found[period, grouping] = table if known is None else _joined(known, table, some)
    return found


def grouped_sql(
    rows: Rows,
    split: str | None,
    named: Sequence[str | None],
    groupings: Sequence[str],
    relation: str,
    selected: str,
    also_by: str | None = None,
) -> tuple[str, Parameters]:
    """What is selected of the rows of a relation in every group, and the parameters. One row: (grouped, number, place), and, if it
    is grouped by something besides, each of this. Place 0 is that of all values that are not named.
    """
    asked, parameters = rows.sql(split, relation)
    place, values = _place_sql(named) if split else ("0::bigint", {})
    besides = (also_by,) if also_by else ()
    sets = ", ".join(f"({', '.join((*GROUPINGS[grouping], *besides))})" for grouping in groupings)
    keys = _keys(groupings)
    grouped = f"grouping_id({', '.join(keys)})::bigint" if keys else "0::bigint"
    shown = ", ".join(key if key in keys else f"NULL::bigint AS {key}" for key in ("number", "place"))
    sql = f"""
        WITH asked AS NOT MATERIALIZED ({asked})
        SELECT {grouped} AS grouped, {shown}, {selected}
        FROM (SELECT *, {place} AS place FROM asked) GROUP BY GROUPING SETS ({sets})"""
    return sql, parameters | values


def _periods(rows: Rows) -> dict[str, Rows]:
    """The requests of the period and, as one interval, those of the one that it is compared with."""
    now = {"now": replace(rows, before=None)}
    return now if rows.before is None else now | {"before": Rows(replace(rows.view, interval=WHOLE), rows.before)}


def _groupings(rows: Rows, split: str | None, *, parts_only: bool) -> list[str]:
    """What is shown of a view by a split."""
    is_whole = rows.view.interval == WHOLE
    parts = [] if split is None else ["value"] if is_whole else ["value", "both"]
    whole = [] if parts_only or is_list(split) else ["whole"] if is_whole else ["whole", "time"]
    return parts + whole


def _together(measures: Sequence[str]) -> list[tuple[str, ...]]:
    """Measures that one scan answers best: different users take long, and other tallies help with them."""
    others = tuple(name for name in measures if name != USERS)
    return [some for some in (others, (USERS,) if USERS in measures else ()) if some]


def _answer(
    rows: Rows, split: str | None, measures: Sequence[str], named: Sequence[str | None], groupings: Sequence[str]
) -> pa.Table:
    found = percentiles(rows, split, measures, named, groupings, grouped_sql)
    if found is not None:
        return found

    def ask(tallied: Tallied | None) -> pa.Table:
        relation = _users_sql(rows) if tallied else "{requests}"
        return rows.answer(*grouped_sql(rows, split, named, groupings, relation, rows.measures_sql(measures)), tallied)

    is_told = measures == (USERS,) and split is None
    return told(rows.tallied(rows.view.filters.told_by("user") if is_told else None), ask)


def _keys(groupings: Sequence[str]) -> list[str]:
    """What any of the groupings groups by."""
    return sorted({key for grouping in groupings for key in GROUPINGS[grouping]})


def _bits(grouping: str, groupings: Sequence[str]) -> int:
    """What SQL's grouping_id says of the rows of one of the groupings: a bit for each key that it leaves out."""
    return sum(1 << place for place, key in enumerate(reversed(_keys(groupings))) if key not in GROUPINGS[grouping])


def _part(
    rows: Rows, answer: pa.Table, grouping: str, grouped: int, measures: Sequence[str], named: Sequence[str | None]
) -> pa.Table:
    """The rows of a grouping, with values instead of places, and intervals instead of numbers."""
    by = GROUPINGS[grouping]
    part = answer.filter(pc.field("grouped") == grouped)
    table = part.select(list(measures))
    if "place" in by:
        values, places = [None, *_in_order(named)], part["place"].to_pylist()
        table = table.append_column("value", pa.array([values[place] for place in places], pa.string()))
        table = table.append_column("is_other", pa.array([place == 0 for place in places], pa.bool_()))
    return rows.placed(table.append_column("number", part["number"])) if "number" in by else table


def _joined(known: pa.Table, more: pa.Table, measures: Sequence[str]) -> pa.Table:
    """Both tables' measures side by side: they have the same groups."""
    keys = [name for name in ("interval", "value", "is_other") if name in known.column_names]
    places = {key: place for place, key in enumerate(zip(*(more[name].to_pylist() for name in keys), strict=True))}
    if keys:
        rows = zip(*(known[name].to_pylist() for name in keys), strict=True)
        more = more.take(pa.array([places[key] for key in rows], pa.int64()))
    for name in measures:
        known = known.append_column(name, more[name])
    return known


def _in_order(named: Sequence[str | None]) -> list[str | None]:
    """The values in the order of their places: "not reported" at the end."""
    return sorted(named, key=lambda value: value is None)


def _place_sql(named: Sequence[str | None]) -> tuple[str, Parameters]:
    """The SQL of the place of a row's value among those named, from 1 on, 0 if it is none of them; and its parameters.

    A list is looked through once for every different value; to join it takes longer than percentiles do.
    """
    values = _in_order(named)
    known = [value for value in values if value is not None]
    place, parameters = ("coalesce(list_position($named, value), 0)::bigint", {"named": known}) if known else ("0::bigint", {})
    return (f"CASE WHEN value IS NULL THEN {len(values)} ELSE {place} END" if None in values else place), parameters


def _users_sql(rows: Rows) -> str:
    """The relation of who sent requests, and when, with what is filtered by: a tally says it once for each step of time."""
    names = rows.view.filters.told_by("user") or ()
    columns = ", ".join(sorted({"started_at", *(DIMENSIONS[name].column for name in names)}))
    return f"(SELECT {columns} FROM {{requests}} UNION ALL SELECT {columns} FROM {{tallies}})"
