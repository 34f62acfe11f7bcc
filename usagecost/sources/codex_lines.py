"""Which lines of a Codex session matter, and which of their fields: codex_events.py makes requests of them."""

from __future__ import annotations

from usagecost.sources.protocol import MOST_RAW
from usagecost.sources.sql import JsonColumns

RECORD = "token_usage_record"
LINE_TYPES = {"session_meta", "turn_context", "event_msg", "response_item", "compacted", RECORD}

TASK_STARTS = ("task_started", "turn_started")
_MATTERS = ("session_meta", "turn_context", "token_count", RECORD, *TASK_STARTS, "thread_settings_applied")
_WORDS = ("session_meta", "turn_context", "token_", "_started", "thread_settings_applied")
"""Words of which a line that matters has one: the fewer, the faster lines without them are passed over."""
COUNTING = ("token_count", RECORD)

COUNTS = ("input", "cached", "cache_write", "output", "reasoning")


def _counts(whole: str, path: str) -> dict[str, tuple[str, ...]]:
    """Where the counts of an event stand: last_input, last_cached, …"""
    keys = {
        "input": ("input_tokens",),
        "cached": ("cached_input_tokens", "cache_read_input_tokens"),
        "cache_write": ("cache_write_input_tokens",),
        "output": ("output_tokens",),
        "reasoning": ("reasoning_output_tokens",),
    }
    return {f"{whole}_{count}": tuple(f"{path}.{key}" for key in keys[count]) for count in COUNTS}


_COLUMNS = JsonColumns(
    {
        "line_type": ("$.type",),
        "event": ("$.payload.type",),
        "told_at": ("$.timestamp",),
        "id": ("$.payload.id",),
        "created_at": ("$.payload.timestamp",),
        "parent_id": (
            "$.payload.source.subagent.thread_spawn.parent_thread_id", "$.payload.forked_from_id", "$.payload.parent_thread_id",
        ),
        "spawn": ("$.payload.source.subagent.thread_spawn",),
        "provider": ("$.payload.model_provider",),
        "version": ("$.payload.cli_version",),
        "originator": ("$.payload.originator",),
        "git": ("$.payload.git",),
        "cwd": ("$.payload.cwd",),
        "model": (
            "$.payload.info.model", "$.payload.info.model_name", "$.payload.info.metadata.model", "$.payload.model",
            "$.payload.metadata.model",
        ),
        "effort": ("$.payload.effort",),
        "tier": ("$.payload.thread_settings.service_tier",),
        "task_began": ("$.payload.started_at",),
        **_counts("last", "$.payload.info.last_token_usage"),
        **_counts("total", "$.payload.info.total_token_usage"),
    }
)  # fmt: skip

_RECORD_COLUMNS = JsonColumns(
    {
        "response_id": ("$.payload.response_id",),
        "thread_id": ("$.payload.thread_id",),
        **_counts("recorded", "$.payload.usage"),
    }
)
"""Columns of usage records alone: each place that is looked for takes time, in every line."""

FIELDS_SQL = f"""
SELECT
    * EXCLUDE (text, line_type, event, model, record_texts),
    CASE WHEN line_type = 'event_msg' THEN event ELSE line_type END AS kind,
    CASE WHEN kind IN ('turn_context', 'token_count', '{RECORD}') THEN nullif(model, '') END AS model,
    CASE WHEN kind IN {COUNTING} THEN left(text, {MOST_RAW}) END AS raw
FROM (
    SELECT
        line, source_file, file_name, text, {_COLUMNS.items("texts")},
        CASE WHEN line_type = '{RECORD}' THEN {_RECORD_COLUMNS.texts("text")} END AS record_texts,
        {_RECORD_COLUMNS.items("record_texts")}
    FROM (
        SELECT *, {_COLUMNS.texts("text")} AS texts
        FROM session_lines
        WHERE {" OR ".join(f"contains(text, '{word}')" for word in _WORDS)}
    )
)
WHERE kind IN {_MATTERS}
"""
