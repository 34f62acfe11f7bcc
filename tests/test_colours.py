"""Colours are told apart, by colour-blind people too, and a value keeps its own."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usagecost.vocabulary.colours import (
    APART,
    COLORS,
    MISSING_COLOR,
    OTHER_COLOR,
    PALETTE,
    STATUS_COLORS,
    colors,
    series_colors,
)

VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""What an eye makes of linear RGB: Machado, Oliveira and Fernandes (2009), severity 1."""
LMS = [[0.41222147, 0.53633254, 0.05144599], [0.21190350, 0.68069955, 0.10739696], [0.08830246, 0.28171884, 0.62997870]]
LAB = [[0.21045426, 0.79361779, -0.00407205], [1.97799850, -2.42859221, 0.45059371], [0.02590404, 0.78277177, -0.80867577]]
"""OKLab of linear RGB, in two steps."""
LIGHT, DARK = "#FFFFFF", "#0E1117"


def linear(color: str) -> np.ndarray:
    parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(color: str, vision: str) -> np.ndarray:
    """The colour that an eye sees, in OKLab."""
    return np.array(LAB) @ np.cbrt(np.array(LMS) @ np.clip(np.array(VISION[vision]) @ linear(color), 0, 1))


def distance(one: str, other: str, vision: str) -> float:
    """How far two colours lie apart: of 0.02 one hardly sees the difference."""
    return float(np.linalg.norm(lab(one, vision) - lab(other, vision)))


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear(color) @ [0.2126, 0.7152, 0.0722]) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("vision", VISION)
def test_colours_are_told_apart_whatever_eyes_see(vision: str):
    assert min(distance(*pair, vision) for pair in combinations(PALETTE[:APART], 2)) > 0.06
    assert min(distance(*pair, vision) for pair in combinations(PALETTE, 2)) > 0.035
    named = [color for status, color in STATUS_COLORS.items() if status]
    assert min(distance(*pair, vision) for pair in combinations((*named, OTHER_COLOR), 2)) > 0.06
    assert min(distance(*pair, vision) for pair in combinations(STATUS_COLORS.values(), 2)) > 0.06


def test_colours_read_on_light_and_on_dark():
    shown = {*PALETTE, *COLORS.values(), *STATUS_COLORS.values(), MISSING_COLOR, OTHER_COLOR}

    assert min(contrast(color, LIGHT) for color in shown) >= 2
    assert min(contrast(color, DARK) for color in shown) >= 3


@given(st.lists(st.none() | st.text(), unique=True, max_size=len(PALETTE)))
def test_as_many_values_as_colours_are_told_apart(values: list[str | None]):
    given_colors = colors(values)

    assert set(values) <= set(given_colors)
    assert len(set(given_colors.values())) == len(given_colors)


@given(st.lists(st.text(), unique=True, min_size=1, max_size=100))
def test_a_value_keeps_its_colour_whatever_ranks_below_it(values: list[str]):
    assert colors(values)[values[0]] == colors(values[:1])[values[0]]
    assert {colors(values)[value] for value in values[:APART]} <= set(PALETTE[:APART])
    assert colors(values)[values[-1]] in PALETTE


def test_what_is_not_reported_has_a_colour_of_its_own():
    assert colors([])[None] == colors(["a", None])[None] == MISSING_COLOR
    assert not {MISSING_COLOR, OTHER_COLOR, *STATUS_COLORS.values()} & set(PALETTE)


def test_meanings_have_colours_of_their_own():
    series = ("input_tokens", "output_tokens", "total_tokens", "cache_read_tokens")

    assert len(set(series_colors(series))) == len(series)
    assert COLORS["successful"] != COLORS["failed"]
