"""OpenLLMetry of Traceloop, for OpenAI and Anthropic."""

import calls
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

provider = calls.start_tracing()
OpenAIInstrumentor().instrument()
AnthropicInstrumentor().instrument()
calls.call_openai()
calls.call_responses()
calls.call_anthropic(calls.quiet_anthropic())
provider.shutdown()
