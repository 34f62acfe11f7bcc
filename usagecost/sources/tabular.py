"""Rows and columns, whether of CSV or Parquet, as canonical batches: what formats that come as tables share."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from usagecost.sources.canonical import CanonicalQuery
from usagecost.sources.conventions import Conventions
from usagecost.sources.delimited import DelimitedFile
from usagecost.sources.files import FileProblem, Head
from usagecost.sources.lines import Rows
from usagecost.sources.parquet import ParquetFile
from usagecost.sources.protocol import BLANK, Batch, Reading, Reject, ahead, file_problem, with_rest

TabularFile = DelimitedFile | ParquetFile


def tabular_file(head: Head, delimiter: str | None = None) -> TabularFile:
    """A file of rows and columns; raises FileProblem if it is none."""
    return ParquetFile(head) if head.is_parquet else DelimitedFile(head, delimiter)


@dataclass(frozen=True)
class Tabular:
    """How the rows of one format are read.

    `rows` is a SELECT over `lines`, which has one row a row: `row`, `line` (its number in the file), `source_file`,
    `fingerprint` (the file's), and the file's columns. It gives what canonical.py asks for. `lineage` is another such SELECT, for
    the `request_id` and the `parent_id` of rows that are part of something: see schema.LINEAGE.
    """

    source: str
    columns: Collection[str]
    rows: str
    conventions: Conventions
    lineage: str | None = None

    def batches(self, file: TabularFile, reading: Reading, pieces: Iterator[Rows] | None = None) -> Iterator[Batch]:
        """A file, or some pieces of it, as canonical batches."""
        with closing(CanonicalQuery(reading, self.source, self.rows, "lines", self.conventions)) as query:
            try:
                for rows in ahead(pieces or file.rows(self.columns)):
                    yield self._batch(file, rows, query, reading)
            except FileProblem as problem:
                yield file_problem(reading, self.source, file.head, problem)

    def _batch(self, file: TabularFile, rows: Rows, query: CanonicalQuery, reading: Reading) -> Batch:
        count = rows.table.num_rows
        lines = rows.table.select(list(self.columns))
        source_file = file.head.source_file
        about_file = {"source_file": source_file}
        if "fingerprint" in self.rows or "fingerprint" in (self.lineage or ""):
            about_file["fingerprint"] = file.fingerprint
        for name, value in about_file.items():
            lines = lines.append_column(name, pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), [value]))
        lines = lines.append_column("line", pa.array(rows.numbers)).append_column("row", pa.array(np.arange(count)))
        requests, rejected = query.run(lines)
        texts = map(_as_text, rows.table.take(rejected["row"]).to_pylist())
        found = zip(rows.numbers[rejected["row"].to_numpy()].tolist(), rejected["reason"].to_pylist(), texts, strict=True)
        rejects = [*found, *((number, *what) for number, what in rows.unreadable.items())]
        read = count + len(rows.unreadable) + rows.skipped
        return Batch(
            requests=requests,
            rejects=reading.rejects(self.source, [Reject(source_file, *reject) for reject in sorted(rejects)]),
            lines=read,
            skips=with_rest(query.skips, read - requests.num_rows - len(rejects), BLANK),
            bytes_read=rows.bytes_read,
            lineage=reading.lineage(self.source, query.also(self.lineage)) if self.lineage else None,
        )


def _as_text(row: Mapping[str, object]) -> str:
    """A row that was split into columns, in one text."""
    return json.dumps(row, default=str, ensure_ascii=False)
