"""Intervals that stand out, and what caused them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from usagecost.explain import Spike, causes, find_spikes

WEEK = [100.0, 100.0, 100.0, 100.0, 100.0, 20.0, 20.0]
SLOTS = [*range(7)] * 20


def spikes(amounts: list[float | None]) -> list[Spike]:
    return find_spikes(amounts, SLOTS[: len(amounts)], 7)


def test_a_dear_day_stands_out_against_its_weekday_and_the_recent_level():
    assert spikes(WEEK * 4) == []
    assert spikes([*WEEK * 4, 280.0, *WEEK[1:]]) == [Spike(28, 280, 100)]
    assert spikes([*WEEK * 4, *WEEK[:5], 100.0, 20.0]) == [Spike(33, 100, 20)], "a Saturday like a working day"
    assert spikes([*WEEK * 4, *WEEK[:2], 0.0, *WEEK[3:]]) == [Spike(30, 0, 100)], "nothing was sent on a Wednesday"
    assert Spike(28, 280, 100).excess == 180


def test_usual_follows_the_level():
    """All days are three times as dear from a Monday on: after four of seven days that is the level."""
    assert [spike.place for spike in spikes([*WEEK * 4, *(3 * amount for amount in WEEK * 2)])] == [28, 29, 30, 31]


def test_what_is_not_known_stands_out_from_nothing_and_teaches_nothing():
    assert spikes([*WEEK * 4, None, *WEEK[1:], 280.0]) == [Spike(35, 280, 100)]


def test_less_than_two_weeks_tell_nothing():
    assert spikes([*WEEK, 100.0, 900.0]) == []
    assert spikes([*[0.0] * 21, 900.0]) == []
    assert spikes([*[0.0] * 70, *[10.0] * 11, 16.0]) == [], "days before the first request are not known"


@given(st.lists(st.floats(0.9, 1.1), min_size=56, max_size=56))
def test_days_that_scatter_as_usual_do_not_stand_out(noise: list[float]):
    """Of what scatters by a tenth nothing is more than 1.1 / (0.9 · 0.9 / 1.1) = 1.494 times the usual."""
    assert spikes([amount * factor for amount, factor in zip(WEEK * 8, noise, strict=True)]) == []


@given(st.lists(st.integers(0, 1_000), min_size=15, max_size=70), st.sampled_from([0.25, 2.0, 1024.0]))
def test_a_unit_changes_nothing(amounts: list[int], unit: float):
    there = spikes([float(amount) for amount in amounts])

    assert [(one.place, one.amount * unit) for one in there] == [
        (one.place, one.amount) for one in spikes([amount * unit for amount in amounts])
    ]


def test_the_cause_is_the_smallest_set_of_values_that_makes_most_of_it():
    """Usual are $100, shared as the four weeks before were; $180 more came from one model, one user and one app, of all teams."""
    spike = Spike(0, 280, 100)
    of = {
        "model": {"opus": (230.0, 1_400.0), "haiku": (50.0, 1_400.0)},
        "user": {"ann": (190.0, 280.0), "bob": (45.0, 1_260.0), None: (45.0, 1_260.0)},
        "team": {"a": (94.0, 934.0), "b": (93.0, 933.0), "c": (93.0, 933.0)},
        "app": {"etl": (170.0, 0.0), "chat": (110.0, 2_800.0)},
        "key": {None: (280.0, 2_800.0)},
    }

    assert causes(spike, of) == [("model", ("opus",)), ("user", ("ann",)), ("app", ("etl",))]
    assert causes(spike, {"team": of["team"], "key": of["key"]}) == [("team", ("a", "b", "c"))]
    assert causes(spike, {"user": {str(i): (28.0, 280.0) for i in range(10)}}) == []


def test_what_is_missing_has_a_cause_too():
    assert causes(Spike(0, 20, 100), {"user": {"ann": (0.0, 700.0), "bob": (20.0, 300.0)}}) == [("user", ("ann",))]
