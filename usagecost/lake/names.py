"""What people call the teams, users and keys that requests name by their ids: a small table, written anew when a name changes.

The requests keep the ids, which last; a name is looked up when it is shown.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from usagecost import schema
from usagecost.lake.publishing import replace_files
from usagecost.lake.staging import bounded_database
from usagecost.lake.storage import Storage
from usagecost.lake.table import NAMES, create_view, data_files, file_paths, local_paths, open_or_create, write_file

_KEPT = """
SELECT source, field, id, unnest(max_by({'name': name, 'seen_at': seen_at}, (seen_at, is_offered, name)))
FROM (SELECT *, true AS is_offered FROM offered UNION ALL BY NAME SELECT *, false AS is_offered FROM known)
GROUP BY source, field, id
"""

_CHANGED = f"SELECT count(*) FROM ({_KEPT}) ANTI JOIN known USING (source, field, id, name)"


def all_names(place: Storage) -> pa.Table:
    """One row = what one id is called, by source, field and id; no rows if no source ever told."""
    files = file_paths(place, NAMES)
    names = pa.concat_tables([schema.NAMES.empty_table(), *(pq.ParquetFile(file).read().cast(schema.NAMES) for file in files)])
    return names.sort_by([(name, "ascending") for name in ("source", "field", "id")])


def keep(place: Storage, names: pa.Table, folder: Path) -> int:
    """Keep each id's newest name, in whatever order they come; returns how many are new or changed.

    The caller is alone among the writers.
    """
    if not names.num_rows:
        return 0
    table = open_or_create(place, NAMES)
    offered = folder / "names.parquet"
    pq.write_table(names.cast(schema.NAMES), offered)
    files = data_files(table, NAMES)
    with bounded_database(folder) as con:
        create_view(con, "offered", [str(offered)], NAMES)
        create_view(con, "known", local_paths(place, files), NAMES)
        changed = con.sql(_CHANGED).fetchall()[0][0]
        added = write_file(con, place, NAMES, _KEPT, {}) if changed else None
    if added is not None:
        replace_files(table, place, [added], files, {})
    return changed
