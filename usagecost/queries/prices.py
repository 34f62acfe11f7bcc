"""Questions about prices: which models a period has, what is known of their cost, and what their sources say it was."""

from __future__ import annotations

from typing import Any

from usagecost import engine
from usagecost.vocabulary import measure_sql
from usagecost.vocabulary.filters import View, instant_range_sql

_MODELS = """
SELECT
    provider, model,
    count(*)::bigint AS requests,
    {unpriced_requests}::bigint AS unpriced_requests,
    {unpriced_tokens} AS unpriced_tokens,
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
        arg_max(price_status, {us}) FILTER (price_id IS NOT NULL OR price_status = 'unpriced'), arg_max(price_status, {us})
    ) AS price_status,
    coalesce(
        arg_max(price_reason, {us}) FILTER (price_status = 'unpriced'),
        arg_max(price_reason, {us}) FILTER (price_status = 'partial'),
        arg_max(price_reason, {us}) FILTER (price_id IS NOT NULL),
        arg_max(price_reason, {us})
    ) AS price_reason,
    arg_max(price_id, {us}) FILTER (price_id IS NOT NULL) AS price_id
FROM {{requests}}
WHERE {in_range} AND {matches}
GROUP BY provider, model
ORDER BY unpriced_requests > 0 DESC, unpriced_requests DESC, list_usd DESC NULLS LAST, model, provider
"""


def models(view: View) -> list[dict[str, Any]]:
    """One row a provider and model of the period, those with unpriced requests first, then the most expensive.

    Sums are NULL where nothing is known; `…_of_both…` are of the `requests_of_both` whose reported and list cost are known.
    `price_status` is that of the newest request that needed a price, `price_id` that of the newest that had one. `price_reason` is
    that of the newest without a price, else of the newest with a part of one, else of the newest with one.
    """
    in_range, bound = instant_range_sql(engine.INSTANT_US, {"now": (view.period.start, view.period.end)})
    matches, values = view.filters.sql()
    unpriced = {name: measure_sql(name, view.basis, engine.INSTANT_US) for name in ("unpriced_requests", "unpriced_tokens")}
    sql = _MODELS.format(us=engine.INSTANT_US, in_range=in_range, matches=matches, **unpriced)
    first, last = view.period.start.date(), view.period.end.date()
    found = engine.table(
        sql, {**bound, **values}, lake=view.lake, version=view.version, scope=view.scope, first_day=first, last_day=last
    )
    return found.to_pylist()
