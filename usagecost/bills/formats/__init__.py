"""The formats of bills: one file a vendor, whose header has its rules of money and time and where they are from.

A new format is a TableFormat, if it is a table of columns, or an ApiFormat, for the pages of an API; it is named in FORMATS.
"""

from __future__ import annotations

from usagecost.bills.formats.anthropic_costs import COSTS as ANTHROPIC_COSTS
from usagecost.bills.formats.anthropic_costs import EXPORT as ANTHROPIC_EXPORT
from usagecost.bills.formats.anthropic_costs import REPORT as ANTHROPIC_REPORT
from usagecost.bills.formats.aws import CUR
from usagecost.bills.formats.azure import COST_DETAILS
from usagecost.bills.formats.focus import FOCUS
from usagecost.bills.formats.google import EXPORT
from usagecost.bills.formats.openai_costs import COSTS as OPENAI_COSTS
from usagecost.bills.formats.openai_costs import EXPORT as OPENAI_EXPORT
from usagecost.bills.formats.openrouter import ACTIVITY, GENERATIONS
from usagecost.bills.formats.pages import ApiFormat
from usagecost.bills.formats.shape import TableFormat

Format = TableFormat | ApiFormat

FORMATS: tuple[Format, ...] = (
    OPENAI_COSTS, OPENAI_EXPORT, ANTHROPIC_COSTS, ANTHROPIC_REPORT, ANTHROPIC_EXPORT, ACTIVITY, GENERATIONS, FOCUS, CUR,
    COST_DETAILS, EXPORT,
)  # fmt: skip
"""In the order in which a file is offered to them."""
