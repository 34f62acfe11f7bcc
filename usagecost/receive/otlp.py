"""What is sent, as what is kept: lines of OTLP/JSON that the source otel reads, of the attributes that it reads.

Prompts and answers are attributes like any other. Only those that are read are kept, so contents never reach the disk.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from usagecost.sources.otel_names import EXCEPTION_TYPE, RESOURCE, SPAN

MOST_TEXT = 4_000
"""Characters of a value that are kept."""

LINE_BYTES = 1 << 20
"""After so much a new line begins; what reads them has a limit to a line."""

_OF_SPAN, _OF_RESOURCE = frozenset(SPAN), frozenset(RESOURCE)
_OF_EVENT = frozenset({EXCEPTION_TYPE})
_TEXTS = ("traceId", "spanId", "parentSpanId", "name", "startTimeUnixNano", "endTimeUnixNano")
_SCALARS = {"stringValue": str, "intValue": (str, int), "doubleValue": (str, int, float), "boolValue": bool}

Part = tuple[dict[str, Any], dict[str, Any], Iterable[dict[str, Any]]]
"""A resource, a scope in it, and the scope's spans, as OTLP/JSON has them."""


class Malformed(Exception):  # noqa: N818 - a sentence for who sent it
    """What was sent is no export of traces, and why."""


def lines_of_protobuf(body: bytes) -> bytes:
    """The lines to keep of an ExportTraceServiceRequest; none if it has no spans. Raises Malformed."""
    try:
        exported = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        raise Malformed("The body is no protobuf message ExportTraceServiceRequest, or was cut off.") from None
    return _lines(part for spans in exported.resource_spans for part in _message_parts(spans))


def lines_of_json(body: bytes) -> bytes:
    """The same of OTLP/JSON."""
    try:
        exported = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Malformed("The body is no JSON, or was cut off.") from None
    try:
        return _lines(_json_parts(exported))
    except (AttributeError, TypeError):
        raise Malformed("The body is JSON, but not that of an ExportTraceServiceRequest: it has other kinds of values.") from None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _lines(parts: Iterable[Part]) -> bytes:
    lines = []
    for resource, scope, spans in parts:
        start = f'{{"resourceSpans":[{{"resource":{_json(resource)},"scopeSpans":[{{"scope":{_json(scope)},"spans":['
        lines += [f"{start}{texts}]}}]}}]}}\n" for texts in _joined(map(_json, spans))]
    return "".join(lines).encode(errors="replace")  # a lone surrogate, which JSON can write, has no UTF-8


def _joined(texts: Iterable[str]) -> Iterator[str]:
    """Texts with commas between them, in portions of about the size of a line."""
    gathered, size = [], 0
    for text in texts:
        gathered.append(text)
        size += len(text)
        if size >= LINE_BYTES:
            yield ",".join(gathered)
            gathered, size = [], 0
    if gathered:
        yield ",".join(gathered)


_json: Callable[[dict[str, Any]], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


# ---- protobuf


def _message_parts(spans: ResourceSpans) -> Iterator[Part]:
    resource = {"attributes": _message_pairs(spans.resource.attributes, _OF_RESOURCE)}
    for part in spans.scope_spans:
        yield resource, {"name": part.scope.name, "version": part.scope.version}, map(_of_message, part.spans)


def _of_message(span: Span) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "parentSpanId": span.parent_span_id.hex(),
        "name": span.name[:MOST_TEXT],
        "startTimeUnixNano": str(span.start_time_unix_nano),
        "endTimeUnixNano": str(span.end_time_unix_nano),
        "status": {"code": span.status.code},
        "attributes": _message_pairs(span.attributes, _OF_SPAN),
    }
    if span.events:
        kept["events"] = [
            {"name": event.name, "attributes": _message_pairs(event.attributes, _OF_EVENT)}
            for event in span.events
            if event.name == "exception"
        ]
    return kept


def _message_pairs(pairs: Iterable[KeyValue], names: frozenset[str]) -> list[dict[str, Any]]:
    return [{"key": pair.key, "value": _message_value(pair.value)} for pair in pairs if pair.key in names]


def _message_value(value: AnyValue) -> dict[str, Any]:
    """The value as OTLP/JSON writes it; empty if it is neither a scalar nor a list of scalars."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return {"stringValue": value.string_value[:MOST_TEXT]}
    if kind == "int_value":
        return {"intValue": str(value.int_value)}
    if kind == "double_value":
        return {"doubleValue": _text(value.double_value)}
    if kind == "bool_value":
        return {"boolValue": value.bool_value}
    if kind == "array_value":
        return _list(item for item in map(_message_value, value.array_value.values) if "arrayValue" not in item)
    return {}


# ---- JSON


def _json_parts(exported: dict[str, Any]) -> Iterator[Part]:
    for spans in exported.get("resourceSpans") or ():
        resource = {"attributes": _json_pairs((spans.get("resource") or {}).get("attributes"), _OF_RESOURCE)}
        for part in spans.get("scopeSpans") or ():
            scope = part.get("scope") or {}
            named = {name: _text(scope.get(name)) for name in ("name", "version")}
            yield resource, named, map(_of_json, part.get("spans") or ())


def _of_json(span: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: _text(span.get(name)) for name in _TEXTS},
        "status": {"code": _text((span.get("status") or {}).get("code"))},
        "attributes": _json_pairs(span.get("attributes"), _OF_SPAN),
        "events": [
            {"name": "exception", "attributes": _json_pairs(event.get("attributes"), _OF_EVENT)}
            for event in span.get("events") or ()
            if event.get("name") == "exception"
        ],
    }


def _json_pairs(pairs: list[dict[str, Any]] | None, names: frozenset[str]) -> list[dict[str, Any]]:
    return [{"key": pair["key"], "value": _json_value(pair.get("value") or {})} for pair in pairs or () if pair.get("key") in names]


def _json_value(value: dict[str, Any]) -> dict[str, Any]:
    for kind, types in _SCALARS.items():
        if kind in value:
            return {kind: _text(value[kind])} if isinstance(value[kind], types) else {}
    items = (value.get("arrayValue") or {}).get("values")
    return _list(item for item in map(_json_value, items or ()) if "arrayValue" not in item) if items is not None else {}


def _list(items: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The first items, as many as make up the length of a text."""
    kept, size = [], 0
    for item in items:
        size += len(str(item))
        if size > MOST_TEXT:
            break
        kept.append(item)
    return {"arrayValue": {"values": kept}}


def _text(value: Any) -> Any:
    """A text, cut if it is long, or a number that JSON can write; None for anything else, of which no part is wanted."""
    if isinstance(value, str):
        return value[:MOST_TEXT]
    return value if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)) else None
