"""The sample as a table: an invented organisation's requests in the canonical record's columns.

The same seed and the same end give the same rows. In them can be found: growth, working hours and weekends in three
zones, a provider's outage, one expensive day with a single cause, and a prompt cache that is used more and more.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.periods import instant_us
from usagecost.sample.cast import APPS, ENVIRONMENTS, FAILURES, MODEL_NAMES, MODELS, PEOPLE, ROUTES
from usagecost.sample.traffic import DAY, NOBODY, Calendar, Flags, Ints, Traffic, make_traffic
from usagecost.sample.usage import Floats, Outcome, Times, Tokens, of_apps, of_models, outcomes, times, tokens
from usagecost.schema import INSTANT, MONEY, REQUESTS, TEXT

Columns = dict[str, pa.Array]

SOURCE = "sample"
SEED = 7
DAYS = 120
SCATTER = 0x9E3779B97F4A7C15  # odd, so that multiplying by it modulo 2^64 gives every number another id
REQUESTS_PER_TRACE = 3
CUSTOMERS = 400
OK, CLIENT_CLOSED = 200, 499


def sample_requests(end: datetime, seed: int = SEED, days: int = DAYS, requests: int = 60_000) -> pa.Table:
    """One row is one invented request, in the order of their start; all of them are over by `end`.

    The price columns and the ingest are NULL, as a source leaves them. It takes at least 30 days and
    1,000 requests, so that the outage and the expensive day fit in.
    """
    if days < 30 or requests < 1_000:
        raise ValueError("A sample takes at least 30 days and 1,000 requests.")
    rng = np.random.default_rng(seed)
    calendar = Calendar(end.astimezone(UTC), days, noise=rng.lognormal(0, 0.08, days))
    traffic = make_traffic(calendar, requests, rng)
    outcome = outcomes(traffic, rng)
    used = tokens(traffic, outcome, (traffic.started_us - calendar.start_us) / (days * DAY), rng)
    took = times(traffic, outcome, used, rng)
    started_us = _over_by(instant_us(end), traffic, took)
    columns = (
        _identity(traffic, seed)
        | _time(started_us, traffic, took)
        | _model(traffic)
        | _outcome(outcome)
        | _actors(traffic, rng)
        | _modes(traffic, outcome)
        | _tokens(traffic, used)
        | {"reported_cost_usd": _reported_cost(traffic, outcome, used)}
        | {"rank": pa.array(np.zeros(len(started_us), dtype=np.int64))}
    )
    nothing = {field.name: pa.nulls(len(started_us), field.type) for field in REQUESTS if field.name not in columns}
    table = pa.table(columns | nothing).select(REQUESTS.names).cast(REQUESTS)
    return table.take(pa.array(np.argsort(started_us, kind="stable")))


def _over_by(end_us: int, traffic: Traffic, took: Times) -> Ints:
    """When each request started: a session that would go on after the end is moved back until it does not."""
    over_us = traffic.started_us + np.ceil(took.duration_ms * 1_000).astype(np.int64)
    late_us = np.maximum(0, np.maximum.reduceat(over_us, traffic.firsts()) - end_us)
    return traffic.started_us - late_us[traffic.session]


def _identity(traffic: Traffic, seed: int) -> Columns:
    conversation = of_apps("turns", traffic.app) > 1
    trace = traffic.firsts()[traffic.session] + traffic.turn // REQUESTS_PER_TRACE  # each trace is called after one of its rows
    rows = np.arange(len(traffic.turn))
    return {
        "source": pa.repeat(SOURCE, len(rows)),
        "request_id": _ids("req_", rows, seed),
        "trace_id": _ids("trace_", trace, seed),
        "session_id": _only(conversation & ~of_apps("batch", traffic.app), _ids("session_", traffic.session, seed)),
    }


def _ids(prefix: str, numbers: Ints, seed: int) -> pa.Array:
    """An id for each number: equal for equal numbers, different for different ones, in no visible order."""
    scattered = numbers.astype(np.uint64) * np.uint64(SCATTER) + np.uint64(seed)
    digits = np.frombuffer(scattered.astype(">u8").tobytes().hex().encode(), dtype="S16")
    return pc.binary_join_element_wise(prefix, pa.array(digits).cast(TEXT), "")


def _time(started_us: Ints, traffic: Traffic, took: Times) -> Columns:
    """A batch reports no time for its single requests."""
    single = ~of_apps("batch", traffic.app)
    return {
        "started_at": pa.array(started_us).cast(INSTANT),
        "day": pa.array(started_us // DAY).cast(pa.int32()).cast(pa.date32()),
        "duration_ms": _only(single, took.duration_ms),
        "ttft_ms": _only(single & ~np.isnan(took.ttft_ms), took.ttft_ms),
    }


def _model(traffic: Traffic) -> Columns:
    return {
        "provider": _pick([model.provider for model in MODELS], traffic.model),
        "model": _pick(MODEL_NAMES, traffic.model),
        "requested_model": _pick(MODEL_NAMES, traffic.requested_model),
        "operation": _pick([model.operation for model in MODELS], traffic.model),
        "route": _pick([ROUTES[model.provider] for model in MODELS], traffic.model),
    }


def _outcome(outcome: Outcome) -> Columns:
    failures = np.where(outcome.failed, outcome.failure, NOBODY)
    status = np.array([failure.http_status for failure in FAILURES])[outcome.failure]
    message = [json.dumps({"error_message": failure.message}) for failure in FAILURES]
    return {
        "status": _pick(("success", "error", "cancelled"), outcome.failed + 2 * outcome.cancelled),
        "error_class": _pick([failure.error_class for failure in FAILURES], failures),
        "http_status": pa.array(np.where(outcome.failed, status, np.where(outcome.cancelled, CLIENT_CLOSED, OK))),
        "attributes": _pick(message, failures),
    }


def _actors(traffic: Traffic, rng: np.random.Generator) -> Columns:
    """A person's requests carry the person and the team; a service's its own key and perhaps the team that owns it."""
    app = _pick([app.name for app in APPS], traffic.app)
    environment = _pick(ENVIRONMENTS, traffic.environment)
    team = _pick([person.team for person in PEOPLE], traffic.person)
    customers = pa.array([f"customer-{number:04}" for number in range(CUSTOMERS)])
    customer = (rng.zipf(1.6, len(traffic.session)) % CUSTOMERS)[traffic.session]
    return {
        "user_id": _pick([person.user_id for person in PEOPLE], traffic.person),
        "end_user_id": _only(of_apps("has_customers", traffic.app), customers.take(pa.array(customer))),
        "team_id": pc.coalesce(team, _pick([app.owner for app in APPS], traffic.app)),
        "virtual_key": pc.binary_join_element_wise(pc.coalesce(team, pa.scalar("svc")), app, environment, "-"),
        "app": app,
        "environment": environment,
        "tags": pa.array([app.tags for app in APPS], pa.list_(TEXT)).take(pa.array(traffic.app)),
    }


def _modes(traffic: Traffic, outcome: Outcome) -> Columns:
    return {
        "is_streaming": pa.array(outcome.streaming),
        "is_batch": pa.array(of_apps("batch", traffic.app)),
        "is_gateway_cache_hit": pa.array(outcome.gateway_hit),
    }


def _tokens(traffic: Traffic, used: Tokens) -> Columns:
    """What the provider does not report is NULL, never zero."""
    reads, writes = of_models("reports_cache_reads", traffic.model), of_models("reports_cache_writes", traffic.model)
    lifetimes = writes & (of_models("provider", traffic.model) == "anthropic")
    return {
        "input_tokens": pa.array(used.input),
        "cache_read_tokens": _only(reads, used.cache_read),
        "cache_write_tokens": _only(writes, used.cache_write),
        "cache_write_1h_tokens": _only(lifetimes, used.cache_write_1h),
        "output_tokens": _only(of_models("operation", traffic.model) == "chat", used.output),
        "output_reasoning_tokens": _only(~np.isnan(of_models("reasoning_share", traffic.model)), used.reasoning),
    }


def _reported_cost(traffic: Traffic, outcome: Outcome, used: Tokens) -> pa.Array:
    """What the broker bills, USD, for the models that it serves; nothing for what failed or never reached it."""
    fresh, read, output = of_models("broker_price", traffic.model).T
    usd = ((used.input - used.cache_read) * fresh + used.cache_read * read + used.output * output) / 1e6
    billed = np.where(outcome.failed | outcome.gateway_hit, 0, usd)
    return _only(~np.isnan(fresh), pa.array(np.nan_to_num(billed)).cast(MONEY))


def _pick(values: Sequence[str | None], index: Ints) -> pa.Array:
    """The value at each index; NULL for nobody."""
    return pa.array(values, TEXT).take(pa.array(index, mask=index == NOBODY))


def _only(is_reported: Flags, values: pa.Array | Ints | Floats) -> pa.Array:
    """The values where they are reported, else NULL."""
    array = values if isinstance(values, pa.Array) else pa.array(values)
    return pc.if_else(pa.array(is_reported), array, pa.scalar(None, array.type))
