"""The log records of an export, as records of otel_spans.py: what coding agents tell of their requests, and the conventions' event.

A record says when the call ended; its start is that less its duration. What is written under plain names is brought to those of the
conventions here, by emitter, as its code has them:
- Claude Code: input leaves out what was read from and written to the cache; `cost_usd` is its own estimate.
- Codex: input includes the cache, output includes reasoning. It tells an answer by several records, of which only the one with the
  counts is a request, and `tool_token_count` is the total. Of calls only those that failed are read of `codex.api_request`.
- Gemini CLI: output leaves thoughts out, and input leaves out what the prompts of tools are. Qwen Code passes on what servers of
  other kinds say, too, where output may include thoughts: the total decides. Where both write 0 for all, nothing is known.
- Gemini CLI tells each call by the conventions' event as well, which leaves out thoughts and the cache: it is not read.

A record has no id of its own: its id is made of its trace, if it has one, and of a hash of its name, time, session, place in the
session, counts and outcome. Two calls that agree in all of these would be one request.
"""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.sources.otel_names import BEDROCK_MODEL, RESOURCE, SPAN
from usagecost.sources.otel_spans import ATTRIBUTES, RESOURCE_SHAPE, SCOPE_SHAPE, SPANS, attributes_object, unnested
from usagecost.sources.sql import json_object, literal

_PLAIN = (
    "event.name", "event.kind", "event.timestamp", "event.sequence", "conversation.id", "duration_ms", "endpoint", "attempt",
    "request_id", "response_id", "cost_usd", "input_token_count", "output_token_count", "cached_token_count",
    "cached_content_token_count", "cache_write_token_count", "reasoning_token_count", "thoughts_token_count", "tool_token_count",
    "total_token_count",
)  # fmt: skip
"""Attributes of log records that are not read of spans."""

LOG = (*SPAN, *_PLAIN)
"""All attributes of a log record that are read."""

LOG_IDS = ("traceId", "spanId", "timeUnixNano", "observedTimeUnixNano", "eventName")

DETAILS = "gen_ai.client.inference.operation.details"
"""The conventions' event of a call."""

ANSWERED, FAILED, OF_CONVENTIONS, DUPLICATE, NO_CALL = "answered", "failed", "of conventions", "told twice", "no call"
"""What a log record is: a call of an agent that was answered or failed, the conventions' event, the same of an agent that tells its
calls otherwise too, or anything else.
"""

_SHAPE = {
    "resourceLogs": [
        {
            "resource": RESOURCE_SHAPE,
            "scopeLogs": [{"scope": SCOPE_SHAPE, "logRecords": [{**dict.fromkeys(LOG_IDS, "VARCHAR"), "attributes": ATTRIBUTES}]}],
        }
    ]
}

_EVENT = """CASE
    WHEN starts_with(part.scope.name, 'com.anthropic.claude_code') THEN 'claude_code.' || fields."event.name"
    ELSE coalesce(fields."event.name", record.eventName)
END"""

_IS_COMPLETED = """event = 'codex.sse_event' AND fields."event.kind" = 'response.completed'"""

_KIND = f"""CASE
    WHEN event IN ('claude_code.api_request', 'gemini_cli.api_response', 'qwen-code.api_response') THEN '{ANSWERED}'
    WHEN event IN ('claude_code.api_error', 'gemini_cli.api_error', 'qwen-code.api_error') THEN '{FAILED}'
    WHEN {_IS_COMPLETED} AND coalesce(fields.input_token_count, fields.output_token_count) IS NOT NULL THEN '{ANSWERED}'
    WHEN {_IS_COMPLETED} AND fields.duration_ms IS NULL THEN '{FAILED}'
    WHEN event = 'codex.api_request' AND NOT coalesce(starts_with(fields."http.response.status_code", '2'), false)
        AND contains(coalesce(fields.endpoint, '/responses'), '/responses') THEN '{FAILED}'
    WHEN event = '{DETAILS}' THEN CASE WHEN part.scope.name = 'gemini-cli' THEN '{DUPLICATE}' ELSE '{OF_CONVENTIONS}' END
    ELSE '{NO_CALL}'
END"""

_MOMENT = """coalesce(
    TRY(epoch_us(TRY_CAST(fields."event.timestamp" AS TIMESTAMPTZ)))::HUGEINT * 1000,
    TRY_CAST(nullif(record.timeUnixNano, '0') AS HUGEINT),
    TRY_CAST(nullif(record.observedTimeUnixNano, '0') AS HUGEINT)
)"""

_HASH = """md5(concat_ws(' ', event, moment, fields."session.id", fields."conversation.id", fields."event.sequence",
    fields.input_tokens, fields.output_tokens, fields.input_token_count, fields.output_token_count,
    fields."gen_ai.usage.input_tokens", fields."gen_ai.usage.output_tokens", fields."gen_ai.response.id", fields.attempt, kind))"""

_MODEL = f"CASE kind WHEN '{ANSWERED}' THEN 'gen_ai.response.model' ELSE 'gen_ai.request.model' END"

_CLAUDE_PROVIDER = f"""CASE
    WHEN regexp_matches(fields.model, '{BEDROCK_MODEL}') THEN 'aws'
    WHEN contains(fields.model, '@') THEN 'google'
    WHEN starts_with(fields.model, 'claude') THEN 'anthropic'
END"""

_IS_UNKNOWN = "coalesce(fields.total_token_count = '0' AND fields.input_token_count = '0', false)"


def _unless_unknown(names: dict[str, str]) -> dict[str, str]:
    """SQL for counts of what writes 0 where it knows nothing."""
    return {name: f"CASE WHEN NOT {_IS_UNKNOWN} THEN fields.{value} END" for name, value in names.items()}


_OF_GEMINI = {
    "gen_ai.usage.input_tokens": "input_token_count",
    "gen_ai.usage.output_tokens": "output_token_count",
    "gen_ai.usage.cached_tokens": "cached_content_token_count",
    "gen_ai.usage.total_tokens": "total_token_count",
}

_RENAMES = {
    "claude_code": {
        "gen_ai.usage.input_tokens": "fields.input_tokens",
        "gen_ai.usage.output_tokens": "fields.output_tokens",
        "gen_ai.usage.cost_usd": "fields.cost_usd",
        "gen_ai.response.id": "fields.request_id",
        "gen_ai.provider.name": _CLAUDE_PROVIDER,
        "model": "NULL",  # of spans it is the one asked for
        _MODEL: "fields.model",
    },
    "codex": {
        "gen_ai.usage.input_tokens": "fields.input_token_count",
        "gen_ai.usage.output_tokens": "fields.output_token_count",
        "gen_ai.usage.cached_tokens": "fields.cached_token_count",
        "gen_ai.usage.cache_write_tokens": "fields.cache_write_token_count",
        "gen_ai.usage.reasoning_tokens": "fields.reasoning_token_count",
        "gen_ai.request.model": "fields.model",
        "gen_ai.conversation.id": 'fields."conversation.id"',
    },
    "gemini_cli": {
        **_unless_unknown(_OF_GEMINI),
        **_unless_unknown({"gen_ai.usage.experimental.reasoning_tokens": "thoughts_token_count"}),
        **_unless_unknown({"gemini_cli.tool_input_tokens": "tool_token_count"}),
        "gen_ai.provider.name": "'gcp.gen_ai'",
        _MODEL: "fields.model",
    },
    "qwen-code": {
        **_unless_unknown(_OF_GEMINI),
        **_unless_unknown({"gen_ai.usage.reasoning_tokens": "thoughts_token_count"}),
        "gen_ai.response.id": "fields.response_id",
        _MODEL: "fields.model",
    },
}
"""Emitter, as its events' names begin -> name of the conventions, or SQL for it, and SQL for its value."""


def _object(names: dict[str, str]) -> str:
    pairs = (f"{name if name == _MODEL else literal(name)}, {value}" for name, value in names.items())
    return f"json_object({', '.join(pairs)})"


_PATCH = f"""CASE split_part(event, '.', 1)
    {" ".join(f"WHEN '{emitter}' THEN {_object(names)}" for emitter, names in _RENAMES.items())}
    ELSE '{{}}'::JSON
END"""

_IS_READ = f"kind IN ('{ANSWERED}', '{FAILED}', '{OF_CONVENTIONS}')"

_TEXT = json_object(
    {
        "traceId": "to_json(coalesce(trace, 'log.' || left(hash, 16)))",
        "spanId": "to_json(CASE WHEN trace IS NULL THEN right(hash, 16) ELSE hash END)",
        "parentSpanId": f"CASE WHEN kind <> '{OF_CONVENTIONS}' THEN to_json(enclosing_span) END",
        "toldSpanId": f"CASE WHEN kind = '{OF_CONVENTIONS}' THEN to_json(enclosing_span) END",
        "logKind": "to_json(kind)",
        "name": "to_json(event)",
        "startTimeUnixNano": "to_json((moment - coalesce(duration, 0))::VARCHAR)",
        "endTimeUnixNano": "to_json(moment::VARCHAR)",
        "status": f"to_json(CASE WHEN kind = '{FAILED}' THEN '2' END)",
        "scope": "to_json(part.scope)",
        "resource": attributes_object("export.resource.attributes", RESOURCE),
        "attributes": f"CASE WHEN {_IS_READ} THEN json_merge_patch(attributes, {_PATCH}) ELSE '{{}}' END",
    }
)

_FIELDS = dict.fromkeys(
    (
        *_PLAIN, "input_tokens", "output_tokens", "model", "session.id", "http.response.status_code", "gen_ai.response.id",
        "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens",
    ),
    "VARCHAR",
)  # fmt: skip

_LINES_WITH_LOGS = """(SELECT * FROM whole_lines WHERE contains(text, '"resourceLogs"'))"""

_LOGS = f"""
SELECT
    * EXCLUDE (row, exports, export, part, record, attributes, fields, event, kind, moment, duration, trace, enclosing_span, hash)
    REPLACE ({_TEXT} AS text),
    row AS line_row
FROM (
    SELECT *, {_HASH} AS hash
    FROM (
        SELECT
            *,
            {_EVENT} AS event,
            {_KIND} AS kind,
            {_MOMENT} AS moment,
            TRY((TRY_CAST(fields.duration_ms AS DOUBLE) * 1e6)::HUGEINT) AS duration,
            nullif(record.traceId, '') AS trace,
            CASE WHEN trace IS NOT NULL THEN nullif(record.spanId, '') END AS enclosing_span
        FROM (
            SELECT
                *,
                {attributes_object("record.attributes", LOG)} AS attributes,
                from_json(attributes, {literal(json.dumps(_FIELDS))}) AS fields
            FROM ({unnested("resourceLogs", "scopeLogs", "logRecords", _SHAPE, _LINES_WITH_LOGS)})
        )
        WHERE record IS NOT NULL
    )
)
"""


def elements(lines: pa.Table) -> str:
    """SQL for the records of some lines, of traces and of logs. Where no line has logs they are left out, as to plan that takes as
    long as to read some hundred spans.
    """
    has_logs = pc.any(pc.match_substring(lines["text"], '"resourceLogs"')).as_py()
    return f"""
        SELECT * EXCLUDE (export_number, part_number, record_number)
        FROM ({SPANS} {f"UNION ALL BY NAME {_LOGS}" if has_logs else ""})
        ORDER BY line_row, export_number, part_number, record_number"""
