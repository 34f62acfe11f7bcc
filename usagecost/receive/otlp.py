"""What is sent, as what is kept: a line for each span, of the attributes that the source otel reads, as it reads them.

Prompts and answers are attributes like any other. Only those that are read are kept, so contents never reach the disk.
Lines are put together by hand, as a span comes every fraction of a millisecond: an encoder for whole objects takes twice as long.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring as quoted
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from usagecost.sources.otel_names import COST_DETAILS, EXCEPTION_TYPE, PICKED, RESOURCE, SPAN, USAGE_DETAILS, pick
from usagecost.sources.otel_usage import DETAILS

MOST_TEXT = 4_000
"""Characters of a value that are kept; of a list, of all its items."""

MOST_NAME, MOST_NUMBERS = 60, 50
"""Characters of a name in an object of numbers, and how many numbers of it are kept."""

_OF_NUMBERS = {USAGE_DETAILS, COST_DETAILS}
_OBJECTS = {*PICKED, *_OF_NUMBERS}

_OF_SPAN, _OF_RESOURCE = ({name: f"{quoted(name)}:" for name in names} for names in (SPAN, RESOURCE))
_TEXTS = {
    name: f"{quoted(name)}:" for name in ("traceId", "spanId", "parentSpanId", "name", "startTimeUnixNano", "endTimeUnixNano")
}
_SCALARS = {"stringValue": str, "intValue": (str, int), "doubleValue": (str, int, float), "boolValue": bool}


class Malformed(Exception):  # noqa: N818 - a sentence for who sent it
    """What was sent is no export of traces, and why."""


def lines_of_protobuf(body: bytes) -> bytes:
    """The lines to keep of an ExportTraceServiceRequest; none if it has no spans. Raises Malformed."""
    try:
        exported = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        raise Malformed("The body is no protobuf message ExportTraceServiceRequest, or was cut off.") from None
    return _encoded(_message_lines(exported))


def lines_of_json(body: bytes) -> bytes:
    """The same of OTLP/JSON."""
    try:
        exported = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Malformed("The body is no JSON, or was cut off.") from None
    try:
        return _encoded(_json_lines(exported))
    except (AttributeError, TypeError):
        raise Malformed("The body is JSON, but not that of an ExportTraceServiceRequest: it has other kinds of values.") from None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _encoded(lines: Iterable[str]) -> bytes:
    return "".join(lines).encode(errors="replace")  # a lone surrogate, which JSON can write, has no UTF-8


def _end(resource: str, name: str | None, version: str | None) -> str:
    """What the lines of all spans of a scope end with."""
    return f'"resource":{{{resource}}},"scope":{{"name":{name or "null"},"version":{version or "null"}}}}}\n'


# ---- protobuf


def _message_lines(exported: ExportTraceServiceRequest) -> Iterator[str]:
    for spans in exported.resource_spans:
        resource = _message_pairs(spans.resource.attributes, _OF_RESOURCE)
        for part in spans.scope_spans:
            end = _end(resource, _text(part.scope.name), _text(part.scope.version))
            for span in part.spans:
                yield _message_start(span) + end


def _message_start(span: Span) -> str:
    exception = _message_exception(span) if span.events else ""
    return (
        f'{{"traceId":"{span.trace_id.hex()}","spanId":"{span.span_id.hex()}","parentSpanId":"{span.parent_span_id.hex()}",'
        f'"name":{quoted(span.name[:MOST_TEXT])},'
        f'"startTimeUnixNano":{span.start_time_unix_nano},"endTimeUnixNano":{span.end_time_unix_nano},'
        f'"status":{span.status.code},"attributes":{{{_message_pairs(span.attributes, _OF_SPAN)}}},{exception}'
    )


def _message_exception(span: Span) -> str:
    for event in span.events:
        if event.name == "exception":
            for pair in event.attributes:
                if pair.key == EXCEPTION_TYPE and pair.value.HasField("string_value"):
                    return f'"exception":{quoted(pair.value.string_value[:MOST_TEXT])},'
    return ""


def _message_pairs(pairs: Iterable[KeyValue], names: dict[str, str]) -> str:
    return ",".join(
        [
            names[key] + text
            for pair in pairs
            if (key := pair.key) in names
            and (text := _object(key, pair.value.string_value) if key in _OBJECTS else _message_value(pair.value)) is not None
        ]
    )


def _message_value(value: AnyValue) -> str | None:
    """The value as JSON; None if it is neither a scalar nor a list of scalars, or an empty text."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return quoted(value.string_value[:MOST_TEXT]) if value.string_value else None
    if kind == "int_value":
        return str(value.int_value)
    if kind in ("double_value", "bool_value"):
        return _text(getattr(value, kind))
    if kind == "array_value":
        items = (item for item in value.array_value.values if item.WhichOneof("value") != "array_value")
        return _list(map(_message_value, items))
    return None


# ---- JSON


def _json_lines(exported: dict[str, Any]) -> Iterator[str]:
    for spans in exported.get("resourceSpans") or ():
        resource = _json_pairs((spans.get("resource") or {}).get("attributes"), _OF_RESOURCE)
        for part in spans.get("scopeSpans") or ():
            scope = part.get("scope") or {}
            end = _end(resource, _text(scope.get("name")), _text(scope.get("version")))
            for span in part.get("spans") or ():
                yield _json_start(span) + end


def _json_start(span: dict[str, Any]) -> str:
    texts = [start + text for name, start in _TEXTS.items() if (text := _text(span.get(name))) is not None]
    if (status := _text((span.get("status") or {}).get("code"))) is not None:
        texts.append(f'"status":{status}')
    texts.append(f'"attributes":{{{_json_pairs(span.get("attributes"), _OF_SPAN)}}}')
    texts += [f'"exception":{exception}' for exception in _json_exceptions(span)]
    return "{" + ",".join(texts) + ","


def _json_exceptions(span: dict[str, Any]) -> list[str]:
    """What the exception of a span is called; a list of none or one."""
    found = [
        quoted(text[:MOST_TEXT])
        for event in span.get("events") or ()
        if event.get("name") == "exception"
        for pair in event.get("attributes") or ()
        if pair.get("key") == EXCEPTION_TYPE and isinstance(text := (pair.get("value") or {}).get("stringValue"), str)
    ]
    return found[:1]


def _json_pairs(pairs: list[dict[str, Any]] | None, names: dict[str, str]) -> str:
    return ",".join(
        [
            names[key] + text
            for pair in pairs or ()
            for value in (pair.get("value") or {},)
            if (key := pair.get("key")) in names
            and (text := _object(key, value.get("stringValue")) if key in _OBJECTS else _json_value(value)) is not None
        ]
    )


def _json_value(value: dict[str, Any]) -> str | None:
    for kind, types in _SCALARS.items():
        if kind in value:
            is_known = isinstance(value[kind], types) and not (kind == "doubleValue" and value[kind] == "NaN") and value[kind] != ""
            return _text(value[kind]) if is_known else None
    items = (value.get("arrayValue") or {}).get("values")
    return None if items is None else _list(_json_value(item) for item in items if "arrayValue" not in item)


# ---- values


def _object(name: str, text: object) -> str | None:
    """What is read of an attribute that is a JSON object, as such an object in a text; None where that is nothing."""
    if not isinstance(text, str):
        return None
    return _numbers(text) if name in _OF_NUMBERS else quoted(json.dumps(kept)) if (kept := pick(name, text)) else None


def _numbers(text: str) -> str | None:
    """Of an object of numbers those whose names are short; other text as it is, cut, so that a reader says what is wrong."""
    try:
        numbers = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return quoted(text[:MOST_TEXT])
    if not isinstance(numbers, dict):
        return quoted(text[:MOST_TEXT])
    counts = [(numbers, ""), *((numbers.get(name), f"{prefix}.") for name, prefix in DETAILS.items())]
    kept = {
        prefix + name: value
        for items, prefix in counts
        if isinstance(items, dict)
        for name, value in items.items()
        if len(name) <= MOST_NAME and isinstance(value, (int, float))
    }
    return quoted(json.dumps(dict(list(kept.items())[:MOST_NUMBERS])))


def _list(items: Iterable[str | None]) -> str:
    """The first items as a list of texts, as many as make up the length of a text."""
    kept, size = [], 0
    for item in items:
        if item is None:
            continue
        size += len(item)
        if size > MOST_TEXT:
            break
        kept.append(item if item.startswith('"') else f'"{item}"')
    return f"[{','.join(kept)}]"


def _text(value: Any) -> str | None:
    """A text, cut if it is long, or a number that JSON can write; None for anything else, of which no part is wanted."""
    if isinstance(value, str):
        return quoted(value[:MOST_TEXT])
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return repr(value) if isinstance(value, float) and math.isfinite(value) else None
