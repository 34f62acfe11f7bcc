"""The parts of the page Access, one file each."""

from usagecost.ui.access.log import audit_log
from usagecost.ui.access.people import people
