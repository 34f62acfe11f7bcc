"""Questions about prices: which models a period has, what is known of their cost, and what their sources say it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from usagecost.periods import WHOLE
from usagecost.queries.rows import Rows
from usagecost.vocabulary import INSTANT_US, measure_sql
from usagecost.vocabulary.filters import View

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
    asked, parameters = rows.sql(None)
    return rows.answer(_MODELS.format(asked=asked), parameters).to_pylist()
