"""Lines of Codex sessions."""

from __future__ import annotations

from tests.source_rows import Row


def line(kind: str, payload: Row, at: str = "2026-05-13T09:00:00.000Z") -> Row:
    return {"timestamp": at, "type": kind, "payload": payload}


def session(made_at: str = "2026-05-13T09:00:00.000Z", **payload: object) -> Row:
    return line("session_meta", {"id": "s-1", "timestamp": made_at, **payload}, made_at)


def turn(model: str = "gpt-5.2-codex", **payload: object) -> Row:
    return line("turn_context", {"model": model, **payload})


def task(began: int) -> Row:
    return line("event_msg", {"type": "task_started", "turn_id": "t", "started_at": began})


def counts(input_tokens: object, cached: object = 0, output: object = 0, reasoning: object = 0, **more: object) -> Row:
    said = {"input_tokens": input_tokens, "cached_input_tokens": cached, "output_tokens": output}
    return {**said, "reasoning_output_tokens": reasoning, **more}


def tokens(last: Row | None = None, total: Row | None = None, at: str = "2026-05-13T09:01:00.000Z", **info: object) -> Row:
    """An event that counts; what is given as None is left out of it."""
    usage = {"last_token_usage": last, "total_token_usage": total}
    given = {name: value for name, value in usage.items() if value is not None}
    return line("event_msg", {"type": "token_count", "info": {**given, **info}}, at)


def record(response: str | None, usage: Row, at: str = "2026-05-13T09:00:59.990Z", thread: str = "s-1") -> Row:
    """A usage record of a response."""
    return line("token_usage_record", {"thread_id": thread, "turn_id": "t", "response_id": response, "usage": usage}, at)
