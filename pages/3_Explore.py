"""Explore: one question in the vocabulary of the boards, drawn as it is asked, kept as a link or on a board."""

from usagecost.start import first_frame

first_frame("Explore", has_cards=False)

from usagecost import ui
from usagecost.ui import boards

view = ui.page("Explore", icon=":material/explore:", own=boards.EXPLORED)
boards.explore(view)
