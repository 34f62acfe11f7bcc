"""Files of a recognised format whose requests all lack their model, or all lack their tokens: the format may have changed.

Such a file is read without a single wrong line, and still says nothing of what was spent. A reject of the whole file says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from usagecost.schema import REQUESTS
from usagecost.sources.protocol import Batch, Reading, Reject

_CURE = "Was it shortened, or written by a version whose lines look different?"
_LACKS = {
    "model": "The file names no model for any of its {count:,} successful requests, so they have no price. ",
    "tokens": "The file counts no tokens for any of its {count:,} successful requests. ",
}


def with_missing_essentials(batches: Iterable[Batch], source: str, reading: Reading) -> Iterator[Batch]:
    """The batches, and at last one of rejects: the files of which no successful request has a model, or none has tokens."""
    requests: Counter[str] = Counter()
    has: dict[str, set[str]] = {name: set() for name in _LACKS}
    for batch in batches:
        successful = batch.requests.filter(pc.equal(batch.requests["status"], "success"))
        requests.update(_files_with_counts(successful))
        tokens = pc.or_(pc.is_valid(successful["input_tokens"]), pc.is_valid(successful["output_tokens"]))
        for name, is_there in (("model", pc.is_valid(successful["model"])), ("tokens", tokens)):
            has[name].update(pc.unique(successful["source_file"].filter(is_there)).to_pylist())
        yield batch
    rejects = [
        Reject(file, None, sentence.format(count=count) + _CURE, None)
        for file, count in requests.items()
        for name, sentence in _LACKS.items()
        if file not in has[name]
    ]
    if rejects:
        yield Batch(REQUESTS.empty_table(), reading.rejects(source, rejects), lines=0, bytes_read=0)


def _files_with_counts(requests: pa.Table) -> dict[str, int]:
    counts = requests.select(["source_file"]).group_by("source_file").aggregate([([], "count_all")])
    return dict(zip(counts["source_file"].to_pylist(), counts["count_all"].to_pylist(), strict=True))
