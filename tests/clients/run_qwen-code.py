"""Qwen Code: its events."""

import json
import os

import agents

collector = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
SETTINGS = {
    "security": {"auth": {"selectedType": "openai"}},
    "telemetry": {"enabled": True, "target": "local", "otlpEndpoint": collector, "otlpProtocol": "http", "logPrompts": False},
}

agents.run_agent(
    ["plain", "thinking", "cached"],  # it tries several times after a failure
    ["qwen", "--model", "o4-mini", "-p"],
    {".qwen/settings.json": json.dumps(SETTINGS)},
    {},
)
