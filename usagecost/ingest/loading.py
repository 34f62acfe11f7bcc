"""Batches to the lake: priced, staged as files in the lake's own folder, and merged from there as one version.

So the size of the logs does not matter. What could not be read is kept in the lake's rejects.
"""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from usagecost.ingest.priced import priced
from usagecost.ingest.reports import Report, about_conflicts, about_reject, about_unused, and_more
from usagecost.lake import Commit, Lake
from usagecost.lake.staging import bounded_database
from usagecost.periods import moment
from usagecost.pricebook import current_book
from usagecost.schema import NAMES, REQUESTS
from usagecost.sources import Batch
from usagecost.sources.protocol import Skips
from usagecost.sources.sql import registered

STAGED_ROWS, STAGED_BYTES = 200_000, 256 << 20
"""What makes a staged file, whichever is reached first."""

MOST_REJECTS_BYTES = 32 << 20

_FACTS = """
SELECT
    count(DISTINCT (source, request_id)) FILTER (price_status = 'unpriced') AS unpriced,
    epoch_us(min(started_at)) AS oldest,
    epoch_us(max(started_at)) AS newest
FROM read_parquet($files)
"""
"""One row. How many requests have a line that could not be priced; when the first and the last began, in microseconds."""

_NAMES = """
SELECT source, 'team_id' AS field, team_id AS id, max_by(name, (started_at, name)) AS name, max(started_at) AS seen_at
FROM (
    SELECT source, team_id, started_at, nullif(json_extract_string(attributes, '$.team_alias'), '') AS name
    FROM read_parquet($files) WHERE team_id IS NOT NULL AND contains(attributes, '"team_alias":')
)
WHERE name IS NOT NULL AND name <> team_id
GROUP BY source, team_id
"""


def load(
    batches: Iterable[Batch],
    lake: Lake,
    *,
    about: dict[str, str] | None = None,
    watermarks: Mapping[str, int] | None = None,
    against: Lake | None = None,
    files: Collection[str] = (),
) -> Report:
    """Price batches, merge their requests into the lake as one version, keep their rejects.

    `about` is kept in the lake's history, beside the ingest's id and what was read. `watermarks` say how far a source has been
    read with this; they are part of the same version: see `Lake.watermark`. With `against`, nothing is merged: the report says
    what the batches would do to that lake, and `lake` is only where they are worked on. `files` are the names of what the batches
    are of: the report names those of which no line was used.
    """
    started = time.monotonic()
    with lake.staging() as folder, bounded_database(folder) as con:
        staging = _Staging(con, folder, lake, against or lake)
        for batch in batches:
            staging.add(batch)
        staging.finish()
        commit = staging.commit(about or {}, watermarks) if against is None else staging.preview()
        unpriced, oldest, newest = staging.facts()
        if against is None and (names := staging.names()).num_rows:
            lake.keep_rows("names", names)
        return Report(
            lines=staging.lines,
            requests=commit.inserted + commit.updated + commit.unchanged,
            inserted=commit.inserted,
            updated=commit.updated,
            unchanged=commit.unchanged,
            duplicates=commit.duplicates,
            skipped=staging.skips.total(),
            skipped_reasons=staging.skipped_reasons(),
            conflicts=commit.conflicts,
            rejected=sum(staging.rejected.values()),
            unpriced=unpriced,
            oldest=oldest,
            newest=newest,
            days=commit.days,
            version=commit.version,
            seconds=round(time.monotonic() - started, 3),
            problems=(*staging.problems(), *staging.unused(files), *about_conflicts(commit)),
        )


class _Staging:
    """Batches on their way to the lake: counted, priced, and written as files that the commit merges."""

    def __init__(self, con: duckdb.DuckDBPyConnection, folder: Path, lake: Lake, destination: Lake) -> None:
        self._con, self._folder, self._lake, self._destination = con, folder, lake, destination
        self._requests: list[pa.Table] = []
        self._rejects: list[pa.Table] = []
        self._lineage: list[pa.Table] = []
        self._problems: dict[tuple[str, bool], str] = {}
        self._prices = current_book(destination)
        self.id = uuid.uuid4().hex
        self.files: list[Path] = []
        self.lineage: list[Path] = []
        self.lines = 0
        self.skips: Skips = Counter()
        self._used: set[str | None] = set()
        self.rejected: Counter[str] = Counter()

    def add(self, batch: Batch) -> None:
        """Takes a batch; what has come together is written when it is much."""
        self.lines += batch.lines
        self.skips += batch.skips
        self._used.update(pc.unique(batch.requests["source_file"]).to_pylist(), batch.supplements)
        self._requests.append(batch.requests)
        if sum(table.num_rows for table in self._requests) >= STAGED_ROWS or _bytes(self._requests) >= STAGED_BYTES:
            self._write_requests()
        if batch.lineage is not None:
            self._lineage.append(batch.lineage)
            if _bytes(self._lineage) >= STAGED_BYTES // 4:
                self._write_lineage()
        if batch.rejects.num_rows:
            self._note(batch.rejects)
            self._rejects.append(batch.rejects)
        if _bytes(self._rejects) >= MOST_REJECTS_BYTES:
            self._write_rejects()

    def finish(self) -> None:
        """Writes the rest."""
        self._write_lineage()
        self._write_requests()
        self._write_rejects()

    def commit(self, about: Mapping[str, str], watermarks: Mapping[str, int] | None) -> Commit:
        """Merges what was staged; where nothing was, no lake is made."""
        if not self.files:
            return self.preview()
        read = {
            "lines": self.lines,
            "skipped": self.skips.total(),
            "rejected": sum(self.rejected.values()),
            "skipped_reasons": json.dumps(self.skipped_reasons()),
        }
        ingest = {"id": self.id, **about, **read}
        return self._lake.commit(self.files, ingest=ingest, lineage=self.lineage, watermarks=watermarks)

    def preview(self) -> Commit:
        """What merging what was staged would do."""
        if self.files:
            return self._destination.preview(self.files, lineage=self.lineage)
        return Commit(version=self._destination.version() if self._destination.exists else 0)

    def facts(self) -> tuple[int, datetime | None, datetime | None]:
        """How many requests have a line that could not be priced, and when the first and the last of all began."""
        if not self.files:
            return 0, None, None
        files = [str(path) for path in self.files]
        unpriced, *instants = self._con.sql(_FACTS, params={"files": files}).fetchall()[0]
        oldest, newest = (None if us is None else moment(us) for us in instants)
        return unpriced, oldest, newest

    def names(self) -> pa.Table:
        """What requests say their teams are called, as schema.NAMES has it: of each team's names the last."""
        if not self.files:
            return NAMES.empty_table()
        return self._con.sql(_NAMES, params={"files": [str(path) for path in self.files]}).to_arrow_table().cast(NAMES)

    def problems(self) -> list[str]:
        """What was wrong with the own prices; with a file as a whole; the first thing with its lines, and with how many more."""
        wrong_book = [self._prices.problem] if self._prices.problem else []
        return wrong_book + [
            sentence + (and_more(self.rejected[file] - 1) if is_about_line else "")
            for (file, is_about_line), sentence in self._problems.items()
        ]

    def skipped_reasons(self) -> dict[str, int]:
        """Why lines are no requests, and how many each; the most frequent first."""
        reasons: Counter[str] = Counter()
        for (_, reason), count in self.skips.items():
            reasons[reason] += count
        return dict(reasons.most_common())

    def unused(self, files: Collection[str]) -> list[str]:
        """Returns sentences about files of which no line was used, nor rejected, whatever else was loaded."""
        used_files = self._used.union(file for file, _ in self._problems)
        return about_unused((file for file in files if file not in used_files), self.skips)

    def _note(self, rejects: pa.Table) -> None:
        files, has_line = rejects["source_file"], pc.is_valid(rejects["line"])
        self.rejected.update(files.filter(has_line).to_pylist())
        keys = pa.table({"file": files, "has_line": has_line, "row": np.arange(rejects.num_rows)})
        for first in keys.group_by(["file", "has_line"], use_threads=False).aggregate([("row", "min")]).to_pylist():
            reject = rejects.slice(first["row_min"], 1).to_pylist()[0]
            self._problems.setdefault((first["file"], first["has_line"]), about_reject(**reject))

    def _write_requests(self) -> None:
        """Prices the requests that have come together and writes them as one file."""
        requests = pa.concat_tables(self._requests) if self._requests else REQUESTS.empty_table()
        self._requests = []
        if not requests.num_rows and not (self.lineage and not self.files):  # what contains what can change stored requests alone
            return
        stamps = {
            "ingest_id": pa.array([self.id]),
            "ingested_at": pa.array([datetime.now(UTC)], REQUESTS.field("ingested_at").type),
        }
        for name, value in stamps.items():
            stamp = pa.DictionaryArray.from_arrays(np.zeros(requests.num_rows, np.int32), value)
            requests = requests.set_column(REQUESTS.get_field_index(name), name, stamp)
        with registered(self._con, "batch", requests):
            rows = priced(self._con, "batch", self._prices.book)
        path = self._folder / f"staged-{len(self.files)}.parquet"
        pq.write_table(rows.select(REQUESTS.names).cast(REQUESTS), path)
        self.files.append(path)

    def _write_lineage(self) -> None:
        if self._lineage:
            path = self._folder / f"lineage-{len(self.lineage)}.parquet"
            pq.write_table(pa.concat_tables(self._lineage), path)
            self.lineage.append(path)
            self._lineage = []

    def _write_rejects(self) -> None:
        if self._rejects:
            self._lake.keep_rows("rejects", pa.concat_tables(self._rejects))
            self._rejects = []


def _bytes(tables: Sequence[pa.Table]) -> int:
    return sum(table.nbytes for table in tables)
