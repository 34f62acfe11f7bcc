"""How the sample's requests went: their tokens, their outcome, their time.

The rules are those of real traffic: a conversation sends its history again with every turn, the prompt cache reads what
the turn before wrote, a provider reports only what it has, a failed request mostly reports no tokens at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from usagecost.sample.cast import APPS, FAILURES, MODELS
from usagecost.sample.traffic import Flags, Ints, Traffic

Floats = NDArray[np.float64]

MIN_CACHED_TOKENS = 1_024
CACHE_BLOCK = 128  # automatic caches count in such steps
CACHE_LIFETIME_S = 300
COMPACTED_AT = 0.8  # of the context window: agents summarise before it is full
PREFILL_TOKENS_PER_SECOND = 20_000
FAILURE_RATE, OUTAGE_FAILURE_RATE = 0.018, 0.86
CANCEL_RATE = 0.025  # of streamed answers


@dataclass(frozen=True)
class Outcome:
    """One element is one request: at most one of the flags is set."""

    failed: Flags
    cancelled: Flags
    gateway_hit: Flags
    failure: Ints
    """Which of FAILURES, where failed."""
    streaming: Flags


@dataclass(frozen=True)
class Tokens:
    """One element is one request. Whether the provider reports a number at all is not said here."""

    input: Ints
    cache_read: Ints
    cache_write: Ints
    cache_write_1h: Ints
    output: Ints
    reasoning: Ints


@dataclass(frozen=True)
class Times:
    """One element is one request, in ms; time to first token is NaN where nothing was streamed."""

    duration_ms: Floats
    ttft_ms: Floats


def of_apps(field: str, app: Ints) -> NDArray:
    """A property of each request's app."""
    return np.array([getattr(each, field) for each in APPS])[app]


def of_models(field: str, model: Ints) -> NDArray:
    """A property of each request's model."""
    return np.array([getattr(each, field) for each in MODELS])[model]


def outcomes(traffic: Traffic, rng: Generator) -> Outcome:
    """How each request ended."""
    count = len(traffic.turn)
    streaming = rng.random(count) < of_apps("streaming", traffic.app)
    failed = rng.random(count) < np.where(traffic.in_outage, OUTAGE_FAILURE_RATE, FAILURE_RATE)
    hit = ~failed & (rng.random(count) < of_apps("repeats", traffic.app))
    usual = rng.choice(len(FAILURES), count, p=[failure.weight for failure in FAILURES])
    outage = rng.choice(len(FAILURES), count, p=[failure.outage_weight for failure in FAILURES])
    return Outcome(
        failed=failed,
        cancelled=streaming & ~failed & ~hit & (rng.random(count) < CANCEL_RATE),
        gateway_hit=hit,
        failure=np.where(traffic.in_outage, outage, usual),
        streaming=streaming,
    )


def tokens(traffic: Traffic, outcome: Outcome, progress: Floats, rng: Generator) -> Tokens:
    """What each request used; `progress` says how far into the sample it is, from 0 to 1."""
    resent, fresh, output = _conversation(traffic, rng)
    total, read, write, write_1h = _input(traffic, outcome, resent, fresh, progress, rng)
    output = np.where(outcome.cancelled, (output * rng.random(len(output))).astype(np.int64), output)
    thought = np.nan_to_num(of_models("reasoning_share", traffic.model)) * rng.uniform(0.4, 1.6, len(output))
    reasoning = np.floor(output * thought).astype(np.int64)
    used = Tokens(total, read, write, write_1h, output, reasoning)
    return _without_failures(used, outcome, rng)


def _conversation(traffic: Traffic, rng: Generator) -> tuple[Ints, Ints, Ints]:
    """What an earlier request already sent (or every session sends), what this one adds, and what it answers."""
    count = len(traffic.turn)
    prompt = of_apps("prompt_tokens", traffic.app)
    spread = rng.normal(size=count)[traffic.firsts()[traffic.session]] * of_apps("prompt_spread", traffic.app)
    fresh = np.maximum(8, of_apps("turn_tokens", traffic.app) * rng.lognormal(0, 0.7, count)).astype(np.int64)
    thinking = 1 + 2 * np.nan_to_num(of_models("reasoning_share", traffic.model))
    answer = of_apps("answer_tokens", traffic.app) * thinking * rng.lognormal(0, 0.8, count)
    answer = np.where(of_models("operation", traffic.model) == "chat", np.maximum(1, answer), 0).astype(np.int64)
    sent = np.cumsum(fresh + answer) - (fresh + answer)
    history = np.where(of_apps("batch", traffic.app), 0, sent - sent[traffic.firsts()[traffic.session]])
    return (prompt * np.exp(spread)).astype(np.int64) + history, fresh, answer


def _input(
    traffic: Traffic, outcome: Outcome, resent: Ints, fresh: Ints, progress: Floats, rng: Generator
) -> tuple[Ints, Ints, Ints, Ints]:
    """Input in total; of it cache reads, cache writes, and writes kept for one hour."""
    first = traffic.firsts()[traffic.session]
    total = np.minimum(resent + fresh, (COMPACTED_AT * of_models("context_tokens", traffic.model)).astype(np.int64))
    resent = np.minimum(resent, total)
    draw, hour_draw, prefix_draw = rng.random((3, len(total)))

    learned = of_apps("caching", traffic.app) * (0.15 + 0.85 * progress)
    caching = (draw < learned)[first] & (total >= MIN_CACHED_TOKENS) & ~traffic.runaway & ~outcome.gateway_hit
    writes_1h = (
        (hour_draw < 0.3)[first] & (of_models("provider", traffic.model) == "anthropic") & (of_apps("turns", traffic.app) > 4)
    )
    shared = prefix_draw < of_apps("shared_prefix", traffic.app)
    alive = np.where(traffic.turn == 0, shared, writes_1h | (traffic.pause_s <= CACHE_LIFETIME_S))

    writes = of_models("reports_cache_writes", traffic.model)
    readable = np.where(writes, resent, resent // CACHE_BLOCK * CACHE_BLOCK)
    reads = caching & alive & (readable >= MIN_CACHED_TOKENS) & of_models("reports_cache_reads", traffic.model)
    read = np.where(reads, readable, 0)
    tail = np.minimum(total - read, 4 + (prefix_draw * 8).astype(np.int64))
    write = np.where(caching & writes, total - read - tail, 0)
    return total, read, write, np.where(writes_1h, write, 0)


def _without_failures(used: Tokens, outcome: Outcome, rng: Generator) -> Tokens:
    """A failed request reports nothing used, but for half of the timeouts, whose input had been read."""
    timeouts = np.array([failure.error_class == "Timeout" for failure in FAILURES])[outcome.failure]
    read_in = timeouts & (rng.random(len(timeouts)) < 0.5)
    nothing = outcome.failed & ~read_in
    unanswered = {name: np.where(outcome.failed, 0, getattr(used, name)) for name in ("output", "reasoning")}
    unread = ("input", "cache_read", "cache_write", "cache_write_1h")
    return replace(used, **unanswered, **{name: np.where(nothing, 0, getattr(used, name)) for name in unread})


def times(traffic: Traffic, outcome: Outcome, used: Tokens, rng: Generator) -> Times:
    """How long each request took: the model reads, thinks, then writes at its own speed."""
    count = len(traffic.turn)
    speed = np.maximum(1.0, of_models("tokens_per_second", traffic.model)) * rng.lognormal(0, 0.18, count)
    waiting = of_models("first_token_ms", traffic.model) * rng.lognormal(0, 0.35, count)
    reading = 1_000 * (used.input - used.cache_read) / PREFILL_TOKENS_PER_SECOND
    first_ms = waiting + reading + 1_000 * used.reasoning / speed
    writing_ms = 1 + 1_000 * (used.output - used.reasoning) / speed

    hit_first_ms, hit_rest_ms = rng.lognormal(1.8, 0.4, count), 0.2 + rng.lognormal(1.2, 0.4, count)
    first_ms = np.where(outcome.gateway_hit, hit_first_ms, first_ms)
    writing_ms = np.where(outcome.gateway_hit, hit_rest_ms, writing_ms)
    failing = np.array([failure.duration_ms for failure in FAILURES])[outcome.failure]
    timeout = failing >= 30_000  # a timeout is exact: the client gives up
    failing_ms = failing * np.where(timeout, rng.uniform(1, 1.002, count), rng.lognormal(0, 0.5, count))

    duration = np.round(np.where(outcome.failed, failing_ms, first_ms + writing_ms), 3)
    streamed = outcome.streaming & ~outcome.failed & (used.output > 0)
    return Times(duration_ms=duration, ttft_ms=np.where(streamed, np.round(first_ms, 3), np.nan))
