"""Frames in, charts out: one look for all.

Every function returns a ``Drawing``: its data, and a Vega-Lite specification made with Altair. What logs say (model and user
names) travels as data, never inside an expression.
"""

from usagecost.charts.bars import beginning, ranked_bars, stacked_ranked_bars, timeline, waterfall
from usagecost.charts.beside import Level, Mark, before_of
from usagecost.charts.drawing import BRUSHED, OPENED, Drawing
from usagecost.charts.look import bar_label, exact, short_names, value_name, with_names
from usagecost.charts.over_time import over_time, parts_of, parts_of_metrics
from usagecost.charts.single import histogram, scatter, week_grid
from usagecost.charts.timeaxis import TimeAxis, tick_texts, time_axis
