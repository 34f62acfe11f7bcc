"""Boards on a page: panels asked and drawn."""

from usagecost.ui.boards.page import dashboards
from usagecost.ui.boards.showing import ahead, show

__all__ = ["ahead", "dashboards", "show"]
