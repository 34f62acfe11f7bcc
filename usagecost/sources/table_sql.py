"""The record's columns out of a table's, as SQL: texts, numbers in the table's way of writing them, units, lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from usagecost.sources.mapping import TableMapping
from usagecost.sources.numbers import (
    contradiction_sql,
    doubt_sql,
    is_count,
    is_number,
    number_sql,
    rounded_id_sql,
    without_words_sql,
)
from usagecost.sources.sql import json_object, text_list, units_map, units_of_json

_IDS = ("request_id", "trace_id", "session_id", "user_id", "end_user_id", "team_id", "virtual_key")
_NO_COST = ("included",)
"""Words that stand for a cost which somebody else paid, and nobody told."""


class TableColumn(Protocol):
    """A column of a table as SQL. `text` is its text; `written` the text where it is a number that a style may apply to."""

    @property
    def text(self) -> str:
        """The text."""

    @property
    def is_from_spreadsheet(self) -> bool:
        """Whether a spreadsheet may have written it."""

    @property
    def written(self) -> str:
        """The text, NULL where it is a number of JSON."""

    def in_style(self, text: str, style: str) -> str:
        """A text made of it as a plain number."""


@dataclass(frozen=True)
class TextColumn:
    """A column of text; of Parquet, which a program wrote, nobody has opened it in a spreadsheet."""

    text: str
    is_typed: bool = False

    @property
    def is_from_spreadsheet(self) -> bool:
        """Whether a spreadsheet may have written it."""
        return not self.is_typed

    @property
    def written(self) -> str:
        """The text."""
        return self.text

    def in_style(self, text: str, style: str) -> str:
        """A text made of it as a plain number."""
        return number_sql(text, style)


@dataclass(frozen=True)
class JsonField:
    """A field of JSON lines; one that holds numbers is JSON, so that texts are known from numbers."""

    field: str
    is_number: bool = False
    is_from_spreadsheet: bool = False

    @property
    def _is_text(self) -> str:
        return f"starts_with({self.field}::VARCHAR, '\"')"

    @property
    def text(self) -> str:
        """Its text."""
        unquoted = f"json_extract_string({self.field}::VARCHAR, '$')"
        return f"CASE WHEN {self._is_text} THEN {unquoted} ELSE {self.field}::VARCHAR END" if self.is_number else self.field

    @property
    def written(self) -> str:
        """The text, NULL where it is a number of JSON."""
        return f"CASE WHEN {self._is_text} THEN json_extract_string({self.field}::VARCHAR, '$') END"

    def in_style(self, text: str, style: str) -> str:
        """A text made of it as a plain number."""
        return f"CASE WHEN {self._is_text} THEN {number_sql(text, style)} ELSE {text} END"


def number_columns(mapping: TableMapping) -> dict[str, bool]:
    """The table's columns whose numbers may be written in two ways, and whether they are counts; not those whose way is said."""
    names: dict[str, bool] = {}
    for column, name in mapping.columns.items():
        if is_number(column):
            names[name] = names.get(name, False) or is_count(column)
    return {name: whole for name, whole in names.items() if name not in mapping.styles}


def given_columns(mapping: TableMapping, columns: Mapping[str, TableColumn], styles: Mapping[str, str]) -> dict[str, str]:
    """Column of the record -> SQL for what the table has for it, and `problem`; `styles` say how numbers are written."""
    styles = {**styles, **mapping.styles}
    given, units = {}, {}
    for column, name in mapping.columns.items():
        text = _text(mapping, column, name, columns[name], styles)
        if column.startswith("units."):
            units[column.removeprefix("units.")] = text
        else:
            given[column] = text
    if "tags" in given:
        given["tags"] = text_list(given["tags"])
    if "units" in given:
        given["units"] = units_of_json(given["units"])
    if units:
        given["units"] = units_map(units)
    if "rank" in given:
        given["rank"] = _rank(given["rank"])
    if mapping.attributes:
        given["attributes"] = json_object({name: f"to_json({columns[name].text})" for name in mapping.attributes})
    if against := list(_against(mapping, columns, styles)):
        given["problem"] = f"CASE {' '.join(f'WHEN {condition} THEN {sentence}' for condition, sentence in against)} END"
    return given


def _text(mapping: TableMapping, column: str, name: str, found: TableColumn, styles: Mapping[str, str]) -> str:
    """SQL for the text of one column of the record, a number in plain digits."""
    words = (*mapping.no_value, *(_NO_COST if column == "reported_cost_usd" else ()))
    text = without_words_sql(found.text, words)
    return found.in_style(text, styles[name]) if name in styles and is_number(column) else text


def _against(mapping: TableMapping, columns: Mapping[str, TableColumn], styles: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """What speaks against a row as it is written: a condition and a sentence each."""
    for column, name in mapping.columns.items():
        if is_number(column) and name in styles:
            yield contradiction_sql(columns[name].written, styles[name], column, name)
        elif is_number(column) and isinstance(columns[name], JsonField):
            yield doubt_sql(columns[name].written, column, name)
        elif column in _IDS and columns[name].is_from_spreadsheet:
            yield rounded_id_sql(columns[name].text, column, name)


def _rank(text: str) -> str:
    """A version as a number that grows: a number, or the microseconds of a time. Below 0 is nothing that a table may say."""
    version = f"coalesce(TRY_CAST({text} AS BIGINT), epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)))"
    return f"greatest(coalesce({version}, 0), 0)"
