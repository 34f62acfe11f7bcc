"""Questions about prices: which models a period has and what is known of their cost; what a day has cost by all that bills name."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from usagecost.periods import WHOLE
from usagecost.queries.rows import Rows
from usagecost.schema import COST_PARTS
from usagecost.vocabulary import INSTANT_US, measure_sql
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

_MODELS = f"""
SELECT
    provider, model,
    count(*)::bigint AS requests,
    {measure_sql("unpriced_requests", "list")}::bigint AS unpriced_requests,
    {measure_sql("unpriced_tokens", "list")} AS unpriced_tokens,
    count(*) FILTER (price_status = 'partial')::bigint AS partial_requests,
    sum(input_tokens)::bigint AS input_tokens,
    sum(output_tokens)::bigint AS output_tokens,
    sum(list_cost_usd) AS list_usd,
    sum(reported_cost_usd) AS reported_usd,
    sum(list_cost_usd) FILTER (reported_cost_usd IS NOT NULL) AS list_of_both_usd,
    sum(reported_cost_usd) FILTER (list_cost_usd IS NOT NULL) AS reported_of_both_usd,
    count(*) FILTER (reported_cost_usd IS NOT NULL AND list_cost_usd IS NOT NULL)::bigint AS requests_of_both,
    sum(cache_read_tokens)::bigint AS cache_read_tokens,
    sum(cache_write_tokens)::bigint AS cache_write_tokens,
    sum(cache_read_saved_usd) AS cache_saved_usd,
    sum(cache_write_extra_usd) AS cache_extra_usd,
    sum(cache_read_saved_usd) FILTER (reported_cost_usd IS NOT NULL AND list_cost_usd IS NOT NULL) AS saved_of_both_usd,
    sum(cache_read_tokens) FILTER (reported_cost_usd IS NOT NULL AND list_cost_usd IS NOT NULL)::bigint AS cache_read_of_both,
    bool_or(service_tier IS NOT NULL OR is_batch) AS has_tiers,
    coalesce(
        arg_max(price_status, {INSTANT_US}) FILTER (price_id IS NOT NULL OR price_status = 'unpriced'),
        arg_max(price_status, {INSTANT_US})
    ) AS price_status,
    coalesce(
        arg_max(price_reason, {INSTANT_US}) FILTER (price_status = 'unpriced'),
        arg_max(price_reason, {INSTANT_US}) FILTER (price_status = 'partial'),
        arg_max(price_reason, {INSTANT_US}) FILTER (price_id IS NOT NULL),
        arg_max(price_reason, {INSTANT_US})
    ) AS price_reason,
    arg_max(price_id, {INSTANT_US}) FILTER (price_id IS NOT NULL) AS price_id
FROM ({{asked}})
GROUP BY provider, model
ORDER BY unpriced_requests > 0 DESC, unpriced_requests DESC, list_usd DESC NULLS LAST, model, provider
"""


def models(view: View) -> list[dict[str, Any]]:
    """One row a provider and model of the period, those with unpriced requests first, then the most expensive.

    Sums are NULL where nothing is known; `…_of_both…` are of the `requests_of_both` whose reported and list cost are known.
    `price_status` is that of the newest request that needed a price, `price_id` that of the newest that had one. `price_reason` is
    that of the newest without a price, else of the newest with a part of one, else of the newest with one.
    """
    rows = Rows.of(replace(view, interval=WHOLE))
    rows_sql, parameters = rows.sql(None)
    return rows.answer(_MODELS.format(asked=rows_sql), parameters).to_pylist()


def charges(view: View, day: date) -> pa.Table:
    """The requests of a view on one day of UTC, whatever the view's period, by what they are charged for.

    One row: CHARGED_BY, whether their costs are reported (``is_reported``) and how their list prices are known: ``is_listed``, and
    ``is_partial`` where only for a part. ``input_tokens`` are those that were neither read from a cache nor written to one, none
    where the counts contradict each other. Costs are in USD; NULL: nothing of it is known.
    """
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    rows = Rows(replace(view, interval=WHOLE), (start, start + timedelta(days=1)))
    rows_sql, parameters = rows.sql(None)
    sums = ", ".join(f"{sql}{'' if 'usd' in name else '::bigint'} AS {name}" for name, sql in _SUMS.items())
    keys = ", ".join(CHARGED_BY)
    sql = f"""
        SELECT {keys}, is_reported, is_listed, is_partial, {sums}
        FROM (
            SELECT *, reported_cost_usd IS NOT NULL AS is_reported, list_cost_usd IS NOT NULL AS is_listed,
                coalesce(price_status = 'partial', false) AS is_partial
            FROM ({rows_sql}))
        GROUP BY {keys}, is_reported, is_listed, is_partial
        ORDER BY {", ".join(f"{key} NULLS LAST" for key in (*CHARGED_BY, "is_reported", "is_listed", "is_partial"))}"""
    return rows.answer(sql, parameters)
