"""How axes and tooltips write a metric's numbers, and where an axis has its ticks: one place for every unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, count, pairwise, takewhile
from math import ceil, floor

from usagecost.vocabulary import formats
from usagecost.vocabulary.formats import UNKNOWN, Format, Number

MOST_STEPS = 6
"""Steps between the ticks of an axis, at most."""
MOST_LOG_TICKS = 7

SHORT = "replace(replace(format(datum.value, '{}'), 'G', 'B'), 'k', 'K')"
COUNT_AXIS = "abs(datum.value) < 1 ? format(datum.value, '.2~f') : " + SHORT.format(",.3~s")
USD_AXIS = (
    "datum.value != 0 && abs(datum.value) < 0.01 ? format(datum.value, '$,.2~r') : "
    "datum.value % 1 ? format(datum.value, '$,.2f') : " + SHORT.format("$,.3~s")
)
PERCENT_AXIS = "format(datum.value, ',~%')"
DURATION_AXIS = (
    "datum.value >= 60000 ? format(floor(datum.value / 60000), ',') + ':' + format(datum.value % 60000 / 1000, '02.0f') + ' min' : "
    "datum.value >= 1000 ? format(datum.value / 1000, ',.3~r') + ' s' : format(datum.value, ',.3~r') + ' ms'"
)

AXES: dict[Format, str] = {
    formats.count: COUNT_AXIS,
    formats.usd: USD_AXIS,
    formats.percent: PERCENT_AXIS,
    formats.milliseconds: DURATION_AXIS,
    formats.per_second: COUNT_AXIS,
}
"""A metric's format -> the Vega expression that labels its axis."""

WHOLE = (formats.count, formats.milliseconds)
"""Units with nothing to tell between two whole numbers."""

DURATIONS = (1, 10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000)
"""The durations (ms) that a clock counts by; from an hour on they grow tenfold."""


def axis_of(unit: Format) -> str:
    """Returns the expression that labels an axis of the unit."""
    return AXES[unit]


def exact(unit: Format, value: Number | None) -> str:
    """Writes a number of an axis in words: counts with all their digits."""
    return formats.exact_count(value) if unit is formats.count else unit(value)


def in_full(unit: Format, value: Number | None) -> str:
    """Writes a number as a tooltip does: counts with all their digits, amounts to a hundredth of a cent, or finer if less."""
    if value is None or unit is not formats.usd or 0 < abs(value) < 0.01:
        return UNKNOWN if value is None else exact(unit, value)
    return f"{'−' if value < 0 else ''}${abs(value):,.4f}"


def round_numbers(unit: Format, digits: Sequence[int] = (1, 2, 5)) -> Iterator[float]:
    """Yields the unit's round numbers, ascending: 1, 2, 5, 10, 20 …; of durations 10, 20, 30 s, 1, 2, 5, 10 min …"""
    if unit is formats.milliseconds:
        bases: Iterator[float] = chain(DURATIONS, (DURATIONS[-1] * 10.0**power for power in count(1)))
    else:
        bases = (float(f"1e{exponent}") for exponent in count(0 if unit in WHOLE else -9))
    for base, after in pairwise(bases):
        for digit in digits:
            yield float(f"{(3 if digit == 5 and after < 10 * base else digit) * base:.6g}")


def axis_ticks(unit: Format, low: float, high: float) -> tuple[list[float], list[float]]:
    """Returns the domain and the regular ticks of an axis that holds 0 and both numbers; of nothing it is from 0 to 1."""
    low, high = min(0.0, low), max(0.0, high)  # of no values: NaN is neither less nor more
    high = max(high, 1.0) if low == high or unit in WHOLE else high
    step = next(number for number in round_numbers(unit) if number * MOST_STEPS >= high - low)
    first, last = floor(2 * low / step), ceil(2 * high / step)
    ticks = [float(f"{step * place:.12g}") for place in range(ceil(first / 2), last // 2 + 1)]
    return [first * step / 2, last * step / 2], ticks


def log_ticks(unit: Format, low: float, high: float) -> list[float]:
    """Returns the ticks of a logarithmic axis between two positive numbers: 1, 10, 100 …, and 2 and 5 between if they are few."""
    wide, fine = (
        [number for number in takewhile(lambda number: number <= high, round_numbers(unit, digits)) if number >= low]
        for digits in ((1,), (1, 2, 5))
    )
    return fine if len(fine) <= MOST_LOG_TICKS else wide
