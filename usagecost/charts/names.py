"""What a chart or table calls the values of a split, and what stands behind their bars."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from usagecost.charts.look import value_name
from usagecost.vocabulary import Metric, spend_text
from usagecost.vocabulary.formats import Number, percent
from usagecost.vocabulary.labels import Labels


def with_names(values: pd.DataFrame, labels: Labels, by: str | None, plural: str = "") -> pd.DataFrame:
    """Rows with a ``value``, and ``is_other``, with the ``name`` that a reader sees, and whether one of them ``has_names``.

    ``plural``, with how many values were ``merged``, says what "Other" is made of.
    """
    texts = [None if pd.isna(value) else str(value) for value in values["value"]]
    names = labels.of_all(by, dict.fromkeys(value for value in texts if value is not None))
    merged = values["merged"] if "merged" in values else [1] * len(values)
    rows = zip(texts, values["is_other"], merged, strict=True)
    shown_names = [value_name(names.get(value or "", value), is_other, count, plural) for value, is_other, count in rows]
    return values.assign(name=shown_names, has_names=labels.has(by, names))


def bar_label(metric: Metric, row: Mapping[Hashable, Any], whole: Number | None) -> str:
    """What stands behind a bar: its value, and its share of the whole where parts add up to it."""
    sums = {str(name): None if pd.isna(row[name]) else row[name] for name in row if name not in ("name", "value")}
    value = metric.of(sums)
    if value is None:
        return "no price known" if metric.name == "spend_usd" else "not known"
    text = spend_text(sums) if metric.name == "spend_usd" else metric.format(value)
    return f"{text} · {percent(float(value) / float(whole))}" if whole else text
