"""Why: what made spend, tokens, requests or latency change since the comparison period, to the cent."""

from usagecost import ui
from usagecost.ui import why

view = ui.page("Why", icon=":material/call_split:", own=why.CHOICES, uses=("range", "compare", "filters", "basis"))
why.explain_change(view)
