"""Boards on a page: panels asked, drawn, arranged and explored."""

from usagecost.ui.boards.exploring import CHOICES as EXPLORED
from usagecost.ui.boards.exploring import explore
from usagecost.ui.boards.page import CHOICES, dashboards
from usagecost.ui.boards.showing import show_all
