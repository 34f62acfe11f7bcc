"""How a log's columns become those of the record: a small TOML file that a person writes, or that comes with the product.

README.md beside this file is the language. The gateways in gateways/ are written in it, so what they say, anybody can say.

Where no column is mapped to request_id, a row is known by the file's header and first row, and its number. So a file that
is renamed, packed or has grown brings no request twice; one whose rows are sorted anew, or cut off at its beginning, does.
A column mapped to rank says which of two versions of a request stays: the one with the greater number, or the later time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StrictBool, model_validator

from usagecost.schema import COLUMN_BY_NAME, PRICE_COLUMNS, PROVENANCE_COLUMNS
from usagecost.sources.conventions import Conventions
from usagecost.sources.numbers import COMMA, POINT, is_number
from usagecost.toml_lines import TomlProblem, TomlTable, check_keys, parse_toml, suggestion

GIVEN_COLUMNS = [
    name for name in COLUMN_BY_NAME if name not in {"source", "day", "attributes", *PRICE_COLUMNS, *PROVENANCE_COLUMNS}
]
"""The record's columns that a table can have; the others are made here."""

_INCLUSIONS = {
    "input_includes_cache_read": "cache_read_tokens",
    "input_includes_cache_write": "cache_write_tokens",
    "output_includes_reasoning": "output_reasoning_tokens",
}
"""Key -> the part of which it says whether its whole includes it. Nobody can guess that, and the cost depends on it."""


class MappingProblem(TomlProblem):
    """What is wrong with a mapping: the line, the key, and what would be right."""


@dataclass(frozen=True)
class Value:
    """Where a value of a record comes from: places in the log, the first of which that has one counts, or an expression.

    A place is a column's name; in JSON, a.b is the field b of the object a. Beside an expression a place only says what sentences
    call the column. Expressions speak of the mapping's fields and steps.
    """

    places: tuple[str, ...] = ()
    sql: str | None = None

    @property
    def read_places(self) -> tuple[str, ...]:
        """The places that are read for it."""
        return () if self.sql else self.places


def _value(value: Any) -> Value:
    """A place, a list of places, or an expression, perhaps with what sentences call the column."""
    if not isinstance(value, dict) or "sql" not in value or not value.keys() <= {"sql", "column"}:
        return Value(_places(value))
    if any(not isinstance(part, str) or not part.strip() for part in value.values()):
        raise ValueError("sql and column have to be texts in quotation marks")
    return Value((value["column"],) if "column" in value else (), value["sql"])


def _places(value: Any) -> tuple[str, ...]:
    places = value if isinstance(value, list) and value else [value]
    if any(not isinstance(place, str) or not place for place in places):
        raise ValueError("it has to be a text in quotation marks, or a list of such")
    return tuple(places)


def _units_apart(columns: Any) -> Any:
    """The columns with each unit as one of them; `units.x = …` is a table within the table to TOML."""
    units = columns.get("units") if isinstance(columns, dict) else None
    if not isinstance(units, dict) or units.keys() <= {"column", "sql"}:
        return columns
    others = {name: value for name, value in columns.items() if name != "units"}
    return others | {f"units.{unit}": value for unit, value in units.items()}


def _known_columns(columns: dict[str, Value]) -> dict[str, Value]:
    units = [column for column in columns if column.startswith("units.")]
    _check_given(column for column in columns if column not in units)
    if wrong := next((unit for unit in units if not re.fullmatch("units[.][a-z][a-z0-9_]*", unit)), None):
        raise ValueError(f"{wrong}: a unit has a name such as web_searches, in small letters")
    if "units" in columns and units:
        raise ValueError("units stands there beside one of them, such as units.web_searches: keep one of the two ways")
    if "started_at" not in columns:
        raise ValueError("started_at is missing: say which column holds the time of a request")
    return columns


def _known_constants(constants: dict[str, str]) -> dict[str, str]:
    _check_given(constants)
    return constants


def _check_given(columns: Iterable[str]) -> None:
    if unknown := next((column for column in columns if column not in GIVEN_COLUMNS), None):
        raise ValueError(f"{unknown} is no column of the record: {suggestion(unknown, GIVEN_COLUMNS)}")


def _constant(value: Any) -> str:
    """A value as the text that a file would have."""
    if not isinstance(value, str | bool | int | float | Decimal):
        raise ValueError("it has to be a text, a number, true or false")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _time_zone(name: str) -> str:
    if name not in _time_zones():
        raise ValueError("that is no time zone: use an IANA name such as Europe/Berlin")
    return name


_time_zones = cache(available_timezones)
"""The system's list, read once: that takes as long as to read a mapping."""


def _example(text: str) -> str:
    if not re.fullmatch("1[., \u00a0']?234[.,]5", text):
        raise ValueError('write 1234.5 as the column does, such as "1.234,5"')
    return text


def _one_sign(text: str) -> str:
    if len(text) != 1 or not text.isascii():
        raise ValueError("it is one ASCII character")
    return text


def _listed(value: Any) -> Any:
    """A list of lists, also where one of them stands alone."""
    return [value] if isinstance(value, list) and value and all(isinstance(name, str) for name in value) else value


def _named(value: Any) -> Any:
    """A table of names, also where they are a list."""
    return {name: name for name in value} if isinstance(value, list) and all(isinstance(name, str) for name in value) else value


Text = Annotated[str, Field(min_length=1)]
Values = dict[str, Annotated[Value, PlainValidator(_value)]]
Names = Annotated[tuple[Text, ...], Field(min_length=1)]
_NONE: Any = Field(default_factory=dict)


class Variant(TomlTable):
    """Another mapping for the files that have some names, or in whose first rows a number in a column has a fraction."""

    mapping: TableMapping
    names: tuple[str, ...] = ()
    fraction: Text | None = None

    @model_validator(mode="after")
    def _check_condition(self) -> Self:
        if bool(self.names) == bool(self.fraction):
            raise ValueError("each has to say of which files it is: by names, or by fraction")
        return self


class TableMapping(TomlTable):
    """A table's columns by the record's; by default they have the same names.

    `fields` are names of values that expressions speak of, `steps` those of expressions that further ones speak of; `skipped`
    are reasons, each with the condition of rows that are no requests. `numbers` are examples of how columns of the record are
    written, `decimal_comma` says it of the others; what neither says is found out, unless all numbers are plain. `recognise` are
    the names by which a file is of this format, in several ways; without them all that is mapped has to be there. `under` is the
    object in which all of it may stand.
    """

    columns: Annotated[Values, BeforeValidator(_units_apart), AfterValidator(_known_columns)]
    source: Text = "table"
    title: Text | None = None
    counts: Text | None = None
    recognise: Annotated[tuple[Names, ...], BeforeValidator(_listed)] = ()
    input_includes_cache_read: StrictBool | None = None
    input_includes_cache_write: StrictBool | None = None
    output_includes_reasoning: StrictBool | None = None
    time_unit: Literal["iso", "s", "ms", "us", "ns"] | None = None
    duration_unit: Literal["ms", "s", "us", "ns"] = "ms"
    cost_unit: Literal["usd", "cents", "nano"] = "usd"
    timezone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    delimiter: Annotated[str, AfterValidator(_one_sign)] | None = None
    decimal_comma: StrictBool | None = None
    plain_numbers: StrictBool = False
    no_value: tuple[str, ...] = ()
    under: Text | None = None
    constants: Annotated[dict[str, Annotated[str, PlainValidator(_constant)]], AfterValidator(_known_constants)] = _NONE
    attributes: Annotated[Values, BeforeValidator(_named)] = _NONE
    fields: dict[str, Annotated[tuple[str, ...], PlainValidator(_places)]] = _NONE
    steps: dict[str, Text] = _NONE
    numbers: dict[str, Annotated[str, AfterValidator(_example)]] = _NONE
    statuses: dict[str, Literal["success", "error", "cancelled"]] = _NONE
    skipped: dict[str, Text] = _NONE
    variants: tuple[Variant, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _complete_variants(cls, keys: dict[str, Any]) -> dict[str, Any]:
        """The keys of a variant go before those of the whole."""
        variants = keys.get("variants")
        if not isinstance(variants, list) or any(not isinstance(variant, dict) for variant in variants):
            return keys
        common = {key: value for key, value in keys.items() if key != "variants"}
        conditions = [{key: variant[key] for key in ("names", "fraction") if key in variant} for variant in variants]
        own = [{key: value for key, value in variant.items() if key not in ("names", "fraction")} for variant in variants]
        return common | {
            "variants": [{**condition, "mapping": common | keys} for condition, keys in zip(conditions, own, strict=True)]
        }

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if both := self.columns.keys() & self.constants.keys():
            raise ValueError(f"{min(both)} stands under [columns] and under [constants]: keep one of them")
        for key, part in _INCLUSIONS.items():
            if getattr(self, key) is None and part in self.columns:
                raise ValueError(f"{key} is missing: {part} is mapped, so say with true or false whether the count includes it")
        if others := [column for column in self.numbers if column not in self.columns or not is_number(column)]:
            raise ValueError(f"[numbers] {others[0]} is no mapped column of counts, costs or durations")
        return self

    @cached_property
    def conventions(self) -> Conventions:
        """How the log writes down what the record has in one way only."""
        return Conventions(
            input_includes_cache_read=self.input_includes_cache_read is not False,
            input_includes_cache_write=self.input_includes_cache_write is not False,
            output_includes_reasoning=self.output_includes_reasoning is not False,
            time_unit=self.time_unit,
            timezone=self.timezone,
            duration_unit=self.duration_unit,
            cost_unit=self.cost_unit,
            statuses=self.statuses,
            names={column: value.places[0] for column, value in self.columns.items() if value.places},
        )

    @cached_property
    def styles(self) -> dict[str, str]:
        """How numbers are written, by the table's column, as far as it is said: see numbers.py."""
        places = {column: value.read_places for column, value in self.columns.items() if is_number(column)}
        every_place = [place for some in places.values() for place in some]
        styles = {} if self.decimal_comma is None else dict.fromkeys(every_place, COMMA if self.decimal_comma else POINT)
        return styles | {place: example[-2] for column, example in self.numbers.items() for place in places[column]}

    @cached_property
    def places(self) -> dict[str, str]:
        """Each place in a log that is read, and what it is read for."""
        read = {place: name for name, value in self.attributes.items() for place in value.read_places}
        read |= {place: name for name, places in self.fields.items() for place in places}
        return read | {place: column for column, value in self.columns.items() for place in value.read_places}


Variant.model_rebuild()


def identity_mapping(names: list[str], title: str | None = None, counts: str | None = None) -> TableMapping:
    """The mapping of a table whose columns have the record's names, the time perhaps not among them."""
    return TableMapping.model_construct(columns={name: Value((name,)) for name in names}, title=title, counts=counts)


def parse_mapping(text: str) -> TableMapping:
    """The mapping that a text says; raises MappingProblem. Expressions are checked when they are used."""
    return parse_toml(text, TableMapping, MappingProblem)


def mapping_of(keys: Mapping[str, Any]) -> TableMapping:
    """The mapping that has these keys; raises MappingProblem."""
    return check_keys(keys, TableMapping, MappingProblem)


def read_mapping(path: Path) -> TableMapping:
    """The mapping of a TOML file; raises MappingProblem."""
    try:
        return parse_mapping(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MappingProblem(f"The mapping {path} does not exist: check the path after --mapping.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise MappingProblem(f"The mapping {path} cannot be read: {error}.") from None
    except MappingProblem as problem:
        raise MappingProblem(f"The mapping {path}: {problem}") from None
