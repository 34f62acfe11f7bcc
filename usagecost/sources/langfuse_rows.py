"""Langfuse's observations and traces as canonical rows: the columns in both spellings, and the SQL over them.

Only billable observations are requests: generations and embeddings, and whatever else says that it used tokens. Times are taken
from the time stamps, as the exports give latencies in seconds or milliseconds, by their age. A cost of 0 without any details is
how Langfuse writes that it knows no price. What is in `metadata` and `model_parameters` is looked through for the provider, the
service and how the model was called; nothing else of them is kept.
"""

from __future__ import annotations

from usagecost.sources.kinds import MOST_DURATION_MS
from usagecost.sources.langfuse_usage import COUNTS, HAS_USAGE, UNITS, USAGE
from usagecost.sources.moments import EARLIEST, instant_sql
from usagecost.sources.protocol import NO_USAGE
from usagecost.sources.sql import identifier, json_object, literal, text_list

FIELDS = {
    "id": ("id",),
    "trace_id": ("trace_id", "traceId"),
    "project_id": ("project_id", "projectId"),
    "environment": ("environment",),
    "type": ("type",),
    "parent_id": ("parent_observation_id", "parentObservationId"),
    "start_time": ("start_time", "startTime"),
    "end_time": ("end_time", "endTime"),
    "completion_start_time": ("completion_start_time", "completionStartTime"),
    "name": ("name",),
    "level": ("level",),
    "status_message": ("status_message", "statusMessage"),
    "version": ("version",),
    "model": ("provided_model_name", "providedModelName", "model"),
    "model_parameters": ("model_parameters", "modelParameters"),
    "usage_details": ("usage_details", "usageDetails", "usage"),
    "input_usage": ("inputUsage", "promptTokens"),
    "output_usage": ("outputUsage", "completionTokens"),
    "total_usage": ("totalUsage", "totalTokens"),
    "cost_details": ("cost_details", "costDetails"),
    "total_cost": ("total_cost", "totalCost", "calculatedTotalCost"),
    "prompt_name": ("prompt_name", "promptName"),
    "prompt_version": ("prompt_version", "promptVersion"),
    "pricing_tier": ("usage_pricing_tier_name", "usagePricingTierName"),
    "metadata": ("metadata",),
    "updated_at": ("updated_at", "updatedAt"),
    "is_deleted": ("is_deleted",),
    "user_id": ("user_id", "userId"),
    "session_id": ("session_id", "sessionId"),
    "trace_name": ("trace_name", "traceName"),
    "tags": ("tags", "traceTags"),
    "release": ("release",),
}
"""What is read of an observation, and what the exports call it. The last five are its trace's, and stand in some exports only."""

TRACE_FIELDS = {
    "id": ("id",),
    "name": ("name",),
    "timestamp": ("timestamp",),
    "user_id": ("user_id", "userId"),
    "session_id": ("session_id", "sessionId"),
    "tags": ("tags",),
    "release": ("release",),
    "updated_at": ("updated_at", "updatedAt"),
}
"""The same of a trace."""


def spellings(fields: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Every name that the exports have for some fields."""
    return tuple(name for names in fields.values() for name in names)


def _read(fields: dict[str, tuple[str, ...]]) -> str:
    """The fields as items of a SELECT, under one name each; empty texts are NULL."""
    items = []
    for field, names in fields.items():
        texts = ", ".join(f"nullif({identifier(name)}, '')" for name in names)
        items.append(f"coalesce({texts}) AS {field}" if len(names) > 1 else f"{texts} AS {field}")
    return ", ".join(items)


def _instant(text: str) -> str:
    return instant_sql(text, "iso", "UTC", EARLIEST)


def _milliseconds(start: str, end: str) -> str:
    """SQL for the time between two instants; NULL where no request can take that long."""
    passed = f"(epoch_us({end}) - epoch_us({start})) / 1000"
    return f"CASE WHEN {passed} BETWEEN 0 AND {MOST_DURATION_MS} THEN {passed} END"


def _object(text: str) -> str:
    """SQL for a text if it is a JSON object that has something in it."""
    return f"CASE WHEN TRY(json_type({text})) = 'OBJECT' AND {text} <> '{{}}' THEN {text} END"


def _revision(updated_at: str) -> str:
    """SQL for the millisecond of a change; 0 if it is unknown, or no time of ours."""
    return f"coalesce(CASE WHEN year({updated_at}) BETWEEN 1970 AND 2999 THEN epoch_ms({updated_at}) END, 0)"


_USAGE_TEXT = """
coalesce(
    CASE
        WHEN usage_details LIKE '%"unit"%' AND NOT usage_details LIKE '%"TOKENS"%' THEN CASE TRY(usage_details->>'$.unit')
            WHEN 'CHARACTERS' THEN json_object(
                'input_characters', usage_details->'$.input', 'output_characters', usage_details->'$.output'
            )::VARCHAR
            WHEN 'SECONDS' THEN json_object('seconds', usage_details->'$.total')::VARCHAR
            WHEN 'MILLISECONDS' THEN json_object('seconds', TRY_CAST(usage_details->>'$.total' AS DOUBLE) / 1000)::VARCHAR
            WHEN 'IMAGES' THEN json_object('images', usage_details->'$.total')::VARCHAR
        END
        ELSE usage_details
    END,
    CASE
        WHEN usage_details IS NULL AND TRY_CAST(total_usage AS DOUBLE) > 0
            THEN json_object('input', input_usage, 'output', output_usage, 'total', total_usage)::VARCHAR
    END
)
"""
"""The older exports have three counts in columns of their own, 0 where nothing is known, or a map with a unit of its own."""

_METADATA = '{"attributes": "VARCHAR", "resourceAttributes": "VARCHAR", "ls_provider": "VARCHAR"}'
_ATTRIBUTES = """{
    "gen_ai.provider.name": "VARCHAR", "gen_ai.system": "VARCHAR", "llm.provider": "VARCHAR", "llm.system": "VARCHAR",
    "ai.model.provider": "VARCHAR"
}"""
_PARAMETERS = '{"service_tier": "VARCHAR", "stream": "VARCHAR", "is_stream": "VARCHAR"}'

OBSERVATIONS = f"""
, spelled AS MATERIALIZED (  -- else what selects rows would be worked out from the JSON once more for each mention
    SELECT row, line, source_file, {_read(FIELDS)} FROM records
), observation AS (
    SELECT
        *,
        CASE WHEN id IS NOT NULL THEN concat_ws(':', trace_id, id) END AS request_id,
        concat_ws(':', trace_id, parent_id) AS around_it,
        {_USAGE_TEXT} AS usage_text,
        {HAS_USAGE} AS has_usage,
        coalesce(type IN ('GENERATION', 'EMBEDDING'), false) OR has_usage AS is_billable,
        coalesce(lower(is_deleted) IN ('1', 'true'), false) AS was_deleted
    FROM spelled
)
"""
"""Continues a WITH that has `records`, of one row an observation with all columns of FIELDS."""

_ATTRIBUTE_FIELDS = {
    "name": "to_json(name)",
    "type": "CASE WHEN type NOT IN ('GENERATION', 'EMBEDDING') THEN to_json(type) END",
    "trace_name": "to_json(trace_name)",
    "project_id": "to_json(project_id)",
    "release": "to_json(release)",
    "version": "to_json(version)",
    "prompt_name": "to_json(prompt_name)",
    "prompt_version": "to_json(prompt_version)",
    "level": "CASE WHEN level NOT IN ('DEFAULT', 'ERROR') THEN to_json(level) END",
    "status_message": "to_json(left(status_message, 500))",
    "pricing_tier": "to_json(pricing_tier)",
    "usage_adds_up": "CASE WHEN adds_up <> 'disjoint' THEN to_json(adds_up) END",
    "usage_details": "CASE WHEN adds_up = 'unknown' THEN usage_text END",
    "cost_details": _object("cost_details"),
}

ROWS = f"""
{OBSERVATIONS}
, billable AS (
    SELECT
        observation.* REPLACE (
            coalesce(observation.user_id, trace.user_id) AS user_id,
            coalesce(observation.session_id, trace.session_id) AS session_id,
            coalesce(observation.trace_name, trace.name) AS trace_name,
            coalesce({text_list("observation.tags")}, trace.tags) AS tags,
            coalesce(observation.release, trace.release) AS release
        ),
        coalesce(trace.trace_id, observation.trace_name, observation.user_id, observation.session_id) IS NOT NULL AS has_trace
    FROM observation LEFT JOIN langfuse_trace AS trace ON trace.trace_id = observation.trace_id
    WHERE is_billable AND NOT was_deleted
)
{USAGE}
, opened AS (
    SELECT
        *,
        TRY(from_json(metadata, '{_METADATA}')) AS about,
        TRY(from_json(model_parameters, '{_PARAMETERS}')) AS parameters,
        {_instant("start_time")} AS started,
        {_instant("end_time")} AS ended,
        {_instant("completion_start_time")} AS first_token,
        {_instant("updated_at")} AS updated
    FROM counted
), described AS (
    SELECT
        *,
        TRY(from_json(about.attributes, '{_ATTRIBUTES}')) AS otel,
        TRY(from_json(about.resourceAttributes, '{{"service.name": "VARCHAR"}}')) AS resource
    FROM opened
), timed AS (
    SELECT
        *,
        lower(coalesce(
            otel."gen_ai.provider.name", otel."gen_ai.system", otel."llm.provider", otel."ai.model.provider", otel."llm.system",
            about.ls_provider
        )) AS named_provider,
        {_milliseconds("started", "ended")} AS duration_ms,
        CASE WHEN ended IS NULL OR first_token < ended THEN {_milliseconds("started", "first_token")} END AS ttft_ms
    FROM described
)
SELECT
    row,
    source_file,
    problem,
    request_id,
    trace_id,
    session_id,
    start_time AS started_at,
    duration_ms,
    ttft_ms,
    CASE
        WHEN regexp_matches(named_provider, '^(gcp|google|gemini|vertex)') THEN 'google'
        WHEN regexp_matches(named_provider, '^(aws|amazon|bedrock)') THEN 'aws'
        WHEN regexp_matches(named_provider, '^az(ure)?([^a-z]|$)') THEN 'azure'
        WHEN regexp_matches(named_provider, '^(openai|anthropic|mistral)([._]|ai|$)')
            THEN regexp_extract(named_provider, '^(openai|anthropic|mistral)')
        WHEN regexp_matches(named_provider, '^x[-_.]?ai$') THEN 'x-ai'
        ELSE named_provider
    END AS provider,
    model,
    CASE type WHEN 'EMBEDDING' THEN 'embeddings' WHEN 'GENERATION' THEN 'chat' END AS operation,
    CASE WHEN level = 'ERROR' THEN 'error' ELSE 'success' END AS status,
    user_id,
    CASE WHEN resource."service.name" LIKE 'unknown_service%' THEN trace_name
        ELSE coalesce(resource."service.name", trace_name) END AS app,
    environment,
    tags,
    CASE
        WHEN ttft_ms IS NOT NULL THEN 'true'
        WHEN lower(coalesce(parameters.stream, parameters.is_stream)) IN ('true', 'false')
            THEN coalesce(parameters.stream, parameters.is_stream)
    END AS is_streaming,
    CASE WHEN lower(parameters.service_tier) NOT IN ('auto', 'null') THEN parameters.service_tier END AS service_tier,
    {", ".join(f"TRY_CAST({sql} AS BIGINT) AS {column}" for column, sql in COUNTS.items())},
    CASE WHEN TRY_CAST(total_cost AS DOUBLE) <> 0 OR {_object("cost_details")} IS NOT NULL THEN total_cost END AS reported_cost_usd,
    {_revision("updated")} * 8 + has_trace::BIGINT + (user_id IS NOT NULL)::BIGINT + (session_id IS NOT NULL)::BIGINT
        + (tags IS NOT NULL)::BIGINT AS rank,
    {UNITS} AS units,
    {json_object(_ATTRIBUTE_FIELDS)} AS attributes
FROM timed
UNION ALL BY NAME
SELECT row, source_file, CASE WHEN was_deleted THEN 'deleted in Langfuse' ELSE {literal(NO_USAGE)} END AS skipped
FROM observation
WHERE NOT is_billable OR was_deleted
"""
"""The latest change of an observation ranks highest; of one change the row that knows more about its trace."""

LINEAGE = f"""
{OBSERVATIONS}
, around_usage AS (SELECT around_it FROM observation WHERE parent_id IS NOT NULL AND has_usage)
SELECT request_id, around_it AS parent_id
FROM observation
WHERE parent_id IS NOT NULL
    AND (has_usage OR NOT is_billable OR request_id IN (FROM around_usage))
"""
"""What is part of what. A request without usage is part of nothing, unless one with usage is part of it: it tells no tokens that
what is around it repeats."""

TRACES = f"""
, trace AS (SELECT row, source_file, {_read(TRACE_FIELDS)} FROM records)
SELECT
    row,
    source_file,
    id AS request_id,
    session_id,
    timestamp AS started_at,
    user_id,
    name AS app,
    {text_list("tags")} AS tags,
    {_revision(_instant("updated_at"))} AS rank,
    {json_object({"release": "to_json(release)"})} AS attributes
FROM trace
"""
"""Traces in the columns of requests: read like these, and kept aside."""

NOTHING = "SELECT row, source_file, 'holds no requests' AS skipped, id AS request_id, NULL::VARCHAR AS started_at FROM records"
"""For files that hold no requests: their rows are counted and skipped."""

KNOWN_TRACES = """
CREATE TEMP TABLE IF NOT EXISTS langfuse_trace (
    trace_id VARCHAR, name VARCHAR, user_id VARCHAR, session_id VARCHAR, tags VARCHAR[], release VARCHAR, revision BIGINT
)
"""
"""One row = a trace that was read in this ingest; while traces are read it may stand there more than once."""

READ_TRACES = """
INSERT INTO langfuse_trace
SELECT request_id, app, user_id, session_id, tags, attributes->>'$.release', rank FROM traces_read
"""

NEWEST_TRACES = """
CREATE OR REPLACE TEMP TABLE langfuse_trace AS
FROM langfuse_trace
QUALIFY row_number() OVER (PARTITION BY trace_id ORDER BY revision DESC, name, user_id, session_id, tags, release) = 1
"""
