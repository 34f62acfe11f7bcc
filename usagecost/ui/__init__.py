"""What pages share: the frame with menu and filters, cards, charts and tables with their downloads, calm messages.

A page is ``view = ui.page("Title")``, then questions asked through ``ui.answer`` and drawn through the rest.
"""

from usagecost.ui.address import Choice
from usagecost.ui.answers import answer, empty, no_requests
from usagecost.ui.blocks import before, beside, cards, chart, choose_value, draw, heading, make_once, parts, table
from usagecost.ui.budget_lines import budget_levels, budgets_alt, with_budgets
from usagecost.ui.downloads import name_downloads
from usagecost.ui.figures import columns_of
from usagecost.ui.forecast_table import forecast_table
from usagecost.ui.forecast_words import UNTIL, with_days_ahead
from usagecost.ui.frame import ALL_CONTROLS, page
from usagecost.ui.marks import marks, notes
from usagecost.ui.ranking import COLUMNS as RANKED
from usagecost.ui.ranking import LOOKS, ranking
from usagecost.ui.spend import spend_columns
from usagecost.ui.text import plain
