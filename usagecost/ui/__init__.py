"""What pages share: the frame with menu and filters, cards, charts and tables with their downloads, calm messages.

A page is ``view = ui.page("Title")``, then questions asked through ``ui.answer`` and drawn through the rest.
"""

from usagecost.ui.address import Choice
from usagecost.ui.answers import answer, empty, no_requests
from usagecost.ui.blocks import cards, chart, draw, heading, table
from usagecost.ui.frame import page
from usagecost.ui.spend import coverage_note, spend_columns
from usagecost.ui.text import plain

__all__ = [
    "Choice",
    "answer",
    "cards",
    "chart",
    "coverage_note",
    "draw",
    "empty",
    "heading",
    "no_requests",
    "page",
    "plain",
    "spend_columns",
    "table",
]
