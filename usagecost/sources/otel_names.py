"""Which attributes of a span say what, and what they call providers: each has a name in every library and in every year.

Sources of the names: the semantic conventions for generative AI, old and new; OpenInference; the Vercel AI SDK; OpenLLMetry,
OpenLIT, Pydantic AI, LiteLLM, Langfuse, LangSmith, Logfire, MLflow, Sentry and Claude Code where they have names of their own. Of
several that a span has the first counts. What is not named here is not read: most other attributes are the messages themselves, or
can hold parts of them.
"""

from __future__ import annotations

from usagecost.sources.otel_picked import (
    ADK_ANSWER,
    LANGSMITH_INPUT,
    LANGSMITH_OUTPUT,
    LANGSMITH_USAGE,
    LITELLM_USAGE,
    LOGFIRE_AGENT_USAGE,
    LOGFIRE_USAGE,
    METADATA,
    MLFLOW_USAGE,
    PLACE_MARK,
    place,
)


def as_text(attribute: str, text: str) -> str:
    """Return SQL for an attribute's text: MLflow writes each as JSON, texts in quotes."""
    return f"trim({text}, '\"')" if attribute.startswith("mlflow.") else text


USAGE_DETAILS, COST_DETAILS = "langfuse.observation.usage_details", "langfuse.observation.cost_details"
"""Attributes of Langfuse's SDK: JSON objects of numbers, whose names anyone may choose."""

CLAUDE_CODE = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_creation_tokens",
    "requested_model": "model",
    "ttft_ms": "ttft_ms",
    "http_status": "status_code",
    "speed": "speed",
    "has_succeeded": "success",
}
"""What a span of Claude Code says -> its attribute. The names are so plain that they are read of its spans only."""

COUNTS = {
    "input_tokens": (
        "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "ai.usage.inputTokens",
        "ai.usage.promptTokens", "llm.usage.prompt_tokens", "ai.usage.tokens", "gen_ai.response.prompt_tokens",
        place(MLFLOW_USAGE, "input_tokens"),
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion", "ai.usage.outputTokens",
        "ai.usage.completionTokens", "llm.usage.completion_tokens", "gen_ai.response.completion_tokens",
        place(MLFLOW_USAGE, "output_tokens"),
    ),
    "total_tokens": (
        "gen_ai.usage.total_tokens", "llm.token_count.total", "llm.usage.total_tokens", "ai.usage.totalTokens",
        place(MLFLOW_USAGE, "total_tokens"),
    ),
    "cache_read_tokens": (
        "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.input_tokens.cached",
        "gen_ai.usage.details.cache_read_tokens", "gen_ai.usage.details.cached_tokens", "gen_ai.usage.cached_input_tokens",
        "gen_ai.usage.details.cache_read_input_tokens", "gen_ai.usage.details.cached_content_tokens",
        "gen_ai.usage.cached_tokens", "gen_ai.usage.cache_read_tokens",
        "gen_ai.usage.prompt_tokens_details.cached_tokens", "llm.token_count.prompt_details.cache_read",
        "llm.token_count.prompt_details.cache_input", "ai.usage.cachedInputTokens", "ai.usage.inputTokenDetails.cacheReadTokens",
        place(LITELLM_USAGE, "cache_read_input_tokens"), place(LITELLM_USAGE, "prompt_tokens_details.cached_tokens"),
        place(LANGSMITH_INPUT, "cache_read"), place(LANGSMITH_USAGE, "input_token_details.cache_read"),
        place(ADK_ANSWER, "usage_metadata.cached_content_token_count"),
        place(LOGFIRE_AGENT_USAGE, "input_tokens_details.cached_tokens"), place(MLFLOW_USAGE, "cache_read_input_tokens"),
    ),
    "cache_write_tokens": (
        "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.cache_write_input_tokens",
        "gen_ai.usage.input_tokens.cache_write", "gen_ai.usage.details.cache_write_tokens",
        "gen_ai.usage.details.cache_creation_input_tokens", "gen_ai.usage.cache_creation_tokens", "gen_ai.usage.cache_write_tokens",
        "gen_ai.usage.prompt_tokens_details.cache_creation_tokens", "llm.token_count.prompt_details.cache_write",
        "ai.usage.inputTokenDetails.cacheWriteTokens", place(METADATA, "anthropic.usage.cache_creation_input_tokens"),
        place(METADATA, "anthropic.cacheCreationInputTokens"), place(METADATA, "bedrock.usage.cacheWriteInputTokens"),
        place(LITELLM_USAGE, "cache_creation_input_tokens"), place(LITELLM_USAGE, "prompt_tokens_details.cache_creation_tokens"),
        place(LANGSMITH_INPUT, "cache_creation"), place(LANGSMITH_USAGE, "input_token_details.cache_creation"),
        place(MLFLOW_USAGE, "cache_creation_input_tokens"),
    ),
    "cache_write_5m_tokens": (
        "gen_ai.usage.details.ephemeral_5m_input_tokens", place(LANGSMITH_INPUT, "ephemeral_5m_input_tokens"),
        place(LANGSMITH_USAGE, "input_token_details.ephemeral_5m_input_tokens"),
    ),
    "cache_write_1h_tokens": (
        "anthropic.usage.cache_creation.ephemeral_1h_input_tokens", "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens",
        "gen_ai.usage.details.ephemeral_1h_input_tokens", "gen_ai.usage.details.cache_write_1h_tokens",
        place(METADATA, "anthropic.usage.cache_creation.ephemeral_1h_input_tokens"),
        place(LITELLM_USAGE, "prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens"),
        place(LANGSMITH_INPUT, "ephemeral_1h_input_tokens"),
        place(LANGSMITH_USAGE, "input_token_details.ephemeral_1h_input_tokens"),
        place(LOGFIRE_USAGE, "cache_creation.ephemeral_1h_input_tokens"),
    ),
    "apart_reasoning_tokens": (
        "gen_ai.usage.experimental.reasoning_tokens", place(ADK_ANSWER, "usage_metadata.thoughts_token_count"),
    ),
    "reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.output_tokens.reasoning", "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens", "gen_ai.usage.details.thoughts_tokens", "gen_ai.usage.thinking_tokens",
        "gen_ai.usage.completion_tokens_details.reasoning_tokens", "llm.usage.reasoning_tokens",
        "codex.usage.reasoning_output_tokens",
        "llm.token_count.completion_details.reasoning", "ai.usage.reasoningTokens", "ai.usage.outputTokenDetails.reasoningTokens",
        place(LITELLM_USAGE, "completion_tokens_details.reasoning_tokens"), place(LANGSMITH_OUTPUT, "reasoning"),
        place(LANGSMITH_USAGE, "output_token_details.reasoning"),
        place(LOGFIRE_USAGE, "completion_tokens_details.reasoning_tokens"),
        place(LOGFIRE_USAGE, "output_tokens_details.reasoning_tokens"),
        place(LOGFIRE_AGENT_USAGE, "output_tokens_details.reasoning_tokens"),
    ),
    "input_audio_tokens": (
        "gen_ai.usage.audio.input_tokens", "gen_ai.usage.details.input_audio_tokens", "llm.token_count.prompt_details.audio",
        "gen_ai.usage.prompt_tokens_details.audio_tokens", place(LITELLM_USAGE, "prompt_tokens_details.audio_tokens"),
        place(LANGSMITH_INPUT, "audio"), place(LANGSMITH_USAGE, "input_token_details.audio"),
    ),
    "output_audio_tokens": (
        "gen_ai.usage.audio.output_tokens", "gen_ai.usage.details.output_audio_tokens",
        "llm.token_count.completion_details.audio", "gen_ai.usage.completion_tokens_details.audio_tokens",
        place(LITELLM_USAGE, "completion_tokens_details.audio_tokens"), place(LANGSMITH_OUTPUT, "audio"),
        place(LANGSMITH_USAGE, "output_token_details.audio"),
    ),
    "cache_audio_read_tokens": ("gen_ai.usage.details.cache_audio_read_tokens",),
    "input_image_tokens": (
        "gen_ai.usage.image.input_tokens", "gen_ai.usage.details.input_image_tokens", "gen_ai.usage.details.image_prompt_tokens",
    ),
    "output_image_tokens": (
        "gen_ai.usage.image.output_tokens", "gen_ai.usage.details.output_image_tokens",
        "gen_ai.usage.details.image_candidates_tokens",
    ),
    "compaction_input_tokens": ("anthropic.usage.compaction.input_tokens", "gemini_cli.tool_input_tokens"),
    "compaction_output_tokens": ("anthropic.usage.compaction.output_tokens",),
    "web_searches": (
        "anthropic.usage.server_tool_use.web_search_requests", "gen_ai.usage.server_tool_use.web_search_requests",
        "gen_ai.usage.details.web_search_requests", "gen_ai.usage.web_search_requests",
        place(METADATA, "anthropic.usage.server_tool_use.web_search_requests"),
        place(LITELLM_USAGE, "server_tool_use.web_search_requests"),
        place(LOGFIRE_USAGE, "server_tool_use.web_search_requests"),
    ),
}  # fmt: skip
"""What is counted -> attributes with that count. The canonical columns are made of these: see otel_usage.py."""

TEXTS = {
    "session_id": (
        "gen_ai.conversation.id", "session.id", "langfuse.session.id", "ai.telemetry.metadata.sessionId",
        "traceloop.association.properties.session_id", "langsmith.metadata.session_id", "langsmith.metadata.thread_id",
    ),
    "provider": (
        "gen_ai.provider.name", "gen_ai.system", "gen_ai.model.provider", "llm.provider", "ai.model.provider", "llm.system",
        "mlflow.llm.provider",
    ),
    "response_model": (
        "gen_ai.response.model", "ai.response.model", "llm.response.model_name", "llm.model_name",
        "langfuse.observation.model.name", "mlflow.llm.model",
    ),
    "requested_model": (
        "gen_ai.request.model", "llm.request.model_name", "ai.model.id", "embedding.model_name", "llm.request.model",
        place("llm.invocation_parameters", "model"),
    ),
    "operation": ("gen_ai.operation.name", "llm.request.type"),
    "error_class": ("error.type",),
    "http_status": ("http.response.status_code", "http.status_code"),
    "user_id": (
        "user.id", "langfuse.user.id", "enduser.id", "ai.telemetry.metadata.userId", "traceloop.association.properties.user_id",
        "metadata.user_api_key_user_id", "langsmith.metadata.user_id", "llm.user", "enduser.pseudo.id",
        "user.account_id", "user.account_uuid",
    ),
    "user_email": ("user.email",),
    "end_user_id": ("metadata.user_api_key_end_user_id",),
    "team_id": ("metadata.user_api_key_team_id", "team.id"),
    "virtual_key": ("metadata.user_api_key_alias", "metadata.user_api_key_hash"),
    "environment": ("deployment.environment.name", "deployment.environment", "langfuse.environment"),
    "tags": ("langfuse.trace.tags", "tag.tags"),
    "is_streaming": ("gen_ai.request.stream", "gen_ai.request.is_stream", "gen_ai.is_streaming", "llm.is_streaming"),
    "service_tier": (
        "openai.response.service_tier", "gen_ai.openai.response.service_tier", "anthropic.response.service_tier",
        "gen_ai.response.service_tier", place(METADATA, "anthropic.usage.service_tier"), place(METADATA, "openai.serviceTier"),
        "openai.request.service_tier", "gen_ai.openai.request.service_tier", "gen_ai.request.service_tier",
    ),
    "speed": ("anthropic.usage.speed", "anthropic.request.speed", place(METADATA, "anthropic.usage.speed")),
    "inference_region": (
        "anthropic.usage.inference_geo", "anthropic.request.inference_geo", place(METADATA, "anthropic.usage.inference_geo"),
    ),
    "route": ("server.address",),
    "reported_cost_usd": (
        "gen_ai.usage.cost", "gen_ai.usage.total_cost", "gen_ai.usage.cost_usd", "gen_ai.cost.total_cost", "operation.cost",
        "llm.cost.total",
    ),
    "ttft_s": (
        "gen_ai.response.time_to_first_chunk", "gen_ai.client.operation.time_to_first_chunk", "gen_ai.server.time_to_first_token",
        "gen_ai.latency.time_to_first_token",
    ),
    "ttft_ms": ("ai.response.msToFirstChunk",),
    "first_token_at": ("langfuse.observation.completion_start_time",),
    "has_succeeded": (),
    "detailed_input": ("ai.usage.inputTokenDetails.noCacheTokens",),
    "level": ("langfuse.observation.level",),
    "model_around": ("model",),
    "usage_text": (USAGE_DETAILS,),
    "cost_text": (COST_DETAILS,),
}  # fmt: skip
"""What a span says -> attributes that say it."""

KINDS = {
    "kind": ("openinference.span.kind", "mlflow.spanType"),
    "vercel_operation": ("ai.operationId",),
    "observation_type": ("langfuse.observation.type",),
    "langsmith_kind": ("langsmith.span.kind",),
    "logfire_type": ("logfire.span_type",),
}
"""What tells what a span is where no operation is named -> attributes that say it."""

RECORD_ATTRIBUTES = {
    "response_id": ("gen_ai.response.id", "ai.response.id"),
    "finish_reasons": ("gen_ai.response.finish_reasons", "ai.response.finishReason"),
    "agent": ("gen_ai.agent.name", "agent.name"),
    "workflow": ("gen_ai.workflow.name", "traceloop.workflow.name", "langfuse.trace.name"),
    "function": ("ai.telemetry.functionId",),
    "attempt": ("attempt",),
    "query_source": ("query_source",),
    "terminal": ("terminal.type",),
    "organization": ("organization.id",),
    "copilot_cost": ("github.copilot.cost",),
    "copilot_nano_aiu": ("github.copilot.nano_aiu",),
}
"""Name among the record's attributes -> attributes of the span. Of GitHub Copilot's cost nothing says that it is dollars."""

INHERITED = (
    "session_id", "user_id", "end_user_id", "team_id", "virtual_key", "app", "environment", "tags", "agent", "workflow", "function",
    "model_around",
)  # fmt: skip
"""What a span takes from those around it where it does not say so itself."""

RESOURCE = ("service.name", "service.version", *TEXTS["environment"], "user.id", "enduser.id", "user.email", "team.id")
"""Attributes of the resource: what a process says once of all its spans. Whom a span names itself goes first."""

EXCEPTION_TYPE = "exception.type"
"""Of the event that an exception leaves in a span."""

FIELDS = COUNTS | TEXTS | KINDS | RECORD_ATTRIBUTES
"""Everything that a span says -> attributes that say it."""

SPAN = tuple(dict.fromkeys(name.partition(PLACE_MARK)[0] for names in (*FIELDS.values(), CLAUDE_CODE.values()) for name in names))
"""All attributes of a span that are read, each once."""


PROVIDERS = {
    "anthropic": ("anthropic", "anthropic.messages"),
    "aws": ("aws.bedrock", "aws_bedrock", "bedrock", "amazon-bedrock", "amazon_bedrock", "aws"),
    "azure": (
        "azure.ai.openai", "az.ai.openai", "azure.ai.inference", "az.ai.inference", "azure_openai", "azure-openai",
        "azure-openai.chat", "azure-openai.responses", "azure",
    ),
    "cohere": ("cohere", "cohere.chat"),
    "deepseek": ("deepseek", "deepseek.chat"),
    "google": (
        "gcp.gemini", "gcp.gen_ai", "gcp.vertex_ai", "gcp.vertex.agent", "vertex_ai", "vertexai", "gemini", "google", "google-gla",
        "google-vertex", "google.generative-ai", "google.vertex.chat", "google_genai",
    ),
    "groq": ("groq", "groq.chat"),
    "mistral": ("mistral_ai", "mistralai", "mistral", "mistral.chat"),
    "openai": ("openai", "openai.chat", "openai.responses", "openai.completion", "openai.embedding"),
    "openrouter": ("openrouter", "openrouter.chat"),
    "perplexity": ("perplexity", "perplexity.chat"),
    "x-ai": ("x_ai", "xai", "xai.chat", "xai.responses"),
}  # fmt: skip
"""Provider, as prices know it -> what spans call it, in lower case. Any other name stays as it is."""

FRAMEWORKS = (
    "langchain", "langgraph", "llama_index", "crewai", "haystack", "autogen", "microsoft.agent_framework",
    "microsoft.extensions.ai", "semantic_kernel", "pydantic_ai", "pydantic-ai", "smolagents", "strands-agents", "vercel",
    "unknown", "_other",
)  # fmt: skip
"""What libraries write for the provider when they do not know it: their own name."""

BEDROCK_MODEL = "^([a-z]{2,6}(-gov)?[.])?(ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen|stability|writer)[.][a-z]"
"""Pattern of the ids that models have at Amazon Bedrock: with the vendor before a dot, and perhaps the region before it."""
