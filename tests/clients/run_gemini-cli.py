"""Gemini CLI: its events, and the spans of its traces."""

import json
import os

import agents

collector = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
SETTINGS = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "telemetry": {
        "enabled": True,
        "target": "local",
        "otlpEndpoint": collector,
        "otlpProtocol": "http",
        "logPrompts": False,
        "traces": True,
    },
}

agents.run_agent(
    ["plain", "thinking", "cached"],  # it tries ten times after a failure
    ["gemini", "--skip-trust", "--model", "gemini-2.5-pro", "-p"],
    {".gemini/settings.json": json.dumps(SETTINGS)},
    {"GEMINI_API_KEY": "none", "GOOGLE_GEMINI_BASE_URL": os.environ["GEMINI_BASE_URL"]},
)
