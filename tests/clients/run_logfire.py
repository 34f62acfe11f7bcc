"""Logfire of Pydantic, for OpenAI and Anthropic: of a streamed answer it writes two spans."""

from contextlib import suppress

import anthropic
import calls
import logfire
import openai

claude, gpt = calls.quiet_anthropic(), openai.OpenAI(max_retries=0)
logfire.configure(send_to_logfire=False, console=False)
logfire.instrument_openai(gpt)
logfire.instrument_anthropic(claude)
create, known = claude.messages.create, {"model": "claude-sonnet-4-5", "max_tokens": 500}

gpt.chat.completions.create(model="gpt-4o-mini", messages=calls.say("partly"))
streamed = {"stream": True, "stream_options": {"include_usage": True}}
calls.drain(gpt.chat.completions.create(model="o4-mini", messages=calls.say("thinking"), **streamed))
with suppress(openai.APIStatusError):
    gpt.chat.completions.create(model="gpt-4o-mini", messages=calls.say("limited"))
calls.call_responses(gpt)
for word in ("hourly", "extended"):
    create(messages=calls.say(word), **known)
    calls.drain(create(messages=calls.say(word), stream=True, **known))
with suppress(anthropic.APIStatusError):
    create(messages=calls.say("broken"), **known)
logfire.force_flush()
