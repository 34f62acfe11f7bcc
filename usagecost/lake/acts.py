"""The table of acts, and acts that wait on this machine until they can be written into it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import Timeout

from usagecost import schema
from usagecost.lake.errors import note_unwritten
from usagecost.lake.publishing import until_committed
from usagecost.lake.side_tables import add_rows, forget_before
from usagecost.lake.storage import Disk, Storage
from usagecost.lake.table import AUDIT, data_files, open_or_create

RESTORING = "restoring"
"""The note in a lake that is being restored: its acts wait."""
WAITING = "waiting"
"""The folder on this machine, of a lake, with acts that wait."""
SECONDS = 5
"""How long an act waits for others who write; then for the next act."""


def defer_acts(root: Path, acts: pa.Table) -> None:
    """Keeps acts beside a lake's staging, for `record`."""
    if acts.num_rows:
        buffer = pa.BufferOutputStream()
        pq.write_table(acts, buffer)
        Disk(root / WAITING).replace(f"{uuid.uuid4().hex}.parquet", buffer.getvalue().to_pybytes(), None)


def record_or_wait(
    store: Storage,
    root: Path,
    acts: pa.Table,
    retention: timedelta | None,
    writing: Callable[[float], AbstractContextManager[Path]],
) -> None:
    """Records acts as `record` does; with a later one while the lake is being restored, or others write for long.

    ``writing`` waits so many seconds, then raises Timeout, to be alone among the writers with a folder.
    """
    if store.read(RESTORING) is not None:
        defer_acts(root, acts)
        return
    try:
        with writing(SECONDS) as folder:
            record(store, root, [acts], retention, folder)
    except Timeout:
        note_unwritten("Others write for long: an act is recorded in %s with the next one", str(store))
        defer_acts(root, acts)


def record(lake: Storage, root: Path, acts: Sequence[pa.Table], retention: timedelta | None, folder: Path) -> None:
    """Appends acts, and those that waited; forgets those that are older, by more than a span, than these and the newest of before.

    So a clock that goes wrong once forgets nothing. The caller is alone among the writers of this machine.
    """
    audit_store, waiting = lake / AUDIT.name, Disk(root / WAITING)
    names = waiting.names()
    late = [pq.read_table(pa.BufferReader(waiting.read(name) or b"")).cast(schema.AUDIT) for name in names]
    offered = pa.concat_tables([schema.AUDIT.empty_table(), *acts, *late])
    if not offered.num_rows:
        return
    before = data_files(open_or_create(audit_store, AUDIT), AUDIT)
    until_committed(lambda: add_rows(audit_store, AUDIT, offered, folder))
    waiting.drop(names)
    if retention and (lasts := [file.last for file in before if file.last]):
        since = min(max(lasts), max(offered["happened_at"].to_pylist())) - retention
        until_committed(lambda: forget_before(audit_store, AUDIT, since, folder))
