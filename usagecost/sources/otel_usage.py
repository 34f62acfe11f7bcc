"""How many tokens a span speaks of: its counts brought to wholes that include their parts.

By the conventions input includes cache reads and writes, and output includes reasoning. Emitters differ, and what decides is, in
this order: the emitter, where its code is known to pass on counts that leave parts out; the total, where one is given; parts that
are more than the whole. A span of Langfuse's SDK has a map of counts instead: see langfuse_usage.py.

What is known of emitters, from their code:
- Claude Code, OpenLIT, Agno (as OpenInference instruments it), RubyLLM and both instrumentations of Bedrock's client pass on the
  counts of Anthropic and of Bedrock, which leave cache reads and writes out. Their totals, where they have one, leave them out too.
- The Vercel AI SDK does so before version 6, which tells the input's details.
- Google's ADK before 2.3 gives Gemini's candidates as output, and thoughts apart under a name of its own or only in the answer;
  Pydantic AI before 0.7.5 does so too, among its details. Gemini CLI's spans leave thoughts out and tell them nowhere, so how much
  their output is, is not known.
- Gemini's endpoint in OpenAI's form counts thoughts in the total only. Its own API counts the prompts of tools there too, so of
  what instruments that the rest of the total is not known to be output. Whatever a total has beyond all that is counted is kept as
  a unit of which no price is known.
"""

from __future__ import annotations

from usagecost.sources.langfuse_usage import COUNTS as LANGFUSE_COUNTS
from usagecost.sources.langfuse_usage import USAGE as LANGFUSE_USAGE
from usagecost.sources.otel_names import COUNTS

_IS_ANTHROPIC = """regexp_matches(lower(concat_ws(' ', provider, response_model, requested_model)), 'anthropic|bedrock|claude')"""

_LEAVES_CACHE_OUT = f"""CASE
    WHEN is_claude_code THEN true
    WHEN scope = 'ai' THEN detailed_input IS NULL AND {_IS_ANTHROPIC}
    WHEN regexp_matches(scope, '^opentelemetry[.]instrumentation[.](bedrock|botocore)') THEN true
    WHEN regexp_matches(scope, '^openlit|^openinference[.]instrumentation[.]agno|(?i)ruby_?llm') THEN {_IS_ANTHROPIC}
END"""
"""Whether the emitter is known to give input without what was read from and written to the cache; NULL: nothing is known."""

_LEAVES_REASONING_OUT = """(apart_reasoning_tokens IS NOT NULL AND reasoning_tokens IS NULL) OR (
    scope = 'gcp.vertex.agent' AND regexp_matches(scope_version, '^([01]|2[.][0-2])([.]|$)')
) OR (
    scope = 'pydantic-ai' AND regexp_matches(scope_version, '^0[.]([0-6][.]|7[.][0-4]$)') AND contains(response_model, 'gemini')
)"""

_INPUT = """CASE
    WHEN r + w = 0 OR i < 0 OR r < 0 OR w < 0 THEN i
    WHEN leaves_cache_out THEN i + r + w
    WHEN r + w > i THEN i + r + w
    WHEN t IN (i + o, i + o + g) THEN i
    WHEN t IN (i + r + w + o, i + r + w + o + g) THEN i + r + w
    WHEN t IN (i + w + o, i + w + o + g) THEN i + w
    WHEN t IN (i + r + o, i + r + o + g) THEN i + r
    ELSE i
END"""
"""SQL for the whole input. The total of a known emitter is not asked: it is the sum of what it gives."""

_OUTPUT = """CASE
    WHEN g > 0 AND o >= 0 AND (g > o OR leaves_reasoning_out OR t = whole_input + o + g) THEN o + g
    WHEN g = 0 AND thoughts > 0 THEN o + thoughts
    ELSE o
END"""
"""SQL for the whole output."""

_THOUGHTS = """CASE
    WHEN t > whole_input + o AND contains(lower(concat_ws(' ', response_model, requested_model)), 'gemini')
        AND NOT regexp_matches(coalesce(scope, ''), 'google|vertex|gemini') THEN t - whole_input - o
END"""
"""SQL for what the total of a Gemini model has beside input and output."""

DETAILS = {
    "prompt_tokens_details": "prompt_details",
    "input_tokens_details": "prompt_details",
    "completion_tokens_details": "completion_details",
    "output_tokens_details": "completion_details",
}
"""Object within an answer's own usage, which Langfuse's wrapper of OpenAI's client sends as it is -> how its counts are called."""


def _entries(text: str, prefix: str = "") -> str:
    """SQL for the counts of an object, without objects in it."""
    entries = f"""map_entries(TRY(from_json({text}, '"MAP(VARCHAR, VARCHAR)"')))"""
    plain = f"list_filter({entries}, lambda entry: NOT starts_with(entry.value, '{{'))"
    return f"list_transform({plain}, lambda entry: {{'key': '{prefix}' || entry.key, 'value': entry.value}})"


_NESTED = ", ".join(_entries(f"json_extract_string(usage_text, '$.{name}')", f"{prefix}.") for name, prefix in DETAILS.items())
_FLAT = f"""CASE
    WHEN json_valid(usage_text) AND regexp_matches(usage_text, ':\\s*[{{]')
        THEN to_json(map_from_entries(flatten([{_entries("usage_text")}, {_NESTED}])))::VARCHAR
    ELSE usage_text
END"""
"""SQL for a map of counts without objects in it."""

_LANGFUSE = ", ".join(["row", "problem AS map_problem", *(f"{count} AS map_{name}" for name, count in LANGFUSE_COUNTS.items())])


def _or_map_count(name: str, count: str) -> str:
    """SQL for a count of the attributes, else of Langfuse's map."""
    return f"coalesce({count}, map_{name}::VARCHAR)" if name in LANGFUSE_COUNTS else count


def _count_text(count: str, read: str, text: str) -> str:
    """SQL for a count as text: as it was written, if nothing came to it."""
    return f"CASE WHEN {count} <> {read} THEN ({count})::VARCHAR ELSE {text} END"


_TEXTS = {
    "input_tokens": _count_text("whole_input + compacted_input", "i", "input_tokens"),
    "output_tokens": f"""CASE
        WHEN scope = 'gemini-cli' AND given_reasoning IS NULL THEN NULL
        ELSE {_count_text("whole_output + compacted_output", "o", "output_tokens")}
    END""",
    "cache_read_tokens": "cache_read_tokens",
    "cache_write_tokens": "CASE WHEN w > coalesce(TRY_CAST(cache_write_tokens AS DOUBLE), 0) THEN w::VARCHAR "
    "ELSE cache_write_tokens END",
    "cache_write_1h_tokens": "cache_write_1h_tokens",
    "output_reasoning_tokens": "CASE WHEN g = 0 AND thoughts > 0 THEN thoughts::VARCHAR ELSE given_reasoning END",
    "input_audio_tokens": "input_audio_tokens",
    "output_audio_tokens": "output_audio_tokens",
}

_REPLACEMENTS = ", ".join(f"{_or_map_count(name, text)} AS {name}" for name, text in _TEXTS.items() if name in COUNTS)
_ADDITIONS = ", ".join(f"{_or_map_count(name, text)} AS {name}" for name, text in _TEXTS.items() if name not in COUNTS)

USAGE = f"""
, billable AS MATERIALIZED (SELECT row, {_FLAT} AS usage_text FROM fields WHERE usage_text IS NOT NULL)
{LANGFUSE_USAGE}
, map_counts AS (SELECT {_LANGFUSE} FROM counted)
, numbers AS (
    SELECT
        *,
        coalesce(reasoning_tokens, apart_reasoning_tokens) AS given_reasoning,
        coalesce({_LEAVES_CACHE_OUT}, false) AS leaves_cache_out,
        coalesce({_LEAVES_REASONING_OUT}, false) AS leaves_reasoning_out,
        TRY_CAST(input_tokens AS DOUBLE) AS i,
        TRY_CAST(output_tokens AS DOUBLE) AS o,
        TRY_CAST(total_tokens AS DOUBLE) AS t,
        coalesce(TRY_CAST(cache_read_tokens AS DOUBLE), 0) AS r,
        coalesce(TRY_CAST(cache_write_1h_tokens AS DOUBLE), 0) AS w1h,
        greatest(
            coalesce(TRY_CAST(cache_write_tokens AS DOUBLE), 0), w1h + coalesce(TRY_CAST(cache_write_5m_tokens AS DOUBLE), 0)
        ) AS w,
        coalesce(TRY_CAST(given_reasoning AS DOUBLE), 0) AS g,
        coalesce(TRY_CAST(compaction_input_tokens AS DOUBLE), 0) AS compacted_input,
        coalesce(TRY_CAST(compaction_output_tokens AS DOUBLE), 0) AS compacted_output
    FROM fields
), sums AS (
    SELECT
        *, {_INPUT} AS whole_input, {_THOUGHTS} AS thoughts, {_OUTPUT} AS whole_output,
        t - whole_input - whole_output - compacted_input - compacted_output AS uncounted
    FROM numbers
), canonical AS (
    SELECT * REPLACE ({_REPLACEMENTS}), {_ADDITIONS} FROM sums LEFT JOIN map_counts USING (row)
)"""
"""Continues a WITH that has `fields`, one row a span with the texts of otel_names.py; `canonical` has the canonical counts in place
of those of COUNTS, as text, and `map_problem`, what speaks against a map of counts.
"""
