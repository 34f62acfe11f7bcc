"""The parts of the page Why: the sentence, the waterfall, the values that moved a number most, unusual days."""

from usagecost.ui.address import Choice
from usagecost.ui.why.change import CHOICES as _CHOICES
from usagecost.ui.why.change import explain_change
from usagecost.ui.why.unusual import UNUSUAL_PART, opening_causes, unusual, unusual_marks, unusual_note

PARTS = {"Change": explain_change, UNUSUAL_PART: unusual}
"""Part of the page -> what draws it."""
CHOICES = {"part": Choice(default="Change", options=tuple(PARTS)), **_CHOICES}
"""What of the page stands in the URL, beside the view."""
