"""Parquet files, read in blocks."""

from __future__ import annotations

from collections.abc import Collection, Generator
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from usagecost.sources.files import BLOCK_BYTES, FileProblem, Head, fingerprint
from usagecost.sources.lines import MOST_ROWS, Rows


class ParquetFile:
    """A Parquet file; making one raises FileProblem if it is none, or not whole."""

    def __init__(self, head: Head) -> None:
        self.head = head
        try:
            self._file = pq.ParquetFile(head.path)
            self.names = tuple(self._file.schema_arrow.names)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(error) from None

    @cached_property
    def fingerprint(self) -> str:
        """What tells it from others. It takes the first row, and that takes all columns of it to be unpacked."""
        try:
            first = next(self._file.iter_batches(batch_size=1), None)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(error) from None
        values = first.to_pylist()[0].values() if first is not None and first.num_rows else ()
        return fingerprint(*self.names, *map(str, values))

    def rows(self, columns: Collection[str]) -> Generator[Rows]:
        """The columns of its rows, numbered from 1."""
        size = self.head.path.stat().st_size
        count = max(1, self._file.metadata.num_rows)
        number = 0
        try:
            for block in self._file.iter_batches(batch_size=self._rows_at_once(columns), columns=list(columns)):
                yield Rows(
                    table=pa.Table.from_batches([block]),
                    numbers=np.arange(number + 1, number + 1 + block.num_rows),
                    bytes_read=size * block.num_rows // count,
                )
                number += block.num_rows
        except (pa.ArrowException, OSError) as error:
            raise _damaged(error) from None

    def _rows_at_once(self, columns: Collection[str]) -> int:
        """Rows that are about a block, unpacked: the footer tells how large columns are."""
        about, names = self._file.metadata, set(columns)
        groups = [about.row_group(number) for number in range(about.num_row_groups)]
        chunks = [group.column(number) for group in groups for number in range(about.num_columns)]
        size = sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema.split(".")[0] in names)
        return min(MOST_ROWS, max(1, BLOCK_BYTES * about.num_rows // max(size, 1)))


def _damaged(error: Exception) -> FileProblem:
    return FileProblem(
        f"is a damaged Parquet file, or not whole ({str(error).splitlines()[0].rstrip('.')}). Get a whole copy of it."
    )
