"""A full month of the sample beside bills of its three largest providers, with faults of every kind: all found and named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.bill_rows import TOKEN_KINDS, bill, billed, line
from tests.views import days, view
from usagecost.bills.asking import our_days
from usagecost.bills.matching import reconcile
from usagecost.bills.reconciling import factors_of, names_of
from usagecost.bills.result import Cell, CellSums
from usagecost.bills.sides import Ours
from usagecost.pricing import NO_BOOK
from usagecost.sample.lakes import write_sample

LAST_BILLED = 26
NANO = Decimal("1e-9")


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> list[Ours]:
    """The requests of a full month on the list's prices, all of which a sample has: the same one whenever it is asked."""
    lake, last = str(tmp_path_factory.mktemp("bills") / "lake"), date(2026, 10, 31)
    write_sample(lake, datetime(2026, 11, 20, 12, tzinfo=UTC))
    asked = view(lake, days(last), "day", "list")
    return our_days(asked, last.replace(day=1), last, {}, names_of(["openai", "anthropic", "google"], NO_BOOK))[0]


def lines_of(logged: Iterable[Ours], provider: str, **told: Any) -> list[dict[str, Any]]:
    """A bill that agrees with our requests of a provider."""
    found = [one for one in logged if one.provider == provider]
    first = min(one.day for one in found).replace(day=1)
    covers = {"covers_first": first, "covers_last": (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)}
    return [{**one, **covers, **told} for one in billed(found)]


def a_day(logged: Iterable[Ours], provider: str, model: str | None = None, *kinds: str) -> int:
    """The day in the middle of those that are billed and on which a provider, or a model of it, has costs of some kinds."""
    found = {
        one.day.day
        for one in logged
        if one.provider == provider and model in (None, one.model) and one.day.day <= LAST_BILLED
        if one.spend and all(one.costs[TOKEN_KINDS.index(kind)] for kind in kinds)
    }
    return sorted(found)[len(found) // 2]


def at(factor: str, one: dict[str, Any]) -> dict[str, Any]:
    """A line that is billed at a multiple."""
    return {**one, "amount": (one["amount"] * Decimal(factor)).quantize(NANO)}


def faulty_anthropic(logged: list[Ours]) -> tuple[list[dict[str, Any]], dict[str, Decimal]]:
    """A discount on Opus from a day on, Haiku at the rates of a region, Sonnet's cache reads of a day as input; a tax, a credit."""
    planted: dict[str, Decimal] = defaultdict(Decimal)
    found = []
    discount_from = a_day(logged, "anthropic", "claude-opus-5")
    cache_day = a_day(logged, "anthropic", "claude-sonnet-5", "input", "cache_read")
    for one in lines_of(logged, "anthropic"):
        model, day = one["model"], one["first_day"].day
        faulty, cause = one, ""
        if model == "claude-opus-5" and day >= discount_from:
            faulty, cause = at("0.88", one), "price"
        elif model == "claude-haiku-4-5":
            faulty, cause = at("1.1", one), "factor"
        elif model == "claude-sonnet-5" and day == cache_day and one["meter"] == "cache_read":
            faulty, cause = {**at("10", one), "meter": "input", "sku": "reads as input"}, "cache"
        if cause:
            planted[cause] += faulty["amount"] - one["amount"]
        found.append(faulty)
    about = {name: found[0][name] for name in ("covers_first", "covers_last", "provider")} | {"model": None}
    month = {"first_day": about["covers_first"], "last_day": about["covers_last"]}
    found += [line("123.45", None, kind="tax", **about, **month), line("-50", None, kind="credit", **about, **month)]
    return found, {**planted, "tax": Decimal("123.45"), "credit": Decimal(-50)}


def faulty_openai(logged: list[Ours]) -> tuple[list[dict[str, Any]], dict[str, Decimal]]:
    """No quantities, amounts in cents, a model that nobody logs, one that a day lacks, and nothing of the last days."""
    planted: dict[str, Decimal] = defaultdict(Decimal)
    found = []
    lacking_day = a_day(logged, "openai", "gpt-4.1")
    for one in lines_of(logged, "openai"):
        if one["first_day"].day > LAST_BILLED:
            planted["not_yet"] -= one["amount"]
        elif one["first_day"].day == lacking_day and one["model"] == "gpt-4.1":
            planted["rest"] -= one["amount"]
        else:
            cents = round(one["amount"], 2)
            planted["rounding"] += cents - one["amount"]
            found.append({**one, "amount": cents, "quantity": None})
    last = found[0]["covers_first"].replace(day=LAST_BILLED)
    found.append({**found[0], "model": "sora-4", "meter": "output", "amount": Decimal("17.50")})
    return [{**one, "covers_last": last} for one in found], {**planted, "not_logged": Decimal("17.50")}


def test_planted_faults_of_every_kind_are_found_and_named(logged: list[Ours]):
    anthropic, of_anthropic = faulty_anthropic(logged)
    openai, of_openai = faulty_openai(logged)
    google = lines_of(logged, "google")
    lost_day = a_day(logged, "google")
    lost = [one for one in logged if one.provider == "google" and one.day.day == lost_day]
    rest = [one for one in logged if one not in lost]
    of_google = {"not_logged": sum((one.spend for one in lost), Decimal(0))}

    names = names_of(["openai", "anthropic", "google"], NO_BOOK)
    found = reconcile(bill(*anthropic, *openai, *google), rest, names=names, factors=factors_of(NO_BOOK))

    assert of_anthropic.keys() == {"price", "factor", "cache", "tax", "credit"}
    assert of_openai.keys() == {"not_yet", "rest", "rounding", "not_logged"}

    def effects(provider: str) -> dict[str, Decimal]:
        return {cause: amount for cause, amount in CellSums.of(of_provider(found.cells, provider)).effects.items() if amount}

    assert effects("anthropic") == of_anthropic
    assert effects("openai") == of_openai
    assert effects("google") == of_google
    named = {(one.cause, one.of) for cell in found.cells for one in cell.effects}
    assert {("factor", "US region"), ("not_logged", "day"), ("not_logged", "model"), ("rest", "only in our logs")} <= named


def of_provider(cells: Iterable[Cell], provider: str) -> list[Cell]:
    return [cell for cell in cells if cell.provider == provider]
