"""What pages share: the frame with menu and filters, cards, charts and tables with their downloads, calm messages.

A page is ``view = ui.page("Title")``, then questions asked through ``ui.answer`` and drawn through the rest.
"""

from usagecost.ui.address import Choice
from usagecost.ui.answers import answer, empty, no_requests
from usagecost.ui.blocks import beside, chart, choose_value, draw, heading, make_once, parts, table
from usagecost.ui.cards import cards
from usagecost.ui.downloads import name_downloads
from usagecost.ui.forecasts import UNTIL, forecast_table, with_days_ahead
from usagecost.ui.frame import ALL_CONTROLS, page
from usagecost.ui.marks import before, budget_levels, budgets_alt, marks, notes, with_budgets
from usagecost.ui.ranking import COLUMNS as RANKED
from usagecost.ui.ranking import LOOKS, ranking
from usagecost.ui.tables import columns_of, spend_columns
from usagecost.ui.text import plain
