"""A round: the files of a folder that are new or have grown, loaded in one commit, and remembered."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
from deltalake.exceptions import DeltaError

from usagecost.ingest import Report, find_files, ingest_part
from usagecost.lake import Lake, LakeError
from usagecost.sources import Source
from usagecost.watch.ripeness import PATIENCE, Ripe, Sights
from usagecost.watch.taken import Taken

TROUBLE = (LakeError, OSError, DeltaError, duckdb.IOException, duckdb.OutOfMemoryException)
"""What has nothing to do with a file: the lake or the folder cannot be reached, the disk is full. It may pass."""

_TOGETHER = {"observations": "traces", "traces": "observations"}
"""Langfuse's export has files of one name in these two folders, which only together say all."""


@dataclass(frozen=True)
class Round:
    """What a round did: files that were taken, those that are still being written to, and the ingest's counts and sentences.

    A sentence is said once, by the round in which it is new.
    """

    taken: int = 0
    waiting: int = 0
    report: Report = field(default_factory=Report)
    problems: tuple[str, ...] = ()
    seconds: float = 0.0


class Watch:
    """A folder on its way to the lake."""

    def __init__(self, folder: Path, lake: Lake, every: float, chosen: Source | None = None, patience: float = PATIENCE) -> None:
        self.folder = folder
        self._lake, self._chosen = lake, chosen
        self._taken = Taken(lake.root, folder)
        self._sights = Sights(every, patience)
        self._said: set[str] = set()

    def run(self) -> Round:
        """One round. Raises what is in TROUBLE; then nothing of it is remembered, and the next does it again."""
        started = time.monotonic()
        if not self.folder.is_dir():
            raise FileNotFoundError(f"{self.folder} is no folder")
        self._taken.own()
        files = find_files([self.folder.absolute()], self._lake.root).files
        ripe, waiting = self._sights.ripe(files, self._taken.stamps)
        if not ripe:
            return Round(waiting=waiting)
        report = self._load({path: found.end for path, found in ripe.items()} | self._partners(ripe, files))
        self._taken.keep({path: found.stamp for path, found in ripe.items()}, files)
        return Round(len(ripe), waiting, report, self._new(report.problems), time.monotonic() - started)

    def _load(self, ends: Mapping[Path, int | None]) -> Report:
        """The files in one ingest; if one of them cannot be digested at all, each in one of its own, without that one."""
        try:
            return ingest_part(self.folder.absolute(), ends, self._lake, self._chosen)
        except TROUBLE:
            raise
        except Exception as error:
            if len(ends) == 1:
                reason = (str(error).strip() or type(error).__name__).splitlines()[0]
                return Report(problems=(f"{next(iter(ends))} cannot be read ({reason}). It is left out until it changes.",))
        return _sum(self._load({path: end}) for path, end in ends.items())

    def _partners(self, ripe: Mapping[Path, Ripe], files: Mapping[Path, object]) -> dict[Path, None]:
        """Files that were taken before and are to be read again with others."""
        named = [path.parent.parent / _TOGETHER[path.parent.name] / path.name for path in ripe if path.parent.name in _TOGETHER]
        return {path: None for path in named if path in files and path in self._taken.stamps and path not in ripe}

    def _new(self, problems: Iterable[str]) -> tuple[str, ...]:
        """The sentences that have not been said yet."""
        new = tuple(problem for problem in problems if problem not in self._said)
        self._said.update(new)
        return new


def _sum(reports: Iterable[Report]) -> Report:
    """Several ingests as one."""
    total = Report()
    for report in reports:
        counts = {name: value + total.counts()[name] for name, value in report.counts().items() if name != "skipped_reasons"}
        counts["skipped_reasons"] = Counter(total.skipped_reasons) + Counter(report.skipped_reasons)
        counts["version"] = max(report.version, total.version)
        total = replace(total, **counts, problems=(*total.problems, *report.problems))
    return total
