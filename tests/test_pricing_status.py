"""How sure a price is: its status and the reason for it, worked out by hand; and that the parts of a cost are the cost."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.priced import priced, prices, table_of
from tests.source_rows import database
from tests.test_pricing_library import any_request
from usagecost.pricing import parse_book, with_prices
from usagecost.schema import COST_PARTS, PRICE_COLUMNS

JUNE = datetime(2026, 6, 1, 12, tzinfo=UTC)
GPT = {"provider": "openai", "model": "gpt-4o", "input_tokens": 1_000, "output_tokens": 100}
SONNET = {**GPT, "provider": "openrouter"}
GPT_COST = Decimal("0.0035")  # 1,000 x 2.50 + 100 x 10 a million


def judged(book: str = "", **request: Any) -> dict[str, Any]:
    with database().cursor() as con:
        con.register("staged", table_of(request))
        return con.sql(with_prices(con, "staged", parse_book(book))).to_arrow_table().select(PRICE_COLUMNS).to_pylist()[0]


def verdict(book: str = "", **request: Any) -> tuple[Decimal | None, str, str]:
    found = judged(book, **request)
    return found["list_cost_usd"], found["price_status"], found["price_reason"]


def test_every_status_has_its_reason():
    cases = [
        (GPT, GPT_COST, "exact", "openai/gpt-4o is in the price list"),
        (
            {**GPT, "model": "azure/gpt-4o", "provider": "azure"},
            GPT_COST,
            "alias",
            "the log's name means azure/gpt-4o of the price list",
        ),
        ({**GPT, "is_gateway_cache_hit": True}, Decimal(0), "free", "answered from the gateway's own cache"),
        ({**GPT, "status": "error", "input_tokens": 0, "output_tokens": 0}, Decimal(0), "free", "failed before anything was used"),
        ({**GPT, "model": "m:free"}, Decimal(0), "free", "the model's name says that it is free"),
        ({**GPT, "units": [("web_searches", 5)]}, Decimal("0.0535"), "exact", "openai/gpt-4o is in the price list"),
        ({**GPT, "units": [("images", 1)]}, GPT_COST, "partial", "lower bound: no rate for images"),
        ({**GPT, "output_audio_tokens": 10}, GPT_COST, "partial", "lower bound: no rate for audio output"),
        ({**GPT, "output_image_tokens": 10}, GPT_COST, "partial", "lower bound: no rate for image output"),
        (
            {**GPT, "output_tokens": None, "units": [("web_searches", 1)]},
            Decimal("0.0125"),
            "partial",
            "lower bound: output tokens are not reported",
        ),
        ({**GPT, "output_tokens": None}, Decimal("0.0025"), "partial", "lower bound: output tokens are not reported"),
        (
            {**SONNET, "model": "anthropic/claude-sonnet-4", "cache_write_tokens": 100, "cache_write_1h_tokens": 100},
            Decimal("0.004575"),  # 900 x 3 + 100 x 3.75 + 100 x 15 a million
            "partial",
            "lower bound: no rate for cache writes that are kept for an hour",
        ),
        (
            {**SONNET, "model": "anthropic/claude-3.5-sonnet", "cache_write_tokens": 100},
            Decimal("0.0045"),  # 1,000 x 3 + 100 x 15 a million
            "partial",
            "lower bound: no rate for cache writes",
        ),
        ({**GPT, "model": "gpt-4o-search-preview"}, GPT_COST, "partial", "lower bound: how often it searched is not reported"),
        ({**GPT, "input_tokens": None}, None, "unpriced", "input tokens are not reported"),
        ({**GPT, "model": None}, None, "unpriced", "the log does not say which model"),
        ({**GPT, "model": "nobody-knows"}, None, "unpriced", "the price list has no such model at this provider"),
        ({**GPT, "service_tier": "scale"}, None, "unpriced", "what service tier scale costs is not known"),
        ({**GPT, "cache_read_tokens": 2_000}, None, "unpriced", "counts contradict each other"),
        (
            {"provider": "groq", "model": "whisper-large-v3", "input_tokens": 5},
            None,
            "unpriced",
            "the price list has no rate for what was used",
        ),
    ]

    found = priced(table_of(*(request for request, *_ in cases))).sort_by("request_id")

    columns = [found[name].to_pylist() for name in ("list_cost_usd", "price_status", "price_reason")]
    assert list(zip(*columns, strict=True)) == [tuple(verdict) for _, *verdict in cases]


def test_what_the_own_book_says_is_sure():
    own = '[[price]]\nmodel = "gpt-4o"\ninput = 1\noutput = 1\n[price.units]\nweb_searches = 0.5'

    assert verdict(own, **GPT, units=[("web_searches", 2)]) == (Decimal("1.0011"), "override", "own price")
    assert verdict("[[discount]]\npercent = 10", **GPT) == (
        Decimal("0.00315"),
        "discount",
        "10 % off the list price; openai/gpt-4o is in the price list",
    )


def test_before_the_list_has_a_way_of_asking_the_vendors_own_words_hold():
    cases = [
        ({"is_batch": True}, "0.00175"),  # half, since 15 April 2024
        ({"service_tier": "flex"}, "0.00175"),  # half, since 17 April 2025
        ({"service_tier": "priority"}, "0.00595"),  # 1.7 times, as the list has it from October on
        ({"service_tier": "DEFAULT"}, "0.0035"),
        ({"service_tier": "on_demand"}, "0.0035"),
    ]

    assert [cost for cost, *_ in prices(*({**GPT, **asked, "started_at": JUNE} for asked, _ in cases))] == [
        Decimal(cost) for _, cost in cases
    ]


def test_before_a_vendor_offered_it_a_way_of_asking_has_no_price():
    assert verdict(**GPT, service_tier="flex", started_at=datetime(2025, 4, 16, 12, tzinfo=UTC)) == (
        None,
        "unpriced",
        "what service tier flex costs is not known",
    )


def test_inference_in_the_us_costs_a_tenth_more_at_anthropic_and_nothing_elsewhere():
    usage = {"input_tokens": 1_000_000, "output_tokens": 0}
    claude = {"provider": "anthropic", "model": "claude-sonnet-4-6", **usage}

    assert judged(**claude, inference_region="us")["list_cost_usd"] == Decimal("3.3")
    assert judged(**claude, inference_region="global")["list_cost_usd"] == Decimal(3)
    assert judged(**claude, inference_region="mars")["price_reason"] == "what region mars costs is not known"
    assert judged(**{**GPT, **usage}, inference_region="us")["list_cost_usd"] == Decimal("2.5")


def test_a_factor_of_the_own_book_ends_what_is_not_known():
    book = '[[factor]]\nprovider = "openai"\nservice_tier = "scale"\nfactor = 1.5'

    assert verdict(book, **GPT, service_tier="scale") == (
        Decimal("0.00525"),
        "exact",
        "openai/gpt-4o is in the price list; service tier scale at 1.5 times the list price",
    )


def test_the_fast_mode_of_a_model_costs_what_the_list_says():
    # Claude Opus 4.8, fast: 10 and 50 a million, twice the standard price.
    assert judged(provider="anthropic", model="claude-opus-4-8", input_tokens=1_000, output_tokens=100, speed="fast")[
        "list_cost_usd"
    ] == Decimal("0.015")


def test_parts_of_a_cost_worked_out_by_hand():
    # gpt-realtime a million: text 4 in, 16 out, cached 0.40; audio 32 in, 64 out, cached 0.40.
    found = judged(
        provider="openai",
        model="gpt-realtime",
        input_tokens=1_000,
        cache_read_tokens=500,
        input_audio_tokens=600,
        cache_audio_read_tokens=300,
        output_tokens=250,
        output_audio_tokens=200,
    )

    assert [found[part] for part in COST_PARTS] == [
        Decimal("0.0104"),  # 200 text x 4 + 300 audio x 32
        Decimal("0.0002"),  # 500 x 0.40
        Decimal(0),
        Decimal("0.0136"),  # 50 x 16 + 200 x 64
        Decimal(0),
    ]
    assert found["cache_read_saved_usd"] == Decimal("0.0102")  # 200 x 3.60 + 300 x 31.60


@given(st.lists(any_request(), min_size=20, max_size=60))
@settings(max_examples=3, deadline=None)
def test_parts_add_up_to_the_cost_to_the_last_place(requests: list[dict[str, Any]]):
    for row in priced(table_of(*requests)).to_pylist():
        parts = [row[part] for part in COST_PARTS]
        assert (sum(parts) if row["list_cost_usd"] is not None else None) == row["list_cost_usd"]
        assert row["list_cost_usd"] is not None or parts == [None] * len(COST_PARTS)
        assert (row["price_status"] == "unpriced") == (row["list_cost_usd"] is None)
        assert row["price_reason"]
