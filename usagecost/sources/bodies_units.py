"""What a response was billed for by the piece, beside its tokens: searches, seconds of audio, pages, images.

SQL over a parsed `body`, its `usage` and its `model`. Names are those of the price list; `sources` and `images` are our own, as it
has none.
"""

from __future__ import annotations

from usagecost.sources.sql import units_map

_TOOLS = "usage.server_tool_use"
_XAI_TOOLS = "usage.server_side_tool_usage_details"

_QUERIES = """coalesce(
    len(body.candidates[1].groundingMetadata.webSearchQueries), len(body.candidates[1].grounding_metadata.web_search_queries)
)"""
_GEMINI_SEARCHES = f"CASE WHEN {_QUERIES} > 0 AND regexp_matches(model, 'gemini-[12]') THEN 1 ELSE {_QUERIES} END"
"""Google bills Gemini 1 and 2 by the answer that searched, and later ones by the query."""


def _calls(kind: str) -> str:
    """SQL for how often a tool was called among the items of OpenAI's output; opening a page that was found is no search."""
    return f"""CASE WHEN len(body.output) > 0 THEN len(list_filter(
        body.output, lambda item: item.type = '{kind}_call' AND coalesce(item.action.type, 'search') = 'search')) END"""


IMAGE_COUNT = """CASE
    WHEN counting IS NULL AND len(body.data) > 0 AND body.object IS NULL AND body.data[1].object IS NULL
    THEN CASE WHEN body.data[1].url IS NOT NULL OR json_exists(text, '{path}.data[0].b64_json') THEN len(body.data) END
END"""
"""A template: how many images are in a body of OpenAI's. The text is looked at only where there are items of no other kind."""


UNITS = units_map(
    {
        "web_searches": f"""coalesce(
            TRY_CAST({_TOOLS}.web_search_requests AS BIGINT), TRY_CAST(usage.num_search_queries AS BIGINT),
            TRY_CAST({_XAI_TOOLS}.web_search_calls AS BIGINT),
            TRY_CAST(usage.tool_calls_details.search_web.invocation AS BIGINT), {_calls("web_search")}, {_GEMINI_SEARCHES})""",
        "social_searches": f"{_XAI_TOOLS}.x_search_calls",
        "storage_searches": f"coalesce(TRY_CAST({_XAI_TOOLS}.file_search_calls AS BIGINT), {_calls('file_search')})",
        "code_executions": f"""coalesce(
            TRY_CAST({_TOOLS}.code_execution_requests AS BIGINT), TRY_CAST({_XAI_TOOLS}.code_interpreter_calls AS BIGINT),
            {_calls("code_interpreter")})""",
        "sources": "usage.num_sources_used",
        "rerank_searches": "coalesce(usage.billed_units.search_units, body.meta.billed_units.search_units)",
        "input_audio_seconds": "coalesce(usage.seconds, usage.prompt_audio_seconds, "
        "CASE WHEN body.task IS NOT NULL THEN body.duration END)",
        "input_characters": "usage.characters",
        "input_document_pages": "body.usage_info.pages_processed",
        "images": f"coalesce(image_count, {_calls('image_generation')})",
        "output_citation_tokens": "usage.citation_tokens",
    }
)
"""SQL for the map of units; NULL where there are none. It wants `image_count` beside the body."""

OPERATION = """CASE
    WHEN usage.type IS NOT NULL OR body.task IN ('transcribe', 'translate') THEN 'transcription'
    WHEN coalesce(body.results[1].relevance_score, body.data[1].relevance_score, usage.billed_units.search_units,
        body.meta.billed_units.search_units) IS NOT NULL THEN 'rerank'
    WHEN image_count > 0 OR (counting = 'responses' AND len(body.data) > 0) THEN 'images'
    WHEN usage.characters IS NOT NULL THEN 'speech'
    WHEN starts_with(body.id, 'modr-') THEN 'moderation'
    WHEN body.usage_info.pages_processed IS NOT NULL THEN 'ocr'
    WHEN body.object = 'list' OR (counting IN ('chat', 'cohere', 'plain') AND output_tokens IS NULL) THEN 'embeddings'
    WHEN counting IS NOT NULL THEN 'chat'
END"""
"""SQL for what a model was asked for."""
