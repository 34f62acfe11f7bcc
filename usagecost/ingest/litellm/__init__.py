"""A live table to the lake, round by round: what is new or changed since the last round, each row once, in commits of its own.

How far the table has been read is part of the version that holds what was read (`Lake.watermark`): whatever ends this process,
the next one goes on where the last commit ended.
"""

from __future__ import annotations

from usagecost.ingest.litellm.dsn import Dsn, DsnProblem, read_dsn
from usagecost.ingest.litellm.following import follow
from usagecost.ingest.litellm.postgres import Database, DatabaseProblem
from usagecost.ingest.litellm.rounds import Round, Sync
