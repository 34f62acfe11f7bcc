"""What a page calls the values of dimensions: the one place where a value becomes what a reader sees."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from usagecost import charts, queries
from usagecost.ui.memory import known_for
from usagecost.vocabulary import Metric, spend_text
from usagecost.vocabulary.filters import View
from usagecost.vocabulary.formats import Number, percent
from usagecost.vocabulary.labels import Labels

NAMES_SECONDS = 60
"""After how long a new name is seen."""


def labels_of(view: View) -> Labels:
    """The names that are known in the lake of a view."""
    return known_for(NAMES_SECONDS, queries.labels, view.lake)


def named(values: pd.DataFrame, view: View, by: str | None, plural: str = "") -> pd.DataFrame:
    """Rows with a ``value``, and ``is_other``, with the ``name`` that a reader sees, and whether one of them ``has_names``.

    ``plural``, with how many values were ``merged``, says what "Other" is made of.
    """
    labels = labels_of(view)
    said = [None if pd.isna(value) else str(value) for value in values["value"]]
    names = labels.of_all(by, dict.fromkeys(value for value in said if value is not None))
    merged = values["merged"] if "merged" in values else [1] * len(values)
    rows = zip(said, values["is_other"], merged, strict=True)
    shown = [charts.value_name(names.get(value or "", value), is_other, count, plural) for value, is_other, count in rows]
    return values.assign(name=shown, has_names=labels.has(by, names))


def bar_label(metric: Metric, row: Mapping[Hashable, Any], whole: Number | None) -> str:
    """What stands behind a bar: its value, and its share of the whole where parts add up to it."""
    sums = {str(name): None if pd.isna(row[name]) else row[name] for name in row if name not in ("name", "value")}
    value = metric.of(sums)
    if value is None:
        return "no price known" if metric.name == "spend_usd" else "not known"
    text = spend_text(sums) if metric.name == "spend_usd" else metric.format(value)
    return f"{text} · {percent(float(value) / float(whole))}" if whole else text
