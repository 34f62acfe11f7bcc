"""What a lake has to choose from: values of dimensions, their names, and since when and until when it has requests."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from usagecost import engine
from usagecost.engine import Slice
from usagecost.lake import LakeError, Rolled
from usagecost.lake.rollups import ROLLUPS, column_of
from usagecost.periods import WHOLE, Period
from usagecost.queries.rows import Rows, each_sql, prefer_rollups
from usagecost.vocabulary import DIMENSIONS
from usagecost.vocabulary.filters import Filters, Parameters, Scope, View, instant_range_sql
from usagecost.vocabulary.labels import FIELDS, NO_LABELS, Labels

MOST_CHOICES = 5_000
"""Values of a dimension that a filter offers, the busiest first."""


def choices(view: View) -> dict[str, list[str | None]]:
    """The values of each dimension in a view's period, whatever its filters, the busiest first; None is "not reported"."""
    period_rows = Rows.of(replace(view, interval=WHOLE))
    counts_by_dimension: dict[str, list[str | None]] = {}
    for names in _rollup_groups() if period_rows.rolled((), ()) else [[*DIMENSIONS]]:
        counted = _counted(period_rows, names)
        for name in names:
            counts_by_dimension[name] = counted.filter(pc.field("dimension") == name)["value"].slice(0, MOST_CHOICES).to_pylist()
    return {name: counts_by_dimension[name] for name in DIMENSIONS}


def _counted(period_rows: Rows, names: Sequence[str]) -> pa.Table:
    """One row: (dimension, value) of some dimensions, with how many requests have it, the busiest first."""
    (selected, grouped), (in_range, bound) = each_sql(names), instant_range_sql({"now": period_rows.now})

    def question(with_rollups: bool) -> tuple[str, Parameters]:
        rollup_counts = {"{rollups}": f"sum({column_of('requests', 'best')})"} if with_rollups else {}
        counts = {"{requests}": "count(*)::bigint"} | rollup_counts
        counted = " UNION ALL ".join(
            f"SELECT {selected}, {count} AS counted FROM {relation} WHERE {in_range} {grouped}"
            for relation, count in counts.items()
        )
        sql = f"""
            SELECT dimension, value, sum(counted)::bigint AS requests FROM ({counted}) GROUP BY dimension, value
            ORDER BY requests DESC, value"""
        return sql, bound

    return period_rows.answer_with_rollups(question, period_rows.rolled(names, ("requests",)))


def provider_models(view: View) -> list[tuple[str | None, str | None]]:
    """The providers and models of a view's period, whatever its filters."""
    period_rows = Rows.of(replace(view, filters=Filters(), interval=WHOLE))
    in_range, bound = instant_range_sql({"now": period_rows.now})

    def question(with_rollups: bool) -> tuple[str, Parameters]:
        relations = ["{requests}", *(["{rollups}"] if with_rollups else [])]
        return " UNION ".join(f"SELECT DISTINCT provider, model FROM {relation} WHERE {in_range}" for relation in relations), bound

    pairs = period_rows.answer_with_rollups(question, period_rows.rolled(("provider", "model"), ()))
    return [*zip(pairs["provider"].to_pylist(), pairs["model"].to_pylist(), strict=True)]


def _rollup_groups() -> Iterable[list[str]]:
    """The dimensions, those together that one rollup tells."""
    together: dict[str, list[str]] = {}
    for name, dimension in DIMENSIONS.items():
        together.setdefault(next(rollup.name for rollup in ROLLUPS.values() if dimension.stored in rollup.by), []).append(name)
    return together.values()


def labels(lake: str, version: int, scope: Scope) -> Labels:
    """What the lake's teams, users and keys are called; of those alone that have a request in the scope."""
    try:
        names = engine.open_lake(lake).rows("names")
    except LakeError:  # ids are better than no page
        logging.getLogger(__name__).warning("The names of teams, users and keys cannot be read", exc_info=True)
        return NO_LABELS
    if not scope.is_everything:
        ids_in_scope = _ids_within(Slice(lake, version, scope))
        ids = zip(names["field"].to_pylist(), names["id"].to_pylist(), strict=True)
        names = names.filter(pa.array([key in ids_in_scope for key in ids], pa.bool_()))
    return Labels.of_names(names)


def _ids_within(lake_slice: Slice) -> set[tuple[str, str]]:
    """The columns and ids, of those that can have names, of the requests of a slice."""
    selected, grouped = each_sql(FIELDS)

    def ask(rolled: Rolled | None) -> pa.Table:
        relations = ["{requests}", *(["{rollups}"] if rolled else [])]
        sql = " UNION ALL ".join(f"SELECT {selected} FROM {relation} {grouped}" for relation in relations)
        return engine.table(sql, {}, lake_slice, rolled)

    values = prefer_rollups(engine.rolled(FIELDS.values(), (), lake_slice), ask)
    return {(FIELDS[row["dimension"]], row["value"]) for row in values.to_pylist()}


def missing_until(span: tuple[datetime, datetime] | None, period: Period) -> date | None:
    """The local day of the lake's oldest request, if what a period is compared with began more than a day before it."""
    previous = period.previous
    if not span or not previous or span[0] < previous[0] + timedelta(days=1):
        return None
    return span[0].astimezone(ZoneInfo(period.zone)).date()


def data_span(lake: str, version: int, scope: Scope) -> tuple[datetime, datetime] | None:
    """The instants of the oldest and the newest request of the lake that is in the scope; None when there is none."""
    lake_slice = Slice(lake, version, scope)
    if scope.is_everything:
        return lake_slice.snapshot.span

    def ask(rolled: Rolled | None, part: Slice = lake_slice) -> tuple[datetime, datetime] | None:
        relations = "{requests} UNION ALL SELECT started_at FROM {rollups}" if rolled else "{requests}"
        sql = f"SELECT min(started_at) AS oldest, max(started_at) AS newest FROM (SELECT started_at FROM {relations})"
        (extremes,) = engine.table(sql, {}, part, rolled).to_pylist()
        return (extremes["oldest"], extremes["newest"]) if extremes["oldest"] else None

    about = prefer_rollups(engine.rolled((), (), lake_slice), ask)
    if about is None:
        return None
    days = [moment.date() for moment in about]  # on which, or on the next, these requests were sent: a rollup tells the day
    spans = [ask(None, replace(lake_slice, first_day=day, last_day=day + timedelta(days=1))) for day in days]
    oldest, newest = (span or about for span in spans)
    return oldest[0], newest[1]
