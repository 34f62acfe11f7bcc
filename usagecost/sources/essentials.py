"""What every log of requests has to say, and which files say it of none of their requests.

A file that is recognised, and whose columns for the model or the tokens are empty or missing throughout, loads without a reject and
tells nothing. One sentence says so.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from usagecost.schema import REQUESTS
from usagecost.sources.protocol import Batch, Reading, Reject

LACKS = {
    "has_model": "names no model in any of its {count:,} requests: they cannot be priced. Export it with the models' names.",
    "has_status": "says of none of its {count:,} requests whether it succeeded. Export it with their status.",
    "has_usage": "has no tokens for any of its {count:,} requests, though not all failed: their usage is not known. "
    "Export it with the counts of tokens.",
}
"""What the requests of a file may lack, and the clause that follows the file's name."""

_COLUMN = {"model": "model", "status": "status", "usage": "input_tokens"}


def with_lacks(batches: Iterable[Batch], source: str, reading: Reading, at_least: int = 1) -> Generator[Batch]:
    """The batches; then, of files of at least so many requests, what none of the requests says."""
    files: dict[str, dict[str, int]] = {}
    for batch in batches:
        for row in _counts_of_one_file(batch.requests) or _counts_by_file(batch.requests):
            counts = files.setdefault(row.pop("source_file"), dict.fromkeys(row, 0))
            for name, value in row.items():
                counts[name] += value
        yield batch
    rejects = [
        Reject(file, None, f"The file {clause.format(**counts)}", None)
        for file, counts in files.items()
        for name, clause in LACKS.items()
        if counts["count"] >= at_least and not counts[name]
    ]
    if rejects:
        yield Batch(REQUESTS.empty_table(), reading.rejects(source, rejects), lines=0, bytes_read=0)


def _counts_by_file(requests: pa.Table) -> list[dict[str, Any]]:
    """Of each file, how many requests there are and how many of them say something; those that failed need neither."""
    if not requests.num_rows:
        return []
    is_failed = pc.is_in(requests["status"], pa.array(["error", "cancelled"]))
    counts = [pc.is_valid(requests[name]) for name in ("input_tokens", "output_tokens", "units")]
    flags = {
        "count": pa.array(np.ones(requests.num_rows, np.int64)),
        "has_model": pc.or_(is_failed, pc.is_valid(requests["model"])),
        "has_status": pc.is_valid(requests["status"]),
        "has_usage": pc.or_(is_failed, pc.or_(counts[0], pc.or_(counts[1], counts[2]))),
    }
    table = pa.table({"source_file": requests["source_file"], **{name: values.cast(pa.int64()) for name, values in flags.items()}})
    sums = table.group_by("source_file").aggregate([(name, "sum") for name in flags])
    return sums.rename_columns([name.removesuffix("_sum") for name in sums.column_names]).to_pylist()


def _counts_of_one_file(requests: pa.Table) -> list[dict[str, Any]]:
    """The same of requests of one file, among which some say each thing: nearly always so, and no request is looked at."""
    count = requests.num_rows
    has = {f"has_{name}": count - requests[column].null_count for name, column in _COLUMN.items()}
    files = pc.unique(requests["source_file"])
    return [{"source_file": files[0].as_py(), "count": count, **has}] if len(files) == 1 and all(has.values()) else []
