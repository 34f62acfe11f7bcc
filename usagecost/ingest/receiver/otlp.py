"""What is sent, as what is kept: lines as the collector's file exporter writes them, of the attributes that the source otel reads.

Prompts and answers are attributes like any other, or the body of a log record. Only attributes that are read are kept, so contents
never reach the disk. Lines are put together by hand, as a span comes every fraction of a millisecond: an encoder for whole objects
takes three times as long.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from json.encoder import encode_basestring as quoted
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from usagecost.ingest.receiver.bodies import Refused
from usagecost.sources.otel_logs import LOG, LOG_IDS
from usagecost.sources.otel_names import COST_DETAILS, EXCEPTION_TYPE, RESOURCE, SPAN, USAGE_DETAILS
from usagecost.sources.otel_picked import PLACES, pick
from usagecost.sources.otel_usage import DETAILS

MOST_TEXT = 4_000
"""Characters of a value that are kept; of a list, of all its items."""

MOST_NAME, MOST_NUMBERS = 60, 50
"""Characters of a name in an object of numbers, and how many numbers of it are kept."""

RECORDS_OF_A_LINE = 100
"""An export may be larger than the lines that are read."""

_NUMBER_ATTRIBUTES = {USAGE_DETAILS, COST_DETAILS}
_OBJECTS = {*PLACES, *_NUMBER_ATTRIBUTES}

_SPAN_KEYS, _LOG_KEYS, _RESOURCE_KEYS, _EVENT_KEYS = (
    {name: f'{{"key":{quoted(name)},"value":' for name in names} for names in (SPAN, LOG, RESOURCE, (EXCEPTION_TYPE,))
)
"""Attributes that are kept, each with how its text begins."""

_IDS = ("traceId", "spanId", "parentSpanId", "name", "startTimeUnixNano", "endTimeUnixNano")
_TYPES = {"stringValue": str, "intValue": (str, int), "doubleValue": (str, int, float), "boolValue": bool}
_KINDS = {"string_value": "stringValue", "int_value": "intValue", "double_value": "doubleValue", "bool_value": "boolValue"}

Value = tuple[str, Any]
"""How OTLP/JSON calls the kind of a value, and the value; of a list, such pairs."""


def lines_of_protobuf(body: bytes, signal: str = "traces") -> bytes:
    """Return the lines to keep of an export of traces or logs; none if it has no records. Raises Refused."""
    message, *fields = _MESSAGES[signal]
    try:
        exported = message.FromString(body)
    except DecodeError:
        raise Refused(400, f"The body is no protobuf message {message.__name__}, or was cut off.") from None
    groups, parts, records = fields
    return _encoded(
        line
        for group in getattr(exported, groups)
        for part in getattr(group, parts)
        for line in _lines(
            signal,
            _message_pairs(group.resource.attributes, _RESOURCE_KEYS),
            f'"name":{_text(part.scope.name)},"version":{_text(part.scope.version)}',
            [_OF_MESSAGE[signal](record) for record in getattr(part, records)],
        )
    )


def lines_of_json(body: bytes, signal: str = "traces") -> bytes:
    """Return the same of OTLP/JSON."""
    try:
        exported = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refused(400, "The body is no JSON, or was cut off.") from None
    groups, parts, records = _FIELDS[signal]
    try:
        return _encoded(
            line
            for group in exported.get(groups) or ()
            for part in group.get(parts) or ()
            for line in _lines(
                signal,
                _json_pairs((group.get("resource") or {}).get("attributes"), _RESOURCE_KEYS),
                _json_texts(part.get("scope") or {}, ("name", "version")),
                [_OF_JSON[signal](record) for record in part.get(records) or ()],
            )
        )
    except (AttributeError, TypeError):
        name = _MESSAGES[signal][0].__name__
        raise Refused(400, f"The body is JSON, but not that of an {name}: it has other values.") from None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _encoded(lines: Iterable[str]) -> bytes:
    return "".join(lines).encode(errors="replace")  # a lone surrogate, which JSON can write, has no UTF-8


def _lines(signal: str, resource: str, scope: str, records: Sequence[str]) -> Iterator[str]:
    groups, parts, name = _FIELDS[signal]
    start = f'{{"{groups}":[{{"resource":{{"attributes":[{resource}]}},"{parts}":[{{"scope":{{{scope}}},"{name}":['
    for first in range(0, len(records), RECORDS_OF_A_LINE):
        yield f"{start}{','.join(records[first : first + RECORDS_OF_A_LINE])}]}}]}}]}}\n"


# ---- protobuf


def _message_span(span: Span) -> str:
    exceptions = [event.attributes for event in span.events if event.name == "exception"]
    return (
        f'{{"traceId":"{span.trace_id.hex()}","spanId":"{span.span_id.hex()}","parentSpanId":"{span.parent_span_id.hex()}",'
        f'"name":{_text(span.name)},"startTimeUnixNano":"{span.start_time_unix_nano}","endTimeUnixNano":"{span.end_time_unix_nano}",'
        f'"status":{{"code":{span.status.code}}},"attributes":[{_message_pairs(span.attributes, _SPAN_KEYS)}]'
        f"{_events(_message_pairs(pairs, _EVENT_KEYS) for pairs in exceptions)}}}"
    )


def _message_log(log: LogRecord) -> str:
    return (
        f'{{"traceId":"{log.trace_id.hex()}","spanId":"{log.span_id.hex()}","timeUnixNano":"{log.time_unix_nano}",'
        f'"observedTimeUnixNano":"{log.observed_time_unix_nano}","eventName":{_text(log.event_name)},'
        f'"attributes":[{_message_pairs(log.attributes, _LOG_KEYS)}]}}'
    )


def _message_pairs(pairs: Iterable[KeyValue], names: dict[str, str]) -> str:
    return _pairs([(pair.key, *_message_value(pair.value)) for pair in pairs if pair.key in names], names)


def _message_value(value: AnyValue) -> Value:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return "arrayValue", map(_message_value, value.array_value.values)
    return (_KINDS[kind], getattr(value, kind)) if kind in _KINDS else ("", None)


# ---- JSON


def _json_span(span: dict[str, Any]) -> str:
    exceptions = [event.get("attributes") for event in span.get("events") or () if event.get("name") == "exception"]
    ids, status = _json_texts(span, _IDS), _json_texts(span.get("status") or {}, ("code",))
    attributes, events = _json_pairs(span.get("attributes"), _SPAN_KEYS), [_json_pairs(pairs, _EVENT_KEYS) for pairs in exceptions]
    return f'{{{ids}{"," if ids else ""}"status":{{{status}}},"attributes":[{attributes}]{_events(events)}}}'


def _json_log(log: dict[str, Any]) -> str:
    ids = _json_texts(log, LOG_IDS)
    return f'{{{ids}{"," if ids else ""}"attributes":[{_json_pairs(log.get("attributes"), _LOG_KEYS)}]}}'


def _json_texts(values: dict[str, Any], names: Iterable[str]) -> str:
    return ",".join([f'"{name}":{text}' for name in names if (text := _text(values.get(name))) is not None])


def _json_pairs(pairs: list[dict[str, Any]] | None, names: dict[str, str]) -> str:
    return _pairs([(pair.get("key"), *_json_value(pair.get("value") or {})) for pair in pairs or ()], names)


def _json_value(value: dict[str, Any]) -> Value:
    for kind, types in _TYPES.items():
        if kind in value:
            return kind, value[kind] if isinstance(value[kind], types) else None
    return "arrayValue", map(_json_value, (value.get("arrayValue") or {}).get("values") or ())


# ---- signals

_FIELDS = {"traces": ("resourceSpans", "scopeSpans", "spans"), "logs": ("resourceLogs", "scopeLogs", "logRecords")}
_MESSAGES: dict[str, tuple[type[ExportTraceServiceRequest | ExportLogsServiceRequest], str, str, str]] = {
    "traces": (ExportTraceServiceRequest, "resource_spans", "scope_spans", "spans"),
    "logs": (ExportLogsServiceRequest, "resource_logs", "scope_logs", "log_records"),
}
_OF_MESSAGE: dict[str, Callable[[Any], str]] = {"traces": _message_span, "logs": _message_log}
_OF_JSON: dict[str, Callable[[dict[str, Any]], str]] = {"traces": _json_span, "logs": _json_log}


# ---- values


def _pairs(pairs: Iterable[tuple[Any, str, Any]], names: dict[str, str]) -> str:
    """Return the attributes with these names, as OTLP/JSON has them; of each the kind and the value are given."""
    return ",".join([names[key] + text + "}" for key, kind, value in pairs if key in names and (text := _value(key, kind, value))])


def _value(name: str, kind: str, value: Any) -> str | None:
    """Return a value that is a scalar or a list of scalars; None for any other."""
    if name in _OBJECTS:
        return _object(name, value) if kind == "stringValue" and value else None
    if kind == "arrayValue":
        return _list(_value("", kind, item) for kind, item in value if kind != "arrayValue")
    text = _text(value)
    return text and (f'{{"intValue":"{text}"}}' if kind == "intValue" and text[0] != '"' else f'{{"{kind}":{text}}}')


def _events(exceptions: Iterable[str]) -> str:
    """Return the events of a span, of which only what its first exception is called is read."""
    kind = next(filter(None, exceptions), "")
    return f',"events":[{{"name":"exception","attributes":[{kind}]}}]' if kind else ""


def _object(name: str, text: str) -> str | None:
    """Return what is read of an attribute that is a JSON object, as such an object in a text; None where that is nothing."""
    content = _numbers(text) if name in _NUMBER_ATTRIBUTES else json.dumps(picked) if (picked := pick(name, text)) else ""
    return f'{{"stringValue":{quoted(content)}}}' if content else None


def _numbers(text: str) -> str:
    """Return those of an object of numbers whose names are short; other text as it is, cut, so that a reader says what is wrong."""
    try:
        numbers = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text[:MOST_TEXT]
    if not isinstance(numbers, dict):
        return text[:MOST_TEXT]
    counts = [(numbers, ""), *((numbers.get(name), f"{prefix}.") for name, prefix in DETAILS.items())]
    counts_by_name = {
        prefix + name: value
        for items, prefix in counts
        if isinstance(items, dict)
        for name, value in items.items()
        if len(name) <= MOST_NAME and isinstance(value, (int, float))
    }
    return json.dumps(dict(list(counts_by_name.items())[:MOST_NUMBERS]))


def _list(items: Iterable[str | None]) -> str:
    """Return the first items, as many as make up the length of a text."""
    values, size = [], 0
    for item in items:
        size += len(item or "")
        if size > MOST_TEXT:
            break
        if item:
            values.append(item)
    return f'{{"arrayValue":{{"values":[{",".join(values)}]}}}}'


def _text(value: Any) -> str | None:
    """Return a text, cut if it is long, or a number that JSON can write; None for anything else, of which no part is wanted."""
    if isinstance(value, str):
        return quoted(value[:MOST_TEXT])
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return repr(value) if isinstance(value, float) and math.isfinite(value) else None
