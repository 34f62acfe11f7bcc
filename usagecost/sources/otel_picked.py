"""Attributes of a span that are JSON objects: which places in them are read, as the rest can hold contents."""

from __future__ import annotations

import json
from typing import Any

MOST_LETTERS = 200
"""Characters of a text in a JSON attribute that are kept."""

METADATA = "ai.response.providerMetadata"
"""Attribute of the Vercel AI SDK: what the provider's own answer said, as JSON."""

LITELLM_USAGE = "metadata.usage_object"
"""Attribute of LiteLLM's callback: the usage as Python writes an object. Its plain attributes leave out what was cached."""

LANGSMITH_INPUT, LANGSMITH_OUTPUT = "gen_ai.usage.input_token_details", "gen_ai.usage.output_token_details"
"""Attributes of LangSmith: the parts of the usage as LangChain names them, as Python writes an object."""

LANGSMITH_USAGE = "langsmith.metadata.usage_metadata"
"""Attribute of LangSmith: the same parts with the usage around them, as JSON. Spans of LangChain have only this."""

PYTHON_OBJECTS = (LITELLM_USAGE, LANGSMITH_INPUT, LANGSMITH_OUTPUT)

LOGFIRE_USAGE, LOGFIRE_AGENT_USAGE = "gen_ai.usage.raw", "usage"
"""Attributes of Logfire: the usage as the provider's client has it, as JSON; the second of spans of OpenAI's agents."""

ADK_ANSWER = "gcp.vertex.agent.llm_response"
"""Attribute of Google's ADK before version 2: the answer as JSON, in which are counts that the plain attributes leave out."""

MLFLOW_USAGE = "mlflow.chat.tokenUsage"
"""Attribute of MLflow: the usage, as JSON, in which input includes what was cached."""

PLACES = {
    METADATA: (
        "anthropic.usage.cache_creation_input_tokens", "anthropic.cacheCreationInputTokens", "bedrock.usage.cacheWriteInputTokens",
        "anthropic.usage.cache_creation.ephemeral_1h_input_tokens", "anthropic.usage.server_tool_use.web_search_requests",
        "anthropic.usage.service_tier", "anthropic.usage.inference_geo", "anthropic.usage.speed", "openai.serviceTier",
    ),
    "llm.invocation_parameters": ("model",),
    LITELLM_USAGE: (
        "cache_read_input_tokens", "prompt_tokens_details.cached_tokens", "cache_creation_input_tokens",
        "prompt_tokens_details.cache_creation_tokens",
        "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
        "completion_tokens_details.reasoning_tokens", "prompt_tokens_details.audio_tokens",
        "completion_tokens_details.audio_tokens", "server_tool_use.web_search_requests",
    ),
    LANGSMITH_INPUT: ("cache_read", "cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens", "audio"),
    LANGSMITH_OUTPUT: ("reasoning", "audio"),
    LANGSMITH_USAGE: (
        "input_token_details.cache_read", "input_token_details.cache_creation", "input_token_details.ephemeral_5m_input_tokens",
        "input_token_details.ephemeral_1h_input_tokens", "input_token_details.audio", "output_token_details.reasoning",
        "output_token_details.audio",
    ),
    LOGFIRE_USAGE: (
        "completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens",
        "cache_creation.ephemeral_1h_input_tokens", "server_tool_use.web_search_requests",
    ),
    LOGFIRE_AGENT_USAGE: ("input_tokens_details.cached_tokens", "output_tokens_details.reasoning_tokens"),
    ADK_ANSWER: ("usage_metadata.cached_content_token_count", "usage_metadata.thoughts_token_count"),
    MLFLOW_USAGE: (
        "input_tokens", "output_tokens", "total_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
    ),
}  # fmt: skip
"""Attribute that is a JSON object -> the places in it that are read; the rest of it can hold contents."""

PLACE_MARK = "#"


def place(attribute: str, path: str) -> str:
    """Return the name of a place in a JSON attribute, as the names below have it."""
    return f"{attribute}{PLACE_MARK}{path}"


def _in_json(attribute: str, text: str) -> str:
    """Return a JSON attribute's text, of one that Python wrote as JSON would have it; the receiver writes JSON already."""
    return text.replace("'", '"').replace("None", "null") if attribute in PYTHON_OBJECTS else text


def pick(attribute: str, value: object) -> dict[str, Any]:
    """Return what is read of a JSON attribute: its text or its object, without anything but the places that are read."""
    try:
        document = json.loads(_in_json(attribute, value)) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return {}
    excerpt: dict[str, Any] = {}
    for path in PLACES[attribute]:
        *folders, last = path.split(".")
        source, target = document, excerpt
        for folder in folders:
            source = source.get(folder) if isinstance(source, dict) else None
        leaf = source.get(last) if isinstance(source, dict) else None
        if isinstance(leaf, (str, int, float)):
            for folder in folders:
                target = target.setdefault(folder, {})
            target[last] = leaf[:MOST_LETTERS] if isinstance(leaf, str) else leaf
    return excerpt
