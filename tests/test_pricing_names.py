"""Names of models as logs write them: which price they find, and which find none rather than somebody else's."""

from __future__ import annotations

import pytest

from usagecost.pricing import resolve

SONNET_4 = "us.anthropic.claude-sonnet-4-20250514-v1:0"
REGIONAL_SONNET_4 = "aws/regional.anthropic.claude-sonnet-4-20250514-v1:0"


def found(provider: str | None, model: str | None) -> tuple[str, str] | None:
    """The price list's name of a model, and how it was found."""
    match = resolve(provider, model)
    return match and (f"{match.provider.id}/{match.model.id}", match.status)


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("openai", "gpt-4o-2024-08-06", "openai/gpt-4o"),
        ("OpenAI", "GPT-4o", "openai/gpt-4o"),
        ("openai", "gpt-4o-2024-05-13", "openai/gpt-4o-2024-05-13"),  # a snapshot with a price of its own
        ("openai", "ft:gpt-4o-2024-08-06:acme::abc", "openai/ft:gpt-4o"),
        ("anthropic", "claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4-5"),
        ("azure", "gpt-35-turbo", "azure/gpt-3.5-turbo"),
        ("bedrock", SONNET_4, REGIONAL_SONNET_4),
        ("aws.bedrock", "anthropic.claude-sonnet-4-20250514-v1:0", REGIONAL_SONNET_4),
        (
            "bedrock_converse",
            "global.anthropic.claude-sonnet-4-20250514-v1:0",
            "aws/global.anthropic.claude-sonnet-4-20250514-v1:0",
        ),
        ("bedrock", f"arn:aws:bedrock:us-east-1:123:inference-profile/{SONNET_4}", REGIONAL_SONNET_4),
        ("vertex_ai", "claude-sonnet-4@20250514", "google/claude-4-sonnet"),
        ("gcp.vertex_ai", "gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("groq", "openai/gpt-oss-120b", "groq/openai/gpt-oss-120b"),
        ("openrouter", "anthropic/claude-sonnet-4", "openrouter/anthropic/claude-sonnet-4"),
        ("openrouter", "deepseek/deepseek-r1:free", "openrouter/deepseek/deepseek-r1:free"),
        ("together_ai", "meta-llama/Llama-3.3-70B-Instruct-Turbo", "together/meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        ("xai", "grok-4", "x-ai/grok-4-0709"),
        ("cohere_chat", "command-r-plus-08-2024", "cohere/command-r-plus"),
    ],
)
def test_a_name_of_the_price_list_is_exact(provider: str | None, model: str, expected: str) -> None:
    assert found(provider, model) == (expected, "exact")


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        # the provider before the model
        ("openai", "openai/gpt-4o", "openai/gpt-4o"),
        ("azure", "azure/gpt-4o", "azure/gpt-4o"),
        ("azure", "azure/global-standard/gpt-4o-2024-08-06", "azure/gpt-4o"),
        ("xai", "xai/grok-4", "x-ai/grok-4-0709"),
        ("mistral", "mistral/mistral-large-latest", "mistral/mistral-large"),
        ("together_ai", "together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo", "together/meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        ("fireworks_ai", "fireworks_ai/accounts/fireworks/models/llama-v3p1-8b-instruct", "fireworks/llama-v3p1-8b-instruct"),
        ("openrouter", "openrouter/anthropic/claude-sonnet-4", "openrouter/anthropic/claude-sonnet-4"),
        ("openrouter", "openrouter/deepseek/deepseek-r1:free", "openrouter/deepseek/deepseek-r1:free"),
        ("vertex_ai", "vertex_ai/gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("gemini", "gemini/gemini-2.5-flash", "google/gemini-2.5-flash"),
        # paths and regions
        ("gemini", "models/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("vertex_ai", "projects/p/locations/global/publishers/google/models/gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("bedrock", "ca.anthropic.claude-sonnet-4-20250514-v1:0", REGIONAL_SONNET_4),
        # snapshots that the list does not know
        ("openai", "gpt-4o-2031-01-01", "openai/gpt-4o"),
        ("openai", "gpt-4o-latest", "openai/gpt-4o"),
        ("anthropic", "claude-opus-4@20250514", "anthropic/claude-opus-4-0"),
        # providers by other names
        ("azure.ai.openai", "gpt-4o", "azure/gpt-4o"),
        ("azure_openai", "gpt-4o", "azure/gpt-4o"),
        ("azure.ai.inference", "gpt-4o", "azure/gpt-4o"),
        ("azure_ai", "gpt-4o", "azure/gpt-4o"),
        ("az.ai.openai", "gpt-4o", "azure/gpt-4o"),
        ("gcp.gen_ai", "gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("x_ai", "grok-4", "x-ai/grok-4-0709"),
        ("fireworks_ai", "accounts/fireworks/models/llama-v3p1-8b-instruct", "fireworks/llama-v3p1-8b-instruct"),
        ("togetherai", "meta-llama/Llama-3.3-70B-Instruct-Turbo", "together/meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        ("groq.chat", "llama-3.3-70b-versatile", "groq/llama-3.3-70b-versatile"),
        # Azure deployments named after their model
        ("azure", "prod-gpt4o-eastus", "azure/gpt-4o"),
        ("azure", "gpt-4o-mini-swedencentral", "azure/gpt-4o-mini"),
        ("azure", "my-gpt-4o-2024-05-13", "azure/gpt-4o-2024-05-13"),
        # no provider: the name says who bills
        (None, "openai/gpt-4o", "openai/gpt-4o"),
        ("litellm", "openai/gpt-4o", "openai/gpt-4o"),
        ("litellm_proxy", "azure/gpt-4o", "azure/gpt-4o"),
        ("", "anthropic/claude-opus-4-5-20251101", "anthropic/claude-opus-4-5"),
        (None, f"bedrock/{SONNET_4}", REGIONAL_SONNET_4),
        (None, SONNET_4, REGIONAL_SONNET_4),
        (None, "claude-sonnet-4@20250514", "google/claude-4-sonnet"),
        (None, "google/gemini-2.5-pro", "google/gemini-2.5-pro"),
        (None, "models/gemini-2.5-pro", "google/gemini-2.5-pro"),
        (None, "openrouter/anthropic/claude-sonnet-4", "openrouter/anthropic/claude-sonnet-4"),
        (None, "groq/llama-3.3-70b-versatile", "groq/llama-3.3-70b-versatile"),
        (None, "accounts/fireworks/models/llama-v3p1-8b-instruct", "fireworks/llama-v3p1-8b-instruct"),
        (None, "deepseek/deepseek-chat", "deepseek/deepseek-chat"),
        # no provider: only one sells it
        (None, "gpt-4o", "openai/gpt-4o"),
        (None, "o3-mini", "openai/o3-mini"),
        (None, "text-embedding-3-small", "openai/text-embedding-3-small"),
        (None, "claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"),
        (None, "gemini-2.5-flash", "google/gemini-2.5-flash"),
        (None, "grok-4", "x-ai/grok-4-0709"),
        (None, "sonar-pro", "perplexity/sonar-pro"),
        (None, "mistral-large-latest", "mistral/mistral-large"),
    ],
)
def test_a_name_as_logs_write_it_finds_its_price(provider: str | None, model: str, expected: str) -> None:
    assert found(provider, model) == (expected, "alias")


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        # one's own machines, whatever their models are called
        ("vllm", "llama-3.1-70b-internal"),
        ("hosted_vllm", "gpt-4o"),
        ("ollama", "mistral"),
        ("custom_openai", "gpt-4o"),
        ("openai_like", "gpt-4o"),
        ("openai-compatible", "gpt-4o"),
        ("self-hosted", "claude-opus-4-5"),
        ("sagemaker", "meta.llama3-1-70b-instruct-v1:0"),
        ("azureml", "gpt-4o"),
        (None, "hosted_vllm/gpt-4o"),
        (None, "ollama/deepseek-r1"),
        # providers that the list does not know, also where a part of their name is known
        ("my-openai-proxy", "gpt-4o"),
        ("replicate", "anthropic/claude-sonnet-4"),
        ("deepinfra", "meta-llama/Llama-3.3-70B-Instruct"),
        ("ibm.watsonx.ai", "mistral-large"),
        # a provider that does not sell this model
        ("openai", "anthropic/claude-opus-4-5"),
        ("anthropic", "gpt-4o"),
        ("openrouter", "openai/gpt-of-tomorrow"),
        ("fireworks_ai", "accounts/acme/models/llama-v3p1-8b-instruct"),
        ("bedrock", "arn:aws:bedrock:us-east-1:123:application-inference-profile/a1b2c3"),
        # another price than that of the model without the suffix
        ("openrouter", "openai/gpt-4o:online"),
        ("openrouter", "openai/gpt-4o:free"),
        ("openai", "gpt-4o-of-our-own"),
        ("azure", "gpt-4o-finetuned"),
        ("azure", "azure/eu/gpt-4o-2024-08-06"),
        ("azure", "support-bot"),
        ("azure", "prod"),
        # no provider, and weights that anyone may run
        (None, "llama-3.1-70b-internal"),
        (None, "meta-llama/Llama-3.3-70B-Instruct"),
        (None, "mistralai/Mistral-7B-Instruct-v0.2"),
        (None, "openai/gpt-oss-120b"),
        (None, "gpt-oss-120b"),
        (None, "google/gemma-3-27b-it"),
        (None, "deepseek-r1-internal"),
        (None, "deepseek-ai/DeepSeek-V3"),
        (None, "command-r"),
        (None, "grok-2"),
        (None, "gpt-4o-of-our-own"),
        (None, "our-claude-clone"),
        (None, "accounts/acme/models/llama-v3p1-8b-instruct"),
        # another price: a way of asking at the end of a name of which the list knows the beginning
        ("anthropic", "claude-opus-4-6-fast"),
        (None, "claude-opus-4-6-20260205-fast"),
        # nothing at all
        ("openai", None),
        ("openai", ""),
        ("openai", " "),
        ("", ""),
        (None, None),
        ("openai", "/"),
        ("openai", "openai/" * 10_000 + "gpt-4o"),
        ("openai", "'; DROP TABLE requests; --"),
    ],
)
def test_what_is_not_surely_known_gets_nobody_elses_price(provider: str | None, model: str | None) -> None:
    assert found(provider, model) is None
