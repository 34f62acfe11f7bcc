"""OpenTelemetry traces and logs of generative AI: OTLP as JSON, one export a line, as the collector's file exporter writes it.

One record is a span or a log record, see otel_logs.py; one request is one with usage. Agents and workflows repeat the usage of the
calls in them, so a span with usage yields to those below it, in whatever file or order they come: otel_parts.py tells the lake what
is in what. What only the spans around a request know, such as the conversation, it takes from those of them that are read together
with it.

A call of a model without usage is a request all the same, with tokens that are not known, unless a span in it or around it knows
them. Attributes hold prompts and answers, so only those of otel_names.py are read, and a rejected span shows only them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable

from usagecost.sources.conventions import Conventions
from usagecost.sources.files import Head
from usagecost.sources.jsonlines import JsonLines
from usagecost.sources.otel_logs import elements
from usagecost.sources.otel_names import (
    BEDROCK_MODEL,
    CLAUDE_CODE,
    FIELDS,
    FRAMEWORKS,
    INHERITED,
    PROVIDERS,
    RECORD_ATTRIBUTES,
    TEXTS,
    as_text,
)
from usagecost.sources.otel_parts import ANSWER_ID, HAS_FAILED, IS_CALL, LINEAGE, NAMED_CALL
from usagecost.sources.otel_picked import PLACE_MARK, PLACES, PYTHON_OBJECTS
from usagecost.sources.otel_skips import SKIPPED, tidy
from usagecost.sources.otel_spans import SHAPE
from usagecost.sources.otel_usage import USAGE
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.sql import identifier, json_object, text_list, units_map

MOST_AROUND = 50
"""How many spans there may be around one for it to take something from the outermost."""


def _first(names: Iterable[str], struct: str = "attributes") -> list[str]:
    """SQL for some attributes. None is an empty text: such are not among those of a record."""
    texts = []
    for name, _, path in (name.partition(PLACE_MARK) for name in names):
        place = f"[{PLACES[name].index(path) + 1}]" if path else ""
        texts.append(as_text(name, f"{'places' if path else struct}.{identifier(name)}{place}"))
    return texts


def _place_texts(attribute: str) -> str:
    """SQL for the texts at the places of a JSON attribute that are read."""
    text = f"record.attributes.{identifier(attribute)}"
    document = f"""replace(replace({text}, chr(39), '"'), 'None', 'null')""" if attribute in PYTHON_OBJECTS else text
    return f"json_extract_string(TRY_CAST({document} AS JSON), {[f'$.{path}' for path in PLACES[attribute]]})"


def _field(name: str, names: Iterable[str]) -> str:
    """SQL for the first of some attributes that says anything; of spans of Claude Code its plain one comes first."""
    values = _first(names)
    if name in CLAUDE_CODE:
        values.insert(0, f"CASE WHEN is_claude_code THEN {_first([CLAUDE_CODE[name]])[0]} END")
    return f"coalesce({', '.join(values)})"


def _as_json(text: str) -> str:
    """SQL for an attribute's text among others: a list stays one."""
    return f"CASE WHEN starts_with({text}, '[') AND json_valid({text}) THEN {text} ELSE to_json({text})::VARCHAR END"


_OPERATION = """CASE
    WHEN operation = 'embedding' THEN 'embeddings'
    WHEN operation IS NOT NULL THEN operation
    WHEN kind = 'EMBEDDING' THEN 'embeddings'
    WHEN observation_type = 'embedding' THEN 'embeddings'
    WHEN starts_with(vercel_operation, 'ai.embed') THEN 'embeddings'
    WHEN kind = 'LLM' OR vercel_operation IS NOT NULL OR is_call THEN 'chat'
END"""

_NAMED_PROVIDER = "CASE {} WHEN lower(provider) IN {} THEN NULL ELSE provider END".format(
    " ".join(f"WHEN lower(provider) IN {tuple(names)} THEN '{vendor}'" for vendor, names in PROVIDERS.items()), FRAMEWORKS
)

_PROVIDER = f"""coalesce({_NAMED_PROVIDER}, CASE WHEN regexp_matches(requested_model, '{BEDROCK_MODEL}') THEN 'aws' END)"""

_CANCELLED = "regexp_matches(error_class, '(^|[._])(Cancell?edError|AbortError|cancell?ed|TaskCanceledException)$')"
"""How runtimes call that the caller did not wait for the answer."""

_FIELDS = ", ".join(f"{_field(name, names)} AS {name}" for name, names in FIELDS.items())

_PLACES = ", ".join(f"{identifier(attribute)}: {_place_texts(attribute)}" for attribute in PLACES)

_SPANS = f"""
, fields AS MATERIALIZED (  -- without the record, as it is wide, and every use of a column would look for it there again
    SELECT
        row,
        source_file,
        nullif(record.traceId, '') AS trace_id,
        nullif(record.spanId, '') AS span_id,
        nullif(record.parentSpanId, '') AS parent_id,
        nullif(record.name, '') AS span_name,
        record.startTimeUnixNano AS started_at,
        record.endTimeUnixNano AS ended_at,
        record.status AS span_status,
        record.logKind AS log_kind,
        record.exception AS exception,
        nullif(record.scope.name, '') AS scope,
        nullif(record.scope.version, '') AS scope_version,
        CASE
            WHEN NOT starts_with(resource."service.name", 'unknown_service') THEN resource."service.name"
        END AS app,
        resource."service.version" AS service_version,
        coalesce({", ".join(_first(TEXTS["environment"], "resource"))}) AS resource_environment,
        coalesce({", ".join(_first(("user.id", "enduser.id", "user.email"), "resource"))}) AS resource_user,
        resource."team.id" AS resource_team,
        coalesce(starts_with(span_name, 'claude_code.'), false) AS is_claude_code,
        {_FIELDS}
    FROM (SELECT *, record.attributes AS attributes, record.resource AS resource, {{{_PLACES}}} AS places FROM lines)
)
{USAGE}
, spans AS MATERIALIZED (
    SELECT
        * REPLACE (
            coalesce(resource_environment, environment) AS environment,
            coalesce(requested_model, CASE WHEN {NAMED_CALL} THEN split_part(span_name, ' ', 2) END) AS requested_model,
            CASE WHEN is_claude_code THEN coalesce(user_email, user_id) ELSE coalesce(user_id, user_email) END AS user_id
        ),
        {HAS_FAILED} AS has_failed,
        coalesce(input_tokens, output_tokens) IS NOT NULL AS has_usage,
        {IS_CALL} AS is_call,
        {ANSWER_ID} AS answer_id
    FROM canonical
)"""

_NAMES = ", ".join(INHERITED)
_INHERITANCE = f"""
, parents AS MATERIALIZED (  -- one row = a span that has others in it, however often it was sent
    SELECT trace_id, span_id, max(parent_id) AS parent, {", ".join(f"max({name}) AS {name}" for name in INHERITED)}
    FROM spans SEMI JOIN (SELECT trace_id, parent_id AS span_id FROM spans) AS parent USING (trace_id, span_id)
    GROUP BY trace_id, span_id
)
, inherited AS (
-- climbing: one row = a request, and what is known up to a span around it
WITH RECURSIVE climbing(row, trace_id, parent, height, {_NAMES}) AS (
    SELECT row, trace_id, parent_id, 0, {_NAMES} FROM spans WHERE (has_usage OR is_call) AND parent_id IS NOT NULL
    UNION ALL
    SELECT
        climbing.row, parents.trace_id, parents.parent, height + 1,
        {", ".join(f"coalesce(climbing.{name}, parents.{name})" for name in INHERITED)}
    FROM climbing JOIN parents ON parents.trace_id = climbing.trace_id AND parents.span_id = climbing.parent
    WHERE height < {MOST_AROUND} AND parents.span_id IS DISTINCT FROM parents.parent
)
SELECT row, {", ".join(f"arg_max({name}, height) AS {name}" for name in INHERITED)} FROM climbing GROUP BY row
)
, complete_spans AS (
SELECT spans.* REPLACE ({", ".join(f"coalesce(inherited.{name}, spans.{name}) AS {name}" for name in INHERITED)})
FROM spans LEFT JOIN inherited USING (row)
)"""

_OF_CODEX = "CASE WHEN starts_with(scope, 'codex') THEN model_around END"
"""Codex tells the model of a turn, and the usage of the calls in it. The name is so plain that it is read of its spans only."""

_STREAMS = (
    """coalesce(ttft_s, ttft_ms) IS NOT NULL OR regexp_matches(vercel_operation, '[.](do)?[sS]tream') OR logfire_type = 'log'"""
)

_DURATION_MS = "((TRY_CAST(ended_at AS HUGEINT) - TRY_CAST(started_at AS HUGEINT)) / 1e6)"

_TTFT_S = "TRY_CAST(ttft_s AS DOUBLE)"
_TTFT_MS = f"({_TTFT_S} * CASE WHEN {_TTFT_S} * 1000 > {_DURATION_MS} AND {_TTFT_S} <= {_DURATION_MS} THEN 1 ELSE 1000 END)"
"""The conventions say seconds. Strands writes milliseconds, which would be longer than the whole call as seconds."""

_UNTIL_FIRST_MS = """(
    epoch_us(TRY_CAST(trim(first_token_at, '"') AS TIMESTAMPTZ)) - TRY_CAST(started_at AS HUGEINT) / 1000
) / 1000"""

_COSTS = """map_entries(TRY(from_json(cost_text, '"MAP(VARCHAR, DOUBLE)"')))"""
_COST = f"""coalesce(
    reported_cost_usd,
    json_extract_string(TRY_CAST(cost_text AS JSON), '$.total'),
    list_sum(list_transform({_COSTS}, lambda entry: entry.value))::VARCHAR
)"""

_ATTRIBUTES = json_object(
    {
        "span": "to_json(span_name)",
        "scope": "to_json(scope)",
        "scope_version": "to_json(scope_version)",
        "service_version": "to_json(service_version)",
        **{name: _as_json(name) for name in RECORD_ATTRIBUTES},
    }
)

ROWS = f"""{_SPANS}{_INHERITANCE}
, request AS MATERIALIZED (
SELECT
    row,
    source_file,
    {SKIPPED} AS skipped,
    map_problem AS problem,
    coalesce(
        CASE WHEN has_usage OR NOT has_failed THEN answer_id END,
        trace_id || ':' || span_id || CASE WHEN has_usage OR NOT has_failed THEN '' ELSE ':error' END
    ) AS request_id,
    has_usage::BIGINT AS rank,
    CASE WHEN NOT starts_with(trace_id, 'log.') THEN trace_id END AS trace_id,
    session_id,
    started_at AS started_at,
    CASE WHEN logfire_type = 'log' OR (log_kind IS NOT NULL AND started_at = ended_at) THEN NULL ELSE {_DURATION_MS} END
        AS duration_ms,
    coalesce({_TTFT_MS}, TRY_CAST(ttft_ms AS DOUBLE), {_UNTIL_FIRST_MS}) AS ttft_ms,
    {_PROVIDER} AS provider,
    coalesce(response_model, requested_model, {_OF_CODEX}) AS model,
    coalesce(requested_model, {_OF_CODEX}) AS requested_model,
    {_OPERATION} AS operation,
    CASE WHEN NOT has_failed THEN 'success' WHEN {_CANCELLED} THEN 'cancelled' ELSE 'error' END AS status,
    CASE WHEN has_failed THEN coalesce(error_class, exception) END AS error_class,
    coalesce(http_status, CASE WHEN regexp_full_match(error_class, '[1-5][0-9][0-9]') THEN error_class END) AS http_status,
    coalesce(user_id, resource_user) AS user_id,
    end_user_id,
    coalesce(team_id, resource_team) AS team_id,
    virtual_key,
    app,
    environment,
    {text_list("tags")} AS tags,
    coalesce(is_streaming, CASE WHEN {_STREAMS} OR first_token_at IS NOT NULL THEN 'true' END) AS is_streaming,
    service_tier,
    CASE WHEN lower(speed) NOT IN ('normal', 'standard', 'default') THEN lower(speed) END AS speed,
    CASE WHEN lower(inference_region) <> 'not_available' THEN lower(inference_region) END AS inference_region,
    CASE WHEN lower(route) <> 'unknown' THEN route END AS route,
    input_tokens,
    cache_read_tokens,
    cache_write_tokens,
    cache_write_1h_tokens,
    output_tokens,
    output_reasoning_tokens,
    input_audio_tokens,
    output_audio_tokens,
    cache_audio_read_tokens,
    input_image_tokens,
    output_image_tokens,
    {units_map({"web_searches": "web_searches", "uncounted_tokens": "uncounted"})} AS units,
    {_COST} AS reported_cost_usd,
    {_ATTRIBUTES} AS attributes
FROM complete_spans
) SELECT * FROM request
"""


class OpenTelemetry:
    """Spans and log records of generative AI."""

    name = "otel"
    title = "OpenTelemetry traces and logs (OTLP JSON)"
    counts = (
        "By the conventions input includes cache reads and writes, and output includes reasoning. Where the emitter is known to "
        "leave them out, where the total says so, or where parts are more than the whole, they are added. A span that repeats the "
        "usage of spans in it is not counted, and a call that two instrumentations or a log record and a span tell is counted once."
    )

    def recognise(self, head: Head) -> str | None:
        """By the outermost field of an export of traces."""
        for field, signal in (("resourceSpans", "traces"), ("resourceLogs", "logs")):
            if any(isinstance(value.get(field), list) for value in head.objects):
                return f"OpenTelemetry {signal}: lines with {field}"
        return None

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """Exports in batches; one row = one span or log record with usage, or one call of a model without."""
        conventions = Conventions(time_unit="ns", names={"request_id": "traceId and spanId", "started_at": "startTimeUnixNano"})
        lines = JsonLines(self.name, SHAPE, ROWS, conventions, elements=elements, lineage=LINEAGE)
        return tidy(lines.batches(heads, reading))
