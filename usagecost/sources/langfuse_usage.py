"""Langfuse's usage map as counts: which of its keys are input and output, and what `total` says about how they add up.

The keys are meant to be disjoint: cached input beside input, reasoning beside output, `total` their sum. But what an SDK sends
as a map is stored as it comes, so `total` is the test, and there are four ways:

- disjoint: there is no total, or it is the sum of all keys. Input is every key of input together, output likewise.
- inclusive: input and output alone are the total; the other keys are parts of these two.
- cache write: the keys are more than the total by what was written to the cache, which input has already, as LiteLLM's callback
  subtracts reads from it, but not writes.
- unknown: none of these. All keys are added up as if they were disjoint, and the attributes say so and have the map. What the total
  has beyond them is kept as a unit of which no price is known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from usagecost.sources.kinds import MOST_TOKENS
from usagecost.sources.sql import literal, units_map

_TOTALS = ("total", "total_tokens", "totalTokens", "total_token_count", "totalTokenCount")
_INPUTS = ("input", "input_tokens", "prompt_tokens", "inputTokens", "promptTokens", "prompt_token_count", "promptTokenCount")
_OUTPUTS = ("output", "output_tokens", "completion_tokens", "outputTokens", "completionTokens")
_CACHE_READ = (
    "input_cached_tokens", "input_cache_read", "cache_read_input_tokens", "prompt_details.cache_read", "input_cache_read_tokens",
    "input_cached", "cached_tokens", "prompt_details.cached_tokens", "cacheReadInputTokens", "cached_content_token_count",
)  # fmt: skip
_CACHE_WRITE = (
    "input_cache_creation", "cache_creation_input_tokens", "prompt_details.cache_write", "input_cache_creation_tokens",
    "input_cache_write", "cache_write_tokens", "prompt_details.cache_creation", "cacheWriteInputTokens",
)  # fmt: skip
_CACHE_WRITE_5M = ("input_cache_creation_5m", "input_ephemeral_5m_input_tokens")
_CACHE_WRITE_1H = ("input_cache_creation_1h", "input_ephemeral_1h_input_tokens")
_REASONING = (
    "output_reasoning_tokens", "output_reasoning", "completion_details.reasoning", "reasoning_tokens",
    "completion_details.reasoning_tokens", "thoughts_token_count",
)  # fmt: skip
_INPUT_AUDIO = ("input_audio", "input_audio_tokens", "prompt_details.audio")
_OUTPUT_AUDIO = ("output_audio", "output_audio_tokens", "completion_details.audio")
_CACHE_AUDIO_READ = ("input_cached_audio_tokens", "input_audio_cached", "input_cache_read_audio")
_INPUT_IMAGE = ("input_image", "input_image_tokens", "prompt_details.image")
_OUTPUT_IMAGE = ("output_image", "output_image_tokens", "completion_details.image")

_UNITS = {
    "web_searches": (
        "web_searches", "web_search_requests", "web_search", "server_tool_use.web_search_requests",
        "server_tool_use_web_search_requests", "num_search_queries",
    ),
    "code_executions": ("code_executions", "code_execution_requests"),
    "rerank_searches": ("rerank_searches", "search_units"),
    "images": ("images", "output_images", "input_images", "image_count"),
    "input_audio_seconds": ("input_audio_seconds", "input_seconds"),
    "seconds": ("seconds", "duration_seconds", "audio_seconds"),
    "input_characters": ("input_characters", "characters"),
    "output_characters": ("output_characters",),
    "input_document_pages": ("input_document_pages", "pages", "pages_processed"),
}  # fmt: skip
"""Unit -> the keys that count it: they are no tokens, and a total may have them or not."""

_INPUT_KEYS = ("input", "prompt", "cache")
_OUTPUT_KEYS = ("output", "completion", "reasoning", "candidates", "thoughts")
"""How keys begin that are counts of tokens; others, such as searches, are none."""

HAS_USAGE = """coalesce(regexp_matches(usage_text, ':\\s*"?[0-9.]*[1-9]'), false)"""
"""SQL for whether anything in a map is more than 0, before it is looked at closely."""

_NO_MAP = "it has to be a JSON object of counts. Export the observations again."
_NO_COUNTS = "every count in it is a whole number from 0 on. Correct the log, or leave the value empty."


def _first(keys: Sequence[str]) -> str:
    """SQL for the count under the first of some keys that has one."""
    return f"coalesce({', '.join(f'TRY_CAST(usage[{literal(key)}] AS DOUBLE)' for key in keys)})"


def _sum(condition: str) -> str:
    """SQL for the sum of the counts whose `entry.key` fits; NULL if none does."""
    return f"list_sum(list_transform(list_filter(counts, lambda entry: {condition}), lambda entry: entry.value))"


def _begins(starts: Sequence[str]) -> str:
    return " OR ".join(f"starts_with(entry.key, {literal(start)})" for start in starts)


def _sentence(usage: str, wrong: str) -> str:
    return f"""'usage_details is "' || left({usage}, 100) || '": {wrong}'"""


_UNIT_KEYS = [key for keys in _UNITS.values() for key in keys]
_HAS_UNITS = literal(f'"({"|".join(map(re.escape, _UNIT_KEYS))})"')
"""A pattern for the text of a map, as hardly any has units."""

_HAS_VALUE = "entry.value IS NOT NULL AND entry.key <> 'unit'"
_IS_UNIT = f"entry.key IN ({', '.join(map(literal, _UNIT_KEYS))})"
_IS_TOTAL = f"entry.key IN ({', '.join(map(literal, _TOTALS))})"
_IS_NO_COUNT = f"entry.value IS NULL OR isnan(entry.value) OR NOT entry.value BETWEEN 0 AND {MOST_TOKENS} OR entry.value % 1 <> 0"

USAGE = f"""
, mapped AS (
    SELECT * REPLACE (CASE WHEN regexp_full_match(usage_text, '\\s*(null)?\\s*') THEN NULL ELSE usage_text END AS usage_text)
    FROM billable
), entered AS (
    SELECT *, TRY(from_json(usage_text, '"MAP(VARCHAR, VARCHAR)"')) AS usage FROM mapped
), listed AS (
    SELECT
        *,
        regexp_matches(usage_text, {_HAS_UNITS}) AS has_units,
        list_transform(
            CASE
                WHEN has_units THEN list_filter(map_entries(usage), lambda entry: {_HAS_VALUE} AND NOT ({_IS_UNIT}))
                ELSE list_filter(map_entries(usage), lambda entry: {_HAS_VALUE})
            END,
            lambda entry: {{'key': entry.key, 'value': TRY_CAST(entry.value AS DOUBLE)}}
        ) AS counts
    FROM entered
), summed AS (
    SELECT
        *,
        CASE
            WHEN usage IS NULL AND usage_text IS NOT NULL THEN {_sentence("usage_text", _NO_MAP)}
            WHEN len(list_filter(counts, lambda entry: {_IS_NO_COUNT})) > 0 THEN {_sentence("usage_text", _NO_COUNTS)}
        END AS problem,
        {_first(_TOTALS)} AS total,
        {_sum(f"NOT ({_IS_TOTAL})")} AS sum_of_all,
        {", ".join(f"CASE WHEN has_units THEN {_first(keys)} END AS {unit}" for unit, keys in _UNITS.items())},
        {" + ".join(f"coalesce({unit}, 0)" for unit in _UNITS)} AS sum_of_units,
        {_sum(_begins(_INPUT_KEYS))} AS sum_of_input,
        {_sum(_begins(_OUTPUT_KEYS))} AS sum_of_output,
        {_first(_INPUTS)} AS input_alone,
        {_first(_OUTPUTS)} AS output_alone,
        {_first(_CACHE_READ)} AS cache_read,
        {_first(_CACHE_WRITE_1H)} AS cache_write_1h,
        {_first((*_CACHE_WRITE, *_CACHE_WRITE_5M, *_CACHE_WRITE_1H))} IS NOT NULL AS has_cache_write,
        CASE
            WHEN has_cache_write
                THEN coalesce({_first(_CACHE_WRITE)}, 0) + coalesce({_first(_CACHE_WRITE_5M)}, 0) + coalesce(cache_write_1h, 0)
        END AS cache_write,
        {_first(_REASONING)} AS reasoning,
        {_first(_INPUT_AUDIO)} AS input_audio,
        {_first(_OUTPUT_AUDIO)} AS output_audio,
        {_first(_CACHE_AUDIO_READ)} AS cache_audio_read,
        {_first(_INPUT_IMAGE)} AS input_image,
        {_first(_OUTPUT_IMAGE)} AS output_image
    FROM listed
), counted AS (
    SELECT
        *,
        CASE
            WHEN total IS NULL OR total IN (coalesce(sum_of_all, 0), coalesce(sum_of_all, 0) + sum_of_units) THEN 'disjoint'
            WHEN total = coalesce(input_alone, 0) + coalesce(output_alone, 0)
                AND coalesce(cache_read, 0) + coalesce(cache_write, 0) <= coalesce(input_alone, 0)
                AND greatest(coalesce(input_audio, 0), coalesce(input_image, 0)) <= coalesce(input_alone, 0)
                AND greatest(coalesce(reasoning, 0), coalesce(output_audio, 0), coalesce(output_image, 0))
                    <= coalesce(output_alone, 0) THEN 'inclusive'
            WHEN cache_write > 0 AND sum_of_all - total = cache_write AND cache_write <= input_alone THEN 'cache write'
            ELSE 'unknown'
        END AS adds_up
    FROM summed
)
"""
"""Continues a WITH that has `billable`, whose `usage_text` is the map as JSON; `counted` has everything else of it too.

Counts are DOUBLE: `sum_of_input`, `sum_of_output`, `cache_read`, …; `adds_up` is one of the four ways; `problem` is what speaks
against the map.
"""

COUNTS = {
    "input_tokens": """CASE adds_up
        WHEN 'inclusive' THEN input_alone
        WHEN 'cache write' THEN sum_of_input - cache_write
        ELSE sum_of_input
    END""",
    "output_tokens": "CASE adds_up WHEN 'inclusive' THEN output_alone ELSE sum_of_output END",
    "cache_read_tokens": "cache_read",
    "cache_write_tokens": "cache_write",
    "cache_write_1h_tokens": "cache_write_1h",
    "output_reasoning_tokens": "reasoning",
    "input_audio_tokens": "input_audio",
    "output_audio_tokens": "output_audio",
    "cache_audio_read_tokens": "cache_audio_read",
    "input_image_tokens": "input_image",
    "output_image_tokens": "output_image",
}
"""The canonical counts, from what `counted` has."""

UNITS = "CASE WHEN has_units OR adds_up = 'unknown' THEN {} END".format(
    units_map({**{unit: unit for unit in _UNITS}, "uncounted_tokens": "CASE WHEN adds_up = 'unknown' THEN total - sum_of_all END"})
)
"""The column `units`, likewise."""
