"""Who served and billed a model, by what spans call them: the provider's name, or the form of the model's id."""

from __future__ import annotations

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
