"""The colours of values, of answers that are kept."""

from __future__ import annotations

from functools import partial

from usagecost.queries import colours
from usagecost.ui.memory import cached_answer

palette = partial(colours.palette, ask=cached_answer)
"""See `colours.palette`."""
