"""Bills: what providers bill beside what requests say, what explains the difference; closed months; loading bills."""

from usagecost.start import first_frame

first_frame("Bills", has_cards=False)

from usagecost import ui
from usagecost.ui import bills

view = ui.page("Bills", icon=":material/receipt_long:", own=bills.CHOICES, uses=("basis",))
ui.parts(bills.PARTS, view)
