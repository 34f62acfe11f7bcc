"""OpenTelemetry's own instrumentation of OpenAI; it leaves out the interface of responses."""

import calls
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

provider = calls.start_tracing()
OpenAIInstrumentor().instrument()
calls.call_openai()
provider.shutdown()
