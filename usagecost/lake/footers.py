"""What the log keeps of a Parquet file beside its name: how many rows it has, and from when to when they are."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pyarrow.parquet as pq


def statistics(footer: pq.FileMetaData, instant: str | None) -> str:
    """A file's statistics as Delta writes them; ``instant`` is the column whose range is kept, if any."""
    if instant is None:
        return json.dumps({"numRecords": footer.num_rows})
    column = footer.schema.names.index(instant)
    ranges = [footer.row_group(group).column(column).statistics for group in range(footer.num_row_groups)]
    first, last = min(part.min for part in ranges), max(part.max for part in ranges)
    return json.dumps(
        {
            "numRecords": footer.num_rows,
            "minValues": {instant: _iso(first)},
            "maxValues": {instant: _iso(last)},
            "nullCount": {instant: 0},
        }
    )


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
