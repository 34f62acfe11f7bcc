"""JSON lines that only mean something after the lines before them in their file: read block by block, understood file by file.

Of each line only a few short fields are kept, so that the size of a file does not matter: what makes sessions large is their
contents. The fields of whole files are then looked at together.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.sources.canonical import CanonicalQuery
from usagecost.sources.conventions import Conventions
from usagecost.sources.files import BLOCK_BYTES, Head
from usagecost.sources.jsonlines import MOST_FILES, Part, file_parts, line_table, sorted_out
from usagecost.sources.protocol import NO_USAGE, Batch, Reading, Reject, ahead, with_rest
from usagecost.sources.sql import in_parallel, registered


@dataclass(frozen=True)
class SessionLines:
    """How the lines of one format are read.

    `kept` is a SELECT over `session_lines`, of one row a line that is a JSON object, with `line`, `source_file`, `text` and of
    the line's file what `facts` says: it gives `line`, `source_file`, `raw`, what is shown of the line if it is rejected, and
    the fields that matter, of the lines that matter. `events` makes of these fields of whole files a
    SELECT over `session_fields`, which are the same with a `row` that grows from line to line; it gives the rows that may be
    requests. `rows` is one over `session_events`, which are those, and gives what canonical.py asks for.
    """

    source: str
    kept: str
    events: Callable[[pa.Table], str]
    rows: str
    conventions: Conventions
    facts: Callable[[Head], Mapping[str, str | None]] = lambda _: {}

    def batches(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """Files of such lines as canonical batches, each of whole files."""
        with closing(CanonicalQuery(reading, self.source, self.rows, "session_events", self.conventions)) as query:
            gathered: list[_Reduced] = []
            for parts, is_whole in ahead(_together(heads)):
                gathered += [self._reduced(parts, reading)] if parts else []
                if is_whole and gathered:
                    yield self._batch(gathered, query, reading)
                    gathered = []

    def _reduced(self, parts: list[Part], reading: Reading) -> _Reduced:
        """What matters of some lines, and what is wrong with others."""
        blocks = [part for part in parts if part.block]
        table = line_table(blocks, [self.facts(part.head) for part in blocks])
        good, broken = sorted_out(reading, blocks, table)
        with registered(reading.con, "session_lines", in_parallel(good)):
            fields = reading.con.sql(self.kept).to_arrow_table()
        problems = [Reject(part.head.source_file, None, part.problem, None) for part in parts if part.problem]
        return _Reduced(fields, broken, problems, table.num_rows, sum(part.bytes_read for part in parts))

    def _batch(self, gathered: list[_Reduced], query: CanonicalQuery, reading: Reading) -> Batch:
        order = [("source_file", "ascending"), ("line", "ascending")]
        fields = pa.concat_tables([reduced.fields for reduced in gathered]).sort_by(order)
        fields = fields.append_column("row", pa.array(np.arange(fields.num_rows)))
        with registered(reading.con, "session_fields", fields):
            events = reading.con.sql(self.events(fields)).to_arrow_table()
        requests, rejected = query.run(events)
        broken = [reject for reduced in gathered for reject in reduced.broken]
        rejects = sorted(broken + _rejects(fields, rejected))
        lines = sum(reduced.lines for reduced in gathered)
        return Batch(
            requests=requests,
            rejects=reading.rejects(self.source, rejects + [one for reduced in gathered for one in reduced.problems]),
            lines=lines,
            skips=with_rest(query.skips, lines - requests.num_rows - len(rejects), NO_USAGE),
            bytes_read=sum(reduced.bytes_read for reduced in gathered),
        )


@dataclass(frozen=True)
class _Reduced:
    """Lines, read: fields of those that matter, those that are `broken`, and what is wrong with whole files."""

    fields: pa.Table
    broken: list[Reject]
    problems: list[Reject]
    lines: int
    bytes_read: int


def _together(heads: Iterable[Head]) -> Iterator[tuple[list[Part], bool]]:
    """Parts that make up about half a block, or more, and whether all of the files have ended; perhaps no more parts then.

    A long file ends its group, so that not every group leaves a file open.
    """
    gathered: list[Part] = []
    size = 0
    for head in heads:
        number = 0
        for part in file_parts(head, BLOCK_BYTES):
            gathered.append(part)
            number += 1
            size += part.block.weight if part.block else 0
            if size >= BLOCK_BYTES // 2:
                yield gathered, False
                gathered, size = [], 0
        if number > 1 or not gathered or len(gathered) >= MOST_FILES:
            yield gathered, True
            gathered, size = [], 0
    if gathered:
        yield gathered, True


def _rejects(fields: pa.Table, rejected: pa.Table) -> list[Reject]:
    rows = fields.take(rejected["row"])
    said = (rows["source_file"], rows["line"], rejected["reason"], pc.utf8_rtrim_whitespace(rows["raw"]))
    return [Reject(*one) for one in zip(*(column.to_pylist() for column in said), strict=True)]
