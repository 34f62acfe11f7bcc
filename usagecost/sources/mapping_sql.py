"""A mapping as SQL over the lines of a file: places in a log, fields, steps, and the record's columns out of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from usagecost.sources.expressions import fields_in, in_stages
from usagecost.sources.mapping import TableMapping, Value
from usagecost.sources.numbers import (
    contradiction_sql,
    doubt_sql,
    is_count,
    is_number,
    number_sql,
    rounded_id_sql,
    without_words_sql,
)
from usagecost.sources.protocol import BLANK
from usagecost.sources.sql import identifier, json_object, json_path, literal, text_list, units_map, units_of_json

_IDS = ("request_id", "trace_id", "session_id", "user_id", "end_user_id", "team_id", "virtual_key")
_NO_COST = ("included",)
"""Words that stand for a cost which somebody else paid, and nobody told."""


@dataclass(frozen=True)
class Log:
    """What files have that are read together: SQL over `lines` for each name at their top, and what that is.

    `json` are texts, and JSON where a number may be a text; `typed` are a program's own types as texts; `text` is what a
    spreadsheet may have written.
    """

    tops: Mapping[str, str]
    kind: Literal["json", "typed", "text"]

    def path(self, place: str) -> list[str]:
        """Where a place is: a.b is the field b of a, unless there is a column of that name."""
        return [place] if place in self.tops else place.split(".")


def places_of(mapping: TableMapping) -> dict[str, str]:
    """Each place that a mapping reads, those within another object included, and what it is read for."""
    within = {f"{mapping.under}.{place}": name for place, name in mapping.places.items()} if mapping.under else {}
    return mapping.places | within


def number_places(mapping: TableMapping) -> dict[str, bool]:
    """The places whose numbers may be written in two ways, and whether they are counts."""
    numbers: dict[str, bool] = {}
    for column, value in () if mapping.plain_numbers else mapping.columns.items():
        fields = fields_in(mapping, value.sql) if value.sql else ()
        if is_number(column):
            for place in (*value.read_places, *(place for name in fields for place in mapping.fields[name])):
                numbers[place] = numbers.get(place, False) or is_count(column)
    return numbers


def rows_sql(mapping: TableMapping, log: Log, styles: Mapping[str, str], blank: str | None = None) -> str:
    """The WITH clauses, without the WITH, and the SELECT of canonical columns from `lines`; `styles` say how numbers are written.

    `blank` is SQL over `lines` that says whether a row is empty.
    """
    return _Statement(mapping, log, {**styles, **mapping.styles}).sql(blank)


class _Statement:
    """The stages of one statement: what lies deep in objects, each place, the fields, the steps, and the columns."""

    def __init__(self, mapping: TableMapping, log: Log, styles: Mapping[str, str]) -> None:
        self._mapping, self._log, self._styles = mapping, log, styles
        self._numbers = number_places(mapping)
        self._columns = {place: f'"#{number}"' for number, place in enumerate(places_of(mapping), 1)}
        self._deep: dict[tuple[str, bool], list[str]] = {}

    def sql(self, blank: str | None) -> str:
        """The statement."""
        located = {column: self._located(place) for place, column in self._columns.items()} | ({'"#blank"': blank} if blank else {})
        places = ", ".join(f"{sql} AS {column}" for column, sql in located.items())
        deep = "".join(
            f", {self._texts(top, paths, as_json=as_json)} AS {identifier(f'#{top} {as_json}')}"
            for (top, as_json), paths in self._deep.items()
        )
        fields = {name: self._text(places) for name, places in self._mapping.fields.items()}
        about = "row, source_file" if "request_id" in self._mapping.columns else "row, source_file, line, fingerprint"
        stages = [
            f"SELECT *{deep} FROM lines",
            f"SELECT {about}, {places} FROM stage_0",
        ]  # not the log's own names: fields may be so
        for number, items in enumerate(filter(None, (fields, *in_stages(self._mapping.steps))), 1):
            definitions = ", ".join(f"({sql}) AS {identifier(name)}" for name, sql in items.items())
            stages.append(f"SELECT *, {definitions} FROM stage_{number}")
        clauses = ", ".join(f"stage_{number} AS ({stage})" for number, stage in enumerate(stages))
        reasons = ({BLANK: '"#blank"'} if blank else {}) | dict(self._mapping.skipped)
        skipped = " ".join(f"WHEN ({sql}) THEN {literal(reason)}" for reason, sql in reasons.items())
        columns = {"skipped": f"CASE {skipped} END"} if skipped else {}
        items = ", ".join(f"{sql} AS {column}" for column, sql in (columns | self._column_values()).items())
        return f"{clauses} SELECT row, source_file, {items} FROM stage_{len(stages) - 1}"

    def _located(self, place: str) -> str:
        """SQL for what stands at a place, NULL where the files have no such name."""
        top, *inner = self._log.path(place)
        if top not in self._log.tops:
            return "NULL::VARCHAR"
        if not inner:
            return self._log.tops[top]
        as_json = self._is_json(place)
        paths = self._deep.setdefault((top, as_json), [])
        paths.append(json_path(inner))
        return f"{identifier(f'#{top} {as_json}')}[{len(paths)}]"

    def _texts(self, top: str, paths: Sequence[str], *, as_json: bool) -> str:
        """SQL for the list of what an object has at some places, parsed once for all; quotes may have been doubled twice."""
        text, places = self._log.tops[top], ", ".join(map(literal, paths))
        function = "json_extract" if as_json else "json_extract_string"
        extracted = f"TRY({function}({text}, [{places}]))"
        doubled = f"TRY({function}(replace({text}, '\"\"', '\"'), [{places}]))"
        return f"coalesce({extracted}, {doubled})" if self._log.kind == "text" else extracted

    def _is_json(self, place: str) -> bool:
        """Whether what stands there is JSON, so that a number is known from a text."""
        return self._log.kind == "json" and place in self._numbers

    def _column_values(self) -> dict[str, str]:
        """Column of the record -> SQL for what the log has for it, and `problem`."""
        mapping = self._mapping
        columns = {"request_id": "fingerprint || '-' || line"} if "request_id" not in mapping.columns else {}
        columns |= {column: self._value(column, value) for column, value in mapping.columns.items()}
        units = {column.removeprefix("units."): columns.pop(column) for column in list(columns) if column.startswith("units.")}
        if "tags" in columns:
            columns["tags"] = text_list(columns["tags"])
        if "units" in columns:
            columns["units"] = units_of_json(columns["units"])
        if units:
            columns["units"] = units_map(units)
        if "rank" in columns:
            columns["rank"] = _rank(columns["rank"])
        if mapping.attributes:
            columns["attributes"] = json_object({name: self._attribute(value) for name, value in mapping.attributes.items()})
        if against := list(self._against()):
            columns["problem"] = f"CASE {' '.join(f'WHEN {condition} THEN {sentence}' for condition, sentence in against)} END"
        return columns | {column: literal(value) for column, value in mapping.constants.items()}

    def _value(self, column: str, value: Value) -> str:
        return (
            f"({value.sql})::VARCHAR" if value.sql else self._text(value.places, _NO_COST if column == "reported_cost_usd" else ())
        )

    def _attribute(self, value: Value) -> str:
        return f"to_json(({value.sql}))" if value.sql else f"to_json(nullif({self._text(value.places)}, ''))"

    def _text(self, places: Sequence[str], words: Sequence[str] = ()) -> str:
        """SQL for the text at the first of some places that has one, a number in plain digits."""
        under = self._mapping.under
        every = [place for each in places for place in ((each, f"{under}.{each}") if under else (each,))]
        *earlier, last = [self._plain(place, (*self._mapping.no_value, *words)) for place in every]
        nonblank = [f"nullif({text}, '')" for text in earlier]
        return f"coalesce({', '.join([*nonblank, last])})" if earlier else last

    def _plain(self, place: str, words: Sequence[str]) -> str:
        """SQL for the text at one place."""
        text = without_words_sql(self._unquoted(place), words)
        if place not in self._styles or place not in self._numbers:
            return text
        number = number_sql(text, self._styles[place])
        return f"CASE WHEN {self._is_text(place)} THEN {number} ELSE {text} END" if self._is_json(place) else number

    def _is_text(self, place: str) -> str:
        return f"starts_with({self._columns[place]}::VARCHAR, '\"')"

    def _unquoted(self, place: str) -> str:
        column = self._columns[place]
        if not self._is_json(place):
            return column
        return f"CASE WHEN {self._is_text(place)} THEN {_without_quotes(column)} ELSE {column}::VARCHAR END"

    def _written(self, place: str) -> str:
        """SQL for a number that is written as a text, NULL where it is a number of JSON."""
        column = self._columns[place]
        return f"CASE WHEN {self._is_text(place)} THEN {_without_quotes(column)} END" if self._is_json(place) else column

    def _against(self) -> Iterable[tuple[str, str]]:
        """What speaks against a row as it is written: a condition and a sentence each."""
        for column, value in self._mapping.columns.items():
            for place in value.read_places:
                if is_number(column) and place in self._styles:
                    yield contradiction_sql(self._written(place), self._styles[place], column, place)
                elif is_number(column) and self._is_json(place):
                    yield doubt_sql(self._written(place), column, place)
                elif column in _IDS and self._log.kind == "text":
                    yield rounded_id_sql(self._columns[place], column, place)


def _without_quotes(json: str) -> str:
    return f"json_extract_string({json}::VARCHAR, '$')"


def _rank(text: str) -> str:
    """A version as a number that grows: a number, or the microseconds of a time. Below 0 is nothing that a table may say."""
    version = f"coalesce(TRY_CAST({text} AS BIGINT), epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)))"
    return f"greatest(coalesce({version}, 0), 0)"
