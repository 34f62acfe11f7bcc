"""What a day of UTC has cost, by all that a line of a bill names: provider, model and price, and who asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from usagecost.periods import WHOLE
from usagecost.queries.rows import Rows
from usagecost.schema import COST_PARTS
from usagecost.vocabulary.filters import View

CHARGED_BY = ("provider", "model", "price_id", "discount", "team_id", "virtual_key", "user_id", "app", "project")

_CACHED = "coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)"
_SUMS = {
    "requests": "count(*)",
    "requests_with_other": "count(*) FILTER (other_cost_usd <> 0)",
    "input_tokens": f"""sum(CASE
        WHEN input_tokens > {_CACHED} THEN input_tokens - ({_CACHED}) WHEN input_tokens IS NOT NULL THEN 0 END)""",
    **{name: f"sum({name})" for name in ("cache_read_tokens", "cache_write_tokens", "output_tokens")},
    **{name: f"sum({name})" for name in ("reported_cost_usd", "list_cost_usd", *COST_PARTS)},
}


def charges(view: View, day: date) -> pa.Table:
    """The requests of a view on one day of UTC, whatever the view's period, by what they are charged for.

    One row: CHARGED_BY, whether their costs are reported (``is_reported``) and how their list prices are known: ``is_listed``, and
    ``is_partial`` where only for a part. ``input_tokens`` are those that were neither read from a cache nor written to one, none
    where the counts contradict each other. Costs are in USD; NULL: nothing of it is known.
    """
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    rows = Rows(replace(view, interval=WHOLE), (start, start + timedelta(days=1)))
    asked, parameters = rows.sql(None)
    sums = ", ".join(f"{sql}{'' if 'usd' in name else '::bigint'} AS {name}" for name, sql in _SUMS.items())
    keys = ", ".join(CHARGED_BY)
    sql = f"""
        SELECT {keys}, is_reported, is_listed, is_partial, {sums}
        FROM (
            SELECT *, reported_cost_usd IS NOT NULL AS is_reported, list_cost_usd IS NOT NULL AS is_listed,
                coalesce(price_status = 'partial', false) AS is_partial
            FROM ({asked}))
        GROUP BY {keys}, is_reported, is_listed, is_partial
        ORDER BY {", ".join(f"{key} NULLS LAST" for key in (*CHARGED_BY, "is_reported", "is_listed", "is_partial"))}"""
    return rows.answer(sql, parameters)
