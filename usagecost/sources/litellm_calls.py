"""What LiteLLM's two logs have in common: the relation `calls`, one row a call, and the canonical requests made of it.

Rules, read from LiteLLM 1.60 to 1.109:

- prompt_tokens includes cache reads. It includes cache writes since 1.77.3 (Anthropic; Bedrock later), and the sign of that is
  a count of writes in prompt_tokens_details: without it they are added. That count is wrong in 1.77.5, where it repeats the
  reads, so the one beside prompt_tokens comes first. Parts that are more than the whole were counted apart from it.
- completion_tokens includes reasoning, but for xAI in versions that passed its counts on: there the total is the sum of all.
- A hit in LiteLLM's own cache of responses keeps the tokens of the answer and costs nothing. Its id ends with the clock's time
  when the row was made, another in each log; what both know is the id of the call, and the millisecond when it began.
- completionStartTime is the end where nothing was streamed: a first token came strictly between beginning and end.
- To read, cancel or delete an earlier answer, a file or a store is no request to a model. Versions before the middle of 2026 give
  such a call the tokens and the cost of what it read, under an id of its own. Only what became known later than the call that it
  is of is counted: the cost of a batch, or of an answer made in the background.
- A cost of 0 for tokens of a model that LiteLLM's price map lacks is no cost that anybody worked out: it is not known.
- An unhashed key may stand where LiteLLM's hash belongs, if a proxy was set up so: it is hashed here as LiteLLM does it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from usagecost.sources.moments import EARLIEST, instant_sql
from usagecost.sources.sql import json_object, literal, text_list, units_map

_WRITES_IN_DETAILS = ("prompt_tokens_details.cache_write_tokens", "prompt_tokens_details.cache_creation_tokens")
_LIFETIMES = "prompt_tokens_details.cache_creation_token_details.ephemeral_"

_USAGE = {
    "cache_read": ("cache_read_input_tokens", "prompt_tokens_details.cached_tokens"),
    "cache_write": ("cache_creation_input_tokens", *_WRITES_IN_DETAILS),
    "cache_write_in_details": _WRITES_IN_DETAILS,
    "cache_write_5m": (f"{_LIFETIMES}5m_input_tokens",),
    "cache_write_30m": (f"{_LIFETIMES}30m_input_tokens",),
    "cache_write_1h": (f"{_LIFETIMES}1h_input_tokens",),
    "cache_write_12h": (f"{_LIFETIMES}12h_input_tokens",),
    "input_audio": ("prompt_tokens_details.audio_tokens",),
    "input_image": ("prompt_tokens_details.image_tokens",),
    "reasoning": ("completion_tokens_details.reasoning_tokens",),
    "output_audio": ("completion_tokens_details.audio_tokens",),
    "output_image": ("completion_tokens_details.image_tokens",),
    "cached_audio": ("prompt_tokens_details.cached_tokens_details.audio_tokens",),
    "web_searches": ("prompt_tokens_details.web_search_requests",),
    "server_tool_use": ("server_tool_use",),
    "usage_service_tier": ("service_tier",),
    "speed": ("speed",),
    "inference_geo": ("inference_geo",),
}
"""Column of `calls` -> where it stands in a usage object, whose names are LiteLLM's own for every provider; the best first."""

_PIECES = {
    "images": ("output_image_count",),
    "seconds": ("seconds", "prompt_tokens_details.audio_length_seconds"),
    "pages": ("pages_processed",),
    "characters": ("prompt_tokens_details.character_count",),
    "search_units": ("search_units",),
    "video_seconds": ("duration_seconds",),
}
"""The same of what calls other than chats are billed by."""

PROVIDERS = {
    "aws": "bedrock bedrock_converse bedrock_mantle sagemaker sagemaker_chat sagemaker_nova amazon_nova",
    "google": "vertex_ai gemini vertex_ai_beta palm",
    "azure": "azure_ai azure_text",
    "openai": "text-completion-openai",
    "anthropic": "anthropic_text",
    "fireworks": "fireworks_ai",
    "together": "together_ai",
    "x-ai": "xai",
    "mistral": "codestral text-completion-codestral",
    "cohere": "cohere_chat",
    "moonshotai": "moonshot",
    "voyageai": "voyage",
    "meta": "meta_llama",
    "github-copilot": "github_copilot",
}
"""Provider of the record -> what LiteLLM calls it, where that is something else."""

OPERATIONS = {
    "chat": "completion responses anthropic_messages generate_content generate_content_stream",
    "embeddings": "embedding",
    "images": "image_generation image_edit image_variation",
    **{name: name for name in ("moderation", "ocr", "rerank", "speech", "transcription")},
}
"""Operation of the record -> LiteLLM's call types, which begin with another a where they were called asynchronously."""


def usage_paths(*usages: str) -> dict[str, list[str]]:
    """Where the columns of usage stand in a JSON text that holds one or several usage objects."""
    return _paths(_USAGE, usages)


def piece_paths(*usages: str) -> dict[str, list[str]]:
    """The same of what is billed by the piece; it is looked for in calls of which `MAY_HAVE_PIECES` holds."""
    return _paths(_PIECES, usages)


def _paths(columns: Mapping[str, Sequence[str]], usages: Sequence[str]) -> dict[str, list[str]]:
    return {column: [f"{usage}.{path}" for path in paths for usage in usages] for column, paths in columns.items()}


def _renamed(text: str, words: Mapping[str, Sequence[str]]) -> str:
    """SQL that replaces words by others; what is none of them stays."""
    cases = " ".join(f"WHEN {literal(word)} THEN {literal(name)}" for name, aliases in words.items() for word in aliases)
    return f"CASE {text} {cases} ELSE {text} END"


def _microseconds(text: str) -> str:
    """SQL for the microseconds since 1970 of a time, in any of the ways that exports write it."""
    return f"epoch_us({instant_sql(text, None, 'UTC', EARLIEST)})"


_PROVIDER = _renamed("provider", {name: aliases.split() for name, aliases in PROVIDERS.items()})

_CHATS = [f"{prefix}{word}" for word in (*OPERATIONS["chat"].split(), "text_completion") for prefix in ("a", "")]

MAY_HAVE_PIECES = f"(CASE call_type {' '.join(f'WHEN {literal(word)} THEN false' for word in _CHATS)} ELSE true END)"
"""SQL for whether a call may be billed by something else than tokens and searches. Of an IN DuckDB would make a join."""

_OPERATION = _renamed(
    "call_type", {name: [word for call in aliases.split() for word in (f"a{call}", call)] for name, aliases in OPERATIONS.items()}
)

_KEY = """CASE
    WHEN length(key) = 64 OR key = '' OR starts_with(key, 'litellm') OR starts_with(key, 'hashed-jwt-') THEN key
    ELSE sha256(key)
END"""

_MODEL = """CASE
    WHEN model = 'unknown-model' THEN NULL
    WHEN starts_with(provider, 'bedrock') AND NOT contains(model, 'arn:') THEN string_split(model, '/')[-1]
    WHEN provider <> 'openrouter' AND starts_with(model, provider || '/') THEN substr(model, length(provider) + 2)
    ELSE model
END"""
"""The name without the provider and, of Bedrock, the ways to call it that LiteLLM puts before it."""

_URL = r"""CASE
    WHEN contains(api_base, '?') OR contains(api_base, '@') THEN regexp_replace(split_part(api_base, '?', 1), '//[^/]*@', '//')
    ELSE api_base
END"""
"""An address without what may be a secret: what follows a question mark, or stands before an @."""

_TAGS = f"""CASE
    WHEN length(request_tags) <= 2 THEN NULL
    WHEN starts_with(request_tags, '[') AND NOT contains(request_tags, '""') AND NOT contains(request_tags, 'null')
        THEN coalesce(TRY(from_json(request_tags, '["VARCHAR"]')), {text_list("request_tags")})
    ELSE {text_list("request_tags")}
END"""
"""LiteLLM's tags are clean, which saves looking at each."""

_TEXTS = (
    "call_type", "call_id", "team_alias", "organization_id", "agent_id", "mcp_tool", "model_id", "user_agent",
)  # fmt: skip
_TOKENS = ("cache_write_5m", "cache_write_30m", "cache_write_12h")
_UNITS = {
    "web_searches": "coalesce(web_searches, CASE WHEN starts_with(server_tool_use, '{') "
    "THEN TRY(server_tool_use->>'$.web_search_requests') END)",
    "images": "CASE WHEN completion_count = 0 THEN images END",  # else they are billed by their tokens
    "input_audio_seconds": "CASE WHEN prompt_count > 0 THEN NULL ELSE seconds END",
    "input_document_pages": "pages",
    "input_characters": "characters",
    "rerank_searches": "search_units",
    "video_seconds": "video_seconds",
    "storage_searches": "CASE WHEN ends_with(call_type, 'vector_store_search') THEN 1 END",
}
"""Unit -> the text of how many; a model that bills by the token is not billed by these as well."""

_OBJECTS = ("cost_breakdown", "server_tool_use", "spend_logs_metadata")

_ATTRIBUTES = json_object(
    {
        **{name: f"to_json(nullif({name}, ''))" for name in _TEXTS},
        "model_group": "CASE WHEN original_model_group <> '' THEN to_json(nullif(model_group, '')) END",
        "key_hash": "CASE WHEN key_alias <> '' THEN to_json(nullif(key_hash, '')) END",
        **{name: f"TRY_CAST({name} AS BIGINT)" for name in ("retries", "fallbacks")},
        **{f"{name}_tokens": f"TRY_CAST({name} AS BIGINT)" for name in _TOKENS},
        "overhead_ms": "TRY_CAST(overhead_ms AS DECIMAL(18, 3))",
        "saved_cache_cost": "nullif(TRY_CAST(saved_cache_cost AS DECIMAL(18, 9)), 0)",
        **{name: f"CASE WHEN starts_with({name}, '{{') AND json_valid({name}) THEN {name} END" for name in _OBJECTS},
    }
)

REQUESTS = f"""
, counted AS (
    SELECT
        *,
        TRY_CAST(prompt AS DOUBLE) AS prompt_count,
        coalesce(TRY_CAST(completion AS DOUBLE), 0) AS completion_count,
        coalesce(TRY_CAST(cache_read AS DOUBLE), 0) AS read_count,
        coalesce(TRY_CAST(cache_write AS DOUBLE), 0) AS write_count,
        coalesce(TRY_CAST(reasoning AS DOUBLE), 0) AS reasoning_count,
        {_microseconds("started")} AS start_us,
        {_microseconds("ended")} AS end_us,
        {_microseconds("first_token")} AS first_us,
        {_microseconds("revised")} AS revised_us,
        CASE WHEN contains(id, '_cache_hit') THEN regexp_extract(id, '^(.*)_cache_hit[0-9.]*$', 1) ELSE '' END AS answer_id,
        answer_id <> '' OR lower(cache_hit) = 'true' AS is_hit,
        {_KEY} AS key_hash,
        coalesce(
            nullif(status, ''), nullif(status_in_metadata, ''), CASE WHEN error_class <> '' THEN 'failure' ELSE 'success' END
        ) AS outcome
    FROM calls
), measured AS (
    SELECT
        *,
        prompt_count + CASE WHEN write_count > 0 AND cache_write_in_details IS NULL THEN write_count ELSE 0 END AS input_count,
        first_us > start_us AND first_us < end_us AS has_first_token,
        nullif(coalesce(nullif(original_model_group, ''), model_group), '') AS wanted_model
    FROM counted
)
SELECT
    row,
    source_file,
    problem,
    skipped,
    CASE
        WHEN answer_id <> '' THEN answer_id || '_cache_hit:' || coalesce(nullif(call_id, ''), (start_us // 1000)::VARCHAR, '')
        ELSE coalesce(CASE WHEN id NOT IN ('', 'None') THEN id END, nullif(call_id, '')) || id_suffix
    END AS request_id,
    trace_id,
    session_id,
    started AS started_at,
    coalesce(nullif(duration_ms, ''), ((end_us - start_us) / 1000)::VARCHAR) AS duration_ms,
    CASE WHEN has_first_token THEN (first_us - start_us) / 1000 END AS ttft_ms,
    {_PROVIDER} AS provider,
    coalesce(nullif({_MODEL}, ''), wanted_model) AS model,
    wanted_model AS requested_model,
    {_OPERATION} AS operation,
    CASE WHEN outcome = 'failure' AND error_code = '499' THEN 'cancelled' ELSE outcome END AS status,
    CASE WHEN outcome = 'failure' THEN coalesce(nullif(error_class, ''), error_code) END AS error_class,
    CASE WHEN outcome = 'failure' AND length(error_code) = 3 THEN TRY_CAST(error_code AS INTEGER) END AS http_status,
    user_id,
    end_user AS end_user_id,
    team_id,
    coalesce(nullif(key_alias, ''), key_hash) AS virtual_key,
    project AS app,
    project,
    {_TAGS} AS tags,
    coalesce(nullif(stream, ''), CASE WHEN has_first_token THEN 'true' END) AS is_streaming,
    ends_with(call_type, '_batch') OR coalesce(usage_service_tier = 'batch', false) AS is_batch,
    CASE WHEN is_hit THEN true WHEN lower(cache_hit) = 'false' THEN false END AS is_gateway_cache_hit,
    coalesce(
        nullif(billed_service_tier, ''), usage_service_tier
    ) AS service_tier,
    CASE WHEN lower(speed) <> 'standard' THEN speed END AS speed,
    CASE WHEN inference_geo <> 'not_available' THEN inference_geo END AS inference_region,
    {_URL} AS route,
    CASE
        WHEN prompt_count >= 0 AND read_count + write_count > input_count THEN (prompt_count + read_count + write_count)::VARCHAR
        WHEN input_count <> prompt_count THEN input_count::VARCHAR
        ELSE prompt
    END AS input_tokens,
    cache_read AS cache_read_tokens,
    cache_write AS cache_write_tokens,
    cache_write_1h AS cache_write_1h_tokens,
    CASE
        WHEN reasoning_count > 0 AND completion_count >= 0 AND (
            reasoning_count > completion_count
            OR TRY_CAST(total AS DOUBLE) = prompt_count + completion_count + reasoning_count
        ) THEN (completion_count + reasoning_count)::VARCHAR
        ELSE completion
    END AS output_tokens,
    reasoning AS output_reasoning_tokens,
    input_audio AS input_audio_tokens,
    output_audio AS output_audio_tokens,
    cached_audio AS cache_audio_read_tokens,
    input_image AS input_image_tokens,
    output_image AS output_image_tokens,
    CASE WHEN {MAY_HAVE_PIECES} OR web_searches IS NOT NULL OR server_tool_use IS NOT NULL THEN {units_map(_UNITS)} END AS units,
    CASE
        WHEN TRY_CAST(spend AS DOUBLE) = 0 AND looked_up <> '' AND priced_as IS NULL
            AND is_hit IS NOT true AND prompt_count + completion_count > 0 THEN NULL
        ELSE spend
    END AS reported_cost_usd,
    least(greatest(coalesce(revised_us, end_us, start_us, 0), 0), 100000000000000000) * 2
        + coalesce((TRY_CAST(spend AS DOUBLE) > 0)::BIGINT, 0) AS rank,
    {_ATTRIBUTES} AS attributes
FROM measured
"""
"""The requests, from `calls`; it continues its WITH."""
