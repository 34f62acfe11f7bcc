"""The local time of a request in SQL: integer arithmetic with the zone's offsets, so that no engine needs a zone database."""

from __future__ import annotations

from collections.abc import Sequence

from usagecost import periods
from usagecost.periods import Clock
from usagecost.vocabulary import INSTANT_US
from usagecost.vocabulary.filters import Parameters

MONDAY = 3
"""What is added to the days since 1970, a Thursday, for the remainder by seven to count from Monday."""


def clock_sql(clock: Clock, grain: str) -> tuple[str, Parameters]:
    """The SQL of the number of the local day, hour or quarter of an hour (see `Clock`), and its parameters."""
    shifted, parameters = _shifted_sql(clock.changes, clock.shifts(grain), "local")
    return f"({shifted}) // {periods.BY_CLOCK.get(grain, periods.DAY_US)}", parameters


def wall_sql(wall: Clock) -> tuple[str, str, Parameters]:
    """The SQL of the hour that the zone's clocks show, 0 to 23, that of the weekday, Monday being 0, and the parameters of both."""
    shifted, parameters = _shifted_sql(wall.changes, wall.offsets, "wall")
    return f"({shifted}) // {periods.HOUR_US} % 24", f"(({shifted}) // {periods.DAY_US} + {MONDAY}) % 7", parameters


def _shifted_sql(changes: Sequence[int], shifts: Sequence[int], prefix: str) -> tuple[str, Parameters]:
    """The SQL of the instant with the shift added that is in force at it, and its parameters."""
    parameters: Parameters = {f"{prefix}_shift{i}": shift for i, shift in enumerate(shifts)}
    shift = f"${prefix}_shift{len(changes)}::bigint"
    if changes:
        parameters |= {f"{prefix}_change{i}": change for i, change in enumerate(changes)}
        whens = " ".join(f"WHEN {INSTANT_US} < ${prefix}_change{i} THEN ${prefix}_shift{i}::bigint" for i in range(len(changes)))
        shift = f"CASE {whens} ELSE {shift} END"
    return f"{INSTANT_US} + {shift}", parameters
