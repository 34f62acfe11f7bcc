"""Claims about formats: lines, and what becomes of them. All of a file are read together, as to plan a query takes longest."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tests.source_rows import Row, json_lines, read
from usagecost.sources import Source

Lines = Row | str | Iterable[Row | str]


class Claim(NamedTuple):
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
        """Reads all files at once; those that begin alike one after the other, as a format may read some of them in another way."""
        files = [[lines] if isinstance(lines, dict | str) else list(lines) for claim in self.values() for lines, _ in claim.cases]
        with TemporaryDirectory() as folder:
            paths = [json_lines(Path(folder, f"{place:04}.jsonl"), lines) for place, lines in enumerate(files)]
            batch = read(
                self._source(), *(paths[place] for place in sorted(range(len(files)), key=lambda at: str([*files[at][0]])))
            )
        rows: defaultdict[str, list[Row]] = defaultdict(list)
        for row in batch.requests.to_pylist():
            rows[row["source_file"]].append(row)
        assert "a secret" not in str(rows)
        rejects: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        for reject in batch.rejects.to_pylist():
            if reject["line"] is not None:
                rejects[reject["source_file"]].append((reject["line"], reject["reason"]))
        skips: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for (file, reason), count in batch.skips.items():
            skips[file][reason] = count
        names = iter(map(str, paths))
        for claim, (columns, cases) in self.items():
            values = [column for column in columns if column != "skipped"]
            self._results[claim] = [
                [
                    *(tuple(_value(row, column) for column in values) for row in rows[file]),
                    *rejects[file],
                    *([skips[file]] if "skipped" in columns else []),
                ]
                for file in islice(names, len(cases))
            ]


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
