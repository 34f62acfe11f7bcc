"""The additive logarithmic mean Divisia index: how much of the change of a product each of its factors has made.

An effect is the logarithmic mean of the product before and now, times the logarithm of the growth of the factor. So effects add up
to the change, leave nothing over, and turn their signs when the periods are exchanged (Ang and Liu 2001).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from math import fsum, log, log1p

Factors = Sequence[float]
"""What a product is made of, in one period. What comes after a factor that is 0 may be anything."""


def effects(before: Factors, now: Factors, product_before: float, product_now: float) -> list[float]:
    """Returns the effect of each factor on a product; together they are its change.

    A factor that is 0, or less, in one of the periods takes the whole change: the first of them (Ang and Liu 2007).
    """
    change = product_now - product_before
    first = next((place for place, pair in enumerate(zip(before, now, strict=True)) if min(pair) <= 0), None)
    if first is not None or product_before <= 0 or product_now <= 0:
        taker = len(before) - 1 if first is None else first
        return [change if place == taker else 0.0 for place in range(len(before))]
    mean = logarithmic_mean(product_before, product_now)
    return [0.0 if one == other else mean * log(other / one) for one, other in zip(before, now, strict=True)]


def logarithmic_mean(one: float, other: float) -> float:
    """Returns the logarithmic mean of two numbers above 0, which lies between them; it does not depend on their order."""
    low, high = sorted((one, other))
    return low if low == high else (high - low) / log1p((high - low) / low)


def rounded(amounts: Mapping[str, Sequence[float]], change: Decimal, places: int) -> dict[str, Decimal]:
    """Returns the sum of each name's amounts in so many places, so that they add up to a change that has no more places.

    What rounding leaves over goes to the largest, to the first name of those as large.
    """
    unit = Decimal(1).scaleb(-places)
    sums = {name: fsum(of_name) for name, of_name in amounts.items()}
    parts = {name: Decimal(amount).quantize(unit, ROUND_HALF_EVEN) for name, amount in sums.items()}
    remainder = change - sum(parts.values(), Decimal(0))
    if remainder:
        largest = min(parts, key=lambda name: (-abs(parts[name]), name), default=None)
        if largest is not None:
            parts[largest] += remainder
    return parts


def ratio(part: Decimal | float | None, whole: Decimal | float | None) -> float:
    """Returns a quotient; 0 where there is nothing to divide, or to divide by."""
    return float(part) / float(whole) if part and whole else 0.0
