"""Which attributes of a span say what: the same fact has a name in every library and in every year.

Sources of the names: the semantic conventions for generative AI, old and new; OpenInference; the Vercel AI SDK; OpenLLMetry,
OpenLIT, Pydantic AI, LiteLLM, Langfuse and Sentry where they have names of their own. Of several that a span has the first counts.
What is not named here is not read: most other attributes are the messages themselves, or can hold parts of them.
"""

from __future__ import annotations

COUNTS = {
    "input_tokens": (
        "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt", "ai.usage.inputTokens",
        "ai.usage.promptTokens", "llm.usage.prompt_tokens", "ai.usage.tokens",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion", "ai.usage.outputTokens",
        "ai.usage.completionTokens", "llm.usage.completion_tokens",
    ),
    "cache_read_tokens": (
        "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens", "gen_ai.usage.input_tokens.cached",
        "gen_ai.usage.details.cache_read_tokens", "gen_ai.usage.details.cached_tokens", "llm.token_count.prompt_details.cache_read",
        "ai.usage.cachedInputTokens", "ai.usage.inputTokenDetails.cacheReadTokens",
    ),
    "cache_write_tokens": (
        "gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens", "gen_ai.usage.input_tokens.cache_write",
        "gen_ai.usage.details.cache_write_tokens", "llm.token_count.prompt_details.cache_write",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
    ),
    "output_reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.output_tokens.reasoning", "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens", "gen_ai.usage.details.thoughts_tokens",
        "llm.token_count.completion_details.reasoning", "ai.usage.reasoningTokens", "ai.usage.outputTokenDetails.reasoningTokens",
    ),
    "input_audio_tokens": ("gen_ai.usage.audio.input_tokens", "llm.token_count.prompt_details.audio"),
    "output_audio_tokens": ("gen_ai.usage.audio.output_tokens", "llm.token_count.completion_details.audio"),
}  # fmt: skip
"""Canonical column -> attributes with that count."""

TEXTS = {
    "session_id": (
        "gen_ai.conversation.id", "session.id", "langfuse.session.id", "ai.telemetry.metadata.sessionId",
        "traceloop.association.properties.session_id",
    ),
    "provider": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "ai.model.provider", "llm.system"),
    "response_model": ("gen_ai.response.model", "ai.response.model", "llm.response.model_name", "llm.model_name"),
    "requested_model": (
        "gen_ai.request.model", "llm.request.model_name", "ai.model.id", "embedding.model_name", "llm.request.model",
    ),
    "operation": ("gen_ai.operation.name", "llm.request.type"),
    "error_class": ("error.type",),
    "http_status": ("http.response.status_code", "http.status_code"),
    "user_id": (
        "user.id", "langfuse.user.id", "enduser.id", "ai.telemetry.metadata.userId", "traceloop.association.properties.user_id",
        "metadata.user_api_key_user_id", "enduser.pseudo.id",
    ),
    "end_user_id": ("metadata.user_api_key_end_user_id",),
    "team_id": ("metadata.user_api_key_team_id",),
    "virtual_key": ("metadata.user_api_key_alias", "metadata.user_api_key_hash"),
    "environment": ("deployment.environment.name", "deployment.environment", "langfuse.environment"),
    "tags": ("langfuse.trace.tags", "tag.tags"),
    "is_streaming": ("gen_ai.request.stream", "gen_ai.request.is_stream", "llm.is_streaming"),
    "service_tier": (
        "openai.response.service_tier", "gen_ai.openai.response.service_tier", "openai.request.service_tier",
        "gen_ai.openai.request.service_tier",
    ),
    "route": ("server.address",),
    "reported_cost_usd": (
        "gen_ai.usage.cost", "gen_ai.usage.total_cost", "gen_ai.cost.total_cost", "operation.cost", "llm.cost.total",
        "github.copilot.cost",
    ),
    "ttft_s": ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token", "gen_ai.latency.time_to_first_token"),
    "ttft_ms": ("ai.response.msToFirstChunk",),
}  # fmt: skip
"""What a span says -> attributes that say it."""

KINDS = ("openinference.span.kind", "ai.operationId")
"""Attributes that tell what a span is where no operation is named."""

KEPT = {
    "response_id": ("gen_ai.response.id", "ai.response.id"),
    "finish_reasons": ("gen_ai.response.finish_reasons", "ai.response.finishReason"),
    "agent": ("gen_ai.agent.name",),
    "workflow": ("gen_ai.workflow.name", "traceloop.workflow.name"),
}
"""Name among the record's attributes -> attributes of the span."""

RESOURCE = ("service.name", "service.version", *TEXTS["environment"])
"""Attributes of the resource: what a process says once of all its spans."""

EXCEPTION_TYPE = "exception.type"
"""Of the event that an exception leaves in a span."""

SPAN = tuple(dict.fromkeys(name for names in (*COUNTS.values(), *TEXTS.values(), KINDS, *KEPT.values()) for name in names))
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
