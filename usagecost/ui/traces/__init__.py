"""The parts of the page Traces: its filters, its numbers, the list of requests, one request in full, and the failures."""

from usagecost.ui.address import Choice
from usagecost.ui.traces import failures as _failures
from usagecost.ui.traces import filters as _filters
from usagecost.ui.traces import listing as _listing
from usagecost.ui.traces.failures import failures
from usagecost.ui.traces.filters import draw_filters
from usagecost.ui.traces.listing import listing
from usagecost.ui.traces.numbers import numbers
from usagecost.ui.traces.panel import open_panel

PARTS = ("Requests", "Errors")
CHOICES = {
    "part": Choice(default=PARTS[0], options=PARTS),
    **_filters.CHOICES,
    **_listing.CHOICES,
    **_failures.CHOICES,
}
"""What of the page stands in the URL, beside the view."""
