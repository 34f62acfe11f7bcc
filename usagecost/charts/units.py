"""How an axis and a tooltip say a metric's numbers: one place for every unit."""

from __future__ import annotations

from usagecost.charts.look import COUNT_AXIS, USD_AXIS
from usagecost.vocabulary import formats
from usagecost.vocabulary.formats import Format, Number

PERCENT_AXIS = "format(datum.value, '~%')"
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


NUMBER_FORMATS: dict[Format, str] = {
    formats.count: ",",
    formats.usd: "$,.4f",
    formats.percent: ".1%",
    formats.milliseconds: ",.0f",
    formats.per_second: ",.1f",
}
"""The same -> the format of d3 that says a number in full."""


def number_format(unit: Format) -> str:
    """The format of d3 for numbers of the unit."""
    return NUMBER_FORMATS[unit]


def axis_of(unit: Format) -> str:
    """The expression that labels an axis of the unit."""
    return AXES[unit]


def exact(unit: Format, value: Number | None) -> str:
    """The number as a tooltip says it: counts with all their digits."""
    return formats.exact_count(value) if unit is formats.count else unit(value)
