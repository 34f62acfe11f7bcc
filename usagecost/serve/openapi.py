"""The API as an OpenAPI document, made of the vocabulary: a metric that is added there is in it."""

from __future__ import annotations

from typing import Any

from usagecost.periods import INTERVALS
from usagecost.queries.requests import SORTS
from usagecost.serve.answers import MOST_REQUESTS, REQUESTS
from usagecost.serve.asked import DAYS_SHOWN, DEFAULT_METRICS
from usagecost.vocabulary import BASES, DIMENSIONS, METRICS, SPLITS

Json = dict[str, Any]


def openapi() -> Json:
    """The document."""
    paths = {
        "/v1/usage": _get("Metrics by interval and by value of a split", _usage()),
        "/v1/requests": _get("Single requests, a page at a time", _requests()),
        "/v1/budgets": _get("How each budget stands", [_form()]),
        "/v1/reconciliation": _get("Each month's bills against the logs, and what explains the difference", [_basis(), _form()]),
        "/v1/vocabulary": _get("What can be asked, and what it means", []),
        "/metrics": _get("Counters for Prometheus", []),
        "/healthz": _get("That the server answers", []),
    }
    bearer = {"type": "http", "scheme": "bearer"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Usage & Cost", "version": "1", "description": "Read-only. Numbers are null where nothing is known."},
        "security": [{"token": []}],
        "paths": paths,
        "components": {"securitySchemes": {"token": bearer}, "schemas": {"Usage": _answer(_usage_row()), "Rows": _answer({})}},
    }


def _get(summary: str, parameters: list[Json]) -> Json:
    schema = "Usage" if summary.startswith("Metrics") else "Rows"
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}, "text/csv": {}}
    refusals = {
        "400": "What is wrong with the question",
        "401": "No token that is in use",
        "429": "Too often: see Retry-After",
        "503": "It cannot be answered now: see Retry-After",
    }
    responses = {"200": {"description": summary, "content": content}} | {
        status: {"description": words} for status, words in refusals.items()
    }
    return {"get": {"summary": summary, "parameters": parameters, "responses": responses}}


def _period() -> list[Json]:
    return [
        _parameter("start", "The first day", format="date"),
        _parameter("end", f"The last day, included. Without days: the last {DAYS_SHOWN}", format="date"),
        _parameter("zone", "The IANA time zone of days; the reporting zone if none is named"),
        _basis(),
        {
            **_parameter("filter", f"dimension=value or dimension!=value, of {', '.join(DIMENSIONS)}; values of one are ORed"),
            "schema": {"type": "array", "items": {"type": "string"}},
            "explode": True,
        },
    ]


def _usage() -> list[Json]:
    names = {"type": "array", "items": {"type": "string", "enum": list(METRICS)}, "default": list(DEFAULT_METRICS)}
    return [
        {**_parameter("metrics", "Names, separated by commas"), "schema": names, "explode": False},
        _parameter("by", "A row a value of this", enum=list(SPLITS)),
        _parameter("interval", "A row an interval of this", enum=list(INTERVALS)),
        *_period(),
        _form(),
    ]


def _requests() -> list[Json]:
    return [
        _parameter("sort", "What they are ordered by", enum=list(SORTS), default="time"),
        _parameter("order", "Which comes first", enum=["desc", "asc"], default="desc"),
        {
            **_parameter("limit", "How many"),
            "schema": {"type": "integer", "minimum": 1, "maximum": MOST_REQUESTS, "default": REQUESTS},
        },
        _parameter("cursor", "`next` of the page before"),
        *_period(),
        _form(),
    ]


def _basis() -> Json:
    return _parameter("basis", "Which cost counts", enum=list(BASES), default="best")


def _form() -> Json:
    return _parameter("format", "The form of the answer", enum=["json", "csv"], default="json")


def _parameter(name: str, description: str, **schema: object) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string", **schema}}


def _answer(row: Json) -> Json:
    properties = {"rows": {"type": "array", "items": {"type": "object", "properties": row}}}
    return {"type": "object", "properties": properties}


def _usage_row() -> Json:
    start = {"type": "string", "format": "date-time", "description": "The first instant of the interval"}
    metrics = {
        name: {"type": ["number", "null"], "title": metric.label, "description": metric.help} for name, metric in METRICS.items()
    }
    return {"start": start} | metrics
