"""The groups for which measures that do not fold are computed, each from its own rows: in SQL, and out of its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.queries.rows import Rows, is_clock_split

GROUPINGS = {"whole": (), "time": ("number",), "value": ("place",), "both": ("number", "place")}
"""What can be shown: the whole, each interval, each value of the split, each value in each interval -> what SQL groups by."""


@dataclass(frozen=True)
class Groups:
    """Requests in some ``groupings``. Of the split the values ``named`` are told apart, the rest is one "Other"."""

    rows: Rows
    split: str | None
    named_values: tuple[str | None, ...]
    groupings: tuple[str, ...]

    @property
    def by(self) -> tuple[str, ...]:
        """The dimension that says the split, if it is one and not what the clock says."""
        return () if self.split is None or is_clock_split(self.split) else (self.split,)

    def sql(self, relation: str, selected: str, also_by: str | None = None) -> tuple[str, dict[str, Any]]:
        """What is selected of the rows of a relation in every group, and the parameters.

        One row: (grouped, number, place), and, if it is grouped by something besides, each of this. Place 0 is that of "Other".
        """
        rows_sql, parameters = self.rows.sql(self.split, relation)
        place, values = self._place_sql() if self.split else ("0::bigint", {})
        besides = (also_by,) if also_by else ()
        sets = ", ".join(f"({', '.join((*GROUPINGS[grouping], *besides))})" for grouping in self.groupings)
        keys = self._keys
        grouped = f"grouping_id({', '.join(keys)})::bigint" if keys else "0::bigint"
        key_columns = ", ".join(key if key in keys else f"NULL::bigint AS {key}" for key in ("number", "place"))
        sql = f"""
            WITH asked AS NOT MATERIALIZED ({rows_sql})
            SELECT {grouped} AS grouped, {key_columns}, {selected}
            FROM (SELECT *, {place} AS place FROM asked) GROUP BY GROUPING SETS ({sets})"""
        return sql, parameters | values

    def part(self, answer: pa.Table, grouping: str, measures: Sequence[str]) -> pa.Table:
        """The rows of one of the groupings, with values instead of places, and intervals instead of numbers."""
        by = GROUPINGS[grouping]
        left_out = sum(1 << place for place, key in enumerate(reversed(self._keys)) if key not in by)  # SQL's grouping_id
        part = answer.filter(pc.field("grouped") == left_out)
        table = part.select(list(measures))
        if "place" in by:
            values, places = [None, *self._in_order], part["place"].to_pylist()
            table = table.append_column("value", pa.array([values[place] for place in places], pa.string()))
            table = table.append_column("is_other", pa.array([place == 0 for place in places], pa.bool_()))
        return self.rows.placed(table.append_column("number", part["number"])) if "number" in by else table

    @property
    def _keys(self) -> list[str]:
        """What any of the groupings groups by."""
        return sorted({key for grouping in self.groupings for key in GROUPINGS[grouping]})

    @property
    def _in_order(self) -> list[str | None]:
        """The values in the order of their places: "not reported" at the end."""
        return sorted(self.named_values, key=lambda value: value is None)

    def _place_sql(self) -> tuple[str, dict[str, Any]]:
        """The SQL of the place of a row's value among those named, from 1 on, 0 if it is none of them; and its parameters.

        A list is looked through once for every different value; to join it takes longer than percentiles do.
        """
        values = self._in_order
        reported = [value for value in values if value is not None]
        place, parameters = (
            ("coalesce(list_position($named, value), 0)::bigint", {"named": reported}) if reported else ("0::bigint", {})
        )
        return (f"CASE WHEN value IS NULL THEN {len(values)} ELSE {place} END" if None in values else place), parameters
