"""How a table is cut for the threads that read it."""

from __future__ import annotations

import pyarrow as pa

from usagecost.sources.sql import MOST_PIECE_BYTES, PIECES, in_parallel


def lines(count: int, characters: int) -> pa.Table:
    return pa.table({"row": range(count), "text": ["x" * characters] * count})


def pieces(table: pa.Table) -> list[pa.RecordBatch]:
    return in_parallel(table).to_batches()


def test_short_rows_are_cut_into_as_many_pieces_as_threads_may_want():
    assert [piece.num_rows for piece in pieces(lines(8_000, 20))] == [1_000] * PIECES


def test_a_piece_of_long_rows_is_no_larger_than_a_processor_keeps_near():
    long = lines(4_000, 4_000)
    found = pieces(long)

    assert len(found) > PIECES
    assert all(piece.nbytes <= MOST_PIECE_BYTES for piece in found)
    assert pa.Table.from_batches(found) == long


def test_a_row_larger_than_a_piece_is_a_piece_of_its_own():
    assert [piece.num_rows for piece in pieces(lines(3, 2 * MOST_PIECE_BYTES))] == [1, 1, 1]


def test_a_table_without_rows_stays_one():
    assert in_parallel(lines(0, 0)).num_rows == 0
