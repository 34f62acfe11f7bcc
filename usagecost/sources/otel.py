"""OpenTelemetry traces of generative AI: OTLP as JSON, one export a line, as the collector's file exporter writes it.

One record is a span; one request is a span with usage. Agents and workflows repeat the usage of the calls in them, so a span
with usage yields to those below it, in whatever file or order they come: `lineage` tells the lake what is in what.

A call that failed has no usage as a rule, and is a request all the same: that of a span that failed, calls a model (by its
operation) and knows no usage. It has an id of its own, so that it does not stand for usage that a span around it knows; of
failed calls within each other the innermost counts, and none does above a span with usage.

By the conventions input includes both cache reads and writes, and output includes reasoning. Emitters that pass on Anthropic's
counts unchanged leave the cache out: they show by parts that exceed the whole, and then the parts are added.
Attributes hold prompts and answers, so only those of otel_names.py are read, and a rejected span shows only them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from usagecost.sources.conventions import Conventions
from usagecost.sources.files import Head
from usagecost.sources.jsonlines import JsonLines
from usagecost.sources.otel_names import COUNTS, EXCEPTION_TYPE, FRAMEWORKS, KEPT, PROVIDERS, RESOURCE, SPAN, TEXTS
from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.sql import identifier, json_object, literal, text_list

_VALUE = dict.fromkeys(("stringValue", "intValue", "doubleValue", "boolValue"), "VARCHAR")
_ATTRIBUTES = [{"key": "VARCHAR", "value": {**_VALUE, "arrayValue": {"values": [_VALUE]}}}]
_IDS = ("traceId", "spanId", "parentSpanId", "name", "startTimeUnixNano", "endTimeUnixNano")

_EXPORT = {
    "resourceSpans": [
        {
            "resource": {"attributes": _ATTRIBUTES},
            "scopeSpans": [
                {
                    "scope": {"name": "VARCHAR", "version": "VARCHAR"},
                    "spans": [
                        {
                            **dict.fromkeys(_IDS, "VARCHAR"),
                            "attributes": _ATTRIBUTES,
                            "status": {"code": "VARCHAR"},
                            "events": [{"name": "VARCHAR", "attributes": _ATTRIBUTES}],
                        }
                    ],
                }
            ],
        }
    ]
}
"""The shape of a line."""

SHAPE: dict[str, Any] = {
    **dict.fromkeys((*_IDS, "status", "exception"), "VARCHAR"),
    "scope": {"name": "VARCHAR", "version": "VARCHAR"},
    "resource": dict.fromkeys(RESOURCE, "VARCHAR"),
    "attributes": dict.fromkeys(SPAN, "VARCHAR"),
}
"""The shape of a record: a span with its resource and scope, and of their attributes those that are read."""


def _scalar(value: str) -> str:
    """SQL for an attribute's value as text. NaN is how JavaScript writes that a count is not known."""
    return f"coalesce({value}.stringValue, {value}.intValue, nullif({value}.doubleValue, 'NaN'), {value}.boolValue)"


def _chosen(attributes: str, names: Sequence[str]) -> str:
    """SQL for a JSON object of the attributes that are read."""
    texts = f"""list_transform(
        list_filter({attributes}, lambda item: list_contains({list(names)}, item.key)),
        lambda item: to_json(item.key) || ':' || coalesce(
            to_json({_scalar("item.value")}),
            to_json(list_transform(item.value.arrayValue.values, lambda element: {_scalar("element")}))
        )
    )"""
    return f"'{{' || coalesce(array_to_string({texts}, ','), '') || '}}'"


_EXCEPTIONS = f"""list_filter(
    flatten(list_transform(list_filter(span.events, lambda event: event.name = 'exception'), lambda event: event.attributes)),
    lambda item: item.key = '{EXCEPTION_TYPE}'
)"""

_SPAN_TEXT = json_object(
    {
        **{name: f"to_json(span.{name})" for name in _IDS},
        "status": "to_json(span.status.code)",
        "exception": f"to_json(list_extract({_EXCEPTIONS}, 1).value.stringValue)",
        "scope": "to_json(part.scope)",
        "resource": _chosen("export.resource.attributes", RESOURCE),
        "attributes": _chosen("span.attributes", SPAN),
    }
)

ELEMENTS = f"""flatten(list_transform(
    from_json(text, {literal(json.dumps(_EXPORT))}).resourceSpans,
    lambda export: flatten(list_transform(
        export.scopeSpans,
        lambda part: list_transform(list_filter(part.spans, lambda span: span IS NOT NULL), lambda span: {_SPAN_TEXT})
    ))
))"""
"""SQL for the records of a line."""


def _first(names: Iterable[str], of: str = "attributes") -> str:
    """SQL for the first of some attributes that says anything."""
    values = ", ".join(f"nullif(record.{of}.{identifier(name)}, '')" for name in names)
    return f"coalesce({values})"


def _as_json(text: str) -> str:
    """SQL for an attribute's text among others: a list stays one."""
    return f"CASE WHEN starts_with({text}, '[') AND json_valid({text}) THEN {text} ELSE to_json({text})::VARCHAR END"


_CALLS = """(
    operation IN ('chat', 'completion', 'text_completion', 'generate_content', 'embeddings', 'embedding')
    OR record.attributes."openinference.span.kind" IN ('LLM', 'EMBEDDING')
    OR ends_with(record.attributes."ai.operationId", '.doGenerate') OR ends_with(record.attributes."ai.operationId", '.doStream')
    OR ends_with(record.attributes."ai.operationId", '.doEmbed')
)"""
"""Whether a span is a call of a model, and not something around calls."""

_OPERATION = """CASE
    WHEN operation = 'embedding' THEN 'embeddings'
    WHEN operation IS NOT NULL THEN operation
    WHEN record.attributes."openinference.span.kind" = 'EMBEDDING' THEN 'embeddings'
    WHEN record.attributes."openinference.span.kind" = 'LLM' THEN 'chat'
    WHEN starts_with(record.attributes."ai.operationId", 'ai.embed') THEN 'embeddings'
    WHEN record.attributes."ai.operationId" IS NOT NULL THEN 'chat'
END"""

_PROVIDER = "CASE {} WHEN lower(provider) IN {} THEN NULL ELSE provider END".format(
    " ".join(f"WHEN lower(provider) IN {tuple(names)} THEN '{known}'" for known, names in PROVIDERS.items()), FRAMEWORKS
)

_CANCELLED = "regexp_matches(error_class, '(^|[._])(Cancell?edError|AbortError|cancell?ed|TaskCanceledException)$')"
"""How runtimes call that the caller did not wait for the answer."""

_IS_ERROR = "coalesce({status} IN ('2', 'STATUS_CODE_ERROR'), false) OR nullif({error}, '') IS NOT NULL"

_SAID = ", ".join(f"{_first(names)} AS {name}" for name, names in (*COUNTS.items(), *TEXTS.items(), *KEPT.items()))

_READ = f"""
, said AS MATERIALIZED (  -- else every use of a column would look for it among the attributes again
    SELECT *, {_SAID}, nullif(record.traceId, '') AS trace_id, nullif(record.spanId, '') AS span_id FROM lines
), read AS (
    SELECT
        *,
        {_IS_ERROR.format(status="record.status", error="error_class")} AS has_failed,
        coalesce(input_tokens, output_tokens) IS NOT NULL AS has_usage,
        {_CALLS} AS is_call
    FROM said
)"""


def _whole(count: str, *parts: str) -> str:
    """SQL for a count that includes its parts, which one that they exceed does not yet."""
    number, of_parts = f"TRY_CAST({count} AS DOUBLE)", " + ".join(f"coalesce(TRY_CAST({part} AS DOUBLE), 0)" for part in parts)
    return f"CASE WHEN {number} >= 0 AND {number} < {of_parts} THEN ({number} + {of_parts})::VARCHAR ELSE {count} END"


_STREAMS = """coalesce(ttft_s, ttft_ms) IS NOT NULL OR regexp_matches(record.attributes."ai.operationId", '[.](do)?[sS]tream')"""

_KEPT = json_object(
    {
        "span": "to_json(nullif(record.name, ''))",
        "scope": "to_json(nullif(record.scope.name, ''))",
        "scope_version": "to_json(nullif(record.scope.version, ''))",
        "service_version": 'to_json(record.resource."service.version")',
        **{name: _as_json(name) for name in KEPT},
    }
)

ROWS = f"""{_READ}
, request AS MATERIALIZED (
SELECT
    row,
    source_file,
    CASE WHEN NOT has_usage AND (NOT has_failed OR is_call IS NOT true) THEN 'no usage in it' END AS skipped,
    trace_id || ':' || span_id || CASE WHEN has_usage THEN '' ELSE ':error' END AS request_id,
    trace_id,
    session_id,
    record.startTimeUnixNano AS started_at,
    (TRY_CAST(record.endTimeUnixNano AS HUGEINT) - TRY_CAST(record.startTimeUnixNano AS HUGEINT)) / 1e6 AS duration_ms,
    coalesce(TRY_CAST(ttft_s AS DOUBLE) * 1000, TRY_CAST(ttft_ms AS DOUBLE)) AS ttft_ms,
    {_PROVIDER} AS provider,
    coalesce(response_model, requested_model) AS model,
    requested_model,
    {_OPERATION} AS operation,
    CASE WHEN NOT has_failed THEN 'success' WHEN {_CANCELLED} THEN 'cancelled' ELSE 'error' END AS status,
    CASE WHEN has_failed THEN coalesce(error_class, record.exception) END AS error_class,
    coalesce(http_status, CASE WHEN regexp_full_match(error_class, '[1-5][0-9][0-9]') THEN error_class END) AS http_status,
    user_id,
    end_user_id,
    team_id,
    virtual_key,
    CASE WHEN NOT starts_with(record.resource."service.name", 'unknown_service') THEN record.resource."service.name" END AS app,
    coalesce({_first(TEXTS["environment"], "resource")}, environment) AS environment,
    {text_list("tags")} AS tags,
    coalesce(is_streaming, CASE WHEN {_STREAMS} THEN 'true' END) AS is_streaming,
    service_tier,
    CASE WHEN lower(route) <> 'unknown' THEN route END AS route,
    {_whole("input_tokens", "cache_read_tokens", "cache_write_tokens")} AS input_tokens,
    cache_read_tokens,
    cache_write_tokens,
    {_whole("output_tokens", "output_reasoning_tokens")} AS output_tokens,
    output_reasoning_tokens,
    input_audio_tokens,
    output_audio_tokens,
    reported_cost_usd,
    {_KEPT} AS attributes
FROM read
) SELECT * FROM request
"""

_LINK = {**dict.fromkeys(("traceId", "spanId", "parentSpanId", "status"), "VARCHAR"), "attributes": {"error.type": "VARCHAR"}}

LINEAGE = f"""
, link AS MATERIALIZED (SELECT from_json(text, {literal(json.dumps(_LINK))}) AS span FROM lines)
, part AS (
    SELECT
        nullif(span.traceId, '') || ':' || nullif(span.spanId, '') AS request_id,
        nullif(span.traceId, '') || ':' || nullif(nullif(span.parentSpanId, ''), '0000000000000000') AS parent_id,
        {_IS_ERROR.format(status="span.status", error='span.attributes."error.type"')} AS has_failed
    FROM link
)
SELECT request_id, parent_id FROM part
UNION ALL
SELECT request_id || ':error', parent_id || ':error' FROM part WHERE has_failed
UNION ALL
SELECT request_id, request_id || ':error' FROM part WHERE has_failed
"""
"""SQL for what is part of what: a span of its parent; a failed call of a failed one around it, and usage of both."""


class OpenTelemetry:
    """Spans of generative AI."""

    name = "otel"
    title = "OpenTelemetry traces (OTLP JSON)"
    counts = (
        "By the conventions input includes cache reads and writes, and output includes reasoning. Where parts are more than the "
        "whole, they were counted apart from it and are added. A span that repeats the usage of spans in it is not counted."
    )

    def recognise(self, head: Head) -> str | None:
        """By the outermost field of an export of traces."""
        if any(isinstance(value.get("resourceSpans"), list) for value in head.objects):
            return "OpenTelemetry traces: lines with resourceSpans"
        return None

    def read(self, heads: Iterable[Head], reading: Reading) -> Iterator[Batch]:
        """Exports in batches; one row = one span with usage, or one failed call."""
        return self._lines(ELEMENTS).batches(heads, reading)

    def read_spans(self, heads: Iterable[Head], reading: Reading) -> Iterator[Batch]:
        """The same of files whose lines are records already: each a span of the form SHAPE."""
        return self._lines(None).batches(heads, reading)

    def _lines(self, elements: str | None) -> JsonLines:
        conventions = Conventions(time_unit="ns", names={"request_id": "traceId and spanId", "started_at": "startTimeUnixNano"})
        return JsonLines(self.name, SHAPE, ROWS, conventions, elements=elements, lineage=LINEAGE)
