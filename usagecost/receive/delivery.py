"""From the spool to the lake, every few seconds, by the process that commits: see committer.py.

A file goes when its requests are in a version of the lake. If the process ends in between, it is read once more, which changes
nothing. What cannot be brought to the lake stays in the spool and is tried again, later and later.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from usagecost.ingest import Report
from usagecost.lake import Lake
from usagecost.receive.committer import Committer
from usagecost.receive.spool import Spool
from usagecost.sources import FileProblem

WORKING_SHARE = 0.5
"""Of the time that commits may take while the spool has room."""

FILES_TOGETHER = 200

LONGEST_WAIT = 60.0

MOST_PROBLEMS = 200
"""Sentences about what is sent that are said while a receiver runs."""

UPKEEP_EVERY = 3600.0
GRACE_HOURS = 1
"""How long files stay that the newest version does not name. Commits every few seconds would fill the disk with those of a week."""


@dataclass(frozen=True)
class Pace:
    """How often the spool is brought to the lake, in seconds; at `full_bytes` in it at once."""

    every: float
    full_bytes: int


class Delivery:
    """A thread that brings a spool to a lake. ``say`` hears a line about every commit, and about what went wrong."""

    def __init__(self, spool: Spool, lake: Lake, pace: Pace, say: Callable[[str], None]) -> None:
        self._spool, self._lake, self._pace, self._say = spool, lake, pace, say
        self._committer = Committer(lake.name)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery")
        self._failures = 0
        self._told_problems: set[str] = set()
        self._next_upkeep = time.monotonic() + UPKEEP_EVERY

    def start(self) -> None:
        """Begins, with what an earlier process has left."""
        self._thread.start()

    def stop(self) -> None:
        """Brings the rest, and ends."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            is_last = self._ending.is_set()
            started = time.monotonic()
            self._deliver()
            if is_last:
                self._committer.stop()
                return
            self._wait(time.monotonic() - started)
            if time.monotonic() >= self._next_upkeep:
                self._keep_up()

    def _wait(self, worked: float) -> None:
        """Until it is time for the next round: sooner if the spool fills, later if the last round failed."""
        wait = max(self._pace.every, worked * (1 / WORKING_SHARE - 1))
        if self._failures:
            wait = min(LONGEST_WAIT, self._pace.every * 2 ** min(self._failures, 10))
        until = time.monotonic() + wait
        while (left := until - time.monotonic()) > 0 and not self._ending.wait(min(left, self._pace.every)):
            if not self._failures and self._spool.waiting_bytes >= self._pace.full_bytes:
                return

    def _deliver(self) -> None:
        files = self._spool.take()
        done = [self._bring(files[start : start + FILES_TOGETHER]) for start in range(0, len(files), FILES_TOGETHER)]
        self._failures = 0 if all(done) else self._failures + 1

    def _bring(self, files: Sequence[Path]) -> bool:
        """Whether files went to the lake. One that cannot be read does not hold up the others."""
        try:
            report = self._committer.load(files)
            for file in files:
                self._spool.forget(file)
        except FileProblem as problem:
            if len(files) > 1:
                done = [self._bring([file]) for file in files]
                return all(done)
            self._say(f"{files[0]} {problem}")
            return False
        except Exception as problem:  # whatever it is: a receiver that has stopped to deliver would look alive
            self._say(f"What was received waits in the spool, as the lake could not be written: {_first_line(problem)}")
            return False
        self._say(_told(report))
        self._tell_once(report.problems)
        return True

    def _tell_once(self, problems: Sequence[str]) -> None:
        """Says what is wrong with what is sent: each sentence once, as it is sent every few seconds."""
        for problem in problems:
            if problem not in self._told_problems and len(self._told_problems) < MOST_PROBLEMS:
                self._told_problems.add(problem)
                self._say(problem)

    def _keep_up(self) -> None:
        """Makes one file of many small ones, and removes those that nobody reads any more."""
        self._next_upkeep = time.monotonic() + UPKEEP_EVERY
        try:
            self._committer.keep_up(GRACE_HOURS)
        except Exception as problem:  # it can wait for the next time
            self._say(f"The lake could not be tidied: {_first_line(problem)}")


def _first_line(problem: Exception) -> str:
    return (str(problem).strip() or type(problem).__name__).splitlines()[0]


def _told(report: Report) -> str:
    counts = [
        f"{report.lines:,} spans: {report.inserted:,} requests new, {report.updated:,} changed",
        f"{report.rejected:,} spans rejected" if report.rejected else "",
        report.skipped_words,
        f"lake version {report.version}, {report.seconds:.1f} s",
    ]
    return "; ".join(filter(None, counts))
