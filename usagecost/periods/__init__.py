"""Time as people ask for it: periods of local days, their intervals, presets such as last month, zones and their clock changes.

Everything is computed with `zoneinfo` and handed to SQL as integers, so that no engine needs a zone database. Nothing here knows of
requests.
"""

from usagecost.periods.calendar import (
    DAY_US,
    EPOCH,
    EPOCH_DAY,
    HOUR_US,
    INTERVALS,
    MAX_HOURLY_DAYS,
    QUARTER_US,
    WHOLE,
    Clock,
    Interval,
    Period,
    auto_interval,
    chosen_interval,
    clock,
    grain,
    instant_us,
    intervals,
    known_zones,
    local_midnight,
    places,
    reporting_zone,
    wall_clock,
)
from usagecost.periods.comparison import COMPARISONS, Back
from usagecost.periods.presets import compared

__all__ = [
    "COMPARISONS",
    "DAY_US",
    "EPOCH",
    "EPOCH_DAY",
    "HOUR_US",
    "INTERVALS",
    "MAX_HOURLY_DAYS",
    "QUARTER_US",
    "WHOLE",
    "Back",
    "Clock",
    "Interval",
    "Period",
    "auto_interval",
    "chosen_interval",
    "clock",
    "compared",
    "grain",
    "instant_us",
    "intervals",
    "known_zones",
    "local_midnight",
    "places",
    "reporting_zone",
    "wall_clock",
]
