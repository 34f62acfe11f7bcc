"""Which files there are to read, and what each of them is: recognised by what is in it, not by its name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from usagecost.sources.files import FileProblem, Head
from usagecost.sources.mapped import MOST_NAMES, column_names
from usagecost.sources.protocol import Reject, Source
from usagecost.sources.wrappers import WRAPPED, unwrap_command

LOG_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".log", ".parquet", ".pq"})
_LOG_NAME = re.compile(rf"[^.].*({'|'.join(map(re.escape, LOG_SUFFIXES))})([.-][\d-]+)?(\.gz|\.zst)?", re.IGNORECASE)
"""Packed or not, and rotated or not: app.log, app.log.1, app.log-20261103.gz."""

MOST_EXAMPLES = 3


@dataclass
class FileSelection:
    """The files to read, and the problems of the others.

    `files` are to be read, each with the folder it was found in, or None if it was named itself. `problems` are whole
    sentences; `rejects` are files that cannot be read at all, for the lake. `strangers` are files in a folder that are of no
    known format, `count` those that are of one: both show while the files are looked at. `names` are what files are called that
    have been copied here, `formats` those that somebody has chosen, `ends` how far files are read that somebody is writing to.
    """

    files: dict[Path, Path | None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    strangers: dict[Path, list[Path]] = field(default_factory=dict)
    count: int = 0
    names: Mapping[Path, str] = field(default_factory=dict)
    formats: Mapping[Path, Source] = field(default_factory=dict)
    ends: Mapping[Path, int | None] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """The size of all files on disk."""
        return sum(path.stat().st_size for path in self.files if path.exists())

    def recognised(self, sources: Sequence[Source], override: Source | None) -> Iterator[tuple[Source, Head]]:
        """The files that can be read, with their format: the chosen one, else the only one that fits."""
        for path, folder in self.files.items():
            try:
                head = Head.of(path, name=self.names.get(path), end=self.ends.get(path))
                source = override or self.formats.get(path) or _only_fit(head, sources)
            except FileProblem as problem:
                self._refuse(path, problem)
                continue
            if source:
                self.count += 1
                yield source, head
            elif folder:
                self.strangers.setdefault(folder, []).append(path)
            else:
                self._refuse(path, _unknown_format(head, sources))
        for folder, paths in self.strangers.items():
            names = ", ".join(str(path.relative_to(folder)) for path in paths[:MOST_EXAMPLES])
            more = f" and {len(paths) - MOST_EXAMPLES:,} more" if len(paths) > MOST_EXAMPLES else ""
            self.problems.append(f"Of no known format, and left out, in {folder}: {names}{more}.")

    def _refuse(self, path: Path, problem: FileProblem) -> None:
        self.rejects.append(Reject(self.names.get(path) or str(path.absolute()), None, problem.sentence, None))


def find_files(paths: Iterable[Path], lake: Path) -> FileSelection:
    """The files of paths; folders are searched for logs, hidden ones and tables of a lake left out."""
    selection = FileSelection()
    for path in paths:
        if path.is_dir():
            home = path.resolve()
            inside = [file for file in _logs_in(path) if not (home / file.relative_to(path)).is_relative_to(lake.resolve())]
            selection.files |= {file: path for file in inside if file not in selection.files}
            if not inside:
                patterns = ", ".join(f"*{suffix}" for suffix in sorted(LOG_SUFFIXES))
                selection.problems.append(f"{path} holds no logs: files called {patterns} were looked for, packed or not.")
        elif path.exists():
            selection.files[path] = None
        else:
            selection.problems.append(f"{path} does not exist: check the path.")
    return selection


def _logs_in(folder: Path) -> list[Path]:
    logs = []
    for parent, folders, files in os.walk(folder):
        if "_delta_log" in folders:  # the lake, or another: what is in it was ingested once
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        logs += [Path(parent, name) for name in files if _LOG_NAME.fullmatch(name)]
    return sorted(logs)


def _only_fit(head: Head, sources: Sequence[Source]) -> Source | None:
    """The format that fits; raises FileProblem if several do."""
    fits = [(source, why) for source in sources if (why := source.recognise(head))]
    if len(fits) > 1:
        descriptions = ", and like ".join(f"{why} (--as {source.name})" for source, why in fits)
        raise FileProblem(f"looks like {descriptions}: say which of them it is with --as.")
    return fits[0][0] if fits else None


def _unknown_format(head: Head, sources: Sequence[Source]) -> FileProblem:
    if command := unwrap_command(head):
        return FileProblem(WRAPPED.format(command))
    try:
        names = column_names(head)
    except FileProblem as problem:
        return problem
    source_names = ", ".join(source.name for source in sources)
    columns = f" Its columns are {', '.join(names[:MOST_NAMES])}." if len(names) > 1 else ""
    return FileProblem(
        f"is of no known format ({source_names}).{columns} Describe its columns in a mapping and pass it with --mapping, "
        "or name the format with --as."
    )
