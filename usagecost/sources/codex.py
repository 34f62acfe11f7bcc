"""Codex CLI sessions: JSON lines in ~/.codex/sessions/ and archived_sessions/, one file a session.

After each answer of the model a `token_count` event says what it used, `last_token_usage`, and what the session has used so far,
`total_token_usage`. One that has only the latter means the difference from the total before; a total that falls has begun anew.
Events whose total does not advance repeat the last one, as those with new rate limits do, and are skipped; so are events that
count nothing. `started_at` is the time of the event, when the answer was complete. The model is that of the event, else of the
last line before it that names one, else unknown.

Since version 0.154 a `token_usage_record` says the same of each response, by its id, also of those that compact the session, which
no event counts. A record is the request, and the event of the same session with the same counts is skipped.

A session that was forked from another, as those of sub-agents are, may begin with a copy of the other's events. With their own
times these are the same requests: a request's id is made of its time and counts alone, or is that of its response, and of two
copies that of a session which is no fork stays. With new times they are skipped: all before the first task that began after
the session was made, and records of another session; where tasks do not say when they began, a head of two or more events
within one second, as ccusage has it.

Counts of input include cache reads and writes, those of output reasoning. Of cache reads above the input only as many as the
input count, again as in ccusage.

Of each line only the few short fields that matter are kept, so that the size of a file, which is that of its contents, does not
matter; the fields of whole files are then looked at together.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.sources.canonical import CanonicalQuery
from usagecost.sources.codex_events import ROWS, events_sql
from usagecost.sources.codex_lines import FIELDS_SQL, LINE_TYPES
from usagecost.sources.conventions import Conventions
from usagecost.sources.essentials import with_lacks
from usagecost.sources.files import BLOCK_BYTES, Head
from usagecost.sources.jsonlines import MOST_FILES, Part, file_parts, line_table, sorted_out
from usagecost.sources.protocol import NO_USAGE, Batch, Reading, Reject, ahead, with_rest
from usagecost.sources.sql import in_parallel, registered


class Codex:
    """Sessions of the Codex CLI."""

    name = "codex"
    title = "Codex CLI sessions"
    counts = (
        "The log counts as OpenAI does: input includes cached tokens, output includes reasoning. Each event adds what it says of "
        "its turn; repeated and replayed events count once."
    )

    def recognise(self, head: Head) -> str | None:
        """By the frame of a line: its time, its type and its payload."""
        for line in head.objects:
            if line.get("type") in LINE_TYPES and isinstance(line.get("payload"), dict) and "timestamp" in line:
                return f"a Codex session: lines of type {line['type']} with a payload"
        return None

    def read(self, heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
        """Sessions in batches of whole files; one row = one event that counts tokens, copies with their own times included."""
        return with_lacks(_batches(heads, reading), self.name, reading)


def _batches(heads: Iterable[Head], reading: Reading) -> Generator[Batch]:
    with closing(CanonicalQuery(reading, Codex.name, ROWS, "session_events", Conventions())) as query:
        gathered: list[_Reduced] = []
        for parts, is_whole in ahead(_together(heads)):
            gathered += [_reduced(parts, reading)] if parts else []
            if is_whole and gathered:
                yield _batch(gathered, query, reading)
                gathered = []


def _reduced(parts: list[Part], reading: Reading) -> _Reduced:
    """What matters of some lines, and what is wrong with others."""
    blocks = [part for part in parts if part.block]
    table = line_table(blocks, [{"file_name": part.head.path.name.partition(".jsonl")[0]} for part in blocks])
    good, broken = sorted_out(reading, blocks, table)
    with registered(reading.con, "session_lines", in_parallel(good)):
        fields = reading.con.sql(FIELDS_SQL).to_arrow_table()
    problems = [Reject(part.head.source_file, None, part.problem, None) for part in parts if part.problem]
    return _Reduced(fields, broken, problems, table.num_rows, sum(part.bytes_read for part in parts))


def _batch(gathered: list[_Reduced], query: CanonicalQuery, reading: Reading) -> Batch:
    order = [("source_file", "ascending"), ("line", "ascending")]
    fields = pa.concat_tables([reduced.fields for reduced in gathered]).sort_by(order)
    fields = fields.append_column("row", pa.array(np.arange(fields.num_rows)))
    with registered(reading.con, "session_fields", fields):
        events = reading.con.sql(events_sql(fields)).to_arrow_table()
    requests, rejected = query.run(events)
    broken = [reject for reduced in gathered for reject in reduced.broken]
    rejects = sorted(broken + _rejects(fields, rejected))
    lines = sum(reduced.lines for reduced in gathered)
    return Batch(
        requests=requests,
        rejects=reading.rejects(Codex.name, rejects + [reject for reduced in gathered for reject in reduced.problems]),
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
    columns = (rows["source_file"], rows["line"], rejected["reason"], pc.utf8_rtrim_whitespace(rows["raw"]))
    return [Reject(*values) for values in zip(*(column.to_pylist() for column in columns), strict=True)]
