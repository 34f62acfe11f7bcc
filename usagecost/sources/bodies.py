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
from collections.abc import Generator, Iterable
from itertools import groupby

from usagecost.sources.bodies_envelopes import OPENAI_BATCH, Envelope, envelope_of, first_time, reason_to_read
from usagecost.sources.bodies_shapes import BODY_SHAPE, USAGE_COLUMNS, gemini
from usagecost.sources.bodies_streams import MERGED_BODY, OBJECTS
from usagecost.sources.bodies_units import IMAGE_COUNT, OPERATION, UNITS
from usagecost.sources.bodies_usage import (
    BEYOND,
    COLUMNS,
    COUNTED_AS,
    MESSAGES_WRITE,
    OUTSIDE,
    count_sql,
)
from usagecost.sources.conventions import Conventions
from usagecost.sources.files import Head
from usagecost.sources.iterations import SAID_BESIDE, with_iterations
from usagecost.sources.jsonlines import JsonLines
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.sql import json_object, literal, text_list

_SECRET = r"(Bearer +)?(sk[-_]|gsk_|xai-|pplx-|hf_|AIza|AKIA).{12,}"  # noqa: S105 - a pattern

_OPENAI = r"^(ft:)?(gpt-\d|gpt-image|gpt-realtime|chatgpt-|o[134](-|$)|text-embedding-(3|ada)|whisper-1|tts-1|dall-e-)"

_ERROR_CODE = "CASE WHEN TRY_CAST(body.error->>'$.code' AS DOUBLE) IS NULL THEN body.error->>'$.code' END"

_ATTRIBUTES = json_object(
    {
        "counting": "'\"' || counting || '\"'",
        "custom_id": "to_json(custom_id)",
        "finish_reason": "to_json(coalesce(body.choices[1].finish_reason, body.stop_reason, body.delta.stop_reason, "
        "body.stopReason, body.candidates[1].finishReason, body.candidates[1].finish_reason, body.incomplete_details.reason))",
        "upstream_provider": "to_json(body.provider)",
        "traffic_type": f"to_json({gemini('trafficType')})",
        "cache_write_5m_tokens": "TRY_CAST(usage.cache_creation.ephemeral_5m_input_tokens AS BIGINT)",
        "cache_write_tokens_details": "usage.input_tokens_details.cache_write_tokens_details",
        "processed_tokens": "usage.tokens",
        "web_fetch_requests": "nullif(TRY_CAST(usage.server_tool_use.web_fetch_requests AS UINTEGER), 0)",
        "iterations": SAID_BESIDE.format(iterations="usage.iterations"),
    }
)

_FAILED = "('error', 'failed', 'failure', 'fail', 'false', 'cancelled', 'canceled')"
_SUCCEEDED = "('success', 'ok', 'succeeded', 'completed', 'true')"

_USUAL_TRAFFIC = "('on_demand', 'traffic_type_unspecified')"


def _rows(envelope: Envelope) -> str:
    """SQL for the requests among lines of a kind."""
    return f"""
, spoken AS (
    SELECT
        row, line, source_file, text, fingerprint, told_at, {envelope.custom_id} AS custom_id,
        body, {USAGE_COLUMNS}, {envelope.line_items()}
    FROM (SELECT *, {envelope.body} AS body FROM lines)
), looked_at AS (
    SELECT *, {COUNTED_AS} AS counting_as_it_is FROM spoken
), opened AS (
    SELECT
        *,
        CASE
            WHEN counting_as_it_is IS NULL AND body.error IS NULL THEN nullif(json_extract(text, '{envelope.path}'), 'null')
        END AS packed
    FROM looked_at
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
                ELSE from_json({MERGED_BODY}, {literal(json.dumps(BODY_SHAPE))})
            END AS body
        )
    FROM joined
), totalled AS (
    SELECT
        *,
        CASE WHEN merged IS NULL THEN counting_as_it_is ELSE {COUNTED_AS} END AS counting,
        {BEYOND} AS beyond
    FROM (SELECT * REPLACE ({USAGE_COLUMNS}) FROM whole)
), counted AS (
    SELECT
        *,
        CASE counting WHEN 'chat' THEN {OUTSIDE} END AS outside,
        CASE counting WHEN 'messages' THEN {MESSAGES_WRITE} END AS written,
        nullif(coalesce(body.model, body.modelVersion, body.model_version), '') AS answered_model,
        coalesce(
            line_http_status, TRY_CAST(line_status AS INTEGER)::VARCHAR, body.ResponseMetadata.HTTPStatusCode,
            TRY_CAST(body.error->>'$.code' AS INTEGER)::VARCHAR, TRY_CAST(body.error->>'$.status' AS INTEGER)::VARCHAR
        ) AS answered_status,
        body.__type IS NOT NULL OR coalesce(body.error NOT IN ('""', 'false', '{{}}'), false)
            OR coalesce(body.status = 'failed', false) OR coalesce('error' IN (body.type, body.object), false)
            OR coalesce(TRY_CAST(body.base_resp.status_code AS INTEGER) <> 0, false) AS is_refused
    FROM totalled
), told AS (
    SELECT
        *,
        coalesce(answered_model, line_model) AS model,
        is_refused OR coalesce(TRY_CAST(answered_status AS DOUBLE) >= 400, false)
            OR coalesce(lower(line_status) IN {_FAILED}, false) AS is_failed,
        line_model IS NOT NULL AND coalesce(
            lower(line_status) IN {_SUCCEEDED} OR TRY_CAST(answered_status AS DOUBLE) BETWEEN 100 AND 399, false
        ) AS is_said_to_be_answered,
        {IMAGE_COUNT.format(path=envelope.path)} AS image_count,
        {", ".join(f"{count_sql(column)} AS {column}" for column in COLUMNS)}
    FROM counted
)
SELECT
    row,
    source_file,
    CASE
        WHEN counting IS NULL AND NOT is_failed AND answered_model IS NULL AND (packed IS NULL OR merged IS NOT NULL)
            AND NOT is_said_to_be_answered AND (line_model IS NULL OR packed IS NULL)
        THEN 'no answer of a model'
    END AS skipped,
    CASE
        WHEN packed IS NOT NULL AND merged IS NULL AND NOT is_failed AND NOT is_said_to_be_answered
        THEN 'body is no JSON object, nor a list or a stream of them: log the response as it came.'
        WHEN custom_id IS NOT NULL AND coalesce(line_started_at, body.created, body.created_at, told_at) IS NULL
        THEN 'this result of a batch does not tell its time: add a field timestamp to each line, with the time of the batch.'
    END AS problem,
    coalesce(
        nullif(body.id, '') || CASE WHEN regexp_full_match(body.id, 'chatcmpl-\\d{{1,3}}') THEN '@' || line_started_at ELSE '' END,
        body.responseId, body.response_id, body.ResponseMetadata.RequestId, body.request_id,
        line_request_id, fingerprint || '-' || line
    ) AS request_id,
    line_trace_id AS trace_id,
    line_session_id AS session_id,
    coalesce(line_started_at, body.created, body.created_at, told_at) AS started_at,
    coalesce(line_duration_ms, body.metrics.latencyMs, (TRY_CAST(body.total_duration AS DOUBLE) / 1e6)::VARCHAR) AS duration_ms,
    line_ttft_ms AS ttft_ms,
    CASE
        WHEN line_provider IS NOT NULL THEN line_provider
        WHEN counting = 'converse' OR body.__type IS NOT NULL OR starts_with(body.id, 'msg_bdrk_') THEN 'aws'
        WHEN counting = 'gemini' OR starts_with(body.id, 'msg_vrtx_') THEN 'google'
        WHEN counting = 'cohere' THEN 'cohere'
        WHEN starts_with(usage.cost, '{{') OR starts_with(model, 'sonar') THEN 'perplexity'
        WHEN coalesce(usage.cost, usage.is_byok) IS NOT NULL THEN 'openrouter'
        WHEN body.prompt_filter_results IS NOT NULL THEN 'azure'
        WHEN body.x_groq IS NOT NULL THEN 'groq'
        WHEN starts_with(model, 'claude-') THEN 'anthropic'
        WHEN starts_with(model, 'gpt-oss') THEN NULL
        WHEN regexp_matches(model, {literal(_OPENAI)}) THEN 'openai'
        WHEN starts_with(model, 'grok-') OR usage.cost_in_usd_ticks IS NOT NULL THEN 'x-ai'
    END AS provider,
    model,
    line_model AS requested_model,
    coalesce(line_operation, {OPERATION}) AS operation,
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
            CASE WHEN body.object = 'error' THEN body.type END, json_extract_string(text, '{envelope.path}.Error.Code'),
            body.status_details.error.code, body.status_details.error.type, nullif(body.base_resp.status_code, '0')
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
    line_project AS project,
    line_environment AS environment,
    {text_list("line_tags")} AS tags,
    coalesce(line_is_streaming, CASE WHEN len(objects) > 1 THEN 'true' END) AS is_streaming,
    coalesce(line_is_batch, CASE WHEN usage.service_tier = 'batch' THEN 'true' END) AS is_batch,
    nullif(
        coalesce(
            usage.service_tier, body.service_tier, body.serviceTier.type, {gemini("serviceTier")},
            CASE WHEN lower({gemini("trafficType")}) NOT IN {_USUAL_TRAFFIC} THEN lower({gemini("trafficType")}) END
        ),
        'batch'
    ) AS service_tier,
    coalesce(nullif(usage.speed, 'standard'), nullif(body.performanceConfig.latency, 'standard')) AS speed,
    nullif(usage.inference_geo, 'not_available') AS inference_region,
    {", ".join(COLUMNS)},
    {UNITS} AS units,
    CASE
        WHEN usage.is_byok = 'true' THEN (
            TRY_CAST(usage.cost AS DECIMAL(18, 9))
            + TRY_CAST(usage.cost_details.upstream_inference_cost AS DECIMAL(18, 9))
        )::VARCHAR
        WHEN starts_with(usage.cost, '{{') THEN json_extract_string(usage.cost, '$.total_cost')
        ELSE coalesce(usage.cost, (TRY_CAST(usage.cost_in_usd_ticks AS DECIMAL(18, 0)) / 1e10)::VARCHAR)
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
        """By lines whose body tells usage as a provider does, or an error; or that are results of a batch."""
        return reason_to_read(head)

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """Responses in batches; one row = one answer of a model, or a failed request for one."""
        conventions = Conventions(names={"started_at": "timestamp"})
        for envelope, group in groupby(heads, key=envelope_of):
            lines = JsonLines(self.name, envelope.whole_shape, _rows(envelope), conventions, _time_of_batch)
            yield from with_iterations(lines.batches(group, reading), reading)


def _time_of_batch(head: Head) -> dict[str, str | None]:
    return {"told_at": first_time(head) if envelope_of(head) is OPENAI_BATCH else None}
