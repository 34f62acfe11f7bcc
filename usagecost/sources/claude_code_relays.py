"""Answers of Claude Code without a request's id whose message id does not tell them apart: relays give one to all of their answers.

There an answer is the lines of one session and agent with the same counts of input; it is told by the time of the first of them,
which copies in resumed and forked sessions keep.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.sources.protocol import Batch, Reading
from usagecost.sources.sql import registered

COPY = 1 << 62
"""Taken from the rank of a side chain's copy, which makes it negative and keeps the order among copies."""

_COUNTS = "[input_tokens, cache_read_tokens, cache_write_tokens]"

_ANSWERS = f"""
SELECT
    row,
    replace(request_id, ':', '-') || '~' || md5(epoch_us(min(started_at) OVER one_answer) || {_COUNTS}::VARCHAR) AS request_id,
    CASE WHEN rank < 0 THEN rank + {COPY} ELSE rank END AS rank
FROM relayed
WHERE NOT (length(request_id) > 20 AND regexp_matches(request_id, '[0-9].*[0-9]'))  -- which looks as if it were unique
WINDOW one_answer AS (PARTITION BY source_file, session_id, attributes->>'$.agentId', request_id, {_COUNTS})
"""


def with_relayed_answers(batches: Iterable[Batch], reading: Reading) -> Generator[Batch]:
    """The batches, with an id of its own for each answer of a relay. Such answers are no copies of each other."""
    for batch in batches:
        is_relayed = pc.ends_with(batch.requests["request_id"], ":")
        yield _with_ids(batch, is_relayed, reading) if pc.any(is_relayed).as_py() else batch


def _with_ids(batch: Batch, is_relayed: pa.ChunkedArray, reading: Reading) -> Batch:
    rows = pa.array(np.flatnonzero(is_relayed.to_numpy()))
    with registered(reading.con, "relayed", batch.requests.take(rows).append_column("row", rows)):
        answers = reading.con.sql(_ANSWERS).to_arrow_table()
    requests = batch.requests
    for name in ("request_id", "rank"):
        values = requests[name].to_numpy(zero_copy_only=False).copy()
        values[answers["row"].to_numpy()] = answers[name].to_numpy(zero_copy_only=False)
        number = requests.schema.get_field_index(name)
        requests = requests.set_column(number, requests.schema.field(name), pa.array(values, requests.schema.field(name).type))
    return replace(batch, requests=requests)
