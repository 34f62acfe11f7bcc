"""The parts of the page Bills, one file each."""

from usagecost.ui.address import Choice
from usagecost.ui.bills.comparing import reconciliation
from usagecost.ui.bills.loading import loaded
from usagecost.ui.bills.statements import statements

PARTS = {"Reconciliation": reconciliation, "Statements": statements, "Loaded bills": loaded}
"""Part of the page -> what draws it."""
CHOICES = {"part": Choice(default="Reconciliation", options=tuple(PARTS)), "month": Choice()}
"""What of the page stands in the URL: ``month`` is 2026-10; the newest that has a bill by itself."""
