"""The SQL equals the library: over every model, on both sides of every edge, for any usage."""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from genai_prices.data_units import unit_data
from genai_prices.decompose import is_descendant_or_self
from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint, TieredPrices, TimeOfDateConstraint
from genai_prices.units import UnitRegistry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.priced import NOON, prices, table_of
from usagecost.pricing import with_parts
from usagecost.pricing.contexts import STANDARD, SYNONYMS
from usagecost.pricing.names import resolve
from usagecost.pricing.units import TOKENS, WHOLES
from usagecost.schema import REQUESTS

Request = dict[str, Any]

UNITS = UnitRegistry(unit_data).units
EXPRESSIBLE_PIECES = {
    *("web_searches", "storage_searches", "rerank_searches", "social_searches", "code_executions", "input_characters"),
    *("input_text_messages", "audio_seconds", "input_document_pages"),
}
"""Units of which none contains another, so that any number of each may be drawn."""
COUNTS = [name for name in REQUESTS.names if name.endswith("_tokens")]
MODELS = [(provider.id, model) for provider in get_snapshot().providers for model in provider.models]
TIERS = [None, "default", "priority", "flex", "fast", "standard"]
ROUNDING = Decimal("0.501e-9")
"""Half of the last place, and the float noise of a few rates over millions of tokens."""


def context_of(request: Request) -> dict[str, str]:
    """The way of asking in the library's words."""
    context = {"processing": "batch"} if request.get("is_batch") else {}
    for name in ("service_tier", "speed"):
        if (word := request.get(name)) and word not in STANDARD[name]:
            context[name] = SYNONYMS.get(name, {}).get(word, word)
    return context


def is_told(request: Request) -> bool:
    """Whether the list itself says on that day what the way of asking costs: elsewhere factors do, or nobody."""
    match = resolve(request["provider"], request["model"])
    own = match is not None and any(match.model is model for model in match.provider.models)
    variants = match.model.price_variants or () if match and own else ()
    return all(
        any(one.when.get(name) == word and (not one.constraint or one.constraint.active(request["started_at"])) for one in variants)
        for name, word in context_of(request).items()
    )


def library_price(request: Request) -> Decimal | None:
    """What the library says; None where it refuses, and where it charges nothing for anything that was used, free models apart."""
    if request["model"].lower().endswith(":free"):
        return Decimal(0)
    pieces = dict(request.get("units") or [])
    counted = {name: request[name] for name in COUNTS if request.get(name) is not None}
    usage = Usage(**counted, **pieces)
    context = context_of(request)
    try:
        result = calc_price(
            usage,
            request["model"],
            provider_id=request["provider"],
            genai_request_timestamp=request["started_at"],
            price_context=context or None,
        )
    except (ValueError, LookupError):
        return None
    priced = {key for key, value in result.model_price.__dict__.items() if value is not None}
    used = {UNITS[name].price_key for name, count in {**counted, **pieces}.items() if count}
    is_billed = bool(used & priced) or not used or "requests_kcount" in priced
    return result.total_price if priced and is_billed else None


def differences(requests: list[Request]) -> list[tuple[Request, Decimal | None, Decimal | None]]:
    """Requests whose price is not the library's, with both."""
    requests = [request for request in requests if is_told(request)]
    compared = [(request, found[0], library_price(request)) for request, found in zip(requests, prices(*requests), strict=True)]
    return [
        case
        for case in compared
        if (case[1] is None) != (case[2] is None) or (case[1] is not None and abs(case[1] - case[2]) > ROUNDING)
    ]


# ---- every model, both sides of every edge


def price_sets(model: ModelInfo) -> list[ModelPrice]:
    standard = [model.prices] if isinstance(model.prices, ModelPrice) else [entry.prices for entry in model.prices]
    return [*standard, *(variant.prices for variant in model.price_variants or ())]


def instants(model: ModelInfo) -> list[datetime]:
    """Just before and just at every change of the model's price, by date and by time of day."""
    entries = [] if isinstance(model.prices, ModelPrice) else model.prices
    conditions = [entry.constraint for entry in (*entries, *(model.price_variants or ()))]
    days = {condition.start_date for condition in conditions if isinstance(condition, StartDateConstraint)} or {NOON.date()}
    daily = [condition for condition in conditions if isinstance(condition, TimeOfDateConstraint)]
    times = {time(0), *(at.replace(tzinfo=None) for condition in daily for at in (condition.start_time, condition.end_time))}
    changes = [datetime.combine(day, at, UTC) for day in sorted(days) for at in sorted(times)]
    return [change + timedelta(microseconds=shift) for change in changes for shift in (-1, 0)]


def inputs(model: ModelInfo) -> list[int]:
    """The total input at every threshold and one token above it."""
    tiered = [value for price in price_sets(model) for value in price.__dict__.values() if isinstance(value, TieredPrices)]
    return [start + more for start in sorted({tier.start for value in tiered for tier in value.tiers}) for more in (0, 1)] or [
        5_000_000
    ]


def contexts(model: ModelInfo) -> list[Request]:
    """No context, and every one that the model has a price for and a request can say."""
    said = [variant.when for variant in model.price_variants or ()]
    tiers = [when["service_tier"] for when in said if "service_tier" in when]
    speeds = [{"speed": when["speed"]} for when in said if "speed" in when]
    return [{}, {"is_batch": True}, *({"service_tier": tier} for tier in dict.fromkeys(tiers)), *speeds]


def edge_cases(provider: str, model: ModelInfo, dice: random.Random) -> list[Request]:
    """At least three requests for every edge of a model's prices, with everything cached, reasoned and spoken at random."""
    edges = list(product(instants(model), inputs(model), contexts(model)))
    repeats = -(-3 // len(edges))
    return [
        {"provider": provider, "model": model.id, "started_at": at, **consistent_usage(total, dice), **context}
        for at, total, context in edges * repeats
    ]


def consistent_usage(total: int, dice: random.Random) -> Request:
    """Counts for a total input: parts within their wholes, some of them not reported."""
    read = dice.choice([None, 0, dice.randint(0, total)])
    write = dice.choice([None, 0, dice.randint(0, total - (read or 0))])
    output = dice.choice([None, 0, dice.randrange(100_000)])
    audio = dice.choice([None, None, dice.randint(0, total - (read or 0) - (write or 0))])
    image = dice.choice([None, None, dice.randint(0, total - (read or 0) - (write or 0) - (audio or 0))])
    cached_audio = dice.choice([None, dice.randint(0, min(read or 0, audio or 0))])
    return {
        "input_tokens": total,
        "cache_read_tokens": read,
        "cache_write_tokens": write,
        "cache_write_1h_tokens": dice.choice([None, dice.randint(0, write or 0)]),
        "input_audio_tokens": audio,
        "input_image_tokens": image,
        "cache_audio_read_tokens": cached_audio,
        "cache_image_read_tokens": dice.choice([None, dice.randint(0, min((read or 0) - (cached_audio or 0), image or 0))]),
        "output_tokens": output,
        "output_reasoning_tokens": dice.choice([None, dice.randint(0, output or 0)]),
        "output_audio_tokens": dice.choice([None, None, dice.randint(0, output or 0)]),
        "output_image_tokens": dice.choice([None, None, dice.randint(0, output or 0)]),
        "units": dice.choice(
            [None, None, [("web_searches", dice.randint(1, 9))], [("storage_searches", 2), ("input_characters", 7)]]
        ),
    }


def test_every_model_costs_what_the_library_says_on_both_sides_of_every_edge() -> None:
    dice = random.Random(1)
    requests = [request for provider, model in MODELS for request in edge_cases(provider, model, dice)]

    assert len({(request["provider"], request["model"]) for request in requests}) == len(MODELS) >= 2_330
    assert differences(requests) == []


# ---- any usage


COUNT = st.none() | st.integers(0, 20) | st.sampled_from([199_999, 200_000, 200_001, 1_000_000])


@st.composite
def any_request(draw: st.DrawFn) -> Request:
    """A request of any model with any counts: consistent ones, and ones that contradict each other."""
    provider, model = draw(st.sampled_from(MODELS))
    return {
        "provider": provider,
        "model": model.id,
        "started_at": draw(st.sampled_from(instants(model)) | st.datetimes(datetime(2023, 1, 1), datetime(2027, 1, 1)).map(utc)),  # noqa: DTZ001
        "is_batch": draw(st.sampled_from([None, False, True])),
        "service_tier": draw(st.sampled_from(TIERS)),
        "input_tokens": draw(st.integers(0, 40) | st.sampled_from(inputs(model)) | st.integers(0, 3_000_000)),
        "speed": draw(st.sampled_from([None, "fast", "standard"])),
        **{name: draw(COUNT) for name in COUNTS if name != "input_tokens"},
        "units": draw(st.none() | SOME_PIECES),
    }


SOME_PIECES = st.dictionaries(st.sampled_from(sorted(EXPRESSIBLE_PIECES)), st.integers(1, 500), min_size=1).map(
    lambda pieces: list(pieces.items())
)


def utc(naive: datetime) -> datetime:
    return naive.replace(tzinfo=UTC)


@given(st.lists(any_request(), min_size=20, max_size=60))
@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example])
def test_any_usage_costs_what_the_library_says(requests: list[Request]) -> None:
    assert differences(requests) == []


@pytest.mark.slow
@given(st.lists(any_request(), min_size=20, max_size=60))
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example])
def test_any_usage_costs_what_the_library_says_in_many_cases(requests: list[Request]) -> None:
    assert differences(requests) == []


# ---- what the SQL takes for granted


def test_a_part_is_a_part_in_the_library_too() -> None:
    assert set(TOKENS) == set(COUNTS)
    for part, wholes in WHOLES.items():
        assert set(wholes) == {name for name in COUNTS if name != part and is_descendant_or_self(UNITS[name], UNITS[part])}


# ---- real answers


EXPRESSIBLE = {
    *COUNTS,
    "input_text_tokens",
    "output_text_tokens",
    "cache_write_5m_tokens",
    "input_tool_tokens",
    "input_text_tool_tokens",
}
"""Our counts, and those that no price tells from the whole they are a part of."""

WHEN = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""At about this time the costs were computed: DeepSeek's are those of the day."""

REPRICED = {
    ("google", "claude-sonnet-4-5-20250929"),
    ("mistral", "ministral-8b-latest"),
    ("google", "google/gemini-2.0-flash-exp:free"),
}
"""Prices that the library has changed, as if they had always been so, since the answers were recorded; and a model that is free by
its name, of which the record has the price of the paid one."""


@pytest.mark.skipif("USAGECOST_REAL_DATA" not in os.environ, reason="USAGECOST_REAL_DATA names no folder of real data")
def test_recorded_answers_cost_what_was_recorded_with_them() -> None:
    recorded = json.loads((Path(os.environ["USAGECOST_REAL_DATA"]) / "genai-prices" / "usages.json").read_text())
    cases = [
        ({**extracted["usage"], "provider": found["provider_id"], "model": answer["model"]}, recorded_cost(found))
        for answer in recorded
        for extracted in answer["extracted"]
        for found in extracted["extractors"]
        if "input_price" in found and set(extracted["usage"]) <= EXPRESSIBLE and "input_tokens" in extracted["usage"]
    ]
    priced = [(usage, cost) for usage, cost in cases if cost and (usage["provider"], usage["model"]) not in REPRICED]
    asked = [{name: usage[name] for name in usage.keys() & set(REQUESTS.names)} | {"started_at": WHEN} for usage, _ in priced]

    assert len(priced) > 3_000
    assert [cost for cost, *_ in prices(*asked)] == [cost.quantize(Decimal("1e-9"), ROUND_HALF_UP) for _, cost in priced]


@pytest.mark.skipif("USAGECOST_REAL_DATA" not in os.environ, reason="USAGECOST_REAL_DATA names no folder of real data")
def test_parts_of_recorded_answers_are_the_recorded_parts() -> None:
    recorded = json.loads((Path(os.environ["USAGECOST_REAL_DATA"]) / "genai-prices" / "usages.json").read_text())
    cases = [
        ({**extracted["usage"], "provider": found["provider_id"], "model": answer["model"]}, found)
        for answer in recorded
        for extracted in answer["extracted"]
        for found in extracted["extractors"]
        if {"input_price", "output_price"} <= set(found)
        and set(extracted["usage"]) <= EXPRESSIBLE
        and "input_tokens" in extracted["usage"]
        and recorded_cost(found)
        and (found["provider_id"], answer["model"]) not in REPRICED
    ]
    asked = [{name: usage[name] for name in usage.keys() & set(REQUESTS.names)} | {"started_at": WHEN} for usage, _ in cases]
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.register("asked", table_of(*asked))
    sums = con.sql(f"""
        SELECT request_id::int, coalesce(sum(cost_usd) FILTER (NOT starts_with(kind, 'output')), 0),
            coalesce(sum(cost_usd) FILTER (starts_with(kind, 'output')), 0)
        FROM ({with_parts(con, "asked")}) GROUP BY ALL""").fetchall()

    differing = []
    for place, *ours in sums:
        recorded_sides = [Decimal(cases[place][1][f"{side}_price"]) for side in SIDES]
        if any(abs(own - side) > Decimal("1e-9") for own, side in zip(ours, recorded_sides, strict=True)):
            differing.append((place, ours))
    assert len(sums) > 3_000
    assert differing == []


SIDES = ("input", "output")


def recorded_cost(found: dict[str, str]) -> Decimal:
    """The whole cost. It is 0 where the library has the model but no price: for us that is unpriced."""
    return (
        Decimal(found["total_price"]) if "total_price" in found else Decimal(found["input_price"]) + Decimal(found["output_price"])
    )
