"""Small pieces of SQL that sources share."""

from __future__ import annotations

import itertools
import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

import duckdb
import numpy as np
import pyarrow as pa

PIECES = 8
MOST_PIECE_BYTES = 1 << 20
"""DuckDB works on up to 2,048 rows at once, and in memory that a processor keeps near: of long rows that takes fewer of them."""


def identifier(name: str) -> str:
    """A column's name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL, for where a bound value cannot stand: in a statement that stays planned, or in a pattern or a shape."""
    return "'" + text.replace("\0", "").replace("'", "''") + "'"


def texts(*names: str) -> dict[str, str]:
    """The part of a JSON shape whose fields are texts, whatever a log has there."""
    return dict.fromkeys(names, "VARCHAR")


def json_path(names: Sequence[str]) -> str:
    """The path of DuckDB's JSON functions to a field within objects, by the names on the way."""
    return "$" + "".join(f".{json.dumps(name, ensure_ascii=False)}" for name in names)


def json_object(fields: Mapping[str, str]) -> str:
    """SQL for a JSON object as text, from SQL expressions for its fields, each JSON or NULL; NULL ones are left out.

    NULL if nothing is left.
    """
    pairs = ", ".join(f"{literal(',' + json.dumps(name) + ':')} || {value}" for name, value in fields.items())
    return f"nullif('{{' || substr(concat({pairs}), 2) || '}}', '{{}}')"


def text_list(text: str) -> str:
    """SQL for a list of texts, from JSON or with commas between them; NULL if there is none."""
    split = f"string_split({text}, ',')"
    json_items = f"""TRY(from_json({text}, '["VARCHAR"]'))"""
    items = f"CASE WHEN starts_with({text}, '[') THEN coalesce({json_items}, {split}) ELSE {split} END"
    trimmed = f"list_transform({items}, lambda item: trim(item))"
    return f"nullif(list_filter({trimmed}, lambda item: item <> ''), [])"


UNITS_TYPE = "MAP(VARCHAR, DECIMAL(18, 6))"


def units_map(counts: Mapping[str, str]) -> str:
    """SQL for the column `units`, from SQL texts of how many there are of each unit; NULL where there is none of any."""
    numbers = {unit: f"TRY_CAST({text} AS DECIMAL(18, 6))" for unit, text in counts.items()}
    entries = ", ".join(f"{{'key': {literal(unit)}, 'value': {number}}}" for unit, number in numbers.items())
    some = " OR ".join(f"{number} > 0" for number in numbers.values())
    return f"CASE WHEN {some} THEN {_some_units(f'[{entries}]')} END"


def units_of_json(text: str) -> str:
    """SQL for the column `units`, from the text of a JSON object of units and numbers; NULL where it is none."""
    entries = f"map_entries(TRY(from_json({text}, '\"{UNITS_TYPE}\"')))"
    return f"CASE WHEN json_type(TRY_CAST({text} AS JSON)) = 'OBJECT' THEN {_some_units(entries)} END"


def _some_units(entries: str) -> str:
    return f"map_from_entries(nullif(list_filter({entries}, lambda entry: entry.value > 0), []))"


class JsonColumns:
    """Columns that stand somewhere in a JSON text, which is parsed once for all: several times as fast as into a struct.

    `paths` are, of each column, the places where its text may be, the best first.
    """

    def __init__(self, paths: Mapping[str, Sequence[str]]) -> None:
        self._places = {path: number for number, path in enumerate(dict.fromkeys(itertools.chain(*paths.values())), start=1)}
        self._paths = paths

    @property
    def places(self) -> tuple[str, ...]:
        """All places that are looked at."""
        return tuple(self._places)

    def texts(self, text: str) -> str:
        """SQL for the list of texts at all places; an error where the text is no JSON."""
        return f"json_extract_string({text}, [{', '.join(map(literal, self._places))}])"

    def items(self, texts: str) -> str:
        """The columns as items of a SELECT, from the list of texts."""
        return ", ".join(f"{self._item(texts, paths)} AS {column}" for column, paths in self._paths.items())

    def _item(self, texts: str, paths: Sequence[str]) -> str:
        candidates = [f"{texts}[{self._places[path]}]" for path in paths]
        return f"coalesce({', '.join(candidates)})" if len(candidates) > 1 else candidates[0]


class ChangingRows:
    """A table that a prepared statement reads: the statement stays planned while the rows are exchanged."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """What DuckDB asks for whenever it reads, by Arrow's C interface."""
        return self.table.__arrow_c_stream__(requested_schema)


@contextmanager
def registered(con: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> Generator[None]:
    """While the block runs, SQL knows the table by the name."""
    con.register(name, table)
    try:
        yield
    finally:
        con.unregister(name)


def in_parallel(table: pa.Table) -> pa.Table:
    """The table in as many pieces as there may be threads, or more: DuckDB scans one with each.

    It takes no struct whose piece begins within a longer one, so those are copied.
    """
    most_rows = min(-(-table.num_rows // PIECES), MOST_PIECE_BYTES * table.num_rows // max(table.nbytes, 1))
    pieces = table.combine_chunks().to_batches(max_chunksize=max(1, most_rows))
    if any(pa.types.is_nested(column.type) for column in table.schema):
        pieces = [piece.take(pa.array(np.arange(piece.num_rows))) for piece in pieces]
    return pa.Table.from_batches(pieces, table.schema)
