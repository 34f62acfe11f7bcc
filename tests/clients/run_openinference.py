"""OpenInference of Arize, for OpenAI and Anthropic."""

import calls
from openinference.instrumentation.anthropic import AnthropicInstrumentor
from openinference.instrumentation.openai import OpenAIInstrumentor

provider = calls.start_tracing()
OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
calls.call_openai()
calls.call_responses()
calls.call_anthropic(calls.quiet_anthropic())
provider.shutdown()
