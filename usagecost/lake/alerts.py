"""The table of alerts: what was raised, resolved and told, each once, whoever writes it and however often."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from usagecost import schema
from usagecost.lake.publishing import replace_files
from usagecost.lake.staging import bounded_database, only_row
from usagecost.lake.storage import Storage
from usagecost.lake.table import ALERTS, create_view, data_files, file_paths, local_paths, open_or_create, write_file

MOST_FILES = 50
"""A round adds some small files; when they are so many, they become one."""

_NEW = """
SELECT * FROM offered
ANTI JOIN known
    ON known.id = offered.id AND known.event = offered.event AND known.attempt = offered.attempt
    AND known.channel IS NOT DISTINCT FROM offered.channel AND known.outcome IS NOT DISTINCT FROM offered.outcome
QUALIFY row_number() OVER (PARTITION BY id, event, channel, outcome, attempt ORDER BY happened_at) = 1
"""


def all_alerts(place: Storage) -> pa.Table:
    """Returns one row for each alert raised or resolved and each attempt to tell somebody, the oldest first."""
    files = file_paths(place, ALERTS)
    alerts = pa.concat_tables([schema.ALERTS.empty_table(), *(pq.ParquetFile(file).read().cast(schema.ALERTS) for file in files)])
    return alerts.sort_by([("happened_at", "ascending"), ("id", "ascending")])


def add_new(place: Storage, alerts: pa.Table, folder: Path) -> int:
    """Appends the rows that are not in the table yet; returns how many. The caller is alone among the writers of its machine."""
    if not alerts.num_rows:
        return 0
    table = open_or_create(place, ALERTS)
    offered = folder / "alerts.parquet"
    pq.write_table(alerts.cast(schema.ALERTS), offered)
    files = data_files(table, ALERTS)
    with bounded_database(folder) as con:
        create_view(con, "offered", [str(offered)], ALERTS)
        create_view(con, "known", local_paths(place, files), ALERTS)
        count = only_row(con, f"SELECT count(*) FROM ({_NEW})")[0]
        merged = files if len(files) >= MOST_FILES else ()
        added = write_file(con, place, ALERTS, f"FROM ({_NEW}) UNION ALL FROM known" if merged else _NEW, {}) if count else None
    if added is None:
        return 0
    replace_files(table, place, [added], merged, {}, same_rows=False)
    return count
