"""Claude Code: its events, and the spans of its tracing."""

import agents

agents.run_agent(
    ["plain", "extended", "limited"],
    ["claude", "--model", "claude-sonnet-4-5", "-p"],
    {},
    {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "0",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_TRACES_EXPORTER": "otlp",
    },
)
