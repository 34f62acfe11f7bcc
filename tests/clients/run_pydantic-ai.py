"""Pydantic AI with its own instrumentation: agents, each of which calls a model once or, with a tool, twice."""

from contextlib import suppress

import calls
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

provider = calls.start_tracing()
Agent.instrument_all()
openai = OpenAIProvider(openai_client=AsyncOpenAI(max_retries=0))
claude = AnthropicModel("claude-sonnet-4-5", provider=AnthropicProvider(anthropic_client=calls.quiet_async_anthropic()))
gpt, o4 = OpenAIChatModel("gpt-4o-mini", provider=openai), OpenAIChatModel("o4-mini", provider=openai)
responses = OpenAIResponsesModel("o4-mini", provider=openai)


def ask(model: object, word: str, is_streamed: bool = False) -> None:
    """Ask an agent of this model."""
    agent = Agent(model, name="greeter", retries=0)
    with suppress(ModelHTTPError):
        if is_streamed:
            agent.run_stream_sync(f"{word}, please").get_output()
        else:
            agent.run_sync(f"{word}, please")


for model, words in ((gpt, ("plain", "cached", "partly")), (o4, ("thinking",)), (responses, ("thinking", "partly"))):
    for word in words:
        ask(model, word)
ask(gpt, "cached", is_streamed=True)
ask(o4, "thinking", is_streamed=True)
for word in ("plain", "written", "hourly", "partly", "extended"):
    ask(claude, word)
for word in ("hourly", "extended"):
    ask(claude, word, is_streamed=True)
for model in (gpt, claude):
    for word in ("limited", "broken"):
        ask(model, word)
provider.shutdown()
