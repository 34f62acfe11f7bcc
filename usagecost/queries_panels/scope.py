"""Which requests a panel is about, and what they can be grouped by, in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from usagecost import engine, periods
from usagecost.filters import Filters, Parameters, View, instant_range_sql
from usagecost.metrics import BASES, OF_ROWS, SPLITS, Metric, measure_sql
from usagecost.periods import WHOLE, Period
from usagecost.queries_clock import clock_sql, hour_of_day_sql, weekday_sql

HOUR_OF_WEEK = "hour_of_week"
"""The split of a heatmap: the weekday (from 0, Monday) times 24, plus the hour of day."""


@dataclass(frozen=True)
class Scope:
    """The requests sent in [start, end) that pass the filters, at the costs of a basis. ``period`` is what time is counted in."""

    lake: str
    version: int
    period: Period
    start: datetime
    end: datetime
    basis: str
    filters: Filters
    week_start: int

    @classmethod
    def of(cls, view: View, start: datetime, end: datetime) -> Scope:
        """The view's requests between two instants. What time it is now is left out: it decides no number."""
        conditions = tuple(sorted(set(view.filters.conditions), key=repr))
        return cls(view.lake, view.version, view.period.timeless, start, end, view.basis, Filters(conditions), view.week_start)

    def cost(self, sql: str) -> str:
        """The SQL with this basis' cost of a request put in."""
        return sql.format(spend=BASES[self.basis][1], instant_us=engine.INSTANT_US)

    def measures_sql(self, names: Iterable[str]) -> str:
        """Measures as a SELECT names them."""
        of_rows = {name: self.cost(sql) for name, sql in OF_ROWS.items()}
        return ", ".join(f"{of_rows.get(name) or measure_sql(name, self.basis, engine.INSTANT_US)} AS {name}" for name in names)

    def may_be_tallied(self, need: frozenset[str] | None) -> bool:
        """Whether tallies may tell anything of it by some dimensions together."""
        return need is not None and engine.may_be_tallied(need, self.lake, self.version)

    def cuts(self, interval: str, *, by_clock: bool) -> list[int]:
        """The instants (µs) at which requests begin to count for something else, where they are counted in intervals, or by what
        the clock says: that changes with quarter-hours, of which the first of a day stands for all.
        """
        steps = periods.intervals(self.period, interval, self.week_start) if interval != WHOLE else ()
        cuts = [periods.instant_us(instant) for instant in (self.start, self.end, *(step.start for step in steps))]
        if by_clock:
            first, last = (cut // periods.DAY_US for cut in cuts[:2])
            cuts += [day * periods.DAY_US + periods.QUARTER_US for day in range(first, last + 1)]
        return cuts

    def tallies_sql(self, grouping: str, keys: Iterable[str]) -> tuple[str, Parameters]:
        """The same of the tallies of a grouping, each of which stands for requests: the SELECT and its parameters."""
        return self.rows_sql(keys, f"(FROM {{tallies}} WHERE grouping = '{grouping}')")

    def rows_sql(self, keys: Iterable[str] = (), relation: str = "{requests}") -> tuple[str, Parameters]:
        """The SELECT of the rows with the keys to group them by (``at_day``, ``by_model``), and its parameters."""
        in_range, bound = instant_range_sql(engine.INSTANT_US, {"now": (self.start, self.end)})
        matches, values = self.filters.sql()
        selected, parameters = ["*"], bound | values
        for key in keys:
            kind, _, name = key.partition("_")
            sql, needed = self._time_sql(name) if kind == "at" else self._split_sql(name)
            selected.append(f"{sql} AS {key}")
            parameters |= needed
        return f"SELECT {', '.join(selected)} FROM {relation} WHERE {in_range} AND {matches}", parameters

    def places(self, interval: str) -> dict[int, int]:
        """What SQL says of an interval -> its place: hours and days have numbers, weeks and months their place already."""
        steps = periods.intervals(self.period, interval, self.week_start)
        if interval in ("week", "month"):
            return {place: place for place in range(len(steps))}
        return periods.places(self.period, interval, steps)

    def _time_sql(self, interval: str) -> tuple[str, Parameters]:
        if interval == WHOLE or self.period.start == self.period.end:  # the zone skipped all of the period's days
            return "0::bigint", {}
        times = periods.clock(self.period.zone, self.start, self.end)
        if interval in ("hour", "day"):
            return clock_sql(times, interval, interval)
        day, parameters = clock_sql(times, "day", "day")
        places = periods.places(self.period, interval, periods.intervals(self.period, interval, self.week_start))
        first, last = min(places), max(places)
        of_days = [places.get(number, 0) for number in range(first, last + 1)]
        more = {"first_day": first, f"{interval}_of_days": of_days}
        return f"${interval}_of_days[({day} - $first_day + 1)::integer]::bigint", parameters | more

    def _split_sql(self, split: str) -> tuple[str, Parameters]:
        wall = periods.wall_clock(self.period.zone, self.start, self.end)
        (hour, parameters), (weekday, _) = hour_of_day_sql(wall), weekday_sql(wall)
        of_clock = {"hour_of_day": hour, "weekday": weekday, HOUR_OF_WEEK: f"({weekday}) * 24 + {hour}"}
        if split in of_clock:
            return f"({of_clock[split]})::varchar", parameters
        dimension = SPLITS[split]
        if dimension.kind == "list":
            return f"unnest(CASE WHEN len({dimension.column}) > 0 THEN list_distinct({dimension.column}) ELSE [NULL] END)", {}
        return f"({dimension.column})::varchar", {}


def is_of_clock(split: str | None) -> bool:
    """Whether what the clocks of the zone show is the split."""
    return split == HOUR_OF_WEEK or (split in SPLITS and SPLITS[split].kind == "clock")


def is_list(split: str | None) -> bool:
    """Whether a request can have several values of the split: its rows are then more than the requests."""
    return split in SPLITS and not SPLITS[split].parts_add_up


def order_sql(metric: Metric, measure: str, requests: str, value: str) -> str:
    """The ORDER BY that ranks values by an additive metric; ``measure`` is how SQL writes one of a name."""
    terms = [measure.format(name) for name in metric.terms]
    amount = f"coalesce({' + '.join(terms)}, {', '.join(terms)})" if len(terms) > 1 else terms[0]
    return f"ORDER BY {amount} DESC NULLS LAST, {requests} DESC, {value} NULLS LAST"
