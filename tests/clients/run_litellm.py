"""LiteLLM as a library, with its callback "otel"."""

import os
from contextlib import suppress

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import calls
import litellm
from opentelemetry import trace

litellm.callbacks = ["otel"]
litellm.num_retries = 0
TOOLS = [{"type": "function", "function": {**calls.TOOL, "parameters": calls.PARAMETERS}}]
GPT, O4, CLAUDE = "openai/gpt-4o-mini", "openai/o4-mini", "anthropic/claude-sonnet-4-5"


def complete(model: str, word: str, **more: object) -> None:
    """Call a model, and read its answer to the end."""
    with suppress(litellm.exceptions.APIError, litellm.exceptions.RateLimitError, litellm.exceptions.InternalServerError):
        answer = litellm.completion(model=model, messages=calls.say(word), max_retries=0, **more)
        if more.get("stream"):
            calls.drain(answer)


def wait_for_callbacks() -> None:
    """Wait for the threads in which the callbacks run."""
    from litellm.litellm_core_utils.thread_pool_executor import executor

    executor.shutdown(wait=True)
    trace.get_tracer_provider().force_flush()


streamed = {"stream": True, "stream_options": {"include_usage": True}}
for word in ("plain", "cached", "partly"):
    complete(GPT, word)
complete(O4, "thinking")
complete(GPT, "tool", tools=TOOLS)
complete(GPT, "cached", **streamed)
complete(O4, "thinking", **streamed)
for word in ("plain", "written", "hourly", "partly", "extended"):
    complete(CLAUDE, word)
complete(CLAUDE, "tool", tools=TOOLS)
complete(CLAUDE, "extended", **streamed)
for model in (GPT, CLAUDE):
    for word in ("limited", "broken"):
        complete(model, word)
wait_for_callbacks()
