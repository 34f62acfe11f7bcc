"""The parts of the page Why: the sentence, the waterfall, the values that moved a number most, unusual days."""

from usagecost.ui.address import Choice
from usagecost.ui.why.change import CHOICES as _CHOICES
from usagecost.ui.why.change import explain_change
from usagecost.ui.why.unusual import UNUSUAL_PART, opening_causes, unusual, unusual_marks, unusual_note

PARTS = ("Change", UNUSUAL_PART)
CHOICES = {"part": Choice(default=PARTS[0], options=PARTS), **_CHOICES}
"""What of the page stands in the URL, beside the view."""
