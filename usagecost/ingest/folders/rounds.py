"""A round loads files of a folder in one commit; a folder of logs remembers which it has taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import duckdb
from deltalake.exceptions import DeltaError

from usagecost.ingest import Report, find_files, ingest_part
from usagecost.ingest.folders.ripeness import PATIENCE, Ripe, Sights
from usagecost.ingest.folders.taken import TakenFiles
from usagecost.ingest.reports import first_line
from usagecost.lake import Lake, LakeError
from usagecost.sources import Source

TROUBLE = (LakeError, OSError, DeltaError, duckdb.IOException, duckdb.OutOfMemoryException)
"""What has nothing to do with a file: the lake or the folder cannot be reached, the disk is full. It may pass."""

_TOGETHER = {"observations": "traces", "traces": "observations"}
"""Langfuse's export has files of one name in these two folders, which only together say all."""

Ends = Mapping[Path, int | None]
"""Files, each with the end up to which it is read, in bytes, if not all of it."""


@dataclass(frozen=True)
class Round:
    """What a round did: how many files it took, how many are still being written to, and the ingest's counts and sentences."""

    taken: int = 0
    waiting: int = 0
    report: Report = field(default_factory=Report)
    seconds: float = 0.0


class Feed(Protocol):
    """A folder on its way to the lake."""

    def run(self) -> Round:
        """Load what there is. Raises what is in TROUBLE; then nothing of it has been taken, and the next round does it again."""


class Watch:
    """A folder of logs: takes files that are whole, and remembers them as long as they do not change."""

    def __init__(self, folder: Path, lake: Lake, every: float, override: Source | None = None, patience: float = PATIENCE) -> None:
        self.folder = folder
        self._lake = lake
        self._load = partial(ingest_part, folder.absolute(), lake=lake, override=override)
        self._taken = TakenFiles(lake.root, folder)
        self._sights = Sights(every, patience)

    def run(self) -> Round:
        """Run one round: see Feed."""
        started = time.monotonic()
        if not self.folder.is_dir():
            raise FileNotFoundError(f"{self.folder} is no folder")
        self._taken.own()
        files = find_files([self.folder.absolute()], self._lake.root).files
        ripe, waiting = self._sights.ripe(files, self._taken.stamps)
        if not ripe:
            return Round(waiting=waiting)
        ends = {path: ripe_file.end for path, ripe_file in ripe.items()} | self._partners(ripe, files)
        report, _ = load_all_but_broken(ends, self._load, until="it changes")
        self._taken.keep({path: ripe_file.stamp for path, ripe_file in ripe.items()}, files)
        return Round(len(ripe), waiting, report, time.monotonic() - started)

    def _partners(self, ripe: Mapping[Path, Ripe], files: Mapping[Path, object]) -> dict[Path, None]:
        """Files that were taken before and are to be read again with others."""
        partners = [path.parent.parent / _TOGETHER[path.parent.name] / path.name for path in ripe if path.parent.name in _TOGETHER]
        return {path: None for path in partners if path in files and path in self._taken.stamps and path not in ripe}


def load_all_but_broken(ends: Ends, load: Callable[[Ends], Report], until: str) -> tuple[Report, list[Path]]:
    """Load files in one ingest, or in several if one of them makes it fail, without that one; return also what was left out.

    Raises what is in TROUBLE. `until` says in words when a file that is left out is tried again.
    """
    try:
        return load(ends), []
    except TROUBLE:
        raise
    except Exception as error:
        paths = list(ends)
        if len(paths) == 1:
            reason = first_line(error).rstrip(".")
            return Report(problems=(f"{paths[0]} cannot be read ({reason}). It is left out until {until}.",)), paths
    middle = len(paths) // 2
    halves = [load_all_but_broken({path: ends[path] for path in part}, load, until) for part in (paths[:middle], paths[middle:])]
    (first, left_out), (second, also_left_out) = halves
    return first + second, left_out + also_left_out
