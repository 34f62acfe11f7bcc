"""Why spend, tokens, requests and latency change: hand-worked cases, and the laws of the decomposition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from usagecost.explain import EFFECTS, Explanation, Step, sentence, steps_of
from usagecost.explain.counts import explain_latency, explain_requests, explain_tokens
from usagecost.explain.parts import Part
from usagecost.explain.spend import explain_spend
from usagecost.explain.values import moved_latencies

RATES = (Decimal("0.01"), Decimal("0.001"), Decimal("0.0125"), Decimal("0.05"))
"""USD for a token of uncached input, read from the cache, written to it, and of output."""

Tokens = tuple[int, int, int, int]


def used(
    model: str = "a",
    requests: int = 10,
    tokens: Tokens = (100, 0, 0, 10),
    *,
    rates: Sequence[Decimal] = RATES,
    units: Decimal = Decimal(0),
    scale: Decimal = Decimal(1),
    **more: object,
) -> Part:
    """So many requests, of which each uses tokens of the four kinds, at list prices ``scale`` times the rates."""
    costs = (*(count * requests * rate * scale for count, rate in zip(tokens, rates, strict=True)), units * requests)
    part = Part(
        ("p", model),
        requests=requests,
        priced=requests,
        spend=sum(costs, Decimal(0)),
        listed=requests,
        list_cost=sum(costs, Decimal(0)),
        costs=costs,
        tokens=tuple(float(count * requests) for count in tokens),
        all_input=sum(tokens[:3]) * requests,
        all_output=tokens[3] * requests,
        price_id=f"p/{model}@always",
    )
    return replace(part, **more)


def effects(found: Explanation) -> dict[str, Decimal]:
    return {one.effect.name: one.amount for one in found.effects}


def of_spend(before: Sequence[Part], now: Sequence[Part]) -> dict[str, str]:
    return {name: str(amount) for name, amount in effects(explain_spend(before, now)).items()}


# ---- hand-worked


def test_factors_that_double_together_share_the_change_alike():
    """100 became 400: the logarithmic mean is 300 / ln 4, and each factor of 2 made 300 · ln 2 / ln 4."""
    before, now = used(tokens=(1_000, 0, 0, 0)), used(requests=20, tokens=(1_000, 0, 0, 0), scale=Decimal(2))

    assert of_spend([before], [now]) == {"volume": "150.00", "price": "150.00"}


def test_a_factor_has_as_much_of_the_change_as_of_the_growth_in_logarithms():
    """100 became 800, by 4 times the requests and twice the input: 700 · ln 4 / ln 8 and 700 · ln 2 / ln 8."""
    before, now = used(tokens=(1_000, 0, 0, 0)), used(requests=40, tokens=(2_000, 0, 0, 0))

    assert of_spend([before], [now]) == {"volume": "466.67", "input_size": "233.33"}


def test_models_of_one_period_come_and_go_and_are_no_volume():
    assert of_spend([used("old"), used("kept")], [used("new", 30), used("kept")]) == {"came": "45.00", "went": "-15.00"}


def test_what_is_asked_in_batches_is_a_factor_and_not_a_price():
    """The book's rate of what is asked in batches is that of the same list price where it is asked as usual, whenever that was."""
    batch = used(scale=Decimal("0.5"), price_id="p/a@always+batch")

    assert of_spend([used()], [batch]) == {"factor": "-7.50"}
    assert of_spend([used()], [used(requests=5), replace(used(requests=5, scale=Decimal("0.5")), price_id="p/a@always+batch")]) == {
        "factor": "-3.75"
    }
    assert of_spend([batch], [used(scale=Decimal("0.25"), price_id="p/a@2026-05-01+batch")]) == {"price": "-3.75"}


def test_what_the_gateway_answers_from_its_cache_is_a_factor():
    assert of_spend([used()], [used(scale=Decimal(0), price_id=None, is_free=True)]) == {"factor": "-15.00"}


def test_a_discount_is_told_from_the_price_it_is_taken_off():
    assert of_spend([used()], [used(scale=Decimal("0.8"), discount=Decimal("0.2"))]) == {"discount": "-3.00"}
    assert of_spend([used()], [used(scale=Decimal(0), discount=Decimal(1))]) == {"discount": "-15.00"}


def test_what_logs_report_against_the_list_is_an_effect_of_its_own():
    assert of_spend([used()], [used(spend=Decimal(18))]) == {"reported": "3.00"}
    assert of_spend([used(spend=Decimal(30))], [used(requests=20, spend=Decimal(60))]) == {"volume": "30.00"}


def test_without_a_list_cost_a_model_has_one_kind_of_tokens():
    """300 became 1,200: the requests are as many, of twice the tokens, each token twice as dear."""
    nothing = {"listed": 0, "list_cost": Decimal(0), "costs": (Decimal(0),) * 5, "tokens": (0.0,) * 4}
    before = replace(used(), spend=Decimal(300), **nothing)
    now = replace(used(tokens=(200, 0, 0, 20)), spend=Decimal(1200), **nothing)

    assert of_spend([before], [now]) == {"size": "450.00", "price": "450.00"}
    assert of_spend([replace(before, all_input=0, all_output=0)], [now]) == {"price": "900.00"}, "its tokens are not known"


def test_requests_that_get_a_known_cost_are_no_dearer():
    """Half of the requests had no price before; their tokens are not known, so no size and no price has changed."""
    before = [used(requests=5), Part(("p", "a"), requests=5)]

    assert of_spend(before, [used()]) == {"coverage": "7.50"}
    assert of_spend([Part(("p", "a"), requests=10)], [used()]) == {"coverage": "15.00"}


def test_what_is_billed_by_the_piece_has_an_effect_of_its_own():
    assert of_spend([used()], [used(units=Decimal("0.1"))]) == {"units": "1.00"}


def test_cents_that_rounding_leaves_over_go_to_the_largest():
    """From 1.004 to 3.016, shown as 1.00 and 3.02: the effects add up to 2.02."""
    before, now = used(requests=1, tokens=(0, 0, 0, 0), units=Decimal("1.004")), used("b", 1, (0, 0, 0, 0), units=Decimal("3.016"))

    assert of_spend([before], [now]) == {"came": "3.02", "went": "-1.00"}
    assert of_spend([before, replace(before, model=("p", "c"))], [now]) == {"came": "3.02", "went": "-2.01"}


def test_tokens_change_by_requests_mix_and_sizes():
    assert effects(explain_tokens([used(tokens=(100, 20, 0, 10))], [used(requests=20, tokens=(100, 20, 0, 10))])) == {
        "volume": 1300
    }
    assert effects(explain_tokens([used(tokens=(100, 20, 0, 10))], [used(tokens=(40, 80, 0, 35))])) == {"output_size": 250}
    assert effects(explain_requests([used(), used("old", 3)], [used(requests=14), used("new", 5)])) == {
        "came": 5, "went": -3, "volume": 4,
    }  # fmt: skip


def timed(model: str, requests: int, milliseconds: int) -> Part:
    return Part(("p", model), requests=requests, timed=requests, latency_us=requests * milliseconds * 1000)


def test_latency_changes_within_models_and_by_their_mix():
    """A mean of 200 became 400: at a share of one half on average the slow model adds 50, a shift of one half to it 150.

    The fast model has 100 ms throughout; the slow one 300 before and 400 now, when it has all of the requests.
    """
    found = explain_latency([timed("fast", 5, 100), timed("slow", 5, 300)], [timed("slow", 10, 400)])

    assert (found.before, found.now) == (200, 400)
    assert effects(found) == {"within": 75, "mix": 125}


def test_what_values_have_moved_adds_up_where_the_whole_did_not_change():
    """Means of 1.5 and 1.67 ms are both 2; that of one user has moved by 0.6, that of the other by less than half as much."""
    ann, bob = ([timed("a", 1, 1)], [timed("a", 2, 2)]), ([timed("a", 1, 2)], [timed("a", 1, 1)])
    whole = explain_latency([*ann[0], *bob[0]], [*ann[1], *bob[1]])
    moved = moved_latencies({("ann", False): (1, ann), ("bob", False): (1, bob)}, whole)

    assert (whole.effects, sum(one.moved for one in moved)) == ((), 0)


def test_a_sentence_names_what_did_most():
    before = [used("gpt-5", 100), used("claude", 10), used("old", 1)]
    now = [used("gpt-5", 80), used("claude", 10, (900, 0, 0, 10)), used("new", 2)]
    found = explain_spend(before, now)

    assert sentence("spend_usd", found, steps_of("spend_usd", found)) == (
        "Spend rose by $51.50 (+30.9%): +$80.00 longer input (claude), −$35.29 fewer requests, +$5.29 a dearer mix of models, "
        "and +$1.50 by 2 others."
    )
    same = Explanation(Decimal("5.00"), Decimal("5.00"), ())
    assert sentence("spend_usd", same, []) == "Spend did not change: $5.00 in both periods."
    moved = [Step("a", "a", Decimal(3)), Step("b", "b", Decimal(-3))]
    assert sentence("requests", same, moved) == "Requests did not change: 5 in both periods, though +3 a, −3 b."


# ---- laws

counts = st.integers(0, 3_000)
rates = st.decimals("0.000001", "0.01", places=6)


@st.composite
def parts(draw: st.DrawFn) -> Part:
    """Requests of one of few models, with costs that are now and then not known, reported, discounted, free or of batches."""
    part = used(
        draw(st.sampled_from("abcd")),
        draw(st.integers(1, 500)),
        draw(st.tuples(counts, counts, counts, counts)),
        rates=draw(st.tuples(rates, rates, rates, rates)),
        units=draw(st.sampled_from([Decimal(0), Decimal("0.01")])),
    )
    match draw(st.integers(0, 9)):
        case 0:
            return replace(part, priced=0, spend=Decimal(0), listed=0, list_cost=Decimal(0), costs=(Decimal(0),) * 5)
        case 1:
            return replace(part, listed=0, list_cost=Decimal(0), costs=(Decimal(0),) * 5, tokens=(0.0,) * 4)
        case 2:
            return replace(part, spend=part.spend * draw(st.decimals(0, 3, places=2)))
        case 3:
            return replace(part, discount=draw(st.decimals(0, 1, places=2)))
        case 4:
            return replace(part, price_id=f"{part.price_id}+batch")
        case 5:
            return replace(part, price_id=None, is_free=True, spend=Decimal(0), list_cost=Decimal(0), costs=(Decimal(0),) * 5)
        case 6:
            return replace(part, costs=(Decimal(0),) * 5)
    return part


lots = st.lists(parts(), max_size=6)
whole = st.lists(
    st.builds(used, st.sampled_from("abcd"), st.integers(1, 400), st.tuples(*[st.integers(1, 3_000)] * 4)),
    min_size=1,
    max_size=4,
    unique_by=lambda part: part.model,
)
"""Requests of some models whose costs are known and of all kinds."""


@given(lots, lots)
def test_effects_add_up_to_the_change_to_the_cent(before: list[Part], now: list[Part]):
    found = explain_spend(before, now)

    assert found.change == sum((one.amount for one in found.effects), Decimal(0))
    assert [found.before, found.now] == [round(sum((part.spend for part in each), Decimal(0)), 2) for each in (before, now)]
    assert list(effects(found)) == [name for name in EFFECTS if name in effects(found)]


@given(lots, lots)
def test_effects_turn_their_signs_when_the_periods_are_exchanged(before: list[Part], now: list[Part]):
    there, back = effects(explain_spend(before, now)), effects(explain_spend(now, before))
    back["came"], back["went"] = back.pop("went", Decimal(0)), back.pop("came", Decimal(0))

    assert {name: -amount for name, amount in back.items() if amount} == there


@given(lots, lots, st.randoms(use_true_random=False))
def test_effects_do_not_depend_on_the_order_of_rows(before: list[Part], now: list[Part], random: Random):
    mixed = [random.sample(each, len(each)) for each in (before, now)]

    assert explain_spend(*mixed) == explain_spend(before, now)
    assert explain_tokens(*mixed) == explain_tokens(before, now)
    assert explain_requests(*mixed) == explain_requests(before, now)


def scaled(part: Part, factor: Decimal) -> Part:
    """The same at other prices."""
    costs = tuple(cost * factor for cost in part.costs)
    return replace(part, costs=costs, spend=sum(costs, Decimal(0)), list_cost=sum(costs, Decimal(0)))


@given(whole, st.decimals("0.1", "9", places=2))
def test_a_change_of_prices_moves_only_the_price(before: list[Part], factor: Decimal):
    assert effects(explain_spend(before, [scaled(part, factor) for part in before])).keys() <= {"price"}


def multiplied(part: Part, times: int) -> Part:
    """So many times the requests of a part."""
    sums = {name: getattr(part, name) * times for name in ("requests", "priced", "spend", "listed", "list_cost", "all_input")}
    kinds = {name: tuple(one * times for one in getattr(part, name)) for name in ("costs", "tokens")}
    return replace(part, **sums, **kinds, all_output=part.all_output * times)


@given(whole, st.integers(2, 9))
def test_more_of_the_same_moves_only_the_volume(before: list[Part], times: int):
    now = [multiplied(part, times) for part in before]

    assert effects(explain_spend(before, now)).keys() == {"volume"}
    assert effects(explain_tokens(before, now)).keys() == {"volume"}


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(1, 400)), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_a_shift_between_models_moves_only_the_mix(requests: list[tuple[int, int]], random: Random):
    kinds = [tuple(random.randint(0, 3_000) for _ in range(4)) for _ in requests]
    before = [used(str(i), was * is_now, kind) for i, ((was, is_now), kind) in enumerate(zip(requests, kinds, strict=True))]
    shifted = [part.requests for part in before]
    shifted[0], shifted[-1] = shifted[0] + shifted[-1] - 1, 1
    now = [used(part.model[1] or "", sent, kind) for part, sent, kind in zip(before, shifted, kinds, strict=True)]

    assert effects(explain_spend(before, now)).keys() <= {"mix"}
    assert effects(explain_tokens(before, now)).keys() <= {"mix"}


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(1, 3_000), st.floats(0.01, 1)), min_size=1, max_size=4))
def test_caching_that_is_switched_on_moves_only_the_share_of_the_cache(models: list[tuple[int, int, float]]):
    before = [used(str(i), requests, (sent, 0, 0, 7)) for i, (requests, sent, _) in enumerate(models)]
    now = [used(str(i), n, (sent - int(sent * share), int(sent * share), 0, 7)) for i, (n, sent, share) in enumerate(models)]

    assert effects(explain_spend(before, now)).keys() <= {"cache_share"}


@given(st.lists(st.builds(timed, st.sampled_from("abcd"), st.integers(1, 99), st.integers(0, 9_999)), min_size=2, max_size=8))
def test_effects_on_latency_add_up_and_turn_their_signs(every: list[Part]):
    before, now = every[:1], every[1:]
    there, back = explain_latency(before, now), explain_latency(now, before)

    assert there.change == sum((one.amount for one in there.effects), Decimal(0))
    assert effects(there) == {name: -amount for name, amount in effects(back).items()}
    assert effects(explain_latency(now, now)) == {}
