"""Parquet files, read in blocks."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from usagecost.sources.files import FileProblem, Head, fingerprint
from usagecost.sources.tabular import MOST_ROWS, Rows


class ParquetFile:
    """A Parquet file; making one raises FileProblem if it is none, or not whole."""

    def __init__(self, head: Head) -> None:
        self.head = head
        try:
            self._file = pq.ParquetFile(head.path)
            self.names = tuple(self._file.schema_arrow.names)
            first = next(self._file.iter_batches(batch_size=1), None)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(error) from None
        values = first.to_pylist()[0].values() if first is not None and first.num_rows else ()
        self.fingerprint = fingerprint(*self.names, *map(str, values))

    def rows(self, columns: Collection[str]) -> Iterator[Rows]:
        """The columns of its rows, numbered from 1."""
        size = self.head.path.stat().st_size
        count = max(1, self._file.metadata.num_rows)
        number = 0
        try:
            for block in self._file.iter_batches(batch_size=MOST_ROWS, columns=list(columns)):
                yield Rows(
                    table=pa.Table.from_batches([block]),
                    numbers=np.arange(number + 1, number + 1 + block.num_rows),
                    bytes_read=size * block.num_rows // count,
                )
                number += block.num_rows
        except (pa.ArrowException, OSError) as error:
            raise _damaged(error) from None


def _damaged(error: Exception) -> FileProblem:
    return FileProblem(
        f"is a damaged Parquet file, or not whole ({str(error).splitlines()[0].rstrip('.')}). Get a whole copy of it."
    )
