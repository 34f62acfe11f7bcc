"""OpenRouter: the activity that its page exports as CSV, and answers of `GET /generation`, an object a line.

Counts of input include what was read from a cache; what was written to one is not told. Answers count tokens twice: in a common
unit, and `native` ones, which are billed. OpenRouter sends the bill, so it is the provider, and who served the request the route.
A variant such as `free` is a part of the model's name. A call with a web search counts as one search, as how many is not told.
With a key of one's own at the provider (BYOK) OpenRouter bills its fee and the provider the rest: both are the cost.
Times are UTC.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

from usagecost.sources.conventions import Conventions
from usagecost.sources.files import Head
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.records import Records, record_names
from usagecost.sources.sql import identifier, json_number, json_object, literal, units_map

_EXPORTED = (
    "generation_id", "created_at", "cost_total", "cost_web_search", "cost_cache", "cost_file_processing", "byok_usage_inference",
    "tokens_prompt", "tokens_completion", "tokens_reasoning", "tokens_cached", "model_permaslug", "provider_name", "variant",
    "cancelled", "streamed", "user", "finish_reason_raw", "finish_reason_normalized", "generation_time_ms",
    "time_to_first_token_ms", "api_key_name", "app_name",
)  # fmt: skip
_ANSWERED = (
    "id", "session_id", "total_cost", "upstream_inference_cost", "is_byok", "created_at", "model", "provider_name", "streamed",
    "cancelled", "latency", "finish_reason", "native_finish_reason", "tokens_prompt", "tokens_completion", "native_tokens_prompt",
    "native_tokens_completion", "native_tokens_reasoning", "native_tokens_cached", "external_user", "service_tier", "router",
    "cache_discount", "upstream_id", "usage", "generation_time", "native_tokens_completion_images", "num_media_completion",
    "num_search_results", "web_search_engine", "data_region",
)  # fmt: skip

_ATTRIBUTES = json_object(
    {
        "variant": "to_json(nullif(variant, ''))",
        "finish_reason": "to_json(coalesce(finish_reason_normalized, finish_reason))",
        "native_finish_reason": "to_json(coalesce(finish_reason_raw, native_finish_reason))",
        "cost_web_search": json_number("cost_web_search"),
        "cost_cache": json_number("coalesce(cost_cache, cache_discount)"),
        "cost_file_processing": json_number("cost_file_processing"),
        "upstream_cost": json_number("upstream"),
        "upstream_id": "to_json(upstream_id)",
        "router": "to_json(router)",
        "web_search_engine": "to_json(web_search_engine)",
        "data_region": "to_json(data_region)",
    }
)

_COLUMNS = tuple(dict.fromkeys((*_EXPORTED, *_ANSWERED)))

ROWS = f"""
, wrapped AS (  -- an answer may stand under data, as it came
    SELECT
        row, line, source_file, fingerprint,
        {", ".join(f"coalesce({identifier(name)}, data->>{literal('$.' + name)}) AS {identifier(name)}" for name in _COLUMNS)}
    FROM records
), generation AS (
    SELECT
        *,
        coalesce(cost_total, total_cost, usage) AS billed,
        coalesce(model_permaslug, model) AS name,
        coalesce(TRY_CAST(cost_web_search AS DOUBLE) > 0, false) OR coalesce(TRY_CAST(num_search_results AS DOUBLE) > 0, false)
            AS has_searched,
        CASE WHEN coalesce(TRY_CAST(native_tokens_completion_images AS DOUBLE), 0) = 0 THEN num_media_completion END AS images,
        CASE
            WHEN byok_usage_inference IS NOT NULL THEN byok_usage_inference
            WHEN lower(is_byok) = 'true' THEN upstream_inference_cost
        END AS upstream,
        lower(coalesce(finish_reason_normalized, finish_reason)) AS finished
    FROM wrapped
)
SELECT
    row,
    source_file,
    coalesce(generation_id, id) AS request_id,
    session_id,
    created_at AS started_at,
    coalesce(generation_time_ms, generation_time, latency) AS duration_ms,
    CASE WHEN lower(streamed) = 'true' THEN time_to_first_token_ms END AS ttft_ms,
    'openrouter' AS provider,
    CASE
        WHEN lower(variant) IN ('free', 'extended') AND NOT contains(name, ':') THEN name || ':' || lower(variant)
        ELSE name
    END AS model,
    CASE
        WHEN lower(cancelled) = 'true' THEN 'cancelled'
        WHEN finished = 'error' THEN 'error'
        WHEN finished <> '' OR lower(cancelled) = 'false' THEN 'success'
    END AS status,
    CASE WHEN finished = 'error' THEN coalesce(finish_reason_raw, native_finish_reason) END AS error_class,
    coalesce("user", external_user) AS user_id,
    api_key_name AS virtual_key,
    app_name AS app,
    streamed AS is_streaming,
    service_tier,
    provider_name AS route,
    coalesce(native_tokens_prompt, tokens_prompt) AS input_tokens,
    coalesce(native_tokens_cached, tokens_cached) AS cache_read_tokens,
    coalesce(native_tokens_completion, tokens_completion) AS output_tokens,
    coalesce(native_tokens_reasoning, tokens_reasoning) AS output_reasoning_tokens,
    native_tokens_completion_images AS output_image_tokens,
    {units_map({"web_searches": "CASE WHEN has_searched THEN 1 END", "images": "images"})} AS units,
    CASE
        WHEN upstream IS NULL THEN billed
        ELSE coalesce((TRY_CAST(billed AS DECIMAL(18, 9)) + TRY_CAST(upstream AS DECIMAL(18, 9)))::VARCHAR, billed)
    END AS reported_cost_usd,
    {_ATTRIBUTES} AS attributes
FROM generation
"""

_RECORDS = Records(
    "openrouter",
    (*_COLUMNS, "data"),
    ROWS,
    Conventions(
        names={
            "request_id": "generation_id",
            "started_at": "created_at",
            "input_tokens": "tokens_prompt",
            "cache_read_tokens": "tokens_cached",
            "output_tokens": "tokens_completion",
            "output_reasoning_tokens": "tokens_reasoning",
            "reported_cost_usd": "cost_total",
        }
    ),
)

_OF_EXPORT = ("generation_id", "model_permaslug", "cost_total")
_OF_ANSWER = ("native_tokens_prompt", "total_cost", "provider_name")


class OpenRouter:
    """Activity of OpenRouter."""

    name = "openrouter"
    title = "OpenRouter activity"
    counts = (
        "Counts of input include cache reads; cache writes are not told. Output includes reasoning. "
        "Of two counts of one answer the native one is taken, which is billed."
    )

    def recognise(self, head: Head) -> str | None:
        """By names that stand together only there."""
        names = record_names(head)
        inner = next((value["data"] for value in head.objects if isinstance(value.get("data"), dict)), {})
        for what, wanted, found in (
            ("activity: columns", _OF_EXPORT, names),
            ("generations: fields", _OF_ANSWER, names),
            ("generations: fields", _OF_ANSWER, inner),
        ):
            if set(wanted) <= set(found):
                return f"OpenRouter {what} {', '.join(wanted)}"
        return None

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """One row = one generation."""
        yield from _RECORDS.read(heads, reading)
