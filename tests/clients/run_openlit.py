"""OpenLIT, for OpenAI and Anthropic."""

import os

import calls
import openlit

openlit.init(
    application_name="openlit",
    otlp_endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
    disable_metrics=True,
    disable_events=True,
    disable_batch=True,
)
calls.call_openai()
calls.call_responses()
calls.call_anthropic(calls.quiet_anthropic())
