"""Dashboards: boards of panels, each a question that somebody wants answered every morning."""

from usagecost.start import first_frame

first_frame("Dashboards")

from usagecost import ui
from usagecost.ui import boards

view = ui.page("Dashboards", icon=":material/dashboard:", own=boards.CHOICES)
boards.dashboards(view)
