"""The process that commits: ``python -m usagecost.ingest.receiver.committing SPOOL LAKE SECONDS``; server.py starts it.

It follows the spool as `watch` follows a folder of logs, but takes every closed segment as soon as there is one, and deletes those
that are in a version of the lake. What cannot be brought there stays, and is tried again.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pyarrow.compute as pc
from filelock import FileLock

from usagecost.ingest import Report, load
from usagecost.ingest.folders import Ends, Follower, Round, load_all_but_broken
from usagecost.ingest.receiver.spool import CLOSED
from usagecost.ingest.reports import first_line
from usagecost.lake import Lake
from usagecost.lake.staging import bounded_database
from usagecost.sources import Batch, FileProblem, Head, Reading
from usagecost.sources.otel import OpenTelemetry
from usagecost.sources.otel_skips import clean_scope, scope_without_names

LONGEST_PAUSE = 1.0
"""Seconds between two looks at the spool."""

LEFT_OUT_SECONDS = 60.0
"""After which a segment that could not be read is tried again."""

UPKEEP_EVERY = 3600.0
GRACE_HOURS = 1
"""How long files stay that the newest version does not name. Commits every few seconds would fill the disk with those of a week."""

MOST_SENDERS = 1_000
"""Instrumentations, by the scopes of their spans, that are known to send requests."""

NICENESS = 10
"""Acknowledging goes first."""


def main() -> None:
    """Follow the spool until the input ends, and then once more. Signals that mean the receiver are not for this process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if os.name == "posix":
        os.nice(NICENESS)
    folder, lake, every = Path(sys.argv[1]), Lake(sys.argv[2]), float(sys.argv[3])
    say = partial(print, flush=True)
    ending = threading.Event()
    threading.Thread(target=lambda: (os.read(0, 1), ending.set()), daemon=True).start()
    with FileLock(folder.with_suffix(".commit.lock")):  # of a receiver that was killed another process may be at its last round
        follower = Follower(Segments(folder, lake), min(every, LONGEST_PAUSE), say)
        next_upkeep = time.monotonic() + UPKEEP_EVERY
        while not ending.is_set():
            ending.wait(follower.run())
            if time.monotonic() >= next_upkeep:
                next_upkeep = time.monotonic() + UPKEEP_EVERY
                for problem in keep_up(lake):
                    say(problem)
        follower.run()


class Segments:
    """The feed of a spool: takes its closed segments, and deletes them when the lake has them."""

    def __init__(self, folder: Path, lake: Lake) -> None:
        self._folder, self._lake = folder, lake
        self._senders: set[str] = set()
        self._left_out: dict[Path, float] = {}

    def run(self) -> Round:
        """Run one round: see Feed."""
        started = time.monotonic()
        self._left_out = {path: until for path, until in self._left_out.items() if until > started}
        closed = [path for path in sorted(self._folder.glob(f"*{CLOSED}")) if path not in self._left_out]
        if not closed:
            return Round()
        report, left_out = load_all_but_broken(dict.fromkeys(closed), self._load, until="a later round")
        self._left_out |= dict.fromkeys(left_out, started + LEFT_OUT_SECONDS)
        loaded_paths = [path for path in closed if path not in self._left_out]
        for path in loaded_paths:
            path.unlink()
        return Round(len(loaded_paths), 0, report, time.monotonic() - started)

    def _load(self, ends: Ends) -> Report:
        """Load segments; raises FileProblem, before anything is committed, if one of them cannot be read to its end."""
        with self._lake.staging() as folder, bounded_database(folder) as con:
            batches = _complete_batches(OpenTelemetry().read(map(Head.of, ends), Reading(con, datetime.now(UTC))))
            report = load(self._noted(batches), self._lake, about={"received": f"{len(ends)} spool files"})
        unused = [
            f"Nothing that scope {scope} sent so far was used: its spans have no usage names that are known."
            for reason in report.skipped_reasons
            if (scope := scope_without_names(reason)) and scope not in self._senders
        ]
        return replace(report, problems=(*report.problems, *unused))

    def _noted(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Yield the batches, having noted the scopes of their requests."""
        for batch in batches:
            scopes = pc.extract_regex(batch.requests["attributes"], '"scope":"(?P<scope>[^"]*)"').combine_chunks()
            scope_names = {clean_scope(scope) for scope in pc.unique(pc.struct_field(scopes, "scope")).to_pylist() if scope}
            self._senders.update(sorted(scope_names - self._senders)[: MOST_SENDERS - len(self._senders)])
            yield batch


def _complete_batches(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Yield batches of files that could be read to their end; raises FileProblem otherwise."""
    for batch in batches:
        file_rejects = batch.rejects.filter(pc.is_null(batch.rejects["line"]))
        if file_rejects.num_rows:
            raise FileProblem(file_rejects["reason"][0].as_py().removeprefix("The file "))
        yield batch


def keep_up(lake: Lake) -> list[str]:
    """Look for damage, make one file of many small ones, and remove those that nobody reads any more; return what is wrong."""
    problems: list[str] = []
    try:
        if not lake.exists:
            return []
        damaged = () if lake.is_remote else lake.verify().damaged  # a store checks its objects, and to fetch all of them costs
        problems += [f"{name} is damaged: see `python -m usagecost doctor --verify`" for name in damaged]
        lake.compact()
        lake.vacuum(GRACE_HOURS)
    except Exception as problem:  # it can wait for the next time
        problems.append(f"The lake could not be tidied: {first_line(problem)}")
    return problems


if __name__ == "__main__":
    main()
