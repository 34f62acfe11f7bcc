"""What every client in Python does: the same calls of OpenAI and Anthropic, one after the other, each with a scenario's word."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import anthropic
import openai
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

TOOL: dict[str, Any] = {"name": "get_weather", "description": "Tells the weather."}
PARAMETERS: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def start_tracing() -> TracerProvider:
    """Send spans to the collector that the environment names; shut it down at the end."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider


def call_openai(client: Any | None = None) -> None:
    """Call chat completions in all ways."""
    client = client or openai.OpenAI(max_retries=0)
    create = client.chat.completions.create
    tools = [{"type": "function", "function": {**TOOL, "parameters": PARAMETERS}}]
    for word, model in (("plain", "gpt-4o-mini"), ("cached", "gpt-4o-mini"), ("partly", "gpt-4o-mini"), ("thinking", "o4-mini")):
        create(model=model, messages=say(word))
    create(model="gpt-4o-mini", messages=say("tool"), tools=tools)
    for word, model in (("cached", "gpt-4o-mini"), ("thinking", "o4-mini")):
        drain(create(model=model, messages=say(word), stream=True, stream_options={"include_usage": True}))
    for word in ("limited", "broken"):
        with suppress(openai.APIStatusError):
            create(model="gpt-4o-mini", messages=say(word))


def call_responses(client: Any | None = None) -> None:
    """Call OpenAI's responses, plain and streamed."""
    client = client or openai.OpenAI(max_retries=0)
    client.responses.create(model="gpt-4o-mini", input="partly, please")
    client.responses.create(model="o4-mini", input="thinking, please")
    drain(client.responses.create(model="gpt-4o-mini", input="cached, please", stream=True))
    with suppress(openai.APIStatusError):
        client.responses.create(model="gpt-4o-mini", input="limited, please")


def call_anthropic(client: Any | None = None) -> None:
    """Call Anthropic's messages in all ways."""
    client = client or anthropic.Anthropic(max_retries=0)
    create, known = client.messages.create, {"model": "claude-sonnet-4-5", "max_tokens": 500}
    for word in ("plain", "written", "hourly", "partly", "extended"):
        create(messages=say(word), **known)
    create(messages=say("tool"), tools=[{**TOOL, "input_schema": PARAMETERS}], **known)
    for word in ("extended", "hourly"):
        drain(create(messages=say(word), stream=True, **known))
    with client.messages.stream(messages=say("partly"), **known) as stream:
        stream.get_final_message()
    for word in ("limited", "broken"):
        with suppress(anthropic.APIStatusError):
            create(messages=say(word), **known)


def quiet_anthropic() -> anthropic.Anthropic:
    """Return a client that writes no spans by itself."""
    os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"
    return anthropic.Anthropic(max_retries=0)


def quiet_async_anthropic() -> anthropic.AsyncAnthropic:
    """Return the same for asynchronous calls."""
    os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"
    return anthropic.AsyncAnthropic(max_retries=0)


def drain(stream: Any) -> None:
    """Read a stream to its end."""
    for _ in stream:
        pass


def say(word: str) -> list[Any]:
    """Return the messages of a call with this scenario."""
    return [{"role": "user", "content": f"{word}, please"}]
