"""Which model of the price list a log means: names as gateways, clouds and SDKs really spell them.

First the library is asked as the log spells it (``exact``), then for rewritten spellings (``alias``). What is self-hosted
or unknown stays unpriced: a price of somebody else's model is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, Provider

LOG_NAMES = {
    "aws": "amazon-bedrock amazon_bedrock aws aws.bedrock bedrock bedrock_converse sagemaker",
    "azure": "az.ai.inference az.ai.openai azure azure-openai azure.ai.inference azure.ai.openai azure_ai azure_openai azure_text",
    "anthropic": "anthropic",
    "cohere": "cohere cohere_chat",
    "databricks": "databricks",
    "deepseek": "deepseek",
    "fireworks": "fireworks fireworks-ai fireworks_ai",
    "google": "gcp.gemini gcp.gen_ai gcp.vertex_ai gemini google google-genai google_genai google_vertexai vertex vertex_ai "
    "vertex_ai_beta vertexai",
    "groq": "groq",
    "mistral": "mistral mistral_ai mistralai",
    "moonshotai": "moonshot moonshotai",
    "openai": "openai text-completion-openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together together-ai together_ai togetherai",
    "x-ai": "x-ai x_ai xai",
    "zai": "zai",
}
"""Provider of the price list -> what LiteLLM, OpenTelemetry, Langfuse, OpenRouter and the clouds call it."""

PROVIDERS = {name: provider for provider, names in LOG_NAMES.items() for name in names.split()}

SELF_HOSTED = frozenset(
    [
        *("custom", "custom_openai", "docker_model_runner", "hosted_vllm", "llama.cpp", "llamacpp", "llamafile", "lm_studio"),
        *("lmstudio", "local", "localai", "ollama", "ollama_chat", "openai-compatible", "openai_like", "self-hosted"),
        *("self_hosted", "selfhosted", "tgi", "triton", "vllm", "xinference"),
    ]
)
"""Providers whose models run on the organisation's own machines, whatever the models are called."""

BEDROCK = re.compile(r"^(ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen|writer)\.")
REGION = re.compile(rf"^(apac|apn?|au|ca|eu|global|jp|us|us-gov)\.(?={BEDROCK.pattern[1:]})")
VERSIONED = re.compile(r"[-@:](v\d+(:\d+)?|latest|default|\d{8}|\d{4}-\d{2}-\d{2}|\d{3,4})$|:(0|1)$")
PATHS = ("models/", "publishers/google/models/", "publishers/anthropic/models/", "accounts/fireworks/models/")


@dataclass(frozen=True)
class Match:
    """A model of the price list, and whether the log spells it as the list does."""

    provider: Provider
    model: ModelInfo
    status: Literal["exact", "alias"]


@lru_cache(maxsize=100_000)
def resolve(provider: str | None, model: str) -> Match | None:
    """The model of the price list that a log's provider and model mean; None where that would be a guess."""
    named = provider.strip().lower() if provider else None
    if named in SELF_HOSTED or _prefix(model) in SELF_HOSTED:
        return None
    if found := _find(named, model):
        return Match(*found, status="exact")
    for candidate_provider, candidate in _spellings(named, model.strip().lower()):
        if found := _find(candidate_provider, candidate):
            return Match(*found, status="alias")
    return None


def _find(provider: str | None, model: str) -> tuple[Provider, ModelInfo] | None:
    """What the library finds, unless it took the provider for another one because a part of its name fits."""
    try:
        found = get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return None
    return found if provider in (None, found[0].id) or PROVIDERS.get(provider) == found[0].id else None


def _spellings(provider: str | None, model: str) -> Iterator[tuple[str | None, str]]:
    """Other ways to write the same, the closest first."""
    for named, name in _without_prefixes(PROVIDERS.get(provider or "", provider), model):
        path = next((path for path in PATHS if name.startswith(path)), "")
        if path and named is None:
            named = "fireworks" if "fireworks" in path else "google"  # noqa: PLW2901 - the path names whose it is
        yield from _shorter(named, name.removeprefix(path))


def _without_prefixes(provider: str | None, model: str) -> Iterator[tuple[str | None, str]]:
    """The name as it is, and without the providers that gateways put before it, unless they contradict the provider."""
    yield provider, model
    prefix, _, rest = model.partition("/")
    if rest and prefix in PROVIDERS and provider in (None, "litellm", "openrouter", PROVIDERS[prefix]):
        yield from _without_prefixes(PROVIDERS[prefix], rest)


def _shorter(provider: str | None, model: str) -> Iterator[tuple[str | None, str]]:
    """The name, without its region, without its version and date, one after the other."""
    bare = REGION.sub("", model)
    if provider is None and BEDROCK.match(bare):
        provider = "aws"
    yield provider, model
    yield provider, bare
    while (shorter := VERSIONED.sub("", bare)) != bare:
        bare = shorter
        yield provider, bare
    if "@" in model:
        yield provider, model.replace("@", "-")


def _prefix(model: str) -> str:
    return model.partition("/")[0].strip().lower()
