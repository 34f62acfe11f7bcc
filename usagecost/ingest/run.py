"""Files and folders to batches: which source reads what, how far it is, and what there is to say about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from usagecost.ingest.discovery import FileSelection, find_files
from usagecost.ingest.formats import Formats, known_formats
from usagecost.ingest.loading import load
from usagecost.ingest.reports import Report
from usagecost.lake import Lake
from usagecost.lake.staging import bounded_database
from usagecost.schema import REQUESTS
from usagecost.sources import Batch, Head, Reading, Source
from usagecost.sources.mapped import mapped_by
from usagecost.sources.mapping import MappingProblem, read_mapping

OnProgress = Callable[[float, str], None]

MOST_PROBLEMS = 50

_READING_SHARE = 0.9
"""Of the progress; the rest is the commit."""


class WrongUsage(Exception):  # noqa: N818 - a sentence for who typed the command
    """What was asked for cannot be meant, and what can."""


def ingest(
    paths: Sequence[Path],
    lake: Lake,
    *,
    format: str | None = None,  # noqa: A002 - what the command line calls it
    mapping: Path | None = None,
    dry_run: bool = False,
    on_progress: OnProgress | None = None,
) -> Report:
    """Load files and folders into the lake; the format of each is recognised, unless it is named or mapped.

    A dry run leaves the lake as it is, and reports what loading would do to it: `days` are those whose file would be written,
    `version` is the lake's. `on_progress` hears a share from 0 to 1, and words.
    Raises WrongUsage before anything is read, LakeError when the lake cannot be written.
    """
    override = chosen_source(format, mapping, lake)
    return _run(find_files(paths, lake.root), override, lake, dry_run, on_progress)


def ingest_part(folder: Path, ends: Mapping[Path, int | None], lake: Lake, override: Source | None = None) -> Report:
    """Load some files of a folder, each to its end in bytes, None being the end it has; those of no known format are left out."""
    return _run(FileSelection(files=dict.fromkeys(ends, folder), ends=ends), override, lake, dry_run=False, on_progress=None)


def ingest_copies(
    formats: Mapping[Path, Source],
    names: Mapping[Path, str],
    lake: Lake,
    *,
    dry_run: bool = False,
    on_progress: OnProgress | None = None,
) -> Report:
    """Load files of known formats that have been copied from elsewhere, and are called by the names they had there."""
    selection = FileSelection(files=dict.fromkeys(formats), names=names, formats=formats)
    return _run(selection, None, lake, dry_run, on_progress)


def _run(selection: FileSelection, override: Source | None, lake: Lake, dry_run: bool, on_progress: OnProgress | None) -> Report:
    read: dict[str, None] = {}
    formats = known_formats(lake)
    paths = [selection.names.get(path) or str(path) for path in list(selection.files)[:MOST_PROBLEMS]]
    with TemporaryDirectory() as spare:
        target, against = (Lake(spare), lake) if dry_run else (lake, None)
        with target.staging() as folder, bounded_database(folder) as con:
            reading = Reading(con, datetime.now(UTC))
            batches = _with_progress(_batches(selection, formats, override, reading, read), selection.bytes, on_progress)
            report = load(batches, target, about={"paths": ", ".join(paths)}, against=against, files=read)
    if on_progress:
        on_progress(1.0, "Done")
    return replace(report, files=selection.count, problems=_few((*formats.problems, *selection.problems, *report.problems)))


def chosen_source(name: str | None, mapping: Path | None, lake: Lake) -> Source | None:
    """The format that was named or mapped, if any; raises WrongUsage."""
    if name is None and mapping is None:
        return None
    formats = known_formats(lake).sources
    if name is not None and name not in formats:
        raise WrongUsage(f"--as {name} is no format: use one of {', '.join(formats)}.")
    if mapping is None:
        return formats.get(name or "")
    if name not in (None, "table"):
        raise WrongUsage(f"--mapping describes tables, so it cannot go with --as {name}: leave one of them out.")
    try:
        return mapped_by(read_mapping(mapping))
    except MappingProblem as problem:
        raise WrongUsage(str(problem)) from None


def _batches(
    selection: FileSelection, formats: Formats, override: Source | None, reading: Reading, read: dict[str, None]
) -> Iterator[Batch]:
    """All files in batches: neighbours of one format together; at last what could not be read at all.

    The names of the files that are read are put into `read`, one after the other.
    """

    def noted(head: Head) -> Head:
        read[head.source_file] = None
        return head

    for source, group in groupby(selection.recognised(list(formats.sources.values()), override), key=lambda pair: pair[0]):
        yield from source.read((noted(head) for _, head in group), reading)
    yield Batch(REQUESTS.empty_table(), reading.rejects(None, selection.rejects), lines=0, bytes_read=0)


def _with_progress(batches: Iterable[Batch], total: int, on_progress: OnProgress | None) -> Iterator[Batch]:
    read = lines = 0
    for batch in batches:
        yield batch
        read, lines = read + batch.bytes_read, lines + batch.lines
        if on_progress:
            on_progress(_READING_SHARE * min(1.0, read / max(total, 1)), f"Reading: {lines:,} lines")
    if on_progress:
        on_progress(_READING_SHARE, "Writing to the lake")


def _few(problems: Sequence[str]) -> tuple[str, ...]:
    """As many sentences as a person may read."""
    more = len(problems) - MOST_PROBLEMS
    overflow = (f"There are {more:,} more such problems; the lake's rejects have them.",) if more > 0 else ()
    return (*problems[:MOST_PROBLEMS], *overflow)
