"""The parts of the page Bills, one file each."""

from usagecost.ui.bills.statements import statements

__all__ = ["statements"]
