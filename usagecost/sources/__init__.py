"""The log formats: one file each, which recognises the format and reads it into canonical requests.

To add a format whose records are flat, write a mapping into gateways/ (README.md is its language); for any other, a class with
the members of `Source` in a file of its own. List it here.
"""

from __future__ import annotations

from usagecost.sources.bodies import Bodies
from usagecost.sources.claude_code import ClaudeCode
from usagecost.sources.codex import Codex
from usagecost.sources.files import FileProblem, Head
from usagecost.sources.langfuse import Langfuse
from usagecost.sources.litellm import LiteLLM
from usagecost.sources.mapped import Table, gateway
from usagecost.sources.otel import OpenTelemetry
from usagecost.sources.protocol import Batch, Reading, Reject, Source

SOURCES: tuple[Source, ...] = (
    gateway("bedrock"),
    gateway("bifrost"),
    Bodies(),
    ClaudeCode(),
    gateway("cloudflare"),
    Codex(),
    gateway("cursor"),
    gateway("helicone"),
    Langfuse(),
    LiteLLM(),
    gateway("openrouter"),
    OpenTelemetry(),
    gateway("portkey"),
    Table(),
)
