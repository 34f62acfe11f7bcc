"""What a provider's response stands in: a line of a log, or of the results of a batch.

- a log: `{"timestamp": …, "user": …, "body": {…}}`.
- results of OpenAI's batches, which Azure, Groq and Mistral copy: `{"custom_id": …, "response": {"status_code": …, "body": {…}}}`.
  A response that failed has no time; the first one of its file that has one tells when the batch ran.
- results of Anthropic's batches: `{"custom_id": …, "result": {"type": "succeeded", "message": {…}}}`. They tell no time at all, so
  a line needs a `timestamp` beside.

A line of a batch may also say what a line of a log may: who asked, for which app, and so on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from usagecost.sources.bodies_shapes import BODY_SHAPE
from usagecost.sources.bodies_streams import TOP_COUNTS, field_names
from usagecost.sources.files import Head

_NAMES = {
    "request_id": ("request_id", "id"),
    "started_at": ("timestamp",),
    "trace_id": ("trace_id", "trace"),
    "session_id": ("session_id", "session"),
    "provider": ("provider",),
    "model": ("model",),
    "operation": ("operation",),
    "status": ("status",),
    "http_status": ("http_status", "status_code"),
    "error_class": ("error_class",),
    "duration_ms": ("duration_ms", "latency_ms", "duration", "latency"),
    "ttft_ms": ("ttft_ms",),
    "user_id": ("user_id", "user"),
    "end_user_id": ("end_user_id", "end_user"),
    "team_id": ("team_id", "team"),
    "virtual_key": ("virtual_key", "key", "api_key"),
    "app": ("app",),
    "project": ("project",),
    "environment": ("environment",),
    "tags": ("tags",),
    "is_streaming": ("is_streaming", "stream"),
    "is_batch": ("is_batch", "batch"),
}
"""What a line says beside the body, and under which names."""

_LINE_SHAPE = {name: "VARCHAR" for names in _NAMES.values() for name in names}
_LINE = {column: f"coalesce({', '.join(f'''nullif(record.{name}, '')''' for name in names)})" for column, names in _NAMES.items()}

_USAGE = {"usage", "usageMetadata", "usage_metadata", "usage_info", "billed_units"} | TOP_COUNTS


@dataclass(frozen=True)
class Envelope:
    """One kind of line: the shape of what is around the body, SQL for the body, its path, and SQL for what else a line says.

    `custom_id` is SQL for the name that whoever sent a batch gave the request.
    """

    shape: Mapping[str, Any]
    body: str
    path: str
    line: Mapping[str, str] = field(default_factory=dict)
    custom_id: str = "NULL::VARCHAR"

    def line_items(self) -> str:
        """What a line says, as items of a SELECT: `line_…`."""
        return ", ".join(f"{sql} AS line_{column}" for column, sql in {**_LINE, **self.line}.items())

    @property
    def whole_shape(self) -> Mapping[str, Any]:
        """The shape of a line."""
        return {**_LINE_SHAPE, **self.shape}


LOGGED = Envelope({"body": BODY_SHAPE}, "record.body", "$.body")

OPENAI_BATCH = Envelope(
    {
        "custom_id": "VARCHAR",
        "response": {"status_code": "VARCHAR", "body": BODY_SHAPE},
        "error": {"code": "VARCHAR", "message": "VARCHAR"},
    },
    "record.response.body",
    "$.response.body",
    {
        "status": "CASE WHEN coalesce(record.error.code, record.error.message) IS NOT NULL THEN 'error' END",
        "http_status": "record.response.status_code",
        "error_class": "nullif(record.error.code, '')",
        "is_batch": "'true'",
    },
    "record.custom_id",
)

ANTHROPIC_BATCH = Envelope(
    {
        "custom_id": "VARCHAR",
        "result": {
            "type": "VARCHAR",
            "message": BODY_SHAPE,
            "error": {"type": "VARCHAR", "error": {"type": "VARCHAR"}},
        },
    },
    "record.result.message",
    "$.result.message",
    {
        "status": "CASE record.result.type WHEN 'errored' THEN 'error' WHEN 'canceled' THEN 'cancelled' "
        "WHEN 'expired' THEN 'error' END",
        "error_class": "coalesce(record.result.error.error.type, record.result.error.type, "
        "CASE WHEN record.result.type = 'expired' THEN 'expired' END)",
        "is_batch": "'true'",
    },
    "record.custom_id",
)


def envelope_of(head: Head) -> Envelope:
    """The kind of line that a file begins with."""
    for line in head.objects:
        if "custom_id" in line and "body" not in line:
            return ANTHROPIC_BATCH if "result" in line else OPENAI_BATCH
    return LOGGED


def first_time(head: Head) -> str | None:
    """When the first response of a batch of OpenAI's was made that says so, as its body writes it."""
    bodies = (_inner(line, "response", "body") for line in head.objects)
    times = (body.get("created") or body.get("created_at") for body in bodies if isinstance(body, dict))
    return next((str(time) for time in times if time), None)


def reason_to_read(head: Head) -> str | None:
    """Why a file that begins like this seems to hold responses; None if it does not."""
    for line in head.objects:
        if usage_fields := _USAGE & set(field_names(line.get("body"))):
            return f"provider responses: lines with body.{min(usage_fields)}"
        if "timestamp" in line and "error" in field_names(line.get("body")):
            return "provider responses: lines with timestamp and body.error"
        if "custom_id" in line and any(isinstance(part, dict) for part in _results(line)):
            return "results of a batch of requests: lines with custom_id"
    return None


def _results(line: Mapping[str, Any]) -> Iterator[object]:
    """Where the results of a batch stand in a line."""
    yield _inner(line, "response", "body")
    yield _inner(line, "result", "message")
    yield _inner(line, "result", "error")


def _inner(line: Mapping[str, Any], *path: str) -> Any:
    value: Any = line
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value
