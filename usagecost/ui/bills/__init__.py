"""The parts of the page Bills, one file each."""

from usagecost.ui.address import Choice
from usagecost.ui.bills.comparing import reconciliation
from usagecost.ui.bills.loading import loaded
from usagecost.ui.bills.statements import statements

PARTS = ("Reconciliation", "Statements", "Loaded bills")
CHOICES = {"part": Choice(default=PARTS[0], options=PARTS), "month": Choice()}
"""What of the page stands in the URL: ``month`` is 2026-10; the newest that has a bill by itself."""
