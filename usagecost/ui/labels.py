"""What a page calls the values of dimensions, and their colours: the one place where a value becomes what a reader sees."""

from __future__ import annotations

from functools import partial

import pandas as pd

from usagecost import charts, queries
from usagecost.queries import colours
from usagecost.ui.memory import cached_answer, cached_answer_for
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.labels import Labels

NAMES_SECONDS = 60
"""After how long a new name is seen."""
palette = partial(colours.palette, ask=cached_answer)
"""See `colours.palette`."""


def labels_of(view: View) -> Labels:
    """The names that are known in the lake of a view."""
    return cached_answer_for(NAMES_SECONDS, queries.labels, view.lake, view.version, view.scope)


def with_names(values: pd.DataFrame, view: View, by: str | None, plural: str = "") -> pd.DataFrame:
    """Rows with what a reader calls their values: see `charts.with_names`."""
    return charts.with_names(values, labels_of(view), by, plural)
