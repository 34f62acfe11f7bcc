"""Which request a span is, and what is part of what: SQL for ids and for their lineage.

A span that calls a model and has the id of the answer is the request of that answer: two instrumentations that record one call
give one request, in whatever trace, file or order. Ids that servers give again, such as chatcmpl-0, are told by their letters, and
the hour of the call is part of the id, as a gateway answers from its cache with the id of the first answer. Every other span is a
request of its own, by its trace and span.

Links say what is inside what: a span is inside its parent, and an answer is inside the parent of the span that has it. The span
itself is inside its answer, so what is in the span and knows its usage is counted, and not the answer. A call that failed and has
no usage is `trace:span:error`: of such calls within each other the innermost counts, and usage inside one takes its place.

Some frameworks do not put the spans of a provider's client inside their own, and write no id of the answer: LangChain's callbacks
run beside the call. Where both are recorded, the two meet in an id made of the service, the counts and the moment at which they
ended: the client's span is inside it, and it is inside the framework's. A framework's span that meets no client's is a request.

A log record by which a coding agent tells a call is inside the agent's span of that call: it has more to tell, such as the cost.
The two meet in the id of the answer, as far as ten minutes before the log record began, as a span includes what was tried first.
Where they have none, they meet as a client's span and a framework's do, and have to be of one session where both tell it: Codex's
spans do not. A false meeting needs a span whose own log record was lost, and another call of the same service with the same counts
whose log record is of the same quarter of a second; then that span is not counted. The conventions' event stands in the span of its
call, which has more to tell and is inside it.
"""

from __future__ import annotations

import json

from usagecost.schema import MEETING
from usagecost.sources.otel_logs import ANSWERED, FAILED
from usagecost.sources.otel_names import COUNTS, KINDS, RECORD_ATTRIBUTES, TEXTS, as_text
from usagecost.sources.otel_picked import PLACE_MARK
from usagecost.sources.otel_spans import IDS
from usagecost.sources.sql import literal

LEAST_LETTERS, MOST_LETTERS, LEAST_WITHOUT_ZEROS = 20, 200, 15
"""Of an id that no server gives twice: how long it is, and without its zeros."""

HOUR_NS = 3_600_000_000_000

NAMED_CALL = """(
    starts_with(scope, 'openlit.') AND regexp_full_match(span_name, '(chat|text_completion|generate_content|embeddings) [^ ]+')
)"""
"""Whether a span's name says which model is called, as the conventions have it. Of a failed call OpenLIT may say no more."""

_CALLS = (
    "a?((chat|text)?[._]?completions?|chat|generate_content|embeddings?|responses|rerank|image(_generation)?|audio|speech|"
    "transcription)"
)
"""A pattern of what conventions, old and new, and libraries call what a model is asked for."""

_OF_LOGFIRE = "(scope = 'logfire.openai_agents' AND regexp_matches(span_name, '^(Chat completion|Responses API) with '))"
"""Whether a span of Logfire is a call in an agent of OpenAI's library. It names no operation."""

IS_AGENTS_LOG = f"(log_kind IN ('{ANSWERED}', '{FAILED}'))"
"""Whether a record is a log record by which a coding agent tells a call."""

IS_CALL = f"""coalesce(
    (regexp_full_match(operation, '{_CALLS}') AND coalesce(langsmith_kind, 'llm') IN ('llm', 'embedding'))
    OR (kind IN ('LLM', 'CHAT_MODEL', 'EMBEDDING') AND NOT coalesce(contains(span_name, '._prepare_'), false))
    OR {_OF_LOGFIRE}
    OR observation_type IN ('generation', 'embedding')
    OR regexp_matches(vercel_operation, '[.]do(Generate|Stream|Embed)$')
    OR span_name = 'claude_code.llm_request'
    OR {NAMED_CALL}
    OR {IS_AGENTS_LOG},
    false
)"""
"""Whether a span is a call of a model, and not something around calls. LangSmith says "chat" of prompts too, and LlamaIndex, as
OpenInference instruments it, says so of what gets a call ready.
"""

_IS_ID = f"""is_call AND length(response_id) BETWEEN {LEAST_LETTERS} AND {MOST_LETTERS}
    AND length(replace(response_id, '0', '')) >= {LEAST_WITHOUT_ZEROS}"""


def _answer(moment: str) -> str:
    return f"replace(response_id, ':', '.') || ':' || ({moment} // {HOUR_NS})::VARCHAR"


_STARTED = "TRY_CAST(started_at AS HUGEINT)"

ANSWER_ID = f"CASE WHEN {_IS_ID} AND {IS_AGENTS_LOG} IS NOT TRUE THEN {_answer(_STARTED)} END"
"""SQL for the id of the answer; NULL where it has none that is its own."""

HAS_FAILED = """coalesce(span_status IN ('2', 'STATUS_CODE_ERROR'), false) OR error_class IS NOT NULL
    OR coalesce(level = 'ERROR', false) OR coalesce(has_succeeded = 'false', false)
    OR coalesce(scope = 'langsmith' AND exception IS NOT NULL, false)"""
"""Whether a call failed. LangSmith says of most spans that they went well before they end, and that is not taken back."""

RETRIES_NS = 600_000_000_000
"""How much earlier than a log record a span of the same call may have started: before what was tried first."""

_IS_AGENT = """(log_kind IS NULL AND (
    scope = 'gemini-cli' OR starts_with(scope, 'codex') OR span_name = 'claude_code.llm_request'
))"""
"""Whether a span is of a coding agent that tells its calls by log records too."""

_IS_FRAMEWORK = """(
    is_agent
    OR regexp_matches(lower(scope), '[._-]langchain$|^langsmith$|^strands[.]')
    OR (is_lost AND scope = 'opentelemetry.instrumentation.anthropic')
)"""
"""Whether a span is of a library that calls a provider's client and does not put the client's span inside its own. Traceloop's is
around Anthropic's library, which writes spans by itself: the id of the answer joins the two, and only a failed call has none.
"""

_IS_CLIENT = f"""({IS_AGENTS_LOG} OR (NOT is_framework AND log_kind IS NULL AND regexp_matches(
    lower(scope), 'openai|anthropic|bedrock|botocore|gen_?ai|generativeai|vertex|mistral|groq|cohere|litellm|ollama'
)))"""
"""Whether a span is of what instruments a provider's client, or a log record is an agent's."""

MEETING_NS, LATER_NS = 250_000_000, 50_000_000
"""How long a meeting takes, and how much later than the framework's span the client's may end. They end within a millisecond or
two; the first call of a process loads modules in between and takes up to a tenth of a second.
"""

_FIELDS = {name: TEXTS[name] for name in ("session_id", "operation", "error_class", "level")}
_FIELDS |= (
    {name: COUNTS[name] for name in ("input_tokens", "output_tokens")} | KINDS | {"response_id": RECORD_ATTRIBUTES["response_id"]}
)
_FIELDS = {name: [attribute for attribute in names if PLACE_MARK not in attribute] for name, names in _FIELDS.items()}
_OF_CLAUDE_CODE = ("success", "input_tokens", "output_tokens")
_LINK = {
    **dict.fromkeys((*IDS, "status", "exception", "toldSpanId", "logKind"), "VARCHAR"),
    "scope": {"name": "VARCHAR"},
    "resource": {"service.name": "VARCHAR"},
    "attributes": dict.fromkeys([*(name for names in _FIELDS.values() for name in names), *_OF_CLAUDE_CODE], "VARCHAR"),
}


def _first(*names: str) -> str:
    values = ", ".join(as_text(name, f"""nullif(record.attributes."{name}", '')""") for name in names)
    return f"coalesce({values})"


def _field(name: str, *names: str) -> str:
    """SQL for the first of some attributes that says anything; of spans of Claude Code its plain one comes first."""
    return f"if(is_claude_code, record.attributes.{name}, {_first(*names)})" if name in _OF_CLAUDE_CODE else _first(*names)


def _meeting(moment: str) -> str:
    """SQL for the id in which spans with the same counts meet that ended about a moment."""
    return f"'{MEETING}' || md5(concat_ws(' ', meeting_key, ({moment}) // {MEETING_NS}))"


_MAY_HAVE_ENDED = f"ended_at + {LATER_NS} - earlier * {MEETING_NS}"

LINEAGE = f"""
, link AS (SELECT from_json(text, {literal(json.dumps(_LINK))}) AS record FROM lines)
, span_fields AS (
    SELECT
        nullif(record.traceId, '') AS trace_id,
        nullif(record.spanId, '') AS span_id,
        nullif(nullif(record.parentSpanId, ''), '0000000000000000') AS parent_id,
        record.name AS span_name,
        record.scope.name AS scope,
        record.status AS span_status,
        record.exception AS exception,
        record.startTimeUnixNano AS started_at,
        TRY_CAST(record.endTimeUnixNano AS HUGEINT) AS ended_at,
        record.resource."service.name" AS app,
        record.logKind AS log_kind,
        nullif(record.toldSpanId, '') AS call_span_id,
        starts_with(span_name, 'claude_code.') AS is_claude_code,
        {", ".join(f"{_field(name, *names)} AS {name}" for name, names in _FIELDS.items())},
        CASE WHEN is_claude_code THEN record.attributes.success END AS has_succeeded,
        {IS_CALL} AS is_call
    FROM link
)
, part AS MATERIALIZED (
    SELECT
        trace_id || ':' || span_id AS span,
        trace_id || ':' || parent_id AS parent,
        {ANSWER_ID} AS answer,
        {HAS_FAILED} AS has_failed,
        has_failed AND coalesce(input_tokens, output_tokens) IS NULL AS is_lost,
        {_IS_AGENT} AS is_agent,
        {_IS_FRAMEWORK} AS is_framework,
        {_IS_CLIENT} AS is_client,
        ended_at,
        CASE WHEN (is_agent OR log_kind IS NOT NULL) AND NOT coalesce(starts_with(scope, 'codex'), false) THEN session_id END
            AS meeting_session,
        CASE
            WHEN NOT (is_call OR is_agent) OR (is_framework AND answer IS NOT NULL AND NOT is_lost) THEN NULL
            WHEN input_tokens IS NOT NULL AND output_tokens IS NOT NULL
                THEN concat_ws(' ', app, meeting_session, input_tokens, output_tokens)
            WHEN is_lost AND is_call THEN concat_ws(' ', app, meeting_session, 'failed')
        END AS meeting_key,
        CASE WHEN is_lost THEN span || ':error' ELSE coalesce(answer, span) END AS request,
        trace_id || ':' || call_span_id AS call_span,
        CASE
            WHEN {_IS_ID} AND {IS_AGENTS_LOG} AND NOT is_lost
                THEN list_distinct([{_answer(_STARTED)}, {_answer(f"({_STARTED} - {RETRIES_NS})")}])
        END AS possible_answers
    FROM span_fields
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
UNION ALL
SELECT request, {_meeting("ended_at")} FROM part WHERE is_client AND meeting_key IS NOT NULL
UNION ALL
SELECT {_meeting(_MAY_HAVE_ENDED)}, request FROM part, (VALUES (0), (1)) AS either(earlier)
WHERE is_framework AND meeting_key IS NOT NULL
UNION ALL
SELECT request, '{MEETING}' || md5(unnest(possible_answers)) FROM part
UNION ALL
SELECT '{MEETING}' || md5(answer), answer FROM part WHERE is_agent AND answer IS NOT NULL
UNION ALL
SELECT call_span, request FROM part WHERE call_span IS NOT NULL
UNION ALL
SELECT call_span || ':error', request FROM part WHERE call_span IS NOT NULL AND is_lost
"""
"""SQL for what is part of what."""
