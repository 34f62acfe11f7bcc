"""The lake: an open table that requests are merged into and read from, version by version, on disk or in an object store.

One folder holds everything::

    requests/       Delta table of requests: _delta_log/ and, for each UTC day, day=2026-05-01/<uuid>.parquet,
                    and of large files _rollups/, what their requests add up to, and on a disk _keys/, indexes of their requests
                    and as of every table _log_checksums, of the entries of _delta_log/, and _damaged/, what `verify` has set aside
    rejects/        Delta table of lines that could not be read; made with the first of them
    price_changes/  Delta table of the prices that repricing has changed; repricings/, what was done, by whom and why
    lineage/        Delta table of which request is part of which, for formats whose requests contain each other
    names/          Delta table of what people call the teams, users and keys that requests name by ids
    alerts/         Delta table of alerts that were raised and resolved, and of who was told
    audit/          Delta table of what people did, or tried to do, by pages and commands
    bills/          Delta table of the lines of bills, those of statements that newer ones replace too
    closes/         Delta table of closed months: what each close keeps of them, and who closed and reopened them
    staging/        what running ingests have not committed yet
    waiting/        acts that audit/ lacks yet, as others were writing or the lake was restored: the next act brings them
    watch/          which files of watched folders have been taken, one file for each folder
    spool/          what the receiver has acknowledged and no version holds yet, as lines of OTLP/JSON
    spool.lock      held by the receiver; spool.commit.lock, by its process that commits
    commit.lock     held by whoever commits, compacts or vacuums
    staging.lock    held for the moment in which a folder of staging/ is made
    alerts.lock     held during a round of alerts
    .texts.lock     held while a small text beside the tables, such as prices.toml, is replaced

In a store there are the tables and the texts alone; staging, locks and copies of the files lie in a folder of each machine.

A commit writes new files beside the old ones and then one entry in the log, which makes them the new version. Readers work on
the files of one version; nothing is ever changed in place. What a killed process leaves behind belongs to no version and goes
with `Lake.vacuum`.
"""

from usagecost.lake.backups import Copied, backup, restore
from usagecost.lake.errors import (
    LakeChanged,
    LakeError,
    LakeFull,
    LakeMissing,
    LakeUnreachable,
    LakeUnreadable,
    LakeUnwritable,
)
from usagecost.lake.handle import Lake
from usagecost.lake.merge import Commit
from usagecost.lake.removal import Removal, Selection
from usagecost.lake.repricing import Change, Pricing, Repricing, Span
from usagecost.lake.rollup_files import Rolled
from usagecost.lake.snapshot import Snapshot
from usagecost.lake.staging import bounded_database
from usagecost.lake.storage import lake_root
from usagecost.lake.texts import TextFolder
