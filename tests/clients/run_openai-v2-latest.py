"""The same with the newest conventions, which an environment variable switches on."""

import os

os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "gen_ai_latest_experimental"

import calls
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

provider = calls.start_tracing()
OpenAIInstrumentor().instrument()
calls.call_openai()
provider.shutdown()
