"""How a log's columns become those of the record: a small TOML file that a person writes, or that comes with the product.

README.md beside this file is the language. The gateways in gateways/ are written in it, so what they say, anybody can say.

Where no column is mapped to request_id, a row is known by the file's header and first row, and its number. So a file that
is renamed, packed or has grown brings no request twice; one whose rows are sorted anew, or cut off at its beginning, does.
A column mapped to rank says which of two versions of a request stays: the one with the greater number, or the later time.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from usagecost.schema import COLUMN_BY_NAME, PRICE_COLUMNS, PROVENANCE_COLUMNS
from usagecost.sources.conventions import COSTS, DURATIONS, Conventions
from usagecost.sources.mapping_keys import (
    MappingProblem,
    Value,
    check_known,
    constants_of,
    flag_of,
    list_of,
    names_of,
    one_of,
    table_of,
    text_of,
    texts_of,
    value_of,
)
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
    "source", "title", "counts", "recognise", *_INCLUSIONS, *_CHOICES, "timezone", "delimiter", "decimal_comma", "plain_numbers",
    "no_value", "under", "columns", "fields", "steps", "attributes", "constants", "numbers", "statuses", "skipped", "variants",
)  # fmt: skip


@dataclass(frozen=True)
class FileCondition:
    """A file that has some names, or in whose first rows a number in a column has a fraction."""

    names: tuple[str, ...] = ()
    fraction: str | None = None


@dataclass(frozen=True)
class TableMapping:
    """A table's columns by the record's; by default they have the same names.

    `fields` are names of values that expressions speak of, `steps` those of expressions that further ones speak of; `skipped`
    are reasons, each with the condition of rows that are no requests. `styles` are how numbers are written, by the table's
    column: see numbers.py. Others are found out, unless all numbers are plain. `recognise` are the names by which a file is of
    this format, in several ways; without them all that is mapped has to be there. `under` is the object in which all of it may
    stand. `variants` are mappings for some of the files, each with the condition that a file meets.
    """

    columns: Mapping[str, Value]
    source: str = "table"
    title: str = ""
    counts: str = ""
    recognise: tuple[tuple[str, ...], ...] = ()
    constants: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Value] = field(default_factory=dict)
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    steps: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    under: str | None = None
    delimiter: str | None = None
    no_value: tuple[str, ...] = ()
    styles: Mapping[str, str] = field(default_factory=dict)
    has_plain_numbers: bool = False
    conventions: Conventions = field(default_factory=Conventions)
    variants: tuple[tuple[FileCondition, TableMapping], ...] = ()

    @property
    def places(self) -> dict[str, str]:
        """Each place in a log that is read, and what it is read for."""
        read = {place: name for name, value in self.attributes.items() for place in value.read_places}
        read |= {place: name for name, places in self.fields.items() for place in places}
        return read | {place: column for column, value in self.columns.items() for place in value.read_places}


def identity_mapping(names: list[str]) -> TableMapping:
    """The mapping of a table whose columns have the record's names."""
    return TableMapping({name: Value((name,)) for name in names})


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
    """The mapping that has these keys; raises MappingProblem. Expressions are checked when they are used."""
    for key in keys:
        check_known(key, _KEYS, "key")
    columns, constants = _columns(keys), constants_of(keys)
    for column in (*columns, *constants):
        if not column.startswith("units.") or column in constants:
            check_known(column, GIVEN_COLUMNS, "column of the record")
    if "units" in columns and any(column.startswith("units.") for column in columns):
        raise MappingProblem("[columns] names both units and one of them, such as units.web_searches: keep one of the two ways.")
    if both := columns.keys() & constants.keys():
        raise MappingProblem(f"{min(both)} stands under [columns] and under [constants]: keep one of them.")
    if "started_at" not in columns:
        raise MappingProblem("[columns] lacks started_at: say which column holds the time of a request.")
    delimiter = text_of(keys, "delimiter")
    if delimiter is not None and (len(delimiter) != 1 or not delimiter.isascii()):
        raise MappingProblem(f"delimiter is {delimiter!r}: it is one ASCII character.")
    mapping = TableMapping(
        columns=columns,
        source=text_of(keys, "source") or "table",
        title=text_of(keys, "title") or "",
        counts=text_of(keys, "counts") or "",
        recognise=names_of(keys, "recognise"),
        constants=constants,
        attributes=_attributes(keys),
        fields={name: value_of("fields", name, value).places for name, value in table_of(keys, "fields").items()},
        steps=texts_of(keys, "steps"),
        skipped=texts_of(keys, "skipped"),
        under=text_of(keys, "under"),
        delimiter=delimiter,
        no_value=list_of(keys, "no_value", "words", "Included"),
        styles=_styles(keys, columns),
        has_plain_numbers=flag_of(keys, "plain_numbers") or False,
        conventions=_conventions(keys, columns),
    )
    return replace(mapping, variants=tuple(_variants(keys)))


_time_zones = cache(available_timezones)
"""The system's list, read once: that takes as long as to read a mapping."""


def _conventions(keys: dict[str, Any], columns: Mapping[str, Value]) -> Conventions:
    units = {key: one_of(keys, key, choices) for key, choices in _CHOICES.items() if key in keys}
    zone = text_of(keys, "timezone") or "UTC"
    if zone not in _time_zones():
        raise MappingProblem(f"timezone {zone!r} is no time zone: use an IANA name such as Europe/Berlin.")
    statuses = texts_of(keys, "statuses")
    for word, outcome in statuses.items():
        if outcome not in OUTCOMES:
            raise MappingProblem(f"[statuses] {word} is {outcome!r}: it has to be one of {', '.join(OUTCOMES)}.")
    inclusions: dict[str, Any] = {key: _inclusion(keys, key, columns) for key in _INCLUSIONS}
    names = {column: value.places[0] for column, value in columns.items() if value.places}
    return Conventions(**inclusions, **units, timezone=ZoneInfo(zone).key, statuses=statuses, names=names)


def _inclusion(keys: dict[str, Any], key: str, columns: Mapping[str, Value]) -> bool:
    """Whether a count includes its part. Nobody can guess it, and the cost depends on it: it has to be said."""
    part = _INCLUSIONS[key]
    if key not in keys and part in columns:
        raise MappingProblem(f"{key} is missing: {part} is mapped, so say with true or false whether the count includes it.")
    flag = flag_of(keys, key)
    return True if flag is None else flag


def _columns(keys: dict[str, Any]) -> dict[str, Value]:
    """What each of the record's columns is; `units.x = …` is a table within the table to TOML."""
    columns = table_of(keys, "columns")
    if isinstance(units := columns.get("units"), dict) and not units.keys() <= {"column", "sql"}:
        others = {name: value for name, value in columns.items() if name != "units"}
        columns = others | {f"units.{unit}": value for unit, value in units.items()}
    for column in columns:
        if column.startswith("units.") and not re.fullmatch("units[.][a-z][a-z0-9_]*", column):
            raise MappingProblem(f"[columns] {column}: a unit has a name such as web_searches, in small letters.")
    return {column: value_of("columns", column, value) for column, value in columns.items()}


def _attributes(keys: dict[str, Any]) -> dict[str, Value]:
    """What is kept beside the record's columns: a list of columns, or a table that gives them names."""
    if isinstance(keys.get("attributes"), dict):
        return {name: value_of("attributes", name, value) for name, value in keys["attributes"].items()}
    return {name: Value((name,)) for name in list_of(keys, "attributes", "columns", "region")}


def _styles(keys: dict[str, Any], columns: Mapping[str, Value]) -> dict[str, str]:
    """How numbers are written, by the table's column: as the file does, unless one column does otherwise."""
    has_comma = flag_of(keys, "decimal_comma")
    numbers = {column: value.read_places for column, value in columns.items() if is_number(column)}
    every_place = [place for places in numbers.values() for place in places]
    styles = {} if has_comma is None else dict.fromkeys(every_place, COMMA if has_comma else POINT)
    for column, example in texts_of(keys, "numbers").items():
        if column not in numbers:
            raise MappingProblem(f"[numbers] {column} is no mapped column of counts, costs or durations.")
        if not re.fullmatch("1[., \u00a0']?234[.,]5", example):
            raise MappingProblem(f'[numbers] {column} is {example!r}: write 1234.5 as the column does, such as "1.234,5".')
        styles |= dict.fromkeys(numbers[column], example[-2])
    return styles


def _variants(keys: dict[str, Any]) -> list[tuple[FileCondition, TableMapping]]:
    """The mapping with other keys, for the files that meet a condition."""
    variants = keys.get("variants", [])
    if not isinstance(variants, list) or any(not isinstance(variant, dict) for variant in variants):
        raise MappingProblem("[[variants]] has to be written in double brackets, once for each.")
    common = {key: value for key, value in keys.items() if key != "variants"}
    pairs = []
    for variant in variants:
        condition = FileCondition(list_of(variant, "names", "columns", "response_status"), text_of(variant, "fraction"))
        if bool(condition.names) == bool(condition.fraction):
            raise MappingProblem("[[variants]] has to say of which files it is: by names, or by fraction.")
        others = {key: value for key, value in variant.items() if key not in ("names", "fraction", "variants")}
        pairs.append((condition, mapping_of(common | others)))
    return pairs
