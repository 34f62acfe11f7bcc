"""Bodies that are not one object with usage: streams, as lists of chunks or events or as their text, and JSON as text.

In SQL, for the requests: `packed` is what stands in the line, `objects` what is in it, `merged` the objects as one, in which later
ones complete earlier ones. In Python, for the first lines, by which a format is recognised.
"""

from __future__ import annotations

import json

_INNER_NAMES = ("response", "message", "metadata", "x_groq", "meta")
"""Where events of OpenAI, Anthropic and Bedrock have the response, Groq's chunks and Cohere's answers the usage, one level down."""

TOP_COUNTS = frozenset(("prompt_eval_count", "eval_count", "prompt_token_count", "generation_token_count", "inputTextTokenCount"))
"""Counts that stand in a body itself, where Ollama and some models at Bedrock have no usage around them."""

OBJECTS = """list_filter(
    CASE
        WHEN json_type(packed) = 'OBJECT' THEN [packed]
        WHEN json_type(packed) = 'ARRAY' THEN from_json(packed, '["JSON"]')
        WHEN json_type(packed) <> 'VARCHAR' THEN []
        WHEN NOT json_valid(packed->>'$') THEN list_transform(
            list_filter(
                string_split(packed->>'$', chr(10)), lambda event: starts_with(event, 'data:') AND json_valid(substr(event, 6))
            ),
            lambda event: substr(event, 6)::JSON
        )
        WHEN json_type(packed->>'$') = 'ARRAY' THEN from_json(packed->>'$', '["JSON"]')
        ELSE [(packed->>'$')::JSON]
    END,
    lambda part: json_type(part) = 'OBJECT'
)"""
"""SQL for the objects in a body that is not one object with usage: chunks, events, or JSON as text."""

MERGED_BODY = """list_reduce(
    [
        coalesce(merged->'$.response', '{}'),
        coalesce(merged->'$.message', '{}'),
        CASE WHEN (merged->'$.metadata.usage') IS NOT NULL THEN merged->'$.metadata' ELSE '{}' END,
        coalesce(
            json_merge_patch('{}', json_object('usage', coalesce(merged->'$.x_groq.usage', merged->'$.choices[0].usage'))), '{}'
        ),
        merged
    ],
    lambda earlier, later: json_merge_patch(earlier, later), '{}'::JSON
)"""
"""SQL for a body with what events of OpenAI, Anthropic and Bedrock, and the last chunks of Groq and Moonshot, have further down."""


def _objects(body: object) -> list[dict[str, object]]:
    """The objects in a body: itself, its chunks, or what is in its text."""
    if isinstance(body, str):
        events = [line.removeprefix("data:") for line in body.split("\n") if line.startswith("data:")]
        return [item for text in events or [body] for item in _objects(_json(text))]
    return [part for part in (body if isinstance(body, list) else [body]) if isinstance(part, dict)]


def field_names(body: object) -> set[str]:
    """The names of what the objects in a body say, at the top or one level down."""
    inner = [
        value
        for part in _objects(body)
        for value in (part, *map(part.get, _INNER_NAMES), *_first_of(part.get("choices")))
        if isinstance(value, dict)
    ]
    return {name for part in inner for name, value in part.items() if isinstance(value, dict) or name in TOP_COUNTS}


def _first_of(parts: object) -> list[object]:
    return parts[:1] if isinstance(parts, list) else []


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
