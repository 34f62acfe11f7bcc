"""What ends a difference, and which requests are behind a cell."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.bill_rows import DAY, bill, billed, line, ours
from usagecost.bills.advice import Alias, Discount, Unlogged, advice_for
from usagecost.bills.matching import reconcile
from usagecost.pricing import NO_BOOK, Book, parse_book
from usagecost.ui.bills.cells import filters_of, local_days
from usagecost.vocabulary.filters import Condition

MONTH = date(2026, 11, 1)
TWO_DAYS = [
    ours({"input": cost, "output": "10"}, {"input": 10**6, "output": 10**6}, model="gpt-4o", day=DAY + timedelta(days=place))
    for place, cost in enumerate(("2.5", "5"))
]


def test_a_discount_is_one_where_all_days_have_it_and_is_off_list_prices_whatever_the_book_takes_off():
    less = [{**one, "amount": one["amount"] * 9 / 10} for one in billed(TWO_DAYS)]
    found = reconcile(bill(*less), TWO_DAYS)
    uneven = reconcile(bill(less[0], *billed(TWO_DAYS)[1:2], *less[2:]), TWO_DAYS)

    assert advice_for(found, MONTH, NO_BOOK) == [Discount("openai", "gpt-4o", DAY, Decimal(10), Decimal("-2.75"))]
    book = parse_book('[[discount]]\nprovider = "openai"\npercent = 20\n')
    assert [one.percent for one in advice_for(found, MONTH, book)] == [Decimal(28)]  # 80 % of 90 % is paid
    assert advice_for(uneven, MONTH, NO_BOOK) == []


def test_a_share_that_all_models_of_a_provider_have_is_one_discount():
    logged = [*TWO_DAYS, *(one._replace(model="gpt-4o-mini", day=one.day + timedelta(days=1)) for one in TWO_DAYS)]
    same = [{**one, "amount": one["amount"] * 9 / 10} for one in billed(logged)]
    others = [{**one, "amount": one["amount"] * (9 if one["model"] == "gpt-4o" else 8) / 10} for one in billed(logged)]
    book = parse_book('[[discount]]\nprovider = "openai"\nmodel = "gpt-4o"\npercent = 20\n')

    def offered(lines: list[dict[str, Any]], book: Book = NO_BOOK) -> list[tuple[str | None, date, Decimal]]:
        return [(one.model, one.first, one.percent) for one in advice_for(reconcile(bill(*lines), logged), MONTH, book)]

    after = DAY + timedelta(days=1)
    assert offered(same) == [(None, DAY, Decimal(10))]
    assert offered(others) == [("gpt-4o-mini", after, Decimal(20)), ("gpt-4o", DAY, Decimal(10))]
    assert offered(same, book) == [("gpt-4o", DAY, Decimal(28)), ("gpt-4o-mini", after, Decimal(10))]


def test_a_discount_holds_on_more_than_a_day_and_on_all_days_after_its_first():
    days = [TWO_DAYS[0]._replace(day=DAY + timedelta(days=place)) for place in range(3)]
    a, b, c = full = [billed([day]) for day in days]
    x, y, z = [[{**one, "amount": one["amount"] * 9 / 10} for one in lines] for lines in full]

    until_last, of_last, of_others = (advice_for(reconcile(bill(*m, *n, *o), days), MONTH, NO_BOOK)
                                      for m, n, o in ((a, y, z), (a, b, z), (x, y, c)))  # fmt: skip

    assert until_last == [Discount("openai", "gpt-4o", DAY + timedelta(days=1), Decimal(10), Decimal("-2.5"))]
    assert of_last == of_others == []


def test_a_name_of_one_side_may_be_an_alias_of_a_listed_model_of_the_other():
    unknown = ours({"input": "3"}, {"input": 10**6}, model="our-bot")

    found = reconcile(bill(line("2.9", "input", 10**6, model="gpt-4o-mini"), *billed(TWO_DAYS)), [unknown, *TWO_DAYS])

    assert advice_for(found, MONTH, NO_BOOK) == [
        Alias("openai", "our-bot", "openai/gpt-4o-mini", Decimal("2.9")),
        Unlogged("openai", "", Decimal("2.9")),
    ]


def test_keys_that_nobody_logs_are_named_and_a_cell_leads_to_its_requests():
    logged = [one._replace(scope="a") for one in TWO_DAYS]
    lost = [one._replace(scope="b") for one in TWO_DAYS[:1]]

    found = reconcile(bill(*billed([*logged, *lost])), logged, scopes={"openai": "key"})

    assert advice_for(found, MONTH, NO_BOOK) == [Unlogged("openai", "key b", Decimal("12.5"))]
    cell = next(one for one in found.cells if one.scope == "a")
    conditions = (Condition("provider", ("openai",)), Condition("model", ("gpt-4o",)), Condition("key", ("a",)))
    assert filters_of(found, cell).conditions == conditions
    assert local_days(cell, "America/Los_Angeles") == (date(2026, 11, 2), date(2026, 11, 3))
