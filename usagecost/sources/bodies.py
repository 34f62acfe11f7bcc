"""Provider responses as they came, in JSON lines: `{"timestamp": …, "user": …, "body": {"model": …, "usage": {…}}}`.

One line is one request. Its body is the response of OpenAI (Chat Completions, Responses, embeddings) and of who copies it, of
Anthropic, Bedrock Converse, Gemini or Cohere, as an object or as text; of a streamed response it is the list of its chunks or
events, or the event stream as text: later ones complete earlier ones. bodies_usage.py says what the usage of each counts.

The response's id is the request's; without one it is the line's own `request_id` or `id`, else the line. Ollama's ids are of
three digits and come again, so the time is added. Of several lines with one id, which polling for a response makes, the one with
the most tokens is the request. A body with an error is a failed request, and so is a line that says so itself. A line without a
body, and a body that is no answer of a model, is skipped. The provider is what the line says, else what the body's form or an
unmistakable name of a model shows. Contents of messages are not kept, and of a secret key only its SHA-256.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from usagecost.sources.bodies_streams import OBJECTS, WHOLE, field_names
from usagecost.sources.bodies_usage import USAGE_SHAPES, count_sql, counting_sql, gemini
from usagecost.sources.conventions import Conventions
from usagecost.sources.files import Head
from usagecost.sources.jsonlines import JsonLines
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.sql import json_object, literal, text_list

BODY_SHAPE = {
    "id": "VARCHAR",
    "responseId": "VARCHAR",
    "response_id": "VARCHAR",
    "request_id": "VARCHAR",
    "ResponseMetadata": {"RequestId": "VARCHAR", "HTTPStatusCode": "VARCHAR"},
    "object": "VARCHAR",
    "type": "VARCHAR",
    "status": "VARCHAR",
    "error": "JSON",
    "__type": "VARCHAR",
    "model": "VARCHAR",
    "modelVersion": "VARCHAR",
    "model_version": "VARCHAR",
    "provider": "VARCHAR",
    "created": "VARCHAR",
    "created_at": "VARCHAR",
    "service_tier": "VARCHAR",
    "serviceTier": {"type": "VARCHAR"},
    "metrics": {"latencyMs": "VARCHAR"},
    "choices": [{"finish_reason": "VARCHAR"}],
    "candidates": [{"finishReason": "VARCHAR", "finish_reason": "VARCHAR"}],
    "stop_reason": "VARCHAR",
    "delta": {"stop_reason": "VARCHAR"},
    "stopReason": "VARCHAR",
    "incomplete_details": {"reason": "VARCHAR"},
    "prompt_filter_results": "JSON",
    "x_groq": "JSON",
    **USAGE_SHAPES,
}

_NAMES = {
    "request_id": ("request_id", "id"),
    "started_at": ("timestamp",),
    "trace_id": ("trace_id", "trace"),
    "session_id": ("session_id", "session"),
    "provider": ("provider",),
    "model": ("model",),
    "status": ("status",),
    "http_status": ("http_status", "status_code"),
    "error_class": ("error_class",),
    "duration_ms": ("duration_ms", "latency_ms", "duration", "latency"),
    "ttft_ms": ("ttft_ms",),
    "user_id": ("user_id", "user"),
    "end_user_id": ("end_user_id", "end_user"),
    "team_id": ("team_id", "team"),
    "virtual_key": ("virtual_key", "key", "api_key"),
    "app": ("app",),
    "environment": ("environment",),
    "tags": ("tags",),
    "is_streaming": ("is_streaming", "stream"),
    "is_batch": ("is_batch", "batch"),
}
"""What a line says beside the body, and under which names."""

SHAPE = {"body": BODY_SHAPE} | {name: "VARCHAR" for names in _NAMES.values() for name in names}

_LINE = ", ".join(
    f"coalesce({', '.join(f'''nullif(record.{name}, '')''' for name in names)}) AS line_{column}"
    for column, names in _NAMES.items()
)

_USAGE = {"usage", "usageMetadata", "usage_metadata"}

_SECRET = r"(Bearer +)?(sk[-_]|gsk_|xai-|pplx-|hf_|AIza|AKIA).{12,}"  # noqa: S105 - a pattern

_ERROR_CODE = "CASE WHEN TRY_CAST(body.error->>'$.code' AS DOUBLE) IS NULL THEN body.error->>'$.code' END"

_ATTRIBUTES = json_object(
    {
        "counting": "'\"' || counting || '\"'",
        "finish_reason": "to_json(coalesce(body.choices[1].finish_reason, body.stop_reason, body.delta.stop_reason, "
        "body.stopReason, body.candidates[1].finishReason, body.candidates[1].finish_reason, body.incomplete_details.reason))",
        "upstream_provider": "to_json(body.provider)",
        "traffic_type": f"to_json({gemini('trafficType')})",
        "cache_write_5m_tokens": "TRY_CAST(body.usage.cache_creation.ephemeral_5m_input_tokens AS BIGINT)",
        "cache_write_tokens_details": "body.usage.input_tokens_details.cache_write_tokens_details",
        "processed_tokens": "body.usage.tokens",
        "server_tool_use": "body.usage.server_tool_use",
        "inference_geo": "nullif(body.usage.inference_geo, '\"\"')",
        "iterations": "nullif(body.usage.iterations, '[]')",
    }
)

_COUNTS = (
    "input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens",
    "output_reasoning_tokens", "input_audio_tokens", "output_audio_tokens",
)  # fmt: skip

ROWS = f"""
, spoken AS (
    SELECT row, line, source_file, text, fingerprint, record.body AS body, {_LINE} FROM lines
), opened AS (
    SELECT
        *,
        CASE WHEN {counting_sql()} IS NULL AND body.error IS NULL THEN nullif(json_extract(text, '$.body'), 'null') END AS packed
    FROM spoken
), parted AS (
    SELECT *, CASE WHEN packed IS NOT NULL THEN {OBJECTS} END AS objects FROM opened
), joined AS (
    SELECT
        *,
        CASE
            WHEN len(objects) > 0
            THEN list_reduce(objects, lambda earlier, later: json_merge_patch(earlier, later), '{{}}'::JSON)
        END AS merged
    FROM parted
), whole AS (
    SELECT
        * REPLACE (
            CASE
                WHEN merged IS NULL THEN body
                ELSE from_json({WHOLE}, {literal(json.dumps(BODY_SHAPE))})
            END AS body
        )
    FROM joined
), counted AS (
    SELECT
        *,
        {counting_sql()} AS counting,
        nullif(coalesce(body.model, body.modelVersion, body.model_version), '') AS answered_model,
        coalesce(
            line_http_status, TRY_CAST(line_status AS INTEGER)::VARCHAR, body.ResponseMetadata.HTTPStatusCode,
            TRY_CAST(body.error->>'$.code' AS INTEGER)::VARCHAR
        ) AS answered_status,
        body.__type IS NOT NULL OR coalesce(body.error NOT IN ('""', 'false', '{{}}'), false)
            OR coalesce(body.status = 'failed', false) OR coalesce('error' IN (body.type, body.object), false) AS is_refused
    FROM whole
), told AS (
    SELECT
        *,
        coalesce(answered_model, line_model) AS model,
        is_refused OR coalesce(TRY_CAST(answered_status AS DOUBLE) >= 400, false)
            OR coalesce(lower(line_status) IN ('error', 'failed', 'failure', 'fail', 'false', 'cancelled', 'canceled'), false)
            AS is_failed,
        {", ".join(f"{count_sql(column)} AS {column}" for column in _COUNTS)}
    FROM counted
)
SELECT
    row,
    source_file,
    CASE
        WHEN counting IS NULL AND NOT is_failed AND answered_model IS NULL AND (packed IS NULL OR merged IS NOT NULL)
        THEN 'no answer of a model'
    END AS skipped,
    CASE
        WHEN packed IS NOT NULL AND merged IS NULL AND NOT is_failed
        THEN 'body is no JSON object, nor a list or a stream of them: log the response as it came.'
    END AS problem,
    coalesce(
        nullif(body.id, '') || CASE WHEN regexp_full_match(body.id, 'chatcmpl-\\d{{1,3}}') THEN '@' || line_started_at ELSE '' END,
        body.responseId, body.response_id, body.ResponseMetadata.RequestId, body.request_id,
        line_request_id, fingerprint || '-' || line
    ) AS request_id,
    line_trace_id AS trace_id,
    line_session_id AS session_id,
    coalesce(line_started_at, body.created, body.created_at) AS started_at,
    coalesce(line_duration_ms, body.metrics.latencyMs) AS duration_ms,
    line_ttft_ms AS ttft_ms,
    CASE
        WHEN line_provider IS NOT NULL THEN line_provider
        WHEN counting = 'converse' OR body.__type IS NOT NULL OR starts_with(body.id, 'msg_bdrk_') THEN 'aws'
        WHEN counting = 'gemini' OR starts_with(body.id, 'msg_vrtx_') THEN 'google'
        WHEN counting = 'cohere' THEN 'cohere'
        WHEN coalesce(body.usage.cost, body.usage.is_byok) IS NOT NULL THEN 'openrouter'
        WHEN body.prompt_filter_results IS NOT NULL THEN 'azure'
        WHEN body.x_groq IS NOT NULL THEN 'groq'
        WHEN starts_with(model, 'claude-') THEN 'anthropic'
        WHEN starts_with(model, 'gpt-oss') THEN NULL
        WHEN regexp_matches(model, '^(ft:)?(gpt-\\d|chatgpt-|o[134](-|$)|text-embedding-(3|ada))') THEN 'openai'
        WHEN starts_with(model, 'grok-') THEN 'x-ai'
        WHEN starts_with(model, 'sonar') THEN 'perplexity'
    END AS provider,
    model,
    line_model AS requested_model,
    CASE
        WHEN body.object = 'list' OR (counting IN ('chat', 'cohere') AND output_tokens IS NULL) THEN 'embeddings'
        WHEN counting IS NOT NULL THEN 'chat'
    END AS operation,
    CASE
        WHEN is_refused THEN 'error'
        WHEN body.status = 'cancelled' THEN 'cancelled'
        WHEN body.status IN ('queued', 'in_progress') THEN NULL
        WHEN line_status IS NOT NULL THEN line_status
        WHEN answered_status IS NULL THEN 'success'
    END AS status,
    CASE
        WHEN is_failed
        THEN coalesce(
            line_error_class, {_ERROR_CODE}, body.error->>'$.type', body.error->>'$.status', split_part(body.__type, '#', -1),
            CASE WHEN body.object = 'error' THEN body.type END, json_extract_string(text, '$.body.Error.Code')
        )
    END AS error_class,
    answered_status AS http_status,
    line_user_id AS user_id,
    line_end_user_id AS end_user_id,
    line_team_id AS team_id,
    CASE
        WHEN regexp_full_match(line_virtual_key, {literal(_SECRET)}) THEN sha256(line_virtual_key)
        ELSE line_virtual_key
    END AS virtual_key,
    line_app AS app,
    line_environment AS environment,
    {text_list("line_tags")} AS tags,
    coalesce(line_is_streaming, CASE WHEN len(objects) > 1 THEN 'true' END) AS is_streaming,
    coalesce(line_is_batch, CASE WHEN body.usage.service_tier = 'batch' THEN 'true' END) AS is_batch,
    nullif(
        coalesce(body.usage.service_tier, body.service_tier, body.serviceTier.type, {gemini("serviceTier")}), 'batch'
    ) AS service_tier,
    {", ".join(_COUNTS)},
    CASE
        WHEN body.usage.is_byok = 'true' THEN (
            TRY_CAST(body.usage.cost AS DECIMAL(18, 9))
            + TRY_CAST(body.usage.cost_details.upstream_inference_cost AS DECIMAL(18, 9))
        )::VARCHAR
        ELSE body.usage.cost
    END AS reported_cost_usd,
    TRY_CAST(
        least(coalesce(TRY_CAST(input_tokens AS DOUBLE), 0) + coalesce(TRY_CAST(output_tokens AS DOUBLE), 0), 1e11) AS BIGINT
    ) * 2 + (counting IS NOT NULL)::BIGINT AS rank,
    {_ATTRIBUTES} AS attributes
FROM told
"""


class Bodies:
    """Provider responses as they came."""

    name = "bodies"
    title = "Provider responses"
    counts = (
        "Each provider counts in its own way: Anthropic and Bedrock count input without cache reads and writes, and Gemini output "
        "without thinking. What is left out is added, so that input_tokens is all input and output_tokens all output."
    )

    def recognise(self, head: Head) -> str | None:
        """By lines whose body tells usage as a provider does, or an error."""
        for line in head.objects:
            fields = field_names(line.get("body"))
            if found := _USAGE & fields:
                return f"provider responses: lines with body.{min(found)}"
            if "error" in fields and "timestamp" in line:
                return "provider responses: lines with timestamp and body.error"
        return None

    def read(self, heads: Iterable[Head], reading: Reading) -> Iterator[Batch]:
        """Responses in batches; one row = one line that is an answer of a model, or a failed request for one."""
        return JsonLines(self.name, SHAPE, ROWS, Conventions(names={"started_at": "timestamp"})).batches(heads, reading)
