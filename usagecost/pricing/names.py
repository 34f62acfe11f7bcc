"""Which model of the price list a log means: names as gateways, clouds and SDKs really spell them.

First the library is asked as the log spells it (``exact``), then for rewritten spellings (``alias``). Nothing is guessed
that could be somebody else's model: a provider that is given and not known here, one's own machines among them, is never
replaced by another, and where none is given only names count that a single provider sells. Weights that anyone may run do
not say who bills them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import Literal

from genai_prices.data_snapshot import find_provider_by_id, get_snapshot
from genai_prices.types import ModelInfo, Provider, StartDateConstraint

LOG_NAMES = {
    "anthropic": "anthropic-text",
    "aws": "bedrock bedrock-converse aws-bedrock amazon amazon-bedrock amazon-nova",
    "azure": "azure-ai azure-text azure-openai azure-ai-openai azure-ai-inference az-ai-openai az-ai-inference",
    "cloudflare": "workers-ai",
    "cohere": "cohere-chat",
    "fireworks": "fireworks-ai",
    "github-copilot": "copilot",
    "google": "gemini palm vertex vertex-ai vertex-ai-beta google-ai google-ai-studio google-generative-ai google-genai "
    "google-vertex google-vertex-ai gcp-gemini gcp-gen-ai gcp-vertex-ai",
    "mistral": "mistral-ai codestral text-completion-codestral",
    "moonshotai": "moonshot",
    "openai": "text-completion-openai",
    "perplexity": "perplexity-ai",
    "together": "together-ai",
    "voyageai": "voyage",
    "x-ai": "grok",
    "zhipuai": "zhipu",
}
"""Provider of the price list -> what LiteLLM, OpenTelemetry, Langfuse, OpenRouter and the clouds call it besides."""

SDK_PART = re.compile(r"\.(chat|completion|embedding|generative-ai|image|messages|responses|transcription)$")
"""SDKs name the part of a provider's interface that was called: openai.responses, anthropic.messages."""

NO_PROVIDER = {"", "litellm", "litellmproxy"}
"""Names that say nothing of who bills: none at all, and the gateway itself."""

PUBLISHERS = {"google", "mistralai", "moonshotai", "openai"}
"""Provider names that Hugging Face puts before open weights too: openai/gpt-oss-120b may run anywhere."""

BEDROCK_REGION = r"(apac|au|ca|eu|global|jp|us|us-gov)\."

SOLD_BY = (
    ("aws", rf"arn:aws[\w-]*:bedrock:|({BEDROCK_REGION})?(ai21|amazon|anthropic|cohere|meta|mistral)\."),
    ("google", r"claude-[^@]+@|(projects/.+/)?publishers/|(models/)?gemini-"),
    ("anthropic", r"claude-"),
    (
        "openai",
        r"(ft:)?(gpt-(?!oss|neo|j)|chatgpt-|o[134](-|$)|text-embedding-(3|ada)|codex-mini|computer-use|dall-e|tts-1|whisper-1$)",
    ),
    ("x-ai", r"grok-(?![12](\D|$))"),
    ("perplexity", r"sonar"),
    ("deepseek", r"deepseek-(chat|reasoner)$"),
    ("mistral", r"(mistral|ministral|codestral|devstral|magistral|pixtral|voxtral)[\w-]*-latest$"),
    ("voyageai", r"voyage-"),
    ("fireworks", r"accounts/fireworks/models/"),
    ("cloudflare", r"@cf/"),
)
"""Whose a model is when the log names no provider: the first whose pattern fits how the name begins."""

PATH = re.compile(r"^((projects/.+/)?publishers/[^/]+/models/|models/|accounts/fireworks/models/|global(-standard)?/)")
SNAPSHOT = re.compile(r"([-@](latest|default|20\d{6}|20\d\d-\d\d-\d\d))?(-v\d+:\d+)?$")
"""The end of a name that says which snapshot of the model it is. The library knows those that have prices of their own."""

WAY_OF_ASKING = re.compile(r"-(batch|fast|flex|priority)$")
"""The end of a name that says how the model was asked, which changes its price."""

DEPLOYMENT_WORD = re.compile(
    r"aoai|azure|openai|my|our|main|default|deploy|deployment|global|standard|prod|production|dev|development|test|qa|uat|stage|staging|"
    r"(north|south|east|west|central|us|uk|europe|sweden|france|germany|switzerland|norway|japan|korea|canada|australia|brazil|india)+\d?"
)
"""Words of a deployment's name that say where it is or what for, never which model it runs."""


LONGEST_NAME = 300
"""Of any model, in letters. What is longer is no name, and would be cut into thousands of spellings."""


@dataclass(frozen=True)
class Match:
    """A model of the price list, and whether the log spells it as the list does."""

    provider: Provider
    model: ModelInfo
    status: Literal["exact", "alias"]


@lru_cache(maxsize=20_000)
def resolve(provider: str | None, model: str | None) -> Match | None:
    """The model of the price list that a log's provider and model mean; None where that would be a guess."""
    model_name = (model or "").strip().lower()
    has_provider = _key(provider) not in NO_PROVIDER
    billed_by = _provider(provider) if has_provider else _seller(model_name)
    if billed_by is None or not model_name or len(model_name) > LONGEST_NAME:
        return None
    if has_provider and _library_provider(provider) is billed_by and (info := _find(billed_by, model_name)):
        return Match(billed_by, info, "exact")
    info = next((info for name in _spellings(billed_by, model_name) if (info := _find(billed_by, name))), None)
    return Match(billed_by, info, "alias") if info else None


@cache
def listed_models() -> tuple[str, ...]:
    """Every model of the price list, written provider/model, by name: what an alias can stand for."""
    return tuple(sorted(f"{provider.id}/{model.id}" for provider in get_snapshot().providers for model in provider.models))


@cache
def price_changes() -> Mapping[tuple[str, str], tuple[date, ...]]:
    """The UTC days from which the list has another price, by the ids of provider and model; a first price is no change."""
    models = [(provider.id, model) for provider in get_snapshot().providers for model in provider.models]
    days = {(provider, model.id): _days_of_change(model) for provider, model in models}
    return {model: changes for model, changes in days.items() if changes}


def forget() -> None:
    """Another price list is in use: what was found in the one before does not hold any more."""
    for function in (resolve, listed_models, price_changes, _providers):
        function.cache_clear()


def _days_of_change(model: ModelInfo) -> tuple[date, ...]:
    constraints = [price.constraint for price in model.prices] if isinstance(model.prices, list) else []
    days = sorted({constraint.start_date for constraint in constraints if isinstance(constraint, StartDateConstraint)})
    has_price_before = any(not isinstance(constraint, StartDateConstraint) for constraint in constraints)
    return tuple(days if has_price_before else days[1:])


def _find(provider: Provider, model: str) -> ModelInfo | None:
    """The library's own answer, unless it knows a name only by its beginning, without the way of asking at its end."""
    info, plain = provider.find_model(model, all_providers=get_snapshot().providers), WAY_OF_ASKING.sub("", model)
    return None if info and plain != model and _find(provider, plain) is info else info


# ---- the provider


def _provider(name: str | None) -> Provider | None:
    """The provider of the price list that a log calls so; None for every name not known here, such as vllm or custom_openai."""
    return _providers().get(_key(SDK_PART.sub("", (name or "").strip().lower())))


def _library_provider(name: str | None) -> Provider | None:
    """The library's own answer, which looks for parts of names: azure.ai.openai and custom_openai are OpenAI to it."""
    return find_provider_by_id(get_snapshot().providers, name or "")


def _seller(model: str) -> Provider | None:
    """The provider of a model whose log names none: written before the model, or the only one who sells it."""
    prefix, _, suffix = model.partition("/")
    prefix_provider = _provider(prefix) if suffix else None
    if prefix_provider and _key(prefix) not in PUBLISHERS:
        return prefix_provider
    sold_by = next((_provider(seller) for seller, names in SOLD_BY if re.match(names, suffix if prefix_provider else model)), None)
    return sold_by if prefix_provider in (None, sold_by) else None


@cache
def _providers() -> dict[str, Provider]:
    """Every name of every provider, its own and those of LOG_NAMES, letters and digits only."""
    by_id = {provider.id: provider for provider in get_snapshot().providers}
    names_by_id = {provider_id: names for provider_id, names in LOG_NAMES.items() if provider_id in by_id}
    by_name = {_key(name): by_id[provider_id] for provider_id, names in names_by_id.items() for name in names.split()}
    return by_name | {_key(provider_id): provider for provider_id, provider in by_id.items()}


def _key(name: str | None) -> str:
    """A provider's name without the signs that every log sets differently: vertex_ai, vertex-ai, vertexai."""
    return re.sub(r"[^a-z0-9]", "", (name or "").lower())


def is_same_provider(first: str | None, second: str | None) -> bool:
    """Whether two names mean one provider: they are spelled alike, or the price list knows both as the same."""
    provider = _provider(first)
    return _key(first) == _key(second) or (provider is not None and provider is _provider(second))


# ---- the model


def _spellings(provider: Provider, model: str) -> Iterator[str]:
    """Other ways to write the model of a provider, the closest first."""
    for name in _without_prefixes(provider, model):
        yield name
        yield name.replace("@", "-")
        yield SNAPSHOT.sub("", name)
        if provider.id == "azure":
            yield from _named_in_deployment(name)


def _without_prefixes(provider: Provider, model: str) -> Iterator[str]:
    """The name as it is, then without paths, regions and the provider's own name before it, one after the other.

    The name of another provider stays: what openai/gpt-4o costs at Groq is not for OpenAI to say.
    """
    yield model
    prefix, _, suffix = model.partition("/")
    if suffix and _provider(prefix) is provider:
        shorter = suffix
    elif provider.id == "aws":
        shorter = re.sub(f"^{BEDROCK_REGION}", "", model)
    else:
        shorter = PATH.sub("", model)
    if shorter != model:
        yield from _without_prefixes(provider, shorter)


def _named_in_deployment(deployment: str) -> Iterator[str]:
    """Models that an Azure deployment may be named after: prod-gpt4o-eastus is gpt-4o, support-bot is nothing."""
    words = re.split(r"[-_]", re.sub(r"\bgpt(?=\d)", "gpt-", deployment))
    while words and DEPLOYMENT_WORD.fullmatch(words[0]):
        words = words[1:]
    while words and DEPLOYMENT_WORD.fullmatch(words[-1]):
        words = words[:-1]
    yield "-".join(words)
    yield SNAPSHOT.sub("", "-".join(words))
