"""The answers of the pretended providers: what each scenario uses, and how OpenAI and Anthropic write that down.

A scenario is the first word of the caller's last message. Its counts are of our own, all different, so that a count in a wrong
place shows.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

Values = dict[str, Any]


@dataclass(frozen=True)
class Usage:
    """Tokens of one call. Input includes cache reads and writes, writes include those for one hour, output includes reasoning."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0


SCENARIOS = {
    "plain": Usage(41, 17),
    "tool": Usage(88, 19),
    "cached": Usage(2100, 23, cache_read=1920),
    "partly": Usage(6024, 31, cache_read=1024),
    "thinking": Usage(55, 640, reasoning=576),
    "written": Usage(1512, 21, cache_write=1500),
    "hourly": Usage(2014, 22, cache_write=2000, cache_write_1h=1500),
    "extended": Usage(5300, 26, cache_read=1800, cache_write=300),
}
"""First word of a prompt -> what the call uses. In "partly" and "extended" the cache is the smaller part of the input."""

FAILURES = {"limited": 429, "broken": 500}
"""First word of a prompt -> the HTTP status of its answer."""

MODELS = {
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "o4-mini": "o4-mini-2025-04-16",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
}
"""The model asked for -> the model that answers."""

RUN = secrets.token_hex(12)
"""What the ids of all answers have in them, as providers give each id once: two spans with one id are of one answer."""

TEXT = "Good day."
TOOL, ARGUMENTS = "get_weather", {"city": "Oslo"}


def find_scenario(body: Values) -> str:
    """Return the first word of the caller's last text, in any of the forms of a request; "plain" if it names no scenario."""
    messages = body.get("messages") or body.get("input") or body.get("contents") or ""
    if isinstance(messages, list):
        last = [message for message in messages if message.get("role") == "user"][-1]
        messages = last.get("content") or last["parts"]
    if isinstance(messages, list):
        messages = [part["text"] for part in messages if part.get("text")][-1]
    word = str(messages).split()[0].strip(".,:!").lower()
    return word if word in SCENARIOS or word in FAILURES else "plain"


def write_ledger_line(api: str, body: Values) -> Values:
    """Return what a call used; all counts are null if it fails."""
    scenario, requested = find_scenario(body), body["model"]
    status = FAILURES.get(scenario, 200)
    usage: Values = asdict(SCENARIOS[scenario]) if status == 200 else dict.fromkeys(Usage.__dataclass_fields__)
    model = MODELS.get(requested, requested) if status == 200 else requested
    return {"api": api, "scenario": scenario, "model": model, "status": status, "streamed": bool(body.get("stream")), **usage}


def write_failure(api: str, status: int) -> Values:
    """Return the body of a failed call."""
    kind, message = ("rate_limit_error", "Slow down.") if status == 429 else ("api_error", "Something broke.")
    if api == "messages":
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


# ---- OpenAI, chat completions


def _completion_usage(used: Usage) -> Values:
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": used.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def write_completion(number: int, model: str, scenario: str) -> Values:
    """Return a chat completion."""
    message: Values = {"role": "assistant", "content": TEXT, "refusal": None}
    if scenario == "tool":
        function = {"name": TOOL, "arguments": json.dumps(ARGUMENTS)}
        message |= {"content": None, "tool_calls": [{"id": f"call_{number}", "type": "function", "function": function}]}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls" if scenario == "tool" else "stop"}
    head = {"id": f"chatcmpl-{RUN}{number}", "object": "chat.completion", "created": 1_790_000_000, "model": model}
    return {**head, "choices": [choice], "usage": _completion_usage(SCENARIOS[scenario]), "service_tier": "default"}


def stream_completion(number: int, model: str, scenario: str, with_usage: bool) -> Iterator[str]:
    """Yield the events of a streamed chat completion; usage comes last, and only if the caller asked for it."""
    whole = write_completion(number, model, scenario)
    choice = whole["choices"][0]
    head = {**whole, "object": "chat.completion.chunk", "usage": None}
    delta = {key: value for key, value in choice["message"].items() if value is not None}
    delta["tool_calls"] = [{"index": 0, **call} for call in delta.get("tool_calls", ())]
    for part, reason in ((delta, None), ({}, choice["finish_reason"])):
        yield _event({**head, "choices": [{"index": 0, "delta": part, "logprobs": None, "finish_reason": reason}]})
    if with_usage:
        yield _event({**head, "choices": [], "usage": whole["usage"]})
    yield "data: [DONE]\n\n"


# ---- OpenAI, responses


def write_response(number: int, model: str, scenario: str) -> Values:
    """Return a response."""
    used = SCENARIOS[scenario]
    text = {"type": "output_text", "text": TEXT, "annotations": [], "logprobs": []}
    item: Values = {"id": f"msg_{RUN}{number}", "type": "message", "status": "completed", "role": "assistant", "content": [text]}
    if scenario == "tool":
        item = {
            "id": f"fc_{number}",
            "type": "function_call",
            "status": "completed",
            "call_id": f"call_{number}",
            "name": TOOL,
        }
        item["arguments"] = json.dumps(ARGUMENTS)
    head = {"id": f"resp_{RUN}{number}", "object": "response", "created_at": 1_790_000_000, "status": "completed", "model": model}
    settings = {"parallel_tool_calls": True, "temperature": 1.0, "top_p": 1.0, "tool_choice": "auto", "tools": [], "metadata": {}}
    return {
        **head,
        **settings,
        **dict.fromkeys(("error", "incomplete_details", "instructions", "max_output_tokens", "previous_response_id")),
        "output": [item],
        "service_tier": "default",
        "truncation": "disabled",
        "text": {"format": {"type": "text"}},
        "reasoning": {"effort": None, "summary": None},
        "usage": {
            "input_tokens": used.input,
            "input_tokens_details": {"cached_tokens": used.cache_read},
            "output_tokens": used.output,
            "output_tokens_details": {"reasoning_tokens": used.reasoning},
            "total_tokens": used.input + used.output,
        },
    }


def stream_response(number: int, model: str, scenario: str) -> Iterator[str]:
    """Yield the events of a streamed response."""
    whole = write_response(number, model, scenario)
    item = whole["output"][0]
    started = {**whole, "status": "in_progress", "output": [], "usage": None}
    events: list[tuple[str, Values]] = [("created", {"response": started}), ("in_progress", {"response": started})]
    events.append(("output_item.added", {"output_index": 0, "item": {**item, "status": "in_progress"}}))
    place = {"item_id": item["id"], "output_index": 0}
    if scenario == "tool":
        events.append(("function_call_arguments.delta", {**place, "delta": item["arguments"]}))
        events.append(("function_call_arguments.done", {**place, "arguments": item["arguments"], "name": TOOL}))
    else:
        events.append(("output_text.delta", {**place, "content_index": 0, "delta": TEXT, "logprobs": []}))
        events.append(("output_text.done", {**place, "content_index": 0, "text": TEXT, "logprobs": []}))
    events += [("output_item.done", {"output_index": 0, "item": item}), ("completed", {"response": whole})]
    for order, (name, event) in enumerate(events):
        yield _event({"type": f"response.{name}", "sequence_number": order, **event}, f"response.{name}")


# ---- Google, generateContent


def write_content(number: int, model: str, scenario: str) -> Values:
    """Return an answer of Gemini. Its candidates leave thoughts out, which the total includes."""
    used = SCENARIOS[scenario]
    candidate = {"content": {"role": "model", "parts": [{"text": TEXT}]}, "finishReason": "STOP", "index": 0}
    usage = {
        "promptTokenCount": used.input,
        "candidatesTokenCount": used.output - used.reasoning,
        "totalTokenCount": used.input + used.output,
        "cachedContentTokenCount": used.cache_read,
        "thoughtsTokenCount": used.reasoning,
    }
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": f"{RUN}{number}"}


def stream_content(number: int, model: str, scenario: str) -> Iterator[str]:
    """Yield the events of a streamed answer, which is one."""
    yield _event(write_content(number, model, scenario))


# ---- Anthropic, messages


def _message_usage(used: Usage) -> Values:
    return {
        "input_tokens": used.input - used.cache_read - used.cache_write,
        "cache_creation_input_tokens": used.cache_write,
        "cache_read_input_tokens": used.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": used.cache_write - used.cache_write_1h,
            "ephemeral_1h_input_tokens": used.cache_write_1h,
        },
        "output_tokens": used.output,
        "service_tier": "standard",
    }


def write_message(number: int, model: str, scenario: str) -> Values:
    """Return a message. Anthropic's input tokens leave out those read from and written to the cache."""
    is_tool = scenario == "tool"
    block: Values = {"type": "text", "text": TEXT}
    if is_tool:
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": TOOL, "input": ARGUMENTS}
    head = {"id": f"msg_{RUN}{number}", "type": "message", "role": "assistant", "model": model, "content": [block]}
    reason = "tool_use" if is_tool else "end_turn"
    return {**head, "stop_reason": reason, "stop_sequence": None, "usage": _message_usage(SCENARIOS[scenario])}


def stream_message(number: int, model: str, scenario: str) -> Iterator[str]:
    """Yield the events of a streamed message: input at its start, output at its end."""
    whole = write_message(number, model, scenario)
    usage, block = whole["usage"], whole["content"][0]
    started = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    if scenario == "tool":
        empty, delta = {**block, "input": {}}, {"type": "input_json_delta", "partial_json": json.dumps(ARGUMENTS)}
    else:
        empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": TEXT}
    totals = {
        name: usage[name] for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    }
    events: list[Values] = [
        {"type": "message_start", "message": started},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None}, "usage": totals},
        {"type": "message_stop"},
    ]
    for event in events:
        yield _event(event, event["type"])


def _event(value: Values, name: str | None = None) -> str:
    return (f"event: {name}\n" if name else "") + f"data: {json.dumps(value)}\n\n"
