"""The log formats: one file each, which recognises the format and reads it into canonical requests.

To add a format, write a class with the members of `Source` in a file of its own and list it here.
"""

from __future__ import annotations

from usagecost.sources.bedrock import Bedrock
from usagecost.sources.bifrost import Bifrost
from usagecost.sources.bodies import Bodies
from usagecost.sources.claude_code import ClaudeCode
from usagecost.sources.cloudflare import Cloudflare
from usagecost.sources.codex import Codex
from usagecost.sources.cursor import Cursor
from usagecost.sources.files import FileProblem, Head
from usagecost.sources.helicone import Helicone
from usagecost.sources.langfuse import Langfuse
from usagecost.sources.litellm import LiteLLM
from usagecost.sources.openrouter import OpenRouter
from usagecost.sources.otel import OpenTelemetry
from usagecost.sources.portkey import Portkey
from usagecost.sources.protocol import Batch, Reading, Reject, Source
from usagecost.sources.table import Table

__all__ = ["SOURCES", "Batch", "FileProblem", "Head", "Reading", "Reject", "Source"]

SOURCES: tuple[Source, ...] = (
    Bedrock(),
    Bifrost(),
    Bodies(),
    ClaudeCode(),
    Cloudflare(),
    Codex(),
    Cursor(),
    Helicone(),
    Langfuse(),
    LiteLLM(),
    OpenRouter(),
    OpenTelemetry(),
    Portkey(),
    Table(),
)
