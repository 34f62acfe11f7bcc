"""Measures that do not fold (percentiles, different users): each grouping that is shown is computed from its own rows.

Who was there at all is told by tallies of users too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.filters import Parameters
from usagecost.metrics import METRICS
from usagecost.periods import WHOLE
from usagecost.queries_panels.scope import Scope, is_list, order_sql

GROUPINGS = {"whole": (False, False), "time": (True, False), "value": (False, True), "both": (True, True)}
"""What can be shown: the whole, each interval, each value of the split, each value in each interval -> is by time, by value."""

USERS_OF_BOTH = """(
    SELECT started_at, user_id FROM {requests}
    UNION ALL SELECT started_at, value AS user_id FROM {tallies} WHERE dimension = 'user')"""
"""Who sent requests, and when: a tally says it once for each step of time."""


@dataclass(frozen=True)
class Unfolded:
    """Measures of some groupings. One row of the answer is (grouping, number, value, is_other).

    Exactly the first ``most`` values by ``rank``, an additive metric, are named; the rest is ``is_other``, from its own rows.
    """

    scope: Scope
    interval: str
    split: str | None
    rank: str
    most: int
    measures: tuple[str, ...]
    groupings: tuple[str, ...]

    @property
    def shares(self) -> tuple:
        """Needs that agree in this are answered by one query. A list makes rows of its own, and what one measure takes long for
        need not be computed for the groupings of another.
        """
        by_tallies = self.told_by is not None and self.scope.has_tallies
        return Unfolded, self.scope, self.split if is_list(self.split) else None, self.is_of_users, by_tallies

    @property
    def is_of_users(self) -> bool:
        """Whether it asks for different users only."""
        return self.measures == ("active_users",)

    @property
    def told_by(self) -> str | None:
        """The dimension whose tallies can tell it, also which requests pass the filters; None if only requests can."""
        is_told = self.is_of_users and self.split is None and self.scope.filters.are_told_by_tallies("user")
        return "user" if is_told else None

    @property
    def cuts(self) -> list[int]:
        """The instants (µs) at which requests begin to count for something else."""
        return self.scope.cuts(self.interval, by_clock=False)

    @property
    def named(self) -> tuple[str, str, int] | None:
        """What decides which values are named."""
        return (self.split, self.rank, self.most) if self.split else None

    def keys(self, grouping: str, named: Sequence[tuple[str, str, int]]) -> tuple[str, ...]:
        """What a grouping groups by: an interval, and the place of a value among the named ones."""
        by_time, by_value = GROUPINGS[grouping]
        return (f"at_{self.interval if by_time else WHOLE}", *((f"place_{named.index(self.named)}",) if by_value else ()))


def unfolded_sql(needs: Sequence[Unfolded], *, tallied: bool = False) -> tuple[str, Parameters]:
    """The query of needs that share one, and its parameters. Place 0 is that of all values that are not named.

    ``tallied``: part of the requests are told by tallies.
    """
    scope, named = needs[0].scope, _named(needs)
    keys, places = _keys(needs), [f"place_{i}" for i in range(len(named))]
    times = [key for key in keys if key not in places]
    relation = USERS_OF_BOTH if tallied else "{requests}"
    rows, parameters = scope.rows_sql([*times, *sorted({f"by_{split}" for split, *_ in named})], relation)
    sets = sorted({f"({', '.join(need.keys(grouping, named))})" for need in needs for grouping in need.groupings})
    values = " ".join(f"WHEN grouping({place}) = 0 THEN any_value(value_{i})" for i, place in enumerate(places))
    joined = "".join(f", coalesce(named_{i}.place, 0) AS place_{i}, named_{i}.value AS value_{i}" for i in range(len(named)))
    joins = "".join(f" LEFT JOIN named_{i} ON by_{each[0]} IS NOT DISTINCT FROM named_{i}.value" for i, each in enumerate(named))
    sql = f"""
        WITH asked AS NOT MATERIALIZED ({rows}){"".join(_named_sql(scope, i, *values) for i, values in enumerate(named))}
        SELECT grouping_id({", ".join(keys)}) AS grouped, coalesce({", ".join(times)}) AS number,
               {f"CASE {values} END" if named else "NULL::varchar"} AS value,
               {f"coalesce(coalesce({', '.join(places)}) = 0, false)" if named else "false"} AS is_other,
               {scope.measures_sql(sorted({name for need in needs for name in need.measures}))}
        FROM (SELECT asked.*{joined} FROM asked{joins}) GROUP BY GROUPING SETS ({", ".join(sets)})"""
    return sql, parameters


def unfolded_parts(answer: pa.Table, needs: Sequence[Unfolded]) -> dict[Unfolded, pa.Table]:
    """What the query says of each of its needs."""
    keys, named = _keys(needs), _named(needs)
    parts = {}
    for need in needs:
        found = []
        for grouping in need.groupings:
            by = need.keys(grouping, named)
            grouped = sum(1 << place for place, key in enumerate(reversed(keys)) if key not in by)
            rows = answer.filter(pc.field("grouped") == grouped).select(["number", "value", "is_other", *need.measures])
            found.append(rows.append_column("grouping", pa.repeat(pa.scalar(grouping), rows.num_rows)))
        parts[need] = pa.concat_tables(found)
    return parts


def _named_sql(scope: Scope, i: int, split: str, rank: str, most: int) -> str:
    """The values of a split that are named, by their place from 1 on: a look at one column and what the rank needs."""
    measures = sorted({"requests", *METRICS[rank].terms})
    order = order_sql(METRICS[rank], "{}", "requests", "value")
    counted = f"SELECT by_{split} AS value, {scope.measures_sql(measures)} FROM asked GROUP BY by_{split}"
    placed = f"SELECT value, row_number() OVER ({order}) AS place FROM ({counted})"
    return f", named_{i} AS MATERIALIZED (SELECT * FROM ({placed}) WHERE place <= {most})"


def _named(needs: Sequence[Unfolded]) -> list[tuple[str, str, int]]:
    return sorted({need.named for need in needs if need.named})


def _keys(needs: Sequence[Unfolded]) -> list[str]:
    named = _named(needs)
    return sorted({key for need in needs for grouping in need.groupings for key in need.keys(grouping, named)})
