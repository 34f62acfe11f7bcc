"""How a table's columns become those of the record: a small TOML file that a person writes.

::

    source = "azure"                      # the name of these requests' source in the lake
    input_includes_cache_read = false     # asked for when cache_read_tokens is mapped; likewise
    input_includes_cache_write = true     #   … when cache_write_tokens is
    output_includes_reasoning = true      #   … when output_reasoning_tokens is
    time_unit = "ms"                      # of plain numbers: iso (there are none), s, ms, us or ns; without it, by their size
    timezone = "Europe/Berlin"            # of times without an offset; without it, UTC
    duration_unit = "s"                   # of duration_ms and ttft_ms: ms, s, us or ns; without it, ms
    cost_unit = "cents"                   # of reported_cost_usd: usd, cents or nano (billionths of a dollar); without it, usd
    delimiter = ";"                       # of a text file; without it, found out
    decimal_comma = true                  # of numbers that are texts: 1.234,5 is 1234.5; false: 1,234.5 is; without it, found out
    no_value = ["Included", "n. a."]      # words that stand for no value, in any column
    attributes = ["region"]               # further columns that are kept; all others are left out, as they may hold prompts

    [columns]                             # the record's column = the table's; in JSON lines, a.b is the field b of the object a
    started_at = "TIMESTAMP"
    input_tokens = "ContextTokens"
    units.web_searches = "Searches"       # what is billed by the piece, each in a column of its own

    [constants]                           # what is the same for all rows
    provider = "azure"

    [numbers]                             # the record's column = how its numbers are written, where it differs: 1.234,5 or 1,234.5
    reported_cost_usd = "1,234.5"

    [statuses]                            # the table's words for success, error and cancelled
    OK = "success"

Where no column is mapped to request_id, a row is known by the file's header and first row, and its number. So a file that
is renamed, packed or has grown brings no request twice; one whose rows are sorted anew, or cut off at its beginning, does.
A column mapped to rank says which of two versions of a request stays: the one with the greater number, or the later time.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from usagecost.schema import COLUMN_BY_NAME, PRICE_COLUMNS, PROVENANCE_COLUMNS
from usagecost.sources.conventions import COSTS, DURATIONS, Conventions
from usagecost.sources.moments import TIME_UNITS
from usagecost.sources.numbers import COMMA, POINT, is_number

GIVEN_COLUMNS = [
    name for name in COLUMN_BY_NAME if name not in {"source", "day", "attributes", *PRICE_COLUMNS, *PROVENANCE_COLUMNS}
]
"""The record's columns that a table can have; the others are made here."""

OUTCOMES = ("success", "error", "cancelled")

_CHOICES = {"time_unit": TIME_UNITS, "duration_unit": tuple(DURATIONS), "cost_unit": tuple(COSTS)}
_INCLUSIONS = {
    "input_includes_cache_read": "cache_read_tokens",
    "input_includes_cache_write": "cache_write_tokens",
    "output_includes_reasoning": "output_reasoning_tokens",
}
_KEYS = (
    "source", *_INCLUSIONS, *_CHOICES, "timezone", "delimiter", "decimal_comma", "no_value", "attributes", "columns", "constants",
    "numbers", "statuses",
)  # fmt: skip


class MappingProblem(Exception):  # noqa: N818 - a sentence about a file that a person wrote
    """What is wrong with a mapping: the file, the key, and what would be right."""


@dataclass(frozen=True)
class TableMapping:
    """A table's columns by the record's; by default they have the same names.

    `styles` are how numbers are written, by the table's column: see numbers.py. Others are found out.
    """

    columns: Mapping[str, str]
    source: str = "table"
    constants: Mapping[str, str] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    delimiter: str | None = None
    no_value: tuple[str, ...] = ()
    styles: Mapping[str, str] = field(default_factory=dict)
    conventions: Conventions = field(default_factory=Conventions)

    @property
    def names(self) -> list[str]:
        """The table's columns that are read, each once."""
        return list(dict.fromkeys((*self.columns.values(), *self.attributes)))


def read_mapping(path: Path) -> TableMapping:
    """The mapping of a TOML file; raises MappingProblem."""
    try:
        keys = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise MappingProblem(f"The mapping {path} does not exist: check the path after --mapping.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise MappingProblem(f"The mapping {path} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise MappingProblem(f"The mapping {path} is no TOML: {error}. Texts stand in quotation marks.") from None
    try:
        return mapping_of(keys)
    except MappingProblem as problem:
        raise MappingProblem(f"The mapping {path}: {problem}") from None


def mapping_of(keys: dict[str, Any]) -> TableMapping:
    """The mapping that has these keys; raises MappingProblem."""
    for key in keys:
        _check_known(key, _KEYS, "key")
    columns, constants = _columns(keys), _constants(keys)
    for column in (*columns, *constants):
        if not column.startswith("units.") or column in constants:
            _check_known(column, GIVEN_COLUMNS, "column of the record")
    if "units" in columns and any(column.startswith("units.") for column in columns):
        raise MappingProblem("[columns] names both units and one of them, such as units.web_searches: keep one of the two ways.")
    if both := columns.keys() & constants.keys():
        raise MappingProblem(f"{min(both)} stands under [columns] and under [constants]: keep one of them.")
    if "started_at" not in columns:
        raise MappingProblem("[columns] lacks started_at: say which column holds the time of a request.")
    delimiter = _text(keys, "delimiter")
    if delimiter is not None and (len(delimiter) != 1 or not delimiter.isascii()):
        raise MappingProblem(f"delimiter is {delimiter!r}: it is one ASCII character.")
    return TableMapping(
        columns=columns,
        source=_text(keys, "source") or "table",
        constants=constants,
        attributes=_list(keys, "attributes", "columns", "region"),
        delimiter=delimiter,
        no_value=_list(keys, "no_value", "words", "Included"),
        styles=_styles(keys, columns),
        conventions=_conventions(keys, columns),
    )


def mapping_toml(keys: Mapping[str, Any]) -> str:
    """The keys of a mapping as the TOML that `read_mapping` reads."""
    plain = [f"{name} = {_toml(value)}" for name, value in keys.items() if not isinstance(value, Mapping)]
    tables = [
        "\n".join(["", f"[{name}]", *(f"{_toml_key(key)} = {_toml(value)}" for key, value in table.items())])
        for name, table in keys.items()
        if isinstance(table, Mapping)
    ]
    return "\n".join([*plain, *tables]) + "\n"


def _toml_key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else _toml(key)


def _toml(value: str | bool | list[str]) -> str:
    """TOML's texts are JSON's, but for one control character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _conventions(keys: dict[str, Any], columns: Mapping[str, str]) -> Conventions:
    units = {key: _choice(keys, key, choices) for key, choices in _CHOICES.items() if key in keys}
    zone = _text(keys, "timezone") or "UTC"
    if zone not in available_timezones():
        raise MappingProblem(f"timezone {zone!r} is no time zone: use an IANA name such as Europe/Berlin.")
    statuses = _texts(keys, "statuses")
    for word, outcome in statuses.items():
        if outcome not in OUTCOMES:
            raise MappingProblem(f"[statuses] {word} is {outcome!r}: it has to be one of {', '.join(OUTCOMES)}.")
    inclusions: dict[str, Any] = {key: _inclusion(keys, key, columns) for key in _INCLUSIONS}
    return Conventions(**inclusions, **units, timezone=ZoneInfo(zone).key, statuses=statuses, names=columns)


def _inclusion(keys: dict[str, Any], key: str, columns: Mapping[str, str]) -> bool:
    """Whether a count includes its part. Nobody can guess it, and the cost depends on it: it has to be said."""
    part = _INCLUSIONS[key]
    if key not in keys and part in columns:
        raise MappingProblem(f"{key} is missing: {part} is mapped, so say with true or false whether the count includes it.")
    included = keys.get(key, True)
    if not isinstance(included, bool):
        raise MappingProblem(f"{key} is {included!r}: it has to be true or false, without quotation marks.")
    return included


def _choice(keys: dict[str, Any], key: str, choices: Collection[str]) -> str:
    choice = _text(keys, key)
    if choice is None or choice not in choices:
        raise MappingProblem(f"{key} is {choice!r}: it has to be one of {', '.join(choices)}.")
    return choice


def _constants(keys: dict[str, Any]) -> dict[str, str]:
    """The constants as text, as a file would have them."""
    table = keys.get("constants", {})
    if not isinstance(table, dict) or any(not isinstance(value, str | bool | int | float) for value in table.values()):
        raise MappingProblem("[constants] has to hold texts, numbers, true or false.")
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in table.items()}


def _list(keys: dict[str, Any], key: str, what: str, example: str) -> tuple[str, ...]:
    names = keys.get(key, [])
    if not isinstance(names, list) or any(not isinstance(name, str) for name in names):
        raise MappingProblem(f'{key} has to be a list of {what}, such as ["{example}"].')
    return tuple(names)


def _columns(keys: dict[str, Any]) -> dict[str, str]:
    """The table's column for each of the record's; `units.x = …` is a table within the table to TOML."""
    columns = keys.get("columns", {})
    if isinstance(columns, dict) and isinstance(units := columns.get("units"), dict):
        rest = {name: value for name, value in columns.items() if name != "units"}
        columns = rest | {f"units.{unit}": value for unit, value in units.items()}
    columns = _texts({"columns": columns}, "columns")
    for column in columns:
        if column.startswith("units.") and not re.fullmatch("units[.][a-z][a-z0-9_]*", column):
            raise MappingProblem(f"[columns] {column}: a unit has a name such as web_searches, in small letters.")
    return columns


def _styles(keys: dict[str, Any], columns: Mapping[str, str]) -> dict[str, str]:
    """How numbers are written, by the table's column: as the file does, unless one column does otherwise."""
    has_comma = keys.get("decimal_comma")
    if has_comma is not None and not isinstance(has_comma, bool):
        raise MappingProblem(f"decimal_comma is {has_comma!r}: it has to be true or false, without quotation marks.")
    numbers = {column: name for column, name in columns.items() if is_number(column)}
    styles = {} if has_comma is None else dict.fromkeys(numbers.values(), COMMA if has_comma else POINT)
    for column, example in _texts(keys, "numbers").items():
        if column not in numbers:
            raise MappingProblem(f"[numbers] {column} is no mapped column of counts, costs or durations.")
        if not re.fullmatch("1[., \u00a0']?234[.,]5", example):
            raise MappingProblem(f'[numbers] {column} is {example!r}: write 1234.5 as the column does, such as "1.234,5".')
        styles[numbers[column]] = example[-2]
    return styles


def _texts(keys: dict[str, Any], key: str) -> dict[str, str]:
    table = keys.get(key, {})
    if not isinstance(table, dict):
        raise MappingProblem(f"{key} has to be a table: a line [{key}], and its entries below.")
    for name, value in table.items():
        if not isinstance(value, str) or not value:
            raise MappingProblem(f"[{key}] {name} is {value!r}: it has to be a text in quotation marks.")
    return table


def _text(keys: dict[str, Any], key: str) -> str | None:
    value = keys.get(key)
    if value is not None and (not isinstance(value, str) or not value):
        raise MappingProblem(f"{key} is {value!r}: it has to be a text in quotation marks.")
    return value


def _check_known(name: str, known: Collection[str], what: str) -> None:
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        cure = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}."
        raise MappingProblem(f"{name} is no {what}: {cure}")
