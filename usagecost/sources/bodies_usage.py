"""What the usage in a provider's response counts: one entry for each way of counting, as SQL over a parsed `body`
and its USAGE_COLUMNS.

Of the record every input includes cache reads and writes, and every output includes reasoning; of the responses:

- chat (OpenAI's Chat Completions, which most providers copy): input and output include all their parts, unless the body's own
  total says otherwise. What it has beyond prompt and completion is reasoning (xAI, Gemini), or the cache reads and writes where
  it is just as many. Perplexity counts reasoning beside the completion. The text that it cites is no output, and has its own price.
- responses (OpenAI's Responses, its realtime events, images and transcriptions): input and output include all their parts.
- messages (Anthropic, also by way of Bedrock and Vertex): input excludes both cache reads and writes. What compactions took
  stands in `iterations` alone and is added afterwards: see iterations.py.
- converse (Bedrock): input excludes both.
- gemini: input includes cache reads, but not the results of tools; output does not include thoughts. Counts of 0 are left out, so
  there is no output where the total is the input. A document counts as an image, as it does in the price list.
- cohere: what is billed is counted apart from what was processed.
- plain (Ollama, Llama and Titan at Bedrock): counts in the body itself, without any parts.

A count that no number can be is handed on as it stands, so that its line is rejected.
"""

from __future__ import annotations

from dataclasses import dataclass

from usagecost.sources.bodies_shapes import gemini


def total(*parts: str) -> str:
    """SQL for the sum of the counts that are there; of one that is no count, its text."""
    wrong = ", ".join(f"CASE WHEN TRY_CAST({part} AS DOUBLE) >= 0 THEN NULL ELSE {part} END" for part in parts)
    added = " + ".join(f"coalesce(TRY_CAST({part} AS DOUBLE), 0)" for part in parts)
    return f"coalesce({wrong}, CASE WHEN coalesce({', '.join(parts)}) IS NOT NULL THEN ({added})::VARCHAR END)"


def _kind_count(kinds: str, *details: str) -> str:
    """SQL for the count of some kinds of content in Google's lists, NULL where they have none."""
    lists = [gemini(detail) for detail in details]
    parts = lists[0] if len(lists) == 1 else f"list_concat({', '.join(lists)})"
    matching = f"list_filter({parts}, lambda part: part.modality IN ({kinds}))"
    counts = f"list_transform({matching}, lambda part: TRY_CAST(coalesce(part.tokenCount, part.token_count) AS DOUBLE))"
    return f"CASE WHEN len({parts}) > 0 THEN list_sum({counts})::VARCHAR END"


def _cache_kind_count(kinds: str) -> str:
    """SQL for the count of some kinds of content among cache reads: none where Google lists only others."""
    return f"CASE WHEN len({gemini('cacheTokensDetails')}) > 0 THEN coalesce({_kind_count(kinds, 'cacheTokensDetails')}, '0') END"


_INPUT = ("promptTokensDetails", "toolUsePromptTokensDetails")
_OUTPUT = ("candidatesTokensDetails", "responseTokensDetails")
_AUDIO, _IMAGE = "'AUDIO'", "'IMAGE', 'DOCUMENT'"


@dataclass(frozen=True)
class Counting:
    """One way of counting, as SQL over `body`: `marker` is not NULL where a body counts so, the others the record's counts."""

    marker: str
    input_tokens: str = "NULL"
    output_tokens: str = "NULL"
    cache_read_tokens: str = "NULL"
    cache_write_tokens: str = "NULL"
    cache_write_1h_tokens: str = "NULL"
    output_reasoning_tokens: str = "NULL"
    input_audio_tokens: str = "NULL"
    output_audio_tokens: str = "NULL"
    cache_audio_read_tokens: str = "NULL"
    input_image_tokens: str = "NULL"
    cache_image_read_tokens: str = "NULL"
    output_image_tokens: str = "NULL"


COLUMNS = tuple(name for name in Counting.__dataclass_fields__ if name != "marker")
"""The record's counts."""

_CHAT_READ = "coalesce(usage.prompt_tokens_details.cached_tokens, usage.prompt_cache_hit_tokens, usage.cached_tokens)"
_CHAT_WRITE = "usage.prompt_tokens_details.cache_write_tokens"
_CHAT_REASONING = "coalesce(usage.completion_tokens_details.reasoning_tokens, usage.reasoning_tokens)"
_CONVERSE_READ = "coalesce(usage.cacheReadInputTokens, usage.cacheReadInputTokenCount)"
_CONVERSE_WRITE = "coalesce(usage.cacheWriteInputTokens, usage.cacheWriteInputTokenCount)"
_IS_ONLY_TOTAL = """(
    coalesce(usage.prompt_tokens, usage.completion_tokens, usage.input_tokens, usage.output_tokens) IS NULL
    AND (body.object = 'list' OR len(body.results) > 0)
)"""
"""Whether an embedding or a ranking says its input as the total alone."""

BEYOND = """CASE WHEN usage.total_tokens IS NOT NULL AND usage.prompt_tokens IS NOT NULL
    AND coalesce(TRY_CAST(usage.prompt_audio_seconds AS DOUBLE), 0) = 0 THEN
    TRY_CAST(usage.total_tokens AS DOUBLE) - TRY_CAST(usage.prompt_tokens AS DOUBLE)
        - coalesce(TRY_CAST(usage.completion_tokens AS DOUBLE), 0)
END"""
"""SQL for what the total of a chat has beyond prompt and completion; of Mistral it is audio, which is billed by its length."""

OUTSIDE = f"""CASE
    WHEN TRY_CAST({_CHAT_REASONING} AS DOUBLE) > 0 THEN CASE
        WHEN TRY_CAST({_CHAT_REASONING} AS DOUBLE) = beyond OR starts_with(body.model, 'sonar')
            OR TRY_CAST({_CHAT_REASONING} AS DOUBLE) > TRY_CAST(usage.completion_tokens AS DOUBLE)
        THEN 'told reasoning'
        WHEN beyond > 0 THEN {{beyond}}
    END
    WHEN beyond > 0 THEN {{beyond}}
END""".format(
    beyond=f"""CASE
        WHEN beyond = coalesce(TRY_CAST({_CHAT_READ} AS DOUBLE), 0) + coalesce(TRY_CAST({_CHAT_WRITE} AS DOUBLE), 0) THEN 'cache'
        WHEN TRY_CAST(usage.completion_tokens AS DOUBLE) >= 0 AND usage.citation_tokens IS NULL THEN 'untold reasoning'
    END"""
)
"""SQL for what of a chat is outside of the counts that are to hold it, as its total shows; NULL for nearly all.

`told reasoning` has a count of its own, `untold reasoning` has none; `cache` are reads and writes that the prompt leaves out.
"""

MESSAGES_WRITE = "coalesce(usage.cache_creation_input_tokens, {})".format(
    total("usage.cache_creation.ephemeral_5m_input_tokens", "usage.cache_creation.ephemeral_1h_input_tokens")
)

_IS_MESSAGES = """
    usage.input_tokens_details IS NULL
    AND coalesce(usage.cache_read_input_tokens, usage.cache_creation_input_tokens,
        usage.cache_creation.ephemeral_5m_input_tokens, usage.cache_creation.ephemeral_1h_input_tokens,
        CASE WHEN body.type = 'message' OR starts_with(body.model, 'claude-') THEN '' END) IS NOT NULL
"""


def _detail(side: str, field: str) -> str:
    """SQL for a part of a side of the usage of responses, whose details are called in two ways."""
    return f"coalesce(usage.{side}_tokens_details.{field}, usage.{side}_token_details.{field})"


COUNTINGS = {
    "gemini": Counting(
        marker="coalesce({})".format(
            ", ".join(map(gemini, ("promptTokenCount", "candidatesTokenCount", "responseTokenCount", "thoughtsTokenCount")))
        ),
        input_tokens=total(gemini("promptTokenCount"), gemini("toolUsePromptTokenCount")),
        cache_read_tokens=gemini("cachedContentTokenCount"),
        input_audio_tokens=_kind_count(_AUDIO, *_INPUT),
        cache_audio_read_tokens=_cache_kind_count(_AUDIO),
        input_image_tokens=_kind_count(_IMAGE, *_INPUT),
        cache_image_read_tokens=_cache_kind_count(_IMAGE),
        output_tokens="coalesce({}, CASE WHEN {} = {} THEN '0' END)".format(
            total(f"coalesce({gemini('candidatesTokenCount')}, {gemini('responseTokenCount')})", gemini("thoughtsTokenCount")),
            f"TRY_CAST({gemini('totalTokenCount')} AS DOUBLE)",
            f"TRY_CAST({total(gemini('promptTokenCount'), gemini('toolUsePromptTokenCount'))} AS DOUBLE)",
        ),
        output_reasoning_tokens=gemini("thoughtsTokenCount"),
        output_audio_tokens=_kind_count(_AUDIO, *_OUTPUT),
        output_image_tokens=_kind_count(_IMAGE, *_OUTPUT),
    ),
    "chat": Counting(
        marker=f"coalesce(usage.prompt_tokens, usage.completion_tokens, CASE WHEN {_IS_ONLY_TOTAL} THEN usage.total_tokens END)",
        input_tokens=f"""CASE
            WHEN outside = 'cache' THEN {total("usage.prompt_tokens", _CHAT_READ, _CHAT_WRITE)}
            WHEN {_IS_ONLY_TOTAL} THEN usage.total_tokens
            ELSE usage.prompt_tokens
        END""",
        cache_read_tokens=_CHAT_READ,
        cache_write_tokens=_CHAT_WRITE,
        input_audio_tokens="usage.prompt_tokens_details.audio_tokens",
        input_image_tokens="usage.prompt_tokens_details.image_tokens",
        output_tokens=f"""CASE
            WHEN outside = 'told reasoning' THEN {total("usage.completion_tokens", _CHAT_REASONING)}
            WHEN outside = 'untold reasoning' THEN (TRY_CAST(usage.completion_tokens AS DOUBLE) + beyond)::VARCHAR
            ELSE usage.completion_tokens
        END""",
        output_reasoning_tokens=f"""CASE
            WHEN outside = 'untold reasoning' AND coalesce(TRY_CAST({_CHAT_REASONING} AS DOUBLE), 0) = 0 THEN beyond::VARCHAR
            ELSE {_CHAT_REASONING}
        END""",
        output_audio_tokens="usage.completion_tokens_details.audio_tokens",
        output_image_tokens="usage.completion_tokens_details.image_tokens",
    ),
    "converse": Counting(
        marker="coalesce(usage.inputTokens, usage.outputTokens)",
        input_tokens=total("usage.inputTokens", _CONVERSE_READ, _CONVERSE_WRITE),
        cache_read_tokens=_CONVERSE_READ,
        cache_write_tokens=_CONVERSE_WRITE,
        cache_write_1h_tokens="list_filter(usage.cacheDetails, lambda part: part.ttl = '1h')[1].inputTokens",
        output_tokens="usage.outputTokens",
    ),
    "cohere": Counting(
        marker="coalesce(usage.billed_units.input_tokens, body.meta.billed_units.input_tokens, "
        "usage.billed_units.search_units, body.meta.billed_units.search_units)",
        input_tokens="coalesce(usage.billed_units.input_tokens, body.meta.billed_units.input_tokens)",
        output_tokens="coalesce(usage.billed_units.output_tokens, body.meta.billed_units.output_tokens)",
    ),
    "messages": Counting(
        marker=f"CASE WHEN {_IS_MESSAGES} THEN coalesce(usage.input_tokens, usage.output_tokens) END",
        input_tokens=total("usage.input_tokens", "usage.cache_read_input_tokens", "written"),
        cache_read_tokens="usage.cache_read_input_tokens",
        cache_write_tokens="written",
        cache_write_1h_tokens="usage.cache_creation.ephemeral_1h_input_tokens",
        output_tokens="usage.output_tokens",
        output_reasoning_tokens="usage.output_tokens_details.thinking_tokens",
    ),
    "responses": Counting(
        marker="coalesce(usage.input_tokens, usage.output_tokens)",
        input_tokens="usage.input_tokens",
        cache_read_tokens=f"coalesce({_detail('input', 'cached_tokens')}, usage.input_tokens_details.cache_read_input_tokens, "
        "usage.prompt_tokens_details.cached_tokens)",
        cache_write_tokens="usage.input_tokens_details.cache_write_tokens",
        input_audio_tokens=_detail("input", "audio_tokens"),
        cache_audio_read_tokens=_detail("input", "cached_tokens_details.audio_tokens"),
        input_image_tokens=_detail("input", "image_tokens"),
        cache_image_read_tokens=_detail("input", "cached_tokens_details.image_tokens"),
        output_tokens="usage.output_tokens",
        output_reasoning_tokens=_detail("output", "reasoning_tokens"),
        output_audio_tokens=_detail("output", "audio_tokens"),
        output_image_tokens=_detail("output", "image_tokens"),
    ),
    "plain": Counting(
        marker="coalesce(body.prompt_eval_count, body.eval_count, body.prompt_token_count, body.generation_token_count, "
        "body.inputTextTokenCount)",
        input_tokens="coalesce(body.prompt_eval_count, body.prompt_token_count, body.inputTextTokenCount)",
        output_tokens="coalesce(body.eval_count, body.generation_token_count, body.results[1].tokenCount)",
    ),
    "pieces": Counting(
        marker="coalesce(usage.seconds, usage.characters, body.usage_info.pages_processed, usage.prompt_audio_seconds)",
    ),
}
"""By name, in the order in which they are tried."""


COUNTED_AS = f"CASE {' '.join(f'WHEN {counting.marker} IS NOT NULL THEN {name!r}' for name, counting in COUNTINGS.items())} END"
"""SQL for the name of the way in which a body counts; NULL if it tells no usage."""


def count_sql(column: str) -> str:
    """SQL for one of the record's counts, by `counting`."""
    cases = {name: getattr(counting, column) for name, counting in COUNTINGS.items()}
    return f"CASE counting {' '.join(f'WHEN {name!r} THEN {sql}' for name, sql in cases.items() if sql != 'NULL')} END"
