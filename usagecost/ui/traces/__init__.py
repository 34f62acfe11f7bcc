"""The parts of the page Traces: its filters, its numbers, the list of requests, one request in full, and the failures."""

from usagecost.ui.traces.asked import asked_for
from usagecost.ui.traces.failures import failures
from usagecost.ui.traces.listing import listing
from usagecost.ui.traces.numbers import numbers
from usagecost.ui.traces.panel import open_panel

__all__ = ["asked_for", "failures", "listing", "numbers", "open_panel"]
