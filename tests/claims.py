"""Claims about formats: lines, and what becomes of them. All of a file are read together, as to plan a query takes longest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.source_rows import Row, read_files, rejects
from usagecost.sources import Batch, Source

Lines = Row | str | Iterable[Row | str]


@dataclass(frozen=True)
class Claim:
    """Columns, and cases of them: the lines of a file, and what they become."""

    columns: tuple[str, ...]
    cases: tuple[tuple[Lines, Any], ...]


def says(columns: str, *cases: tuple[Lines, Any]) -> Claim:
    """A claim about some columns of files; a file of one line may be given as that line.

    What is expected of a file is the row of its only request, of one column its value, or a list: the rows of its requests, then
    the number and reason of each rejected line, then, where ``skipped`` stands among the columns, how many lines are skipped for
    each reason.
    """
    return Claim(tuple(columns.split()), cases)


class Claims(dict[str, Claim]):
    """Claims about a format by what they say. No request has anything of contents, which are ``a secret`` wherever they stand."""

    def __init__(self, source: Callable[[], Source], claims: Mapping[str, Claim]) -> None:
        super().__init__(claims)
        self._source = source
        self._results: dict[str, list[list[Any]]] = {}

    def actual(self, claim: str) -> list[list[Any]]:
        """What becomes of the lines of each case."""
        if not self._results:
            self._read()
        return self._results[claim]

    def expected(self, claim: str) -> list[list[Any]]:
        """What is expected of each case."""
        lists = [
            rows if isinstance(rows, list) else [rows if isinstance(rows, tuple) else (rows,)] for _, rows in self[claim].cases
        ]
        is_one = len(self[claim].columns) == 1
        return [[(row,) if is_one and not isinstance(row, tuple | dict) else row for row in rows] for rows in lists]

    def _read(self) -> None:
        files = [[lines] if isinstance(lines, dict | str) else lines for claim in self.values() for lines, _ in claim.cases]
        with TemporaryDirectory() as folder:
            batches = iter(read_files(self._source(), Path(folder), files))
            for name, claim in self.items():
                self._results[name] = [_results(next(batches), claim.columns) for _ in claim.cases]


def _results(batch: Batch, columns: tuple[str, ...]) -> list[Any]:
    requests = batch.requests.to_pylist()
    assert "a secret" not in str(requests)
    rows = [tuple(_value(row, column) for column in columns if column != "skipped") for row in requests]
    skips = {reason: count for (_, reason), count in batch.skips.items()}
    return [*rows, *(reject for reject in rejects(batch) if reject[0]), *([skips] if "skipped" in columns else [])]


def _value(row: Row, column: str) -> Any:
    """A value as a test writes it: units and attributes as objects, one of the attributes by a dot, a time as ISO 8601 has it."""
    name, _, inner = column.partition(".")
    value: Any = row[name]
    if name == "attributes":
        attributes = json.loads(value or "{}")
        return attributes.get(inner) if inner else attributes
    if name == "units":
        return dict(value or {})
    return value.isoformat() if isinstance(value, datetime) else value
