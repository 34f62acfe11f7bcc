"""The organisation's own prices: which entry holds, what it costs then, and what is wrong with a book."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.priced import table_of
from tests.source_rows import database
from usagecost.pricing import with_prices
from usagecost.pricing.book import NO_BOOK, BookProblem, parse_book

M = 1_000_000


Found = tuple[Decimal | None, str, str | None, Decimal | None]


def priced(book: str, **request: Any) -> Found:
    """Cost, status, price id and discount of one request."""
    return each_priced(book, request)[0]


def each_priced(book: str, *requests: dict[str, Any]) -> list[Found]:
    with database().cursor() as con:
        con.register("staged", table_of(*requests))
        found = con.sql(with_prices(con, "staged", parse_book(book)))
        return found.order("request_id").select("list_cost_usd, price_status, price_id, discount").fetchall()


def on(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


LLAMA = """
[[price]]
provider = "vllm"
model = "llama-3*"
input = 0.20
output = 0.60
"""


def test_a_model_of_ones_own_costs_what_the_book_says():
    found = priced(LLAMA, provider="vllm", model="Llama-3.3-70b", input_tokens=M, output_tokens=2 * M)

    assert found == (Decimal("1.40"), "override", "own:vllm/llama-3*@always", None)


def test_an_entry_is_only_for_its_provider_and_models():
    others = [("vllm", "qwen-3"), ("ollama", "llama-3.3-70b"), (None, "llama-3.3-70b")]
    found = each_priced(LLAMA, *({"provider": provider, "model": model, "input_tokens": M} for provider, model in others))

    assert [status for _, status, *_ in found] == ["unpriced"] * 3


def test_an_own_price_goes_before_the_list_price():
    book = '[[price]]\nmodel = "gpt-4o"\ninput = 1\noutput = 4'

    assert priced(book, provider="openai", model="gpt-4o", input_tokens=M, output_tokens=M)[:2] == (Decimal(5), "override")


def test_kinds_of_tokens_without_a_rate_are_billed_as_what_contains_them():
    both = '[[price]]\nmodel = "m"\ninput = 10\noutput = 30'
    book = both + "\ncache_read = 1\ncache_write = 12\ncache_write_1h = 20\noutput_reasoning = 40"
    tokens = {
        "input_tokens": 1000,  # 500 uncached at 10, 200 read at 1, 200 written for 5 minutes at 12, 100 for an hour at 20
        "cache_read_tokens": 200,
        "cache_write_tokens": 300,
        "cache_write_1h_tokens": 100,
        "input_audio_tokens": 0,
        "output_tokens": 100,  # 60 at 30, 40 of reasoning at 40
        "output_reasoning_tokens": 40,
    }

    expected = Decimal(500 * 10 + 200 * 1 + 200 * 12 + 100 * 20 + 60 * 30 + 40 * 40) / M
    assert priced(book, provider="x", model="m", **tokens)[0] == expected
    assert priced(both, provider="x", model="m", **tokens)[0] == Decimal("0.013")


def test_a_price_has_tiers_factors_and_a_part_per_request():
    book = """
[[price]]
model = "m"
input = 2
output = 8
per_request = 0.005
batch = 0.5
service_tier = { priority = 2 }

[[price.tier]]
above_input = 200_000
input = 4
"""
    below = {"provider": "x", "model": "m", "input_tokens": 200_000, "output_tokens": 1000}
    found = each_priced(
        book, below, {**below, "input_tokens": 200_001}, {**below, "is_batch": True}, {**below, "service_tier": "priority"}
    )

    assert [cost for cost, *_ in found] == [
        Decimal("0.4") + Decimal("0.008") + Decimal("0.005"),
        Decimal("0.800004") + Decimal("0.008") + Decimal("0.005"),
        Decimal("0.413") / 2,
        Decimal("0.413") * 2,
    ]


def test_a_new_price_holds_from_its_day_and_leaves_the_days_before():
    book = LLAMA + '\n[[price]]\nprovider = "vllm"\nmodel = "llama-3*"\nfrom = 2026-06-01\ninput = 0.10\noutput = 0.30\n'
    request = {"provider": "vllm", "model": "llama-3.1", "input_tokens": M, "output_tokens": 0}

    times = ("2026-05-31T23:59:59.999999", "2026-06-01T00:00:00")
    before, since = each_priced(book, *({**request, "started_at": on(at)} for at in times))

    assert before[0] == Decimal("0.20")
    assert since[::2] == (Decimal("0.10"), "own:vllm/llama-3*@2026-06-01")


def test_after_its_last_day_a_price_gives_way_to_the_one_before():
    book = LLAMA + '\n[[price]]\nmodel = "llama-3*"\nfrom = 2026-06-01\nuntil = 2026-06-30\nfree = true\n'
    request = {"provider": "vllm", "model": "llama-3.1", "input_tokens": M, "output_tokens": 0}

    assert priced(book, started_at=on("2026-06-30T23:00"), **request)[:2] == (Decimal(0), "free")
    assert priced(book, started_at=on("2026-07-01T00:00"), **request)[:2] == (Decimal("0.20"), "override")


def test_an_alias_is_billed_as_what_it_stands_for():
    book = '[[alias]]\nmodel = "our-bot"\nstands_for = "openai/gpt-4o"'

    found = priced(book, provider="azure", model="our-bot", input_tokens=M, output_tokens=0, started_at=on("2026-05-01"))

    assert found[:2] == (Decimal("2.5"), "alias")
    assert found[2].startswith("openai/gpt-4o@")


def test_a_discount_is_taken_off_list_prices_from_its_day():
    book = '[[discount]]\nprovider = "anthropic"\npercent = 15\nfrom = 2026-03-01'
    request = {"provider": "anthropic", "model": "claude-sonnet-4-5", "input_tokens": 100_000, "output_tokens": 10_000}

    before, after = each_priced(book, *({**request, "started_at": on(at)} for at in ("2026-02-28T23:59", "2026-03-01T00:00")))

    assert before[:2] == (Decimal("0.45"), "exact")  # 0.1 M at 3 USD, 0.01 M at 15 USD
    assert (after[0], after[1], after[3]) == (Decimal("0.3825"), "discount", Decimal("0.15"))


def test_a_discount_is_not_taken_off_an_own_price():
    book = '[[price]]\nmodel = "gpt-4o"\ninput = 1\n[[discount]]\npercent = 50'

    assert priced(book, provider="openai", model="gpt-4o", input_tokens=M)[:2] == (Decimal(1), "override")


def test_a_discount_of_a_provider_also_reaches_a_model_whose_log_names_none():
    book = '[[discount]]\nprovider = "openai"\nmodel = "gpt-4o*"\npercent = 10'

    assert priced(book, model="gpt-4o", input_tokens=M, output_tokens=0, started_at=on("2026-05-01"))[:2] == (
        Decimal("2.25"),
        "discount",
    )


def test_of_several_entries_that_fit_the_last_in_the_file_holds():
    book = '[[discount]]\npercent = 10\n[[discount]]\nmodel = "gpt-*"\npercent = 20'

    assert priced(book, provider="openai", model="gpt-4o", input_tokens=M, started_at=on("2026-05-01"))[0] == Decimal("2")


def test_an_empty_book_changes_nothing():
    assert parse_book("# nothing yet\n").prices == NO_BOOK.prices == ()
    assert priced("", provider="openai", model="gpt-4o", input_tokens=M, output_tokens=0, started_at=on("2026-05-01"))[1] == "exact"


@pytest.mark.parametrize(
    ("book", "before", "after"),
    [
        ('[[price]]\nmodel = "gpt-4o"\ninput = 1\n[[price]]\nmodel = "gpt-4o"', (1, "override"), ("2.5", "exact")),
        (
            '[[alias]]\nmodel = "our-bot"\nstands_for = "openai/gpt-4o"\n[[alias]]\nmodel = "our-bot"',
            ("2.5", "alias"),
            (None, "unpriced"),
        ),
        ('[[discount]]\npercent = 50\n[[discount]]\nmodel = "gpt-4o"', ("1.25", "discount"), ("2.5", "exact")),
    ],
)
def test_an_entry_ends_those_before_it_from_its_day_on(book: str, before: tuple, after: tuple):
    ended, model = f"{book}\nfrom = 2026-05-02\nended = true", "our-bot" if "bot" in book else "gpt-4o"
    asked = {"provider": "openai", "model": model, "input_tokens": M, "output_tokens": 0}
    costs = each_priced(ended, *({**asked, "started_at": on(day)} for day in ("2026-05-01", "2026-05-02")))

    assert [(cost[0], cost[1]) for cost in costs] == [(known and Decimal(known), status) for known, status in (before, after)]


@pytest.mark.parametrize(
    ("book", "sentence"),
    [
        (
            "[[price]]\nmodel = m",
            "this is no TOML: Invalid value (at line 2, column 9). Texts stand in quotation marks, numbers and dates do not.",
        ),
        (
            '[[price]]\nmodel = "a"\ninput = 1\n\n[[price]]\nmodel = "b"\ninptu = 1',
            "line 7, inptu is '1': there is no such key; did you mean input?",
        ),
        ('[[price]]\nmodel = "a"\ninput = -1', "line 3, input is '-1': it cannot be negative."),
        ('[[price]]\nmodel = "a"\ninput = "cheap"', "line 3, input is 'cheap': it has to be a number."),
        ("[[price]]\ninput = 1", "line 1, model: it is missing."),
        ('[[price]]\nmodel = "a"', "line 1, price: there is no rate: say input and output"),
        ('[[price]]\nmodel = "a"\ninput = 1\nended = true', "rates, free = true and ended = true exclude each other"),
        ('[[alias]]\nmodel = "a"', 'line 1, alias: say either stands_for = "provider/model" or ended = true.'),
        ("[[discount]]\npercent = 0", "line 1, discount: say either percent, above 0, or ended = true."),
        ("[[discount]]\npercent = 120", "line 2, percent is '120': it should be less than or equal to 100."),
        (
            '\n[[alias]]\nmodel = "x"\nstands_for = "openai/nothing-like-it"',
            "line 4, stands_for: the price list has no 'openai/nothing-like-it'",
        ),
        ('[[price]]\nmodel = "a"\ninput = 1\n[[price.tier]]\nabove_input = 5\noutput = 2', "a tier has a rate for output"),
        (
            '[[price]]\nmodel = "a"\ninput = 1\n[[price.tier]]\nabove_input = -5\ninput = 2',
            "line 5, above_input is '-5': it cannot be negative.",
        ),
        (
            '[[price]]\nmodel = "a"\ninput = 1\nfrom = 2026-05-02\nuntil = 2026-05-01',
            "until is 2026-05-01, before from (2026-05-02)",
        ),
        ("[[models]]\n", "line 1, models: there is no such key; known are price, alias, discount, factor."),
    ],
)
def test_what_is_wrong_is_said_with_line_key_and_cure(book: str, sentence: str):
    with pytest.raises(BookProblem) as problem:
        parse_book(book)

    assert sentence in str(problem.value)
