"""Our side of a reconciliation out of a lake: UTC days whatever the zone, and what the provider did not answer apart."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.bill_rows import bill, line
from tests.copies import copied
from tests.engines import ON_ROLLUPS_BY_BOTH_ENGINES
from tests.lake_rows import commit
from tests.views import days, request, view
from usagecost.bills.asking import our_days
from usagecost.bills.reconciling import factors_of, names_of, reconcile_lake, reconciliation
from usagecost.bills.result import CellSums
from usagecost.bills.words import compared_with_all, not_compared
from usagecost.lake import Lake
from usagecost.pricing import NO_BOOK, parse_book

PRICED = {
    "provider": "openai", "model": "gpt-4o", "input_tokens": 1000, "cache_read_tokens": 400, "cache_write_tokens": 0,
    "output_tokens": 100, "list_cost_usd": Decimal("0.003"), "input_cost_usd": Decimal("0.0015"),
    "cache_read_cost_usd": Decimal("0.0005"), "output_cost_usd": Decimal("0.001"), "price_status": "exact",
    "price_id": "openai/gpt-4o@2024-08-06",
}  # fmt: skip
FREE = PRICED | dict.fromkeys(("list_cost_usd", "input_cost_usd", "cache_read_cost_usd", "output_cost_usd"), Decimal(0))
FREE |= {"price_status": "free", "price_id": None, "is_gateway_cache_hit": True}
UNPRICED = {"provider": "openai", "model": "our-bot", "input_tokens": 50, "output_tokens": 5, "price_status": "unpriced"}


@copied
def made(lake: Lake) -> None:
    commit(
        lake,
        request("2026-11-03 00:30", **PRICED, virtual_key="a", project="search"),
        request("2026-11-03 23:30", **PRICED, virtual_key="b"),
        request("2026-11-04 00:30", **PRICED, virtual_key="b"),
        request("2026-11-03 10:00", **FREE),
        request("2026-11-03 11:00", **UNPRICED),
        request("2026-11-03 12:00"),
    )


@pytest.fixture
def lake(made: Lake) -> str:
    return made.name


@ON_ROLLUPS_BY_BOTH_ENGINES
def test_days_are_those_of_utc_and_what_the_provider_did_not_answer_has_no_tokens(lake: str):
    asked = view(lake, days("2026-11-01", zone="America/Los_Angeles"))

    found, unnamed = our_days(asked, date(2026, 11, 3), date(2026, 11, 4), {}, lambda *names: names)

    said = sorted((one.day.day, one.model, one.requests, one.incomplete, one.spend, one.tokens, one.unpriced) for one in found)
    assert said == [
        (3, "gpt-4o", 3, 0, Decimal("0.006"), (1200, 800, 0, 200), (0, 0, 0, 0)),
        (3, "our-bot", 1, 1, 0, (0, 0, 0, 0), (50, 0, 0, 5)),
        (4, "gpt-4o", 1, 0, Decimal("0.003"), (600, 400, 0, 100), (0, 0, 0, 0)),
    ]
    assert unnamed == {date(2026, 11, 1): 1}


def test_bills_are_matched_by_keys_or_projects_that_logs_name_too_and_by_the_prices_names_of_models(lake: str):
    of_key = [line("0.003", None, model="gpt-4o-2024-08-06", key="a"), line("0.003", None, model="GPT-4o", key="b")]
    of_project = [line("0.003", None, model="gpt-4o", project="search")]

    by_key = reconciliation(view(lake, days("2026-11-01")), bill(*of_key), NO_BOOK)
    by_project = reconciliation(view(lake, days("2026-11-01")), bill(*of_project), NO_BOOK)

    assert [(cell.scope, cell.model, cell.first.day, cell.theirs, cell.ours) for cell in by_key.cells] == [
        ("a", "gpt-4o", 3, Decimal("0.003"), Decimal("0.003")),
        ("b", "gpt-4o", 3, Decimal("0.003"), Decimal("0.003")),
        ("b", "gpt-4o", 4, Decimal(0), Decimal("0.003")),
        (None, "our-bot", 3, Decimal(0), Decimal(0)),
    ]
    assert [(cell.scope, cell.difference) for cell in by_project.cells] == [("search", 0)]


def test_a_bill_of_one_account_or_project_that_logs_do_not_name_is_compared_with_all_and_it_is_said(lake: str):
    def said(**told: str) -> list[str]:
        lines = [line("0.003", None, model="gpt-4o", account="org-1", **one) for one in (told, told)]
        return compared_with_all(reconciliation(view(lake, days("2026-11-01")), bill(*lines), NO_BOOK), date(2026, 11, 1))

    words = "openai: the bill is of the {} alone. Our logs do not name it, so all requests to openai are compared with it.".format
    assert (said(), said(project="other")) == ([words("account org-1")], [words("project other")])
    assert said(project="search") == []


def test_an_alias_of_the_own_book_makes_one_model_of_two_names(lake: str):
    book = parse_book('[[alias]]\nprovider = "openai"\nmodel = "our-bot"\nstands_for = "openai/gpt-4.1"\n')
    lines = bill(line("0.4", None, model="gpt-4.1"), line("0.006", None, model="gpt-4o"))

    with_book, without = (reconciliation(view(lake, days("2026-11-01")), lines, one) for one in (book, NO_BOOK))

    assert {cell.model for cell in with_book.cells} == {"gpt-4.1", "gpt-4o"}
    assert with_book.names["openai", "gpt-4.1"] == (("openai", "our-bot"),)
    assert {cell.model for cell in without.cells} == {"gpt-4.1", "gpt-4o", "our-bot"}
    assert [CellSums.of(one.cells).effects[cause] for one, cause in ((with_book, "price"), (without, "not_logged"))] == [
        Decimal("0.4")
    ] * 2


def test_bills_in_another_currency_are_compared_at_the_rate_of_the_months_end_and_what_is_wrong_with_rates_is_said(lake: str):
    kept, rates = Lake(lake), Path(lake).parent / "currencies.toml"
    kept.keep_rows("bills", bill(line("0.0048", None, model="gpt-4o", currency="EUR"), line("5", None, currency="GBP")))

    rates.write_text('[[rate]]\ncurrency = "EUR"\nfrom = 2026-11-20\nper_usd = 0.8\n')
    found, sentences = reconcile_lake(kept, kept.version(), "best")
    rates.write_text("[[rate]]\n")
    broken, problems = reconcile_lake(kept, kept.version(), "best")

    assert (found.cells[0].theirs, found.cells[0].ours, sentences) == (Decimal("0.006"), Decimal("0.006"), ())
    assert not_compared(found, date(2026, 10, 1)) == []
    assert not_compared(found, date(2026, 11, 1)) == [
        "No bill is compared with 1 request without a provider.",
        "openai: there is no rate for GBP, so 2026-11 is compared without 1 line of 5.00 GBP.",
    ]
    assert [one.currency for one in broken.unmatched] == ["EUR", "GBP"]
    assert "currencies.toml, line 1" in problems[0]


def test_factors_are_those_of_the_price_list_and_of_vendors_with_what_undoes_them():
    known = factors_of(NO_BOOK)("openai", "gpt-4o", date(2026, 11, 3))

    assert (known[Decimal("0.5")], known[Decimal(2)]) == ("batch or flex tier", "not batch or flex tier")
    assert factors_of(NO_BOOK)("nobody", "nothing", date(2026, 11, 3)) == {}
    assert names_of(["google"], NO_BOOK)("vertex_ai", "models/gemini-2.5-pro") == ("google", "gemini-2.5-pro")
