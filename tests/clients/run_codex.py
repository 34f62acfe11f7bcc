"""Codex: its events, and the spans of its traces. When a call fails it ends before it has sent them."""

import os

import agents

collector = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
CONFIG = f"""
model = "o4-mini"
model_provider = "pretended"
[model_providers.pretended]
name = "pretended"
base_url = "{os.environ["OPENAI_BASE_URL"]}"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
[otel]
environment = "test"
exporter = {{ otlp-http = {{ endpoint = "{collector}/v1/logs", protocol = "binary" }} }}
trace_exporter = {{ otlp-http = {{ endpoint = "{collector}/v1/traces", protocol = "binary" }} }}
metrics_exporter = "none"
"""

agents.run_agent(
    ["plain", "thinking", "cached"],
    ["codex", "exec", "--skip-git-repo-check"],
    {".codex/config.toml": CONFIG},
    {"OTEL_EXPORTER_OTLP_COMPRESSION": ""},
)
