"""What each client is made to do: ``python calls.py CLIENT API_URL``, in the environment of requirements.txt.

Its exporter is told by OTEL_EXPORTER_OTLP_TRACES_ENDPOINT. Words in a prompt choose what a call uses: see server.py.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress

PLAIN = ("plain", "cached", "reasoning", "tool", "fails429", "fails500")
STREAMED = ("plain streamed", "cached reasoning streamed")
WRITES = ("plain", "cached", "write", "cached write", "fails429")

OPENAI_TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
ANTHROPIC_TOOL = {"name": "weather", "input_schema": {"type": "object", "properties": {}}}


def _provider() -> object:
    """A tracer provider that exports each span when it ends."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "recorded"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider


def _openai_calls(url: str, client: object | None = None) -> None:
    if client is None:
        import openai

        client = openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0)
    for prompt in PLAIN:
        tools = {"tools": [OPENAI_TOOL]} if prompt == "tool" else {}
        with suppress(Exception):
            client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": prompt}], **tools)
    for prompt in STREAMED:
        options = {"stream": True, "stream_options": {"include_usage": True}}
        list(client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": prompt}], **options))


def _anthropic_calls(url: str) -> None:
    import anthropic

    client = anthropic.Anthropic(base_url=url, api_key="x", max_retries=0)
    for prompt in (*WRITES, "tool"):
        tools = {"tools": [ANTHROPIC_TOOL]} if prompt == "tool" else {}
        with suppress(Exception):
            client.messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=[{"role": "user", "content": prompt}], **tools)
    for prompt in ("plain streamed", "cached write streamed"):
        messages = [{"role": "user", "content": prompt}]
        list(client.messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=messages, stream=True))


def openai_v2(url: str) -> None:
    from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=_provider())
    _openai_calls(url)


def traceloop(url: str) -> None:
    from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    provider = _provider()
    AnthropicInstrumentor().instrument(tracer_provider=provider)
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    _openai_calls(url)
    _anthropic_calls(url)


def openinference(url: str) -> None:
    from openinference.instrumentation.anthropic import AnthropicInstrumentor
    from openinference.instrumentation.openai import OpenAIInstrumentor

    provider = _provider()
    AnthropicInstrumentor().instrument(tracer_provider=provider)
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    _openai_calls(url)
    _anthropic_calls(url)


def openlit(url: str) -> None:
    import openlit as library

    endpoint = os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"].removesuffix("/v1/traces")
    library.init(application_name="recorded", otlp_endpoint=endpoint, disable_metrics=True, disable_events=True, disable_batch=True)
    _openai_calls(url)
    _anthropic_calls(url)


def two_at_once(url: str) -> None:
    """Both OpenInference and the official instrumentation, as happens where a framework brings one of its own."""
    from openinference.instrumentation.openai import OpenAIInstrumentor as OpenInference
    from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

    provider = _provider()
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    OpenInference().instrument(tracer_provider=provider)
    _openai_calls(url)


def langfuse(url: str) -> None:
    os.environ |= {"LANGFUSE_PUBLIC_KEY": "pk", "LANGFUSE_SECRET_KEY": "sk", "LANGFUSE_TRACING_ENVIRONMENT": "production"}
    from langfuse import get_client, propagate_attributes
    from langfuse.openai import OpenAI

    client = get_client()
    with client.start_as_current_observation(name="qa"), propagate_attributes(user_id="ada", session_id="s-1", tags=["blue"]):
        _openai_calls(url, OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0))
    client.flush()


def pydantic_ai(url: str) -> None:
    import anthropic
    import openai
    from pydantic_ai import Agent
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.anthropic import AnthropicProvider
    from pydantic_ai.providers.openai import OpenAIProvider

    _provider()
    Agent.instrument_all()

    def agents() -> list[tuple[Agent, tuple[str, ...]]]:
        gpt = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0)
        claude = anthropic.AsyncAnthropic(base_url=url, api_key="x", max_retries=0)
        return [
            (
                Agent(OpenAIChatModel("gpt-4o", provider=OpenAIProvider(openai_client=gpt))),
                ("plain", "cached", "reasoning", "fails500"),
            ),
            (Agent(AnthropicModel("claude-sonnet-4-5", provider=AnthropicProvider(anthropic_client=claude))), WRITES),
        ]

    async def work() -> None:
        for agent, prompts in agents():
            for prompt in prompts:
                with suppress(Exception):
                    await agent.run(prompt)
            async with agent.run_stream("cached streamed") as answer:
                await answer.get_output()

    asyncio.run(work())


def litellm(url: str) -> None:
    endpoint = os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
    os.environ |= {"OTEL_EXPORTER": "otlp_http", "OTEL_ENDPOINT": endpoint, "OTEL_SERVICE_NAME": "recorded"}
    import litellm as library

    library.callbacks = ["otel"]
    library.suppress_debug_info = True
    for prompt in ("plain", "cached", "reasoning", "fails429", "fails500"):
        with suppress(Exception):
            library.completion(
                "openai/gpt-4o", [{"role": "user", "content": prompt}], api_base=f"{url}/v1", api_key="x", max_retries=0
            )
    for prompt in WRITES:
        with suppress(Exception):
            messages = [{"role": "user", "content": prompt}]
            library.completion("anthropic/claude-sonnet-4-5", messages, api_base=url, api_key="x", max_retries=0)
    options = {"stream": True, "stream_options": {"include_usage": True}, "max_retries": 0}
    messages = [{"role": "user", "content": "cached streamed"}]
    list(library.completion("openai/gpt-4o", messages, api_base=f"{url}/v1", api_key="x", **options))

    from time import sleep

    sleep(3)  # its callbacks run in a thread of their own
    from opentelemetry import trace

    trace.get_tracer_provider().force_flush()


CLIENTS: dict[str, Callable[[str], None]] = {
    work.__name__: work for work in (openai_v2, traceloop, openinference, openlit, two_at_once, langfuse, pydantic_ai, litellm)
}

if __name__ == "__main__":
    CLIENTS[sys.argv[1]](sys.argv[2])
