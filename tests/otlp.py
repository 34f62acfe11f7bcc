"""Spans as OTLP writes them in JSON, from plain values."""

from __future__ import annotations

from typing import Any

Values = dict[str, Any]

STARTED = 1_770_686_740_000_000_000
"""2026-02-10 01:25:40 UTC, in nanoseconds."""

TRACE = "0af7651916cd43dd8448eb211c80319c"


def span(number: int = 1, parent: int | None = None, attributes: Values | None = None, **fields: Any) -> Values:
    """A span of one second; what is given as None is left out of it."""
    whole = {
        "traceId": TRACE,
        "spanId": f"{number:016x}",
        "parentSpanId": "" if parent is None else f"{parent:016x}",
        "name": "chat gpt-4o",
        "kind": 3,
        "startTimeUnixNano": str(STARTED),
        "endTimeUnixNano": str(STARTED + 1_000_000_000),
        "attributes": pairs(attributes or {}),
        "status": {},
        **fields,
    }
    return {name: value for name, value in whole.items() if value is not None}


def call(number: int = 1, parent: int | None = None, tokens: int = 100, **attributes: Any) -> Values:
    """A span with usage; attributes as keywords, with __ for a dot."""
    named = {name.replace("__", "."): value for name, value in attributes.items()}
    usage = {"gen_ai.usage.input_tokens": tokens, "gen_ai.usage.output_tokens": 7}
    return span(number, parent, {"gen_ai.operation.name": "chat", **usage, **named})


def export(*spans: Values, resource: Values | None = None, scope: Values | None = None) -> Values:
    """One line: an export of some spans of one resource and scope."""
    of_scope = {"scope": scope or {}, "spans": list(spans)}
    return {"resourceSpans": [{"resource": {"attributes": pairs(resource or {})}, "scopeSpans": [of_scope]}]}


def pairs(values: Values) -> list[Values]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Any) -> Values:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    return {"stringValue": value}
