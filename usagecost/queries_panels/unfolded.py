"""Measures that do not fold (percentiles, different users): each grouping that is shown is computed from its own rows.

Who was there at all is told by tallies of users too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.filters import Parameters
from usagecost.lake import Tallied
from usagecost.metrics import DIMENSIONS, LATENCY, METRICS
from usagecost.periods import WHOLE
from usagecost.queries_panels.scope import Scope, is_list
from usagecost.queries_panels.sums import Sums

GROUPINGS = {"whole": (False, False), "time": (True, False), "value": (False, True), "both": (True, True)}
"""What can be shown: the whole, each interval, each value of the split, each value in each interval -> is by time, by value."""


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
        need not be computed for the groupings of another; nor is what tallies help with to wait for what they do not.
        """
        told = self.scope.filters.told_by(*filter(None, [self.split]))
        with_help = told is not None and not self.is_of_users and self.scope.may_be_tallied(told | {LATENCY})
        split = self.split if is_list(self.split) or with_help else None
        return Unfolded, self.scope, split, self.is_of_users, with_help or self.scope.may_be_tallied(self.told_by)

    @property
    def is_of_users(self) -> bool:
        """Whether it asks for different users only."""
        return self.measures == ("active_users",)

    @property
    def told_by(self) -> frozenset[str] | None:
        """The dimensions by which sums tell it, and which requests pass the filters; None if none do."""
        return self.scope.filters.told_by("user") if self.is_of_users and self.split is None else None

    @property
    def cuts(self) -> list[int]:
        """The instants (µs) at which requests begin to count for something else."""
        return self.scope.cuts(self.interval, by_clock=False)

    @property
    def ranking(self) -> Sums | None:
        """What has to be known first: which values are named."""
        if self.split is None:
            return None
        measures = tuple(sorted({"requests", *METRICS[self.rank].terms}))
        return Sums(self.scope, WHOLE, self.split, self.rank, self.most, measures)

    def keys(self, grouping: str, rankings: Sequence[Sums]) -> tuple[str, ...]:
        """What a grouping groups by: an interval, and the place of a value in its ranking."""
        by_time, by_value = GROUPINGS[grouping]
        place = (f"place_{rankings.index(self.ranking)}",) if by_value and self.ranking else ()
        return (f"at_{self.interval if by_time else WHOLE}", *place)


def unfolded_sql(needs: Sequence[Unfolded], ranked: Mapping[Sums, pa.Table], tallied: Tallied | None) -> tuple[str, Parameters]:
    """The query of needs that share one, and its parameters.

    ``ranked`` are the answers to their rankings. ``tallied``: part of the requests are told by tallies.
    """
    scope = needs[0].scope
    measures = scope.measures_sql(sorted({name for need in needs for name in need.measures}))
    return grouped_sql(needs, ranked, _users_sql(scope) if tallied else "{requests}", measures)


def grouped_sql(
    needs: Sequence[Unfolded], ranked: Mapping[Sums, pa.Table], relation: str, selected: str, also_by: str | None = None
) -> tuple[str, Parameters]:
    """What is selected of the rows of a relation in every group of some needs, and the parameters. One row: (grouped, number,
    place), and, if it is grouped by something besides, each of this. Place 0 is that of all values that are not named.
    """
    scope, rankings = needs[0].scope, _rankings(needs)
    keys, places = _keys(needs), [f"place_{i}" for i in range(len(rankings))]
    times = [key for key in keys if key not in places]
    rows, parameters = scope.rows_sql([*times, *sorted({f"by_{ranking.split}" for ranking in rankings})], relation)
    placed = ""
    for place, ranking in zip(places, rankings, strict=True):
        place_sql, values = _place_sql(str(ranking.split), named(ranking, ranked[ranking]), place)
        placed, parameters = f"{placed}, {place_sql} AS {place}", parameters | values
    besides = (also_by,) if also_by else ()
    sets = sorted({f"({', '.join((*need.keys(grouping, rankings), *besides))})" for need in needs for grouping in need.groupings})
    sql = f"""
        WITH asked AS NOT MATERIALIZED ({rows})
        SELECT grouping_id({", ".join(keys)}) AS grouped, coalesce({", ".join(times)}) AS number,
               {f"coalesce({', '.join(places)})" if places else "NULL::bigint"} AS place, {selected}
        FROM (SELECT asked.*{placed} FROM asked) GROUP BY GROUPING SETS ({", ".join(sets)})"""
    return sql, parameters


def unfolded_parts(answer: pa.Table, needs: Sequence[Unfolded], ranked: Mapping[Sums, pa.Table]) -> dict[Unfolded, pa.Table]:
    """What the query says of each of its needs."""
    keys, rankings = _keys(needs), _rankings(needs)
    parts = {}
    for need in needs:
        values = [None, *(named(need.ranking, ranked[need.ranking]) if need.ranking else ())]
        found = []
        for grouping in need.groupings:
            by = need.keys(grouping, rankings)
            grouped = sum(1 << place for place, key in enumerate(reversed(keys)) if key not in by)
            rows = answer.filter(pc.field("grouped") == grouped)
            places = rows["place"].to_pylist()
            columns = {
                "number": rows["number"],
                "value": pa.array([values[place or 0] for place in places], pa.string()),
                "is_other": pa.array([place == 0 for place in places], pa.bool_()),
                **{name: rows[name] for name in need.measures},
                "grouping": pa.repeat(pa.scalar(grouping), len(places)),
            }
            found.append(pa.table(columns))
        parts[need] = pa.concat_tables(found)
    return parts


def named(ranking: Sums, answer: pa.Table) -> list[str | None]:
    """The first values of a ranking, "not reported" at the end."""

    def place(row: dict[str, Any]) -> tuple:
        amount = METRICS[ranking.rank].of(row)
        return amount is None, -(amount or 0), -row["requests"], row["value"] is None, row["value"] or ""

    rows = sorted((row for row in answer.to_pylist() if not row["is_other"]), key=place)
    return sorted((row["value"] for row in rows[: ranking.most]), key=lambda value: value is None)


def _place_sql(split: str, values: Sequence[str | None], name: str) -> tuple[str, Parameters]:
    """The SQL of the place of a row's value among some, from 1 on, 0 if it is none of them; and its parameters.

    A list is looked through once for every different value; to join it takes longer than percentiles do.
    """
    known = [value for value in values if value is not None]
    place, parameters = (f"coalesce(list_position(${name}, by_{split}), 0)", {name: known}) if known else ("0::bigint", {})
    return (f"CASE WHEN by_{split} IS NULL THEN {len(values)} ELSE {place} END" if None in values else place), parameters


def _users_sql(scope: Scope) -> str:
    """The relation of who sent requests, and when, with what is filtered by: a tally says it once for each step of time."""
    columns = ", ".join(sorted({"started_at", *(DIMENSIONS[name].column for name in scope.filters.told_by("user") or ())}))
    return f"(SELECT {columns} FROM {{requests}} UNION ALL SELECT {columns} FROM {{tallies}})"


def _rankings(needs: Sequence[Unfolded]) -> list[Sums]:
    return list(dict.fromkeys(need.ranking for need in needs if need.ranking))


def _keys(needs: Sequence[Unfolded]) -> list[str]:
    rankings = _rankings(needs)
    return sorted({key for need in needs for grouping in need.groupings for key in need.keys(grouping, rankings)})
