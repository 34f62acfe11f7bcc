"""The parts of the page Why: the sentence, the waterfall, the values that moved a number most, and what stands in the way of it."""

from usagecost.ui.why.page import CHOICES, explain_change

__all__ = ["CHOICES", "explain_change"]
