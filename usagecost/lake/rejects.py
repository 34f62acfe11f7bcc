"""The table of rejected lines: each is kept once, however often its file is read."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from usagecost import schema
from usagecost.lake.publishing import append
from usagecost.lake.staging import bounded_database
from usagecost.lake.storage import Storage
from usagecost.lake.table import REJECTS, create_view, data_files, file_paths, local_paths, open_or_create, write_file

_NEW = """
SELECT * FROM offered
ANTI JOIN known
    ON known.source_file = offered.source_file AND known.line IS NOT DISTINCT FROM offered.line
    AND known.reason = offered.reason AND known.raw IS NOT DISTINCT FROM offered.raw
QUALIFY row_number() OVER (PARTITION BY source_file, line, reason, raw ORDER BY rejected_at) = 1
"""


def all_rejects(place: Storage) -> pa.Table:
    """One row = one rejected line, or file, by file and line; no rows if nothing was ever rejected."""
    files = file_paths(place, REJECTS)
    rejects = pa.concat_tables(
        [schema.REJECTS.empty_table(), *(pq.ParquetFile(file).read().cast(schema.REJECTS) for file in files)]
    )
    return rejects.sort_by([(name, "ascending") for name in ("source_file", "line", "raw")])


def add_new(place: Storage, rejects: pa.Table, folder: Path) -> int:
    """Append the rejects that are not in the table yet; returns how many. The caller is alone among the writers."""
    if not rejects.num_rows:
        return 0
    table = open_or_create(place, REJECTS)
    offered = folder / "rejects.parquet"
    pq.write_table(rejects.cast(schema.REJECTS), offered)
    with bounded_database(folder) as con:
        create_view(con, "offered", [str(offered)], REJECTS)
        create_view(con, "known", local_paths(place, data_files(table, REJECTS)), REJECTS)
        added = write_file(con, place, REJECTS, _NEW, {})
    if added is None:
        return 0
    append(table, place, [added], {})
    return json.loads(added.stats)["numRecords"]
