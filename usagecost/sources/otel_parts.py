"""Which request a span is, and what is part of what: SQL for ids and for their lineage.

A span that calls a model and has the id of the answer is the request of that answer: two instrumentations that record one call
give one request, in whatever trace, file or order. Ids that servers give again, such as chatcmpl-0, are told by their letters, and
the hour of the call is part of the id, as a gateway answers from its cache with the id of the first answer. Every other span is a
request of its own, by its trace and span.

Links say what is inside what: a span is inside its parent, and an answer is inside the parent of the span that has it. The span
itself is inside its answer, so what is in the span and knows its usage is counted, and not the answer. A call that failed and has
no usage is `trace:span:error`: of such calls within each other the innermost counts, and usage inside one takes its place.
"""

from __future__ import annotations

import json

from usagecost.sources.otel_names import KEPT, KINDS, TEXTS
from usagecost.sources.sql import literal

LEAST_LETTERS, MOST_LETTERS, LEAST_DIFFERENT = 20, 200, 10
"""Of an id that no server gives twice: how long it is, and how many different letters it has at least."""

HOUR_NS = 3_600_000_000_000

IS_CALL = """coalesce(
    operation IN ('chat', 'completion', 'text_completion', 'generate_content', 'embeddings', 'embedding')
    OR record.attributes."openinference.span.kind" IN ('LLM', 'EMBEDDING')
    OR record.attributes."langfuse.observation.type" IN ('generation', 'embedding')
    OR regexp_matches(record.attributes."ai.operationId", '[.]do(Generate|Stream|Embed)$')
    OR record.name = 'claude_code.llm_request',
    false
)"""
"""Whether a span is a call of a model, and not something around calls."""

ANSWER_ID = f"""CASE
    WHEN is_call AND length(response_id) BETWEEN {LEAST_LETTERS} AND {MOST_LETTERS}
        AND len(list_distinct(string_split(response_id, ''))) >= {LEAST_DIFFERENT}
        THEN replace(response_id, ':', '.') || ':' || (TRY_CAST(record.startTimeUnixNano AS HUGEINT) // {HOUR_NS})::VARCHAR
END"""
"""SQL for the id of the answer; NULL where it has none that is its own."""

HAS_FAILED = """coalesce(record.status IN ('2', 'STATUS_CODE_ERROR'), false) OR error_class IS NOT NULL
    OR coalesce(level = 'ERROR', false) OR coalesce(has_succeeded = 'false', false)"""

LINK_NAMES = (*TEXTS["operation"], *TEXTS["error_class"], *TEXTS["level"], *KINDS, *KEPT["response_id"], "success")
_LINK = {
    **dict.fromkeys(("traceId", "spanId", "parentSpanId", "name", "startTimeUnixNano", "status"), "VARCHAR"),
    "attributes": dict.fromkeys(LINK_NAMES, "VARCHAR"),
}


def _first(*names: str) -> str:
    values = ", ".join(f"""nullif(record.attributes."{name}", '')""" for name in names)
    return f"coalesce({values})"


LINEAGE = f"""
, link AS (SELECT from_json(text, {literal(json.dumps(_LINK))}) AS record FROM lines)
, named AS (
    SELECT
        record,
        {_first(*TEXTS["operation"])} AS operation,
        {_first(*TEXTS["error_class"])} AS error_class,
        {_first(*TEXTS["level"])} AS level,
        CASE WHEN starts_with(record.name, 'claude_code.') THEN record.attributes.success END AS has_succeeded,
        {_first(*KEPT["response_id"])} AS response_id,
        {IS_CALL} AS is_call
    FROM link
)
, part AS MATERIALIZED (
    SELECT
        nullif(record.traceId, '') || ':' || nullif(record.spanId, '') AS span,
        nullif(record.traceId, '') || ':' || nullif(nullif(record.parentSpanId, ''), '0000000000000000') AS parent,
        {ANSWER_ID} AS answer,
        {HAS_FAILED} AS has_failed
    FROM named
)
SELECT span AS request_id, parent AS parent_id FROM part
UNION ALL
SELECT span, answer FROM part WHERE answer IS NOT NULL
UNION ALL
SELECT answer, parent FROM part WHERE answer IS NOT NULL
UNION ALL
SELECT span || ':error', parent || ':error' FROM part WHERE has_failed
UNION ALL
SELECT span, span || ':error' FROM part WHERE has_failed
"""
"""SQL for what is part of what."""
