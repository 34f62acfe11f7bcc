"""Frames in, charts out: one look for all.

Every function returns a ``Drawing``: its data, and a Vega-Lite specification made with Altair. What logs say (model and user
names) travels as data, never inside an expression.
"""

from usagecost.charts.beside import Mark, before_of
from usagecost.charts.drawing import BRUSHED, OPENED, Drawing
from usagecost.charts.grid import week_grid
from usagecost.charts.levels import Level
from usagecost.charts.look import short_names, value_name
from usagecost.charts.names import bar_label, with_names
from usagecost.charts.over_time import over_time, parts_of, parts_of_metrics
from usagecost.charts.ranked import ranked_bars, stacked_ranked_bars
from usagecost.charts.single import histogram, scatter
from usagecost.charts.timeaxis import TimeAxis, tick_texts, time_axis
from usagecost.charts.timeline import timeline
from usagecost.charts.units import exact
from usagecost.charts.waterfall import beginning, waterfall
