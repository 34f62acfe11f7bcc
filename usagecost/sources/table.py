"""Any table (CSV, TSV, JSON lines, Parquet) with the record's own column names."""

from __future__ import annotations

from dataclasses import replace

from usagecost.sources.files import FileProblem, Head
from usagecost.sources.jsonlines import fields_of_first_block
from usagecost.sources.mapped import Mapped, column_names
from usagecost.sources.mapping import GIVEN_COLUMNS, TableMapping, identity_mapping
from usagecost.sources.protocol import Reading
from usagecost.sources.records import is_json, tabular_file

_OF_THE_RECORD = replace(
    identity_mapping(GIVEN_COLUMNS),
    title="Tables: CSV, TSV, JSON lines, Parquet",
    counts="Columns with the record's names mean what the record means: input_tokens includes cache reads and cache writes, "
    "output_tokens includes reasoning. For a table that counts otherwise, map its columns.",
)


class Table(Mapped):
    """Tables whose columns have the record's names, as far as they are there."""

    def __init__(self) -> None:
        super().__init__("table", lambda: _OF_THE_RECORD)

    def recognise(self, head: Head) -> str | None:
        """By the record's column names: the time, and a count or the model."""
        try:
            names = set(column_names(head))
        except FileProblem:
            return None
        found = [name for name in GIVEN_COLUMNS if name in names]
        is_table = "started_at" in names and names & {"model", "input_tokens", "output_tokens"}
        return f"a table with the record's columns {', '.join(found)}" if is_table else None

    def _mapping(self, head: Head, reading: Reading) -> TableMapping:
        """The columns of the record that the file has."""
        names = fields_of_first_block(head, reading.con) if is_json(head) else tabular_file(head).names
        return identity_mapping([name for name in GIVEN_COLUMNS if name in names])
