"""Time as people ask for it: periods of local days, their intervals, presets such as last month, zones and their clock changes.

Everything is computed with `zoneinfo` and handed to SQL as integers, so that no engine needs a zone database. Nothing here knows of
requests.
"""

from usagecost.periods.calendar import (
    BY_CLOCK,
    DAY_US,
    EPOCH,
    EPOCH_DAY,
    HOUR_US,
    INTERVALS,
    MOST_DAYS,
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
    moment,
    places,
    reporting_zone,
    wall_clock,
    week_start,
)
from usagecost.periods.comparison import COMPARISONS, Back
from usagecost.periods.counterparts import counterparts
from usagecost.periods.presets import compared
