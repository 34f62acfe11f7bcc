"""Bills beside requests: what explains a difference, by hand and as laws."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bill_rows import DAY, bill, billed, line, ours, usd
from usagecost.bills.matching import reconcile
from usagecost.bills.result import CellSums, Reconciliation
from usagecost.bills.sides import Ours
from usagecost.bills.words import explained_text, over_months

A_DAY = ours(
    {"input": "3", "cache_read": "0.6", "output": "15"}, {"input": 1_000_000, "cache_read": 2_000_000, "output": 1_000_000}
)
"""At 3, 0.30 and 15 USD for a million tokens."""


def effects(found: Reconciliation) -> list[tuple[str, str, str]]:
    """What explains all cells: cause, of what, and how much without zeros at its end."""
    return [(one.cause, one.of, f"{one.amount.normalize():f}") for cell in found.cells for one in cell.effects]


def three_days() -> list[Ours]:
    """The same day three times, with a tenth more tokens each time."""
    return [
        A_DAY._replace(
            day=DAY + timedelta(days=place),
            spend=A_DAY.spend * (10 + place) / 10,
            list_cost=A_DAY.spend * (10 + place) / 10,
            costs=tuple(cost * (10 + place) / 10 for cost in A_DAY.costs),
            tokens=tuple(count * (10 + place) // 10 for count in A_DAY.tokens),
        )
        for place in range(3)
    ]


BILLED = billed([A_DAY])
AMOUNTS = billed([A_DAY], tells_quantities=False)
"""The same without quantities."""
LATER = A_DAY._replace(day=date(2026, 11, 20))
UNTIL_19 = [{**one, "covers_last": date(2026, 11, 19)} for one in BILLED]
NOON = {"as_of": datetime(2026, 11, 3, 12, tzinfo=UTC)}
HALF = [{**one, "amount": one["amount"] / 2} for one in BILLED]
HALF_TOKENS = [{**one, "quantity": one["quantity"] / 2, "sku": "standard"} for one in HALF]
AT_BATCH = [{**one, "amount": one["amount"] / 2, "sku": "batch"} for one in HALF_TOKENS]
TAX, CREDIT = line("3.72", None, kind="tax", model=None), line("-5", None, kind="credit", model=None)
TUNED = ours({"input": "3"}, {"input": 1_000_000}, model="ft:gpt-x:acme")
CENTS = ours({"input": "3.004321", "output": "15.001"}, {"input": 1_001_440, "output": 1_000_067})
PIECES = [ours({"input": "3", "other": "0.5"}, {"input": 1_000_000}), ours({"other": "0.25"}, model="gpt-y")]
NO_LIST = A_DAY._replace(list_cost=usd("0"), costs=(usd("0"),) * 5)


@pytest.mark.parametrize(
    ("lines", "logged", "explained"),
    [
        pytest.param(BILLED, [A_DAY], [], id="what agrees has no effects"),
        pytest.param([*BILLED, line("5", day=date(2026, 11, 9)), line("7", model="gpt-y")], [A_DAY],
                     [("not_logged", "day", "5"), ("not_logged", "model", "7")],
                     id="what only the bill has is not logged: a day or a model"),
        pytest.param([line("4.5", "input", 1_500_000), *BILLED[1:]], [A_DAY], [("not_logged", "", "1.5")],
                     id="more tokens than we have are not logged, at the rate of the bill"),
        pytest.param(UNTIL_19, [A_DAY, LATER, A_DAY._replace(model="gpt-y"), A_DAY._replace(day=date(2026, 10, 31)),
                                A_DAY._replace(provider="x")],
                     [("not_yet", "", "-18.6"), ("rest", "only in our logs", "-18.6")],
                     id="days after the last that is covered are not billed yet, others that only we have are unexplained"),
        pytest.param([{**TAX, "statement": "b"}], [A_DAY], [("tax", "tax", "3.72")], id="a tax alone says nothing of its days"),
        pytest.param([*UNTIL_19, {**TAX, "statement": "b"}], [A_DAY, LATER], [("not_yet", "", "-18.6"), ("tax", "tax", "3.72")],
                     id="a statement without usage says nothing of what its days have"),
        pytest.param([{**one, **NOON} for one in (line("1.5", "input", 500_000), *BILLED[1:])], [A_DAY],
                     [("not_yet", "input", "-1.5")], id="a day that was not over when the bill was made may lack tokens"),
        pytest.param([BILLED[0], line("0.8", "cache_read", 2_000_000), BILLED[2]], [A_DAY], [("price", "cache_read", "0.2")],
                     id="another rate of one kind is a price"),
        pytest.param([line("9", "input", 3_000_000), BILLED[2]], [A_DAY], [("cache", "", "5.4")],
                     id="cached input that is billed as input is counted otherwise"),
        pytest.param([line("9", "input"), line("15", "output")], [A_DAY], [("cache", "", "5.4")],
                     id="without quantities the same input that is split otherwise is seen"),
        pytest.param([*BILLED, CREDIT, TAX], [A_DAY], [("credit", "credit", "-5"), ("tax", "tax", "3.72")],
                     id="taxes and credits stand apart"),
        pytest.param([line("3.00", "input", 1_001_440), line("15.00", "output", 1_000_067)], [CENTS],
                     [("rounding", "", "-0.005321")], id="amounts in cents differ by rounding"),
        pytest.param([line("0.01")] * 5000, [ours({"input": "26"}, {"input": 1_000_000})], [("rest", "input", "24")],
                     id="many lines are not all rounded the same way"),
        pytest.param([{**one, "amount": one["amount"] * 9 / 10} for one in AMOUNTS], [A_DAY],
                     [("price", "output", "-1.5"), ("price", "input", "-0.3"), ("price", "cache_read", "-0.06")],
                     id="without quantities a rate that is seen twice is one"),
        pytest.param([*AMOUNTS[:2], line("21", "output")], [A_DAY], [("rest", "output", "6")],
                     id="without quantities a rate that is seen once is none"),
        pytest.param([line("3", "input", 1_000_000), line("0.75", "web_searches", 75, model=None)], PIECES, [],
                     id="what is billed by the piece without a model is matched to all pieces"),
        pytest.param([*BILLED, line("3", "input", 1_000_000, model=None, sku="ft:gpt-x:acme, input")], [A_DAY, TUNED], [],
                     id="a model that the price list does not know goes by what is sold"),
        pytest.param(HALF, [A_DAY._replace(spend=usd("9.3"))], [], id="costs that are reported are told apart as list costs are"),
        pytest.param(BILLED, [NO_LIST], [], id="costs that are reported alone are matched as a whole"),
        pytest.param(HALF, [A_DAY], [("factor", "batch", "-9.3")], id="all rates at a known multiple are a factor"),
        pytest.param([*HALF_TOKENS, *AT_BATCH], [A_DAY], [("factor", "batch", "-4.65")], id="of some of the tokens, too"),
        pytest.param([{**one, "amount": one["amount"] * 3 / 4} for one in BILLED], [A_DAY],
                     [("price", "output", "-3.75"), ("price", "input", "-0.75"), ("price", "cache_read", "-0.15")],
                     id="all rates at another multiple are a price"),
    ],
)  # fmt: skip
def test_a_difference_is_explained(lines: list[dict[str, Any]], logged: list[Ours], explained: list[tuple[str, str, str]]):
    found = reconcile(bill(*lines), logged, factors=lambda *_: {Decimal("0.5"): "batch"})

    assert effects(found) == explained
    assert is_whole(found)


def test_without_quantities_a_day_that_is_logged_in_part_is_told_by_the_rates_of_others():
    logged = three_days()
    half = logged[1]._replace(costs=tuple(c / 2 for c in logged[1].costs), spend=usd("10.23"), list_cost=usd("10.23"))
    lines = [{**one, "amount": one["amount"] * 8 / 10} for one in billed(logged, tells_quantities=False)]

    sums = CellSums.of(reconcile(bill(*lines), [logged[0], half, logged[2]]).cells)

    assert (sums.effects["not_logged"], sums.effects["price"], sums.difference) == (usd("8.184"), usd("-10.23"), usd("-2.046"))


def test_an_invoice_of_a_month_is_matched_over_all_of_it():
    days = {"first_day": date(2026, 11, 1), "last_day": date(2026, 11, 30)}
    whole = [line(str(usd(cost) * 33 / 10 + 1), name, tokens * 33 // 10 + 1_000_000 * (name == "output"), **days)
             for name, cost, tokens in (("input", "3", 1_000_000), ("output", "15", 1_000_000))]  # fmt: skip
    logged = [one._replace(spend=one.costs[0] + one.costs[3], list_cost=one.costs[0] + one.costs[3],
                           costs=(one.costs[0], usd("0"), usd("0"), one.costs[3], usd("0"))) for one in three_days()]  # fmt: skip

    found = reconcile(bill(*whole), logged)

    assert [(cell.first, cell.last, cell.theirs, cell.ours) for cell in found.cells] == [(*days.values(), usd("61.4"), usd("59.4"))]
    assert sum((one.amount for one in found.cells[0].effects), Decimal(0)) == 2


def test_models_without_our_price_differ_by_it():
    unpriced = A_DAY._replace(spend=usd("0"), list_cost=usd("0"), costs=(usd("0"),) * 5, tokens=(0,) * 4, unpriced=A_DAY.tokens)

    found = reconcile(bill(*billed([A_DAY])), [unpriced._replace(incomplete=10)])

    assert {one[0] for one in effects(found)} == {"price"}
    assert CellSums.of(found.cells).incomplete == 10


def test_keys_that_both_sides_name_are_matched_and_one_that_only_the_bill_names_is_not_logged():
    logged = [A_DAY._replace(scope="a"), A_DAY._replace(scope="b")]
    lines = billed([*logged, A_DAY._replace(scope="c")])

    found = reconcile(bill(*lines), logged, scopes={"openai": "key"})

    assert [(cell.scope, [one.of for one in cell.effects]) for cell in found.cells] == [(None, ["key"]), ("a", []), ("b", [])]


def test_a_bill_of_one_key_is_about_its_requests_alone_and_keys_that_nobody_logs_mean_nothing():
    logged = [A_DAY._replace(scope="a"), A_DAY._replace(scope="b")]

    of_one = reconcile(bill(*billed(logged[:1])), logged, scopes={"openai": "key"})
    of_strangers = reconcile(bill(*billed([one._replace(scope=f"sk-{one.scope}") for one in logged])), logged)

    assert [cell.scope for cell in of_one.cells] == ["a"]
    assert [(cell.theirs, cell.ours) for cell in of_strangers.cells] == [(usd("37.2"), usd("37.2"))]


def test_another_currency_is_compared_where_there_is_a_rate_and_else_said():
    lines = bill(*({**one, "currency": "EUR"} for one in billed([A_DAY])))

    without = reconcile(lines, [A_DAY])
    at_a_rate = reconcile(lines, [A_DAY], rate=lambda currency, _: usd("1.1") if currency == "EUR" else None)

    assert without.cells == ()
    assert [(one.provider, one.currency, one.lines, one.amount) for one in without.unmatched] == [("openai", "EUR", 3, usd("18.6"))]
    assert CellSums.of(at_a_rate.cells).effects["price"] == usd("1.86")


def test_a_bill_that_names_no_model_is_matched_to_the_whole_provider():
    lines = [line("40", None, model=None)]

    found = reconcile(bill(*lines), [A_DAY, A_DAY._replace(model="gpt-y")])

    assert [(cell.model, cell.theirs, cell.ours) for cell in found.cells] == [(None, usd("40"), usd("37.2"))]


def test_the_share_that_is_explained_does_not_set_off_too_much_against_too_little():
    lines = [line("10", None, model="a"), line("10", None, model="b")]
    logged = [ours({"input": "6"}, {"input": 1}, model="a"), ours({"input": "14"}, {"input": 1}, model="b")]

    sums = CellSums.of(reconcile(bill(*lines), logged).cells)

    assert (sums.difference, sums.effects["rest"], sums.explained) == (0, 0, usd("0.6"))


def test_the_share_that_is_explained_is_of_what_is_billed_before_credits():
    of_day, credit = line("18", None, model="a"), line("-18", None, kind="credit", model=None)
    logged = [ours({"input": "9"}, {"input": 1}, model="a")]

    half, nothing = (CellSums.of(reconcile(bill(*lines), logged).cells) for lines in ([of_day, credit], [credit]))

    assert (half.theirs, half.unexplained, half.explained) == (0, usd("9"), usd("0.5"))
    assert explained_text(half) == "50.0% of $18.00 before credits explained"
    assert nothing.explained is None


def test_lines_of_two_months_count_in_the_first_and_it_is_said():
    found = reconcile(bill(line("5", first_day=date(2026, 10, 20), last_day=date(2026, 11, 19)), *billed([A_DAY])), [A_DAY])

    assert list(found.by_month()) == [date(2026, 10, 1)]
    assert over_months(found.of_month(date(2026, 10, 1))) == [
        "openai: lines of 20 Oct – 19 Nov 2026 count in October 2026 as a whole, and so do our requests of these days."
    ]


# ---- laws

MONEY = st.integers(10**6, 10**12).map(lambda nanos: Decimal(nanos).scaleb(-9))
TOKENS = st.integers(1, 10**9)
PLACES = st.tuples(st.integers(1, 28), st.sampled_from(["gpt-x", "gpt-y", "gpt-z"]))


@st.composite
def logs(draw: st.DrawFn) -> list[Ours]:
    """Requests of some days and models."""
    found = []
    for day, model in draw(st.lists(PLACES, min_size=1, max_size=8, unique=True)):
        kinds = draw(st.sets(st.sampled_from(["input", "cache_read", "cache_write", "output"]), min_size=2))
        costs = {name: draw(MONEY) for name in sorted(kinds)}
        found.append(ours(costs, {name: draw(TOKENS) for name in costs}, day=date(2026, 11, day), model=model))
    return found


def is_whole(found: Reconciliation) -> bool:
    """Whether the effects of every cell add up to its difference."""
    return all(sum((one.amount for one in cell.effects), Decimal(0)) == cell.difference for cell in found.cells)


@given(logs(), st.booleans())
def test_a_bill_made_of_our_numbers_reconciles_to_zero(logged: list[Ours], tells_quantities: bool):
    found = reconcile(bill(*billed(logged, tells_quantities=tells_quantities)), logged)

    assert effects(found) == []
    assert CellSums.of(found.cells).theirs == sum((one.spend for one in logged), Decimal(0))


@given(logs(), logs(), st.booleans(), st.integers(2, 9), st.integers(0, 12), st.randoms(use_true_random=False))
def test_explanations_add_up_and_the_order_of_rows_changes_nothing(
    logged: list[Ours], others: list[Ours], tells_quantities: bool, places: int, tenths: int, chance: random.Random
):
    logged = [one._replace(spend=(one.spend * tenths / 10).quantize(Decimal("1e-9"))) for one in logged]
    lines = billed(others, tells_quantities=tells_quantities)
    lines = [{**one, "amount": round(one["amount"], places)} for one in lines] + [line("1.23", None, kind="tax")]

    found = reconcile(bill(*lines), logged, factors=lambda *_: {Decimal("0.5"): "batch"})
    chance.shuffle(lines)

    assert is_whole(found)
    assert reconcile(bill(*lines), chance.sample(logged, len(logged)), factors=lambda *_: {Decimal("0.5"): "batch"}) == found
    assert CellSums.of(found.cells).difference == sum(CellSums.of(found.cells).effects.values(), Decimal(0))


@given(logs(), st.booleans(), st.integers(1, 60))
def test_a_discount_is_found_as_price(logged: list[Ours], tells_quantities: bool, percent: int):
    lines = billed(logged, tells_quantities=tells_quantities)
    less = [{**one, "amount": (one["amount"] * (100 - percent) / 100).quantize(Decimal("1e-9"))} for one in lines]

    sums = CellSums.of(reconcile(bill(*less), logged).cells)

    assert sums.effects["price"] == sums.difference < 0


@given(logs(), st.booleans(), st.data())
def test_a_day_that_is_left_out_of_the_logs_is_found_as_not_logged(logged: list[Ours], tells_quantities: bool, data: st.DataObject):
    day = data.draw(st.sampled_from([one.day for one in logged]))

    sums = CellSums.of(
        reconcile(bill(*billed(logged, tells_quantities=tells_quantities)), [one for one in logged if one.day != day]).cells
    )

    assert sums.effects["not_logged"] == sums.difference == sum((one.spend for one in logged if one.day == day), Decimal(0))


def test_a_discount_in_cents_is_price_up_to_rounding():
    lines = [{**one, "amount": round(one["amount"] * 9 / 10, 2)} for one in billed(three_days())]

    sums = CellSums.of(reconcile(bill(*lines), three_days()).cells)

    assert sums.effects["price"] + sums.effects["rounding"] == sums.difference
