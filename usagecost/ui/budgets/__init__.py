"""The parts of the page Budgets, one file each."""

from usagecost.ui.address import Choice
from usagecost.ui.budgets.fired import alerts
from usagecost.ui.budgets.listing import listing

PARTS = {"Budgets": listing, "Alerts": alerts}
"""Part of the page -> what draws it."""
CHOICES = {"part": Choice(default="Budgets", options=tuple(PARTS)), "budget": Choice()}
"""What of the page stands in the URL: ``budget`` is the name of the one that is edited, or "+" for a new one."""
