"""What the usage in a provider's response counts: one entry for each way of counting, as SQL over a parsed `body`.

Of the record every input includes cache reads and writes, and every output includes reasoning; of the responses:

- chat (OpenAI's Chat Completions, which most providers copy): input and output include all their parts. xAI and Perplexity count
  reasoning, and Perplexity the text it cites, beside the completion: xAI's own total shows it.
- responses (OpenAI's Responses and its realtime events): input and output include all their parts.
- messages (Anthropic, also by way of Bedrock and Vertex): input excludes both cache reads and writes. `iterations` that compact
  the conversation are in none of these counts; they are kept among the attributes.
- converse (Bedrock): input excludes both.
- gemini: input includes cache reads, but not the results of tools; output does not include thoughts.
- cohere: what is billed is counted apart from what was processed.

A count that no number can be is handed on as it stands, so that its line is rejected.
"""

from __future__ import annotations

from dataclasses import dataclass

_CACHE_CREATION = {"ephemeral_5m_input_tokens": "VARCHAR", "ephemeral_1h_input_tokens": "VARCHAR"}
_MODALITIES = [{"modality": "VARCHAR", "tokenCount": "VARCHAR", "token_count": "VARCHAR"}]
_BILLED = {"billed_units": {"input_tokens": "VARCHAR", "output_tokens": "VARCHAR"}}

USAGE_SHAPE = {
    "total_tokens": "VARCHAR",
    "service_tier": "VARCHAR",
    # chat
    "prompt_tokens": "VARCHAR",
    "prompt_tokens_details": {"cached_tokens": "VARCHAR", "cache_write_tokens": "VARCHAR", "audio_tokens": "VARCHAR"},
    "prompt_cache_hit_tokens": "VARCHAR",
    "cached_tokens": "VARCHAR",
    "completion_tokens": "VARCHAR",
    "completion_tokens_details": {"reasoning_tokens": "VARCHAR", "audio_tokens": "VARCHAR"},
    "reasoning_tokens": "VARCHAR",
    "citation_tokens": "VARCHAR",
    "cost": "VARCHAR",
    "is_byok": "VARCHAR",
    "cost_details": {"upstream_inference_cost": "VARCHAR"},
    # responses and messages
    "input_tokens": "VARCHAR",
    "input_tokens_details": {
        "cached_tokens": "VARCHAR", "cache_read_input_tokens": "VARCHAR", "cache_write_tokens": "VARCHAR",
        "cache_write_tokens_details": "JSON",
    },
    "input_token_details": {"cached_tokens": "VARCHAR", "audio_tokens": "VARCHAR"},
    "output_tokens": "VARCHAR",
    "output_tokens_details": {"reasoning_tokens": "VARCHAR", "thinking_tokens": "VARCHAR"},
    "output_token_details": {"audio_tokens": "VARCHAR"},
    "cache_read_input_tokens": "VARCHAR",
    "cache_creation_input_tokens": "VARCHAR",
    "cache_creation": _CACHE_CREATION,
    "server_tool_use": "JSON",
    "inference_geo": "JSON",
    "iterations": "JSON",
    # converse
    "inputTokens": "VARCHAR",
    "outputTokens": "VARCHAR",
    "cacheReadInputTokens": "VARCHAR",
    "cacheWriteInputTokens": "VARCHAR",
    "cacheDetails": [{"ttl": "VARCHAR", "inputTokens": "VARCHAR"}],
    # cohere
    **_BILLED,
    "tokens": "JSON",
}  # fmt: skip

_GEMINI = {
    "promptTokenCount": "prompt_token_count",
    "toolUsePromptTokenCount": "tool_use_prompt_token_count",
    "cachedContentTokenCount": "cached_content_token_count",
    "candidatesTokenCount": "candidates_token_count",
    "thoughtsTokenCount": "thoughts_token_count",
    "serviceTier": "service_tier",
    "trafficType": "traffic_type",
}
_GEMINI_DETAILS = {
    "promptTokensDetails": "prompt_tokens_details",
    "toolUsePromptTokensDetails": "tool_use_prompt_tokens_details",
    "candidatesTokensDetails": "candidates_tokens_details",
}
"""Google's field as its interface writes it, and as its Python library does."""

USAGE_SHAPES = {
    "usage": USAGE_SHAPE,
    "meta": _BILLED,
    "usageMetadata": dict.fromkeys(_GEMINI, "VARCHAR") | dict.fromkeys(_GEMINI_DETAILS, _MODALITIES),
    "usage_metadata": dict.fromkeys(_GEMINI.values(), "VARCHAR") | dict.fromkeys(_GEMINI_DETAILS.values(), _MODALITIES),
}
"""The fields of a body that usage is read from."""


def gemini(field: str) -> str:
    """SQL for a field of Google's usage, in either spelling."""
    snake = (_GEMINI | _GEMINI_DETAILS)[field]
    return f"coalesce(body.usageMetadata.{field}, body.usage_metadata.{snake})"


def total(*parts: str) -> str:
    """SQL for the sum of the counts that are there; of one that is no count, its text."""
    wrong = ", ".join(f"CASE WHEN TRY_CAST({part} AS DOUBLE) >= 0 THEN NULL ELSE {part} END" for part in parts)
    added = " + ".join(f"coalesce(TRY_CAST({part} AS DOUBLE), 0)" for part in parts)
    return f"coalesce({wrong}, CASE WHEN coalesce({', '.join(parts)}) IS NOT NULL THEN ({added})::VARCHAR END)"


def _audio(details: str) -> str:
    """SQL for the count of audio in a list by modality."""
    found = f"list_filter({gemini(details)}, lambda part: part.modality = 'AUDIO')[1]"
    return f"coalesce({found}.tokenCount, {found}.token_count)"


@dataclass(frozen=True)
class Counting:
    """One way of counting, as SQL over `body`: `told` is what is there if a body counts so, the others the record's counts."""

    told: str
    input_tokens: str
    output_tokens: str
    cache_read_tokens: str = "NULL"
    cache_write_tokens: str = "NULL"
    cache_write_1h_tokens: str = "NULL"
    output_reasoning_tokens: str = "NULL"
    input_audio_tokens: str = "NULL"
    output_audio_tokens: str = "NULL"


_CHAT_REASONING = "coalesce(body.usage.completion_tokens_details.reasoning_tokens, body.usage.reasoning_tokens)"
_IS_REASONING_APART = f"""(
    TRY_CAST({_CHAT_REASONING} AS DOUBLE) > 0 AND (
        TRY_CAST({_CHAT_REASONING} AS DOUBLE) > TRY_CAST(body.usage.completion_tokens AS DOUBLE)
        OR TRY_CAST(body.usage.total_tokens AS DOUBLE) = TRY_CAST(body.usage.prompt_tokens AS DOUBLE)
            + TRY_CAST(body.usage.completion_tokens AS DOUBLE) + TRY_CAST({_CHAT_REASONING} AS DOUBLE)
        OR starts_with(body.model, 'sonar')
    )
)"""

_MESSAGES_WRITE = "coalesce(body.usage.cache_creation_input_tokens, {})".format(
    total("body.usage.cache_creation.ephemeral_5m_input_tokens", "body.usage.cache_creation.ephemeral_1h_input_tokens")
)

_IS_MESSAGES = """
    body.usage.input_tokens_details IS NULL
    AND coalesce(body.usage.cache_read_input_tokens, body.usage.cache_creation_input_tokens,
        body.usage.cache_creation.ephemeral_5m_input_tokens, body.usage.cache_creation.ephemeral_1h_input_tokens,
        CASE WHEN body.type = 'message' OR starts_with(body.model, 'claude-') THEN '' END) IS NOT NULL
"""

COUNTINGS = {
    "gemini": Counting(
        told="coalesce({})".format(", ".join(map(gemini, ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")))),
        input_tokens=total(gemini("promptTokenCount"), gemini("toolUsePromptTokenCount")),
        cache_read_tokens=gemini("cachedContentTokenCount"),
        input_audio_tokens=total(_audio("promptTokensDetails"), _audio("toolUsePromptTokensDetails")),
        output_tokens=total(gemini("candidatesTokenCount"), gemini("thoughtsTokenCount")),
        output_reasoning_tokens=gemini("thoughtsTokenCount"),
        output_audio_tokens=_audio("candidatesTokensDetails"),
    ),
    "chat": Counting(
        told="coalesce(body.usage.prompt_tokens, body.usage.completion_tokens)",
        input_tokens="body.usage.prompt_tokens",
        cache_read_tokens="coalesce(body.usage.prompt_tokens_details.cached_tokens, body.usage.prompt_cache_hit_tokens, "
        "body.usage.cached_tokens)",
        cache_write_tokens="body.usage.prompt_tokens_details.cache_write_tokens",
        input_audio_tokens="body.usage.prompt_tokens_details.audio_tokens",
        output_tokens=f"""CASE
            WHEN {_IS_REASONING_APART} THEN {total("body.usage.completion_tokens", _CHAT_REASONING, "body.usage.citation_tokens")}
            WHEN body.usage.citation_tokens IS NOT NULL
                THEN {total("body.usage.completion_tokens", "body.usage.citation_tokens")}
            ELSE body.usage.completion_tokens
        END""",
        output_reasoning_tokens=_CHAT_REASONING,
        output_audio_tokens="body.usage.completion_tokens_details.audio_tokens",
    ),
    "converse": Counting(
        told="coalesce(body.usage.inputTokens, body.usage.outputTokens)",
        input_tokens=total("body.usage.inputTokens", "body.usage.cacheReadInputTokens", "body.usage.cacheWriteInputTokens"),
        cache_read_tokens="body.usage.cacheReadInputTokens",
        cache_write_tokens="body.usage.cacheWriteInputTokens",
        cache_write_1h_tokens="list_filter(body.usage.cacheDetails, lambda part: part.ttl = '1h')[1].inputTokens",
        output_tokens="body.usage.outputTokens",
    ),
    "cohere": Counting(
        told="coalesce(body.usage.billed_units.input_tokens, body.meta.billed_units.input_tokens)",
        input_tokens="coalesce(body.usage.billed_units.input_tokens, body.meta.billed_units.input_tokens)",
        output_tokens="coalesce(body.usage.billed_units.output_tokens, body.meta.billed_units.output_tokens)",
    ),
    "messages": Counting(
        told=f"CASE WHEN {_IS_MESSAGES} THEN coalesce(body.usage.input_tokens, body.usage.output_tokens) END",
        input_tokens=total("body.usage.input_tokens", "body.usage.cache_read_input_tokens", _MESSAGES_WRITE),
        cache_read_tokens="body.usage.cache_read_input_tokens",
        cache_write_tokens=_MESSAGES_WRITE,
        cache_write_1h_tokens="body.usage.cache_creation.ephemeral_1h_input_tokens",
        output_tokens="body.usage.output_tokens",
        output_reasoning_tokens="body.usage.output_tokens_details.thinking_tokens",
    ),
    "responses": Counting(
        told="coalesce(body.usage.input_tokens, body.usage.output_tokens)",
        input_tokens="body.usage.input_tokens",
        cache_read_tokens="coalesce(body.usage.input_tokens_details.cached_tokens, "
        "body.usage.input_tokens_details.cache_read_input_tokens, body.usage.input_token_details.cached_tokens)",
        cache_write_tokens="body.usage.input_tokens_details.cache_write_tokens",
        input_audio_tokens="body.usage.input_token_details.audio_tokens",
        output_tokens="body.usage.output_tokens",
        output_reasoning_tokens="body.usage.output_tokens_details.reasoning_tokens",
        output_audio_tokens="body.usage.output_token_details.audio_tokens",
    ),
}
"""By name, in the order in which they are tried."""


def counting_sql() -> str:
    """SQL for the name of the way in which a body counts; NULL if it tells no usage."""
    return f"CASE {' '.join(f'WHEN {way.told} IS NOT NULL THEN {name!r}' for name, way in COUNTINGS.items())} END"


def count_sql(column: str) -> str:
    """SQL for one of the record's counts, by `counting`."""
    cases = {name: getattr(way, column) for name, way in COUNTINGS.items()}
    return f"CASE counting {' '.join(f'WHEN {name!r} THEN {sql}' for name, sql in cases.items() if sql != 'NULL')} END"
