"""Rows and columns, whether of CSV or Parquet, as canonical batches: what formats that come as tables share."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
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
        try:
            fingerprint = file.fingerprint if "fingerprint" in f"{self.rows}{self.lineage}" else ""  # of Parquet it takes time
            yield from self.piece_batches(pieces or file.rows(self.columns), file.head.source_file, fingerprint, reading)
        except FileProblem as problem:
            yield file_problem(reading, self.source, file.head, problem)

    def piece_batches(self, pieces: Iterable[Rows], source_file: str, fingerprint: str, reading: Reading) -> Iterator[Batch]:
        """Pieces of anything that has rows, as canonical batches."""
        about = {"source_file": source_file, "fingerprint": fingerprint}
        with closing(CanonicalQuery(reading, self.source, self.rows, "lines", self.conventions)) as query:
            for rows in ahead(pieces):
                yield self._batch(rows, about, query, reading)

    def _batch(self, rows: Rows, about: Mapping[str, str], query: CanonicalQuery, reading: Reading) -> Batch:
        count = rows.table.num_rows
        lines = rows.table.select(list(self.columns))
        for name, value in about.items():
            lines = lines.append_column(name, pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), [value]))
        lines = lines.append_column("line", pa.array(rows.numbers)).append_column("row", pa.array(np.arange(count)))
        requests, rejected = query.run(lines)
        texts = (json.dumps(row, default=str, ensure_ascii=False) for row in rows.table.take(rejected["row"]).to_pylist())
        row_rejects = zip(rows.numbers[rejected["row"].to_numpy()].tolist(), rejected["reason"].to_pylist(), texts, strict=True)
        rejects = [*row_rejects, *((number, *problem) for number, problem in rows.unreadable.items())]
        read = count + len(rows.unreadable) + rows.skipped
        return Batch(
            requests=requests,
            rejects=reading.rejects(self.source, [Reject(about["source_file"], *reject) for reject in sorted(rejects)]),
            lines=read,
            skips=with_rest(query.skips, read - requests.num_rows - len(rejects), BLANK),
            bytes_read=rows.bytes_read,
            lineage=reading.lineage(self.source, query.also(self.lineage)) if self.lineage else None,
        )
