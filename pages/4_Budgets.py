"""Budgets: how much of each is used, how it goes on, making and changing them, and the alerts that fired."""

from usagecost.start import first_frame

first_frame("Budgets", has_cards=False)

from usagecost import ui
from usagecost.ui import budgets

view = ui.page("Budgets", icon=":material/savings:", own=budgets.CHOICES, uses=())
ui.parts(budgets.PARTS, view)
