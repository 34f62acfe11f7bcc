"""LangChain with OpenInference's instrumentations of it and of OpenAI, beside Anthropic's library, which writes spans by itself."""

import os

os.environ["OPENINFERENCE_HIDE_OUTPUTS"] = "true"  # they are long

from contextlib import suppress

import anthropic
import calls
import openai
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI
from openinference.instrumentation.langchain import LangChainInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor

provider = calls.start_tracing()
LangChainInstrumentor().instrument()
OpenAIInstrumentor().instrument()
gpt, o4 = ChatOpenAI(model="gpt-4o-mini", max_retries=0), ChatOpenAI(model="o4-mini", max_retries=0, stream_usage=True)
claude = ChatAnthropic(model="claude-sonnet-4-5", max_retries=0)

for word in ("plain", "partly"):
    gpt.invoke(calls.say(word))
o4.invoke(calls.say("thinking"))
calls.drain(o4.stream(calls.say("thinking")))
ChatOpenAI(model="gpt-4o-mini", max_retries=0, use_responses_api=True).invoke(calls.say("cached"))
for word in ("hourly", "extended"):
    claude.invoke(calls.say(word))
calls.drain(claude.stream(calls.say("extended")))
for model in (gpt, claude):
    for word in ("limited", "broken"):
        with suppress(openai.APIStatusError, anthropic.APIStatusError):
            model.invoke(calls.say(word))
provider.shutdown()
