"""Anthropic's own library, which writes spans by itself, beside OpenLLMetry, which writes its own of the same calls.

This is what happens unless one of both is switched off. The spans are in one trace, as a trace of the caller's is around them.
"""

import calls
from opentelemetry import trace
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor

provider = calls.start_tracing()
AnthropicInstrumentor().instrument()
with trace.get_tracer("shop").start_as_current_span("answer"):
    calls.call_anthropic()
provider.shutdown()
