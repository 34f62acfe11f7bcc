"""List prices worked out by hand, and what has none: unknown is NULL, never zero."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import duckdb
from genai_prices.data_snapshot import find_provider_by_id, get_snapshot
from genai_prices.types import ClauseEquals, ConditionalPrice, ModelInfo, ModelPrice, PriceVariant, Provider, StartDateConstraint

from tests.priced import priced, prices, table_of
from tests.together import Together
from usagecost.pricing import Match, prices_version, with_prices
from usagecost.pricing.rates import rate_rows
from usagecost.schema import MONEY, PRICE_COLUMNS, REQUESTS

OPUS = {"provider": "anthropic", "model": "claude-opus-4-5"}
SONNET = {"provider": "anthropic", "model": "claude-sonnet-4-5"}
GPT = {"provider": "openai", "model": "gpt-4o"}
DEEPSEEK = {"provider": "deepseek", "model": "deepseek-chat"}
MILLION = {"input_tokens": 1_000_000, "output_tokens": 1_000_000}

pricing = Together(lambda _, asked: prices(*asked))


# ---- prices


@pricing.each
def test_one_hour_cache_writes_cost_more_than_five_minute_ones():
    # Claude Opus 4.5, USD per million: input 5, cache read 0.50, write for 5 min 6.25, for 1 h 10, output 25.
    # 100 uncached x 5 + 400 read x 0.50 + 300 written for 5 min x 6.25 + 200 for 1 h x 10 + 50 out x 25 = 5,825 / 1M.
    usage = {"input_tokens": 1_000, "cache_read_tokens": 400, "cache_write_tokens": 500, "output_tokens": 50}

    some, none = yield [{**OPUS, **usage, "cache_write_1h_tokens": tokens} for tokens in (200, 0)]

    assert some[:2] == (Decimal("0.005825"), "exact")
    # All 500 for 5 min: 500 + 200 + 500 x 6.25 + 1,250 = 5,075 / 1M.
    assert none[:2] == (Decimal("0.005075"), "exact")


@pricing
def test_cache_writes_without_a_price_cost_what_input_does():
    # GPT-4o: input 2.50, cache read 1.25, output 10; none for writes: (1,000 - 400) x 2.50 + 400 x 1.25 + 50 x 10 = 2,500 / 1M.
    usage = {"input_tokens": 1_000, "cache_read_tokens": 400, "cache_write_tokens": 500, "output_tokens": 50}

    assert (yield {**GPT, **usage})[:2] == (Decimal("0.0025"), "exact")


@pricing.each
def test_above_the_threshold_the_whole_request_costs_the_higher_rate():
    # Gemini 2.5 Pro: input 1.25 and output 10 up to 200,000 input tokens, 2.50 and 15 above, for all tokens of the request:
    # 200,000 x 1.25 + 1,000 x 10 = 260,000; 200,001 x 2.50 + 1,000 x 15 = 515,002.5 / 1M.
    pro = {"provider": "google", "model": "gemini-2.5-pro", "output_tokens": 1_000}
    within, above = yield [{**pro, "input_tokens": 200_000}, {**pro, "input_tokens": 200_001}]

    assert (within[0], above[0]) == (Decimal("0.26"), Decimal("0.5150025"))


@pricing
def test_the_threshold_counts_what_came_from_the_cache():
    # Claude Sonnet 4.5 above 200,000 input tokens: cache read 0.60, input 6: 200,000 x 0.60 + 1 x 6 = 120,006 / 1M.
    usage = {"input_tokens": 200_001, "cache_read_tokens": 200_000, "output_tokens": 0}

    assert (yield {**SONNET, **usage})[0] == Decimal("0.120006")


@pricing.each
def test_a_batch_costs_half():
    # GPT-4o: 2.50 + 10, in a batch 1.25 + 5.
    single, batch = yield [{**GPT, **MILLION}, {**GPT, **MILLION, "is_batch": True}]

    assert single == (Decimal("12.5"), "exact", "openai/gpt-4o@always")
    assert batch == (Decimal("6.25"), "exact", "openai/gpt-4o@2026-10-14+batch")


@pricing.each
def test_a_service_tier_has_its_own_price_where_the_list_knows_one():
    # GPT-4o: 2.50 + 10, with priority 4.25 + 17.
    priority, unknown = yield [{**GPT, **MILLION, "service_tier": "priority"}, {**GPT, **MILLION, "service_tier": "standard"}]

    assert priority == (Decimal("21.25"), "exact", "openai/gpt-4o@2026-10-12+priority")
    assert unknown == (Decimal("12.5"), "exact", "openai/gpt-4o@always")


@pricing.each
def test_a_borrowed_model_has_the_vendors_factor_where_one_is_known_and_else_no_price():
    azure = {"provider": "azure", "model": "gpt-4o", **MILLION}

    assert (yield [azure, {**azure, "is_batch": True}, {**azure, "service_tier": "priority"}]) == [
        (Decimal("12.5"), "exact", "azure/gpt-4o@always"),
        (Decimal("6.25"), "exact", "azure/gpt-4o@always+batch"),
        (None, "unpriced", None),
    ]


@pricing.each
def test_a_time_of_day_has_its_own_price():
    # DeepSeek chat: 0.27 per million input from 00:30 to 16:30 UTC, else 0.135.
    asked = [(0, 29, "0.135", ""), (0, 30, "0.27", "+00:30-16:30"), (16, 29, "0.27", "+00:30-16:30"), (16, 30, "0.135", "")]
    usage = {**DEEPSEEK, "input_tokens": 1_000_000, "output_tokens": 0}
    found = yield [{**usage, "started_at": datetime(2025, 6, 1, hour, minute, tzinfo=UTC)} for hour, minute, *_ in asked]

    assert found == [(Decimal(rate), "exact", f"deepseek/deepseek-chat@always{hours}") for *_, rate, hours in asked]


@pricing
def test_a_time_of_day_before_1970_is_one_too():
    usage = {**DEEPSEEK, "input_tokens": 1_000_000, "output_tokens": 0}

    assert (yield {**usage, "started_at": datetime(1969, 12, 31, 16, 29, tzinfo=UTC)})[0] == Decimal("0.27")


@pricing.each
def test_a_price_that_changes_at_midnight_changes_no_earlier_request():
    # DeepSeek v4 flash: input 0.14 per million before 2026-08-17 UTC, 0.22 from then on.
    midnight = datetime(2026, 8, 17, tzinfo=UTC)
    usage = {"provider": "deepseek", "model": "deepseek-v4-flash", "input_tokens": 1_000_000, "output_tokens": 0}
    before, after = yield [{**usage, "started_at": midnight - timedelta(microseconds=1)}, {**usage, "started_at": midnight}]

    assert before == (Decimal("0.14"), "exact", "deepseek/deepseek-v4-flash@always")
    assert after == (Decimal("0.22"), "exact", "deepseek/deepseek-v4-flash@2026-08-17")


@pricing.each
def test_reasoning_is_part_of_the_output_unless_it_has_a_price():
    # Sonar deep research: input 2, output 8, reasoning 3: 100 x 2 + 400 x 8 + 600 x 3 = 5,200 / 1M.
    # OpenAI o4-mini: input 1.10, output 4.40: 100 x 1.10 + 1,000 x 4.40 = 4,510 / 1M.
    usage = {"input_tokens": 100, "output_tokens": 1_000, "output_reasoning_tokens": 600}

    models = (("perplexity", "sonar-deep-research"), ("openai", "o4-mini"))
    apart, within = yield [{"provider": provider, "model": model, **usage} for provider, model in models]

    assert (apart[0], within[0]) == (Decimal("0.0052"), Decimal("0.00451"))


@pricing
def test_audio_has_its_own_price():
    # Gemini 2.5 Flash: input 0.30, audio 1, output 2.50: 400 x 0.30 + 600 x 1 + 100 x 2.50 = 970 / 1M.
    usage = {"input_tokens": 1_000, "input_audio_tokens": 600, "output_tokens": 100}

    assert (yield {"provider": "google", "model": "gemini-2.5-flash", **usage})[0] == Decimal("0.00097")


@pricing
def test_a_price_for_each_request_is_charged_once():
    # Sonar Pro: input 3, output 15, and 14 per thousand requests: 100 x 3 + 10 x 15 = 450 / 1M, + 0.014.
    usage = {"input_tokens": 100, "output_tokens": 10}

    assert (yield {"provider": "perplexity", "model": "sonar-pro", **usage})[0] == Decimal("0.01445")


@pricing.each
def test_half_a_nano_dollar_is_rounded_up():
    # DeepSeek v4 pro, cache read 0.003625 per million: 4 tokens cost 14.5 nano-dollars, 1 token 3.625.
    usage = {"provider": "deepseek", "model": "deepseek-v4-pro", "output_tokens": 0, "started_at": datetime(2026, 1, 1, tzinfo=UTC)}
    halves, more = yield [{**usage, "input_tokens": tokens, "cache_read_tokens": tokens} for tokens in (4, 1)]

    assert (halves[0], more[0]) == (Decimal("0.000000015"), Decimal("0.000000004"))


@pricing
def test_a_huge_request_is_priced_to_the_last_place():
    # GPT-4o: 80,000,000,001 x 2.50 + 70,000,000,000 x 10 = 900,000,000,002.5 / 1M.
    assert (yield {**GPT, "input_tokens": 80_000_000_001, "output_tokens": 70_000_000_000})[0] == Decimal("900000.0000025")


# ---- what has no price, and what is free


@pricing.each
def test_unpriced_is_null_not_zero():
    found = yield [
        {"provider": "vllm", "model": "llama-3.1-70b-internal", **MILLION},
        {"provider": "openai", "model": "gpt-99", **MILLION},
        {"provider": "openai", "model": None, **MILLION},
        {"provider": None, "model": None, **MILLION},
    ]

    assert found == [(None, "unpriced", None)] * 4


@pricing.each
def test_a_model_whose_name_ends_in_free_is_free_whoever_serves_it():
    models = ("phi-4-reasoning:free", "deepseek/deepseek-r1:FREE", "nobody/knows-it:free", "nobody/knows-it:freedom")
    *free, other = yield [{"provider": "openrouter", "model": model, **MILLION} for model in models]

    assert [one[:2] for one in free] == [(Decimal(0), "free")] * 3
    assert other[:2] == (None, "unpriced")


@pricing
def test_a_model_whose_price_the_list_leaves_empty_is_unpriced():
    empty = next(model for model in find_provider_by_id(get_snapshot().providers, "azure").models if _is_empty(model))

    assert (yield {"provider": "azure", "model": empty.id, **MILLION})[1] == ("free" if empty.id.endswith(":free") else "unpriced")


def _is_empty(model: ModelInfo) -> bool:
    return isinstance(model.prices, ModelPrice) and not any(model.prices.__dict__.values())


@pricing
def test_a_model_priced_only_by_the_hour_is_unpriced():
    assert (yield {"provider": "groq", "model": "whisper-large-v3", **MILLION})[:2] == (None, "unpriced")


@pricing
def test_a_request_whose_input_is_not_known_has_no_price():
    assert (yield {**GPT, "output_tokens": 10})[:2] == (None, "unpriced")


@pricing
def test_an_embedding_has_no_output_and_still_a_price():
    # text-embedding-3-small: 0.02 per million.
    asked = {"provider": "openai", "model": "text-embedding-3-small", "input_tokens": 1_000_000}

    assert (yield asked)[:2] == (Decimal("0.02"), "exact")


@pricing.each
def test_counts_that_contradict_each_other_have_no_price():
    usages = [
        {"input_tokens": 10, "cache_read_tokens": 11},
        {"input_tokens": 10, "cache_read_tokens": 6, "cache_write_tokens": 5},
        {"input_tokens": 10, "cache_write_tokens": 4, "cache_write_1h_tokens": 5},
        {"input_tokens": 10, "cache_write_tokens": None, "cache_write_1h_tokens": 5},
        {"input_tokens": 10, "output_tokens": None, "output_reasoning_tokens": 5},
        {"input_tokens": -1},
        {"input_tokens": 10, "output_audio_tokens": -1},
        {"input_tokens": 2**62, "cache_read_tokens": 2**62, "cache_write_tokens": 2**62},
    ]

    assert (yield [{**OPUS, "output_tokens": 0, **usage} for usage in usages]) == [(None, "unpriced", None)] * 8


@pricing
def test_cached_audio_that_is_not_counted_has_no_price_where_it_has_its_own():
    # Gemini 2.5 Flash prices audio read from the cache at 0.10: how much of the 600 audio tokens the 400 read are, nobody says.
    usage = {"provider": "google", "model": "gemini-2.5-flash", "input_tokens": 1_000, "output_tokens": 0}

    assert (yield {**usage, "input_audio_tokens": 600, "cache_read_tokens": 400})[:2] == (None, "unpriced")


@pricing.each
def test_an_answer_of_the_gateways_own_cache_is_free():
    own, known = yield [
        {"provider": "vllm", "model": "x", **MILLION, "is_gateway_cache_hit": True},
        {**GPT, **MILLION, "is_gateway_cache_hit": True},
    ]

    assert own == known == (Decimal(0), "free", None)


@pricing.each
def test_a_failure_that_used_nothing_costs_nothing_whatever_its_model():
    nothing = {"input_tokens": 0, "output_tokens": 0}

    cases = [
        ({"model": None, "status": "error", **nothing}, (Decimal(0), "free")),
        ({"provider": "perplexity", "model": "sonar-pro", "status": "cancelled", **nothing}, (Decimal(0), "free")),
        ({"model": None, "status": "success", **nothing}, (None, "unpriced")),
        ({"model": None, "status": "error", "input_tokens": 0}, (None, "unpriced")),
        ({**GPT, "status": "error", "input_tokens": 1_000_000, "output_tokens": 0}, (Decimal("2.5"), "exact")),
    ]

    assert [found[:2] for found in (yield [asked for asked, _ in cases])] == [found for _, found in cases]


def test_a_model_is_free_while_all_its_prices_are_zero() -> None:
    # No model of the list is at the moment.
    nothing = ModelPrice(input_mtok=Decimal(0), output_mtok=Decimal(0))
    dated = ConditionalPrice(StartDateConstraint(datetime(2026, 3, 1, tzinfo=UTC).date()), prices=ModelPrice(input_mtok=Decimal(1)))
    model = ModelInfo("preview", ClauseEquals("preview"), prices=[ConditionalPrice(prices=nothing), dated])
    rows = list(rate_rows(Match(Provider("acme", "Acme", "", models=[model]), model, "exact"), {}, []))

    assert [(row["rate_status"], row["rate_id"]) for row in rows] == [
        ("free", "acme/preview@always"),
        ("exact", "acme/preview@2026-03-01"),
    ]


def test_a_variant_that_changes_nothing_is_no_other_price() -> None:
    price_of_both = ModelPrice(input_mtok=Decimal(1))
    later = PriceVariant({"processing": "batch"}, ModelPrice(), StartDateConstraint(datetime(2026, 3, 1, tzinfo=UTC).date()))
    model = ModelInfo("m", ClauseEquals("m"), prices=price_of_both, price_variants=[later])
    rows = list(rate_rows(Match(Provider("acme", "Acme", "", models=[model]), model, "exact"), {"processing": "batch"}, []))

    assert [(row["rate_status"], row["rate_id"]) for row in rows] == [("unpriced", None), ("exact", "acme/m@2026-03-01+batch")]


# ---- the table


def test_every_row_comes_back_once_with_all_columns() -> None:
    table = priced(table_of({"model": "gpt-4o"}, {"model": None}, {"model": "x"}, {"provider": "openai", "model": "gpt-4o"}))

    assert table["request_id"].to_pylist() == ["000000000", "000000001", "000000002", "000000003"]
    assert table.schema.names == REQUESTS.names
    assert [table.schema.field(name).type for name in PRICE_COLUMNS] == [REQUESTS.field(name).type for name in PRICE_COLUMNS]
    assert REQUESTS.field("list_cost_usd").type == MONEY


def test_a_table_without_price_columns_is_priced_like_one_with_old_prices() -> None:
    old = table_of(
        {**GPT, **MILLION, "list_cost_usd": Decimal(7), "price_status": "exact", "price_id": "old", "discount": Decimal(1)}
    )

    assert priced(old).equals(priced(old.drop_columns(list(PRICE_COLUMNS))))
    assert priced(old)["list_cost_usd"].to_pylist() == [Decimal("12.5")]


def test_what_comes_into_a_table_later_is_kept_without_a_price() -> None:
    con = duckdb.connect()
    con.register("first", table_of({**GPT, **MILLION}))
    con.register("later", table_of({**OPUS, **MILLION}))
    con.execute("CREATE TABLE staged AS FROM first")
    sql = with_prices(con, "staged")
    con.execute("INSERT INTO staged FROM later")

    assert con.sql(f"SELECT list_cost_usd, price_status FROM ({sql}) ORDER BY ALL").fetchall() == [
        (Decimal("12.5"), "exact"),
        (None, "unpriced"),
    ]


def test_two_tables_can_be_priced_on_one_connection() -> None:
    con = duckdb.connect()
    con.register("a", table_of({**GPT, **MILLION}))
    con.register("b", table_of({**OPUS, **MILLION}))
    both = [with_prices(con, "a"), with_prices(con, "b")]

    assert [con.sql(f"SELECT list_cost_usd FROM ({sql})").fetchall() for sql in both] == [[(Decimal("12.5"),)], [(Decimal(30),)]]


@pricing.each
def test_names_in_logs_are_data_never_sql():
    hostile = "'; DROP TABLE requests; --"

    asked = [{"provider": hostile, "model": hostile}, GPT]

    assert (yield [{**one, "service_tier": hostile, **MILLION} for one in asked]) == [(None, "unpriced", None)] * 2


def test_the_price_list_has_a_version() -> None:
    assert prices_version().count(".") == 2
