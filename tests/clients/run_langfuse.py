"""Langfuse: its replacement of OpenAI's library, and a generation that the caller writes down for Anthropic."""

import calls
from langfuse import get_client
from langfuse.openai import OpenAI

client = OpenAI(max_retries=0)
calls.call_openai(client)
calls.call_responses(client)
messages = calls.quiet_anthropic().messages
for word in ("plain", "hourly", "extended"):
    with get_client().start_as_current_observation(as_type="generation", name="answer", model="claude-sonnet-4-5") as generation:
        answer = messages.create(model="claude-sonnet-4-5", max_tokens=500, messages=calls.say(word))
        used = answer.usage
        details = {
            "input": used.input_tokens,
            "output": used.output_tokens,
            "cache_read_input_tokens": used.cache_read_input_tokens or 0,
            "cache_creation_input_tokens": used.cache_creation_input_tokens or 0,
        }
        generation.update(model=answer.model, output="Good day.", usage_details=details)
get_client().flush()
