"""Amounts in whole cents that add up: what is lost by rounding down goes to those that lost most of a cent."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from math import floor
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Amount = Decimal | Fraction

CENT = Decimal("0.01")
_OTHER_UNITS = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "RWF", "UGX", "VND", "XAF", "XOF", "XPF"), Decimal(1)),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), Decimal("0.001")),
}
"""Currency -> its smallest unit by ISO 4217, where that is no hundredth."""


def unit_of(currency: str) -> Decimal:
    """Returns the smallest unit in which amounts of a currency are written."""
    return _OTHER_UNITS.get(currency, CENT)


def places_of(currency: str) -> int:
    """Returns how many decimal places that unit has."""
    return max(0, -int(unit_of(currency).as_tuple().exponent))


def rounded(amount: Amount, unit: Decimal = CENT) -> Decimal:
    """Returns the nearest whole number of units; the even one where two are as near."""
    units = Fraction(amount) / Fraction(unit)
    return Decimal(round(units)).quantize(Decimal(1), ROUND_HALF_EVEN) * unit


def apportion(total: Decimal, exact: Mapping[Key, Amount], unit: Decimal = CENT) -> dict[Key, Decimal]:
    """Returns each amount in whole units so that they add up to a total, by the method of the largest remainder.

    Each is rounded down, and the units that are left go to those that lost most by that, of the same loss to the first. The total
    is a whole number of units. An amount is off by less than a unit where the total is the nearest one to their sum.
    """
    units = {key: Fraction(amount) / Fraction(unit) for key, amount in exact.items()}
    whole = {key: floor(amount) for key, amount in units.items()}
    if not units:
        return {}
    each, more = divmod(int(total / unit) - sum(whole.values()), len(whole))
    favoured = set(sorted(units, key=lambda key: whole[key] - units[key])[:more])
    return {key: (whole[key] + each + (key in favoured)) * unit for key in units}


def shared_out(total: Decimal, weights: Mapping[Key, Amount], unit: Decimal = CENT) -> dict[Key, Decimal]:
    """Returns a total split by weights, of which one at least is above 0, in whole units that add up to it."""
    whole = sum((Fraction(weight) for weight in weights.values()), Fraction())
    return apportion(total, {key: Fraction(total) * Fraction(weight) / whole for key, weight in weights.items()}, unit)
