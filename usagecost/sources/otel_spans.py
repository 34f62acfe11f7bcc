"""The spans of an export of traces, as records: of its attributes only those that are read, under plain names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from usagecost.sources.otel_names import EXCEPTION_TYPE, RESOURCE, SPAN
from usagecost.sources.sql import json_object, literal

_VALUE = dict.fromkeys(("stringValue", "intValue", "doubleValue", "boolValue"), "VARCHAR")
ATTRIBUTES = [{"key": "VARCHAR", "value": {**_VALUE, "arrayValue": {"values": [_VALUE]}}}]
RESOURCE_SHAPE, SCOPE_SHAPE = {"attributes": ATTRIBUTES}, {"name": "VARCHAR", "version": "VARCHAR"}
IDS = ("traceId", "spanId", "parentSpanId", "name", "startTimeUnixNano", "endTimeUnixNano")

_EXPORT = {
    "resourceSpans": [
        {
            "resource": RESOURCE_SHAPE,
            "scopeSpans": [
                {
                    "scope": SCOPE_SHAPE,
                    "spans": [
                        {
                            **dict.fromkeys(IDS, "VARCHAR"),
                            "attributes": ATTRIBUTES,
                            "status": {"code": "VARCHAR"},
                            "events": [{"name": "VARCHAR", "attributes": ATTRIBUTES}],
                        }
                    ],
                }
            ],
        }
    ]
}
"""The shape of a line."""

SHAPE: dict[str, Any] = {
    **dict.fromkeys((*IDS, "status", "exception", "logKind"), "VARCHAR"),
    "scope": SCOPE_SHAPE,
    "resource": dict.fromkeys(RESOURCE, "VARCHAR"),
    "attributes": dict.fromkeys(SPAN, "VARCHAR"),
}
"""The shape of a record: a span with its resource and scope, and of their attributes those that are read. Of a log record, logKind
says what it is: see otel_logs.py.
"""


def _scalar(value: str) -> str:
    """SQL for an attribute's value as text, if it says anything. NaN is how JavaScript writes that a count is not known."""
    return f"coalesce(nullif({value}.stringValue, ''), {value}.intValue, nullif({value}.doubleValue, 'NaN'), {value}.boolValue)"


_PAIR = f"""to_json(item.key) || ':' || coalesce(
    to_json({_scalar("item.value")}),
    to_json(list_transform(item.value.arrayValue.values, lambda element: {_scalar("element")}))
)"""


def attributes_object(attributes: str, names: Sequence[str]) -> str:
    """SQL for a JSON object of the attributes that are read."""
    texts = f"list_transform(list_filter({attributes}, lambda item: list_contains({list(names)}, item.key)), lambda item: {_PAIR})"
    return f"'{{' || coalesce(array_to_string({texts}, ','), '') || '}}'"


_EXCEPTIONS = f"""list_filter(
    flatten(list_transform(list_filter(record.events, lambda event: event.name = 'exception'), lambda event: event.attributes)),
    lambda item: item.key = '{EXCEPTION_TYPE}'
)"""

_SPAN_TEXT = json_object(
    {
        **{name: f"to_json(record.{name})" for name in IDS},
        "status": "to_json(record.status.code)",
        "exception": f"to_json(list_extract({_EXCEPTIONS}, 1).value.stringValue)",
        "scope": "to_json(part.scope)",
        "resource": attributes_object("export.resource.attributes", RESOURCE),
        "attributes": attributes_object("record.attributes", SPAN),
    }
)


def unnested(groups: str, parts: str, records: str, shape: Mapping[str, Any], lines: str = "whole_lines") -> str:
    """SQL for one row a record of lines that hold them under three names, level by level: lambdas in lambdas over the lists take
    several times as long. Each has its `export`, its `part` of it and the `record`, and their places in that order.
    """
    return f"""
        SELECT *, unnest(part.{records}) AS record, generate_subscripts(part.{records}, 1) AS record_number
        FROM (
            SELECT *, unnest(export.{parts}) AS part, generate_subscripts(export.{parts}, 1) AS part_number
            FROM (
                SELECT *, unnest(exports) AS export, generate_subscripts(exports, 1) AS export_number
                FROM (SELECT *, from_json(text, {literal(json.dumps(shape))}).{groups} AS exports FROM {lines})
            )
        )"""


SPANS = f"""
SELECT * EXCLUDE (row, exports, export, part, record) REPLACE ({_SPAN_TEXT} AS text), row AS line_row
FROM ({unnested("resourceSpans", "scopeSpans", "spans", _EXPORT)})
WHERE record IS NOT NULL
UNION ALL BY NAME
SELECT * EXCLUDE (row), row AS line_row, 0 AS export_number, 0 AS part_number, 0 AS record_number
FROM whole_lines
WHERE NOT contains(text, '"resourceSpans"') AND json_exists(text, '$.traceId')
"""
"""SQL for the spans of lines. A line that is a record already was written by a receiver of an earlier version."""
