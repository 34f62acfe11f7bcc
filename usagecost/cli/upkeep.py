"""The sample, the lake's health, backups, and the record that mappings fill."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from usagecost.cli.console import (
    WRONG_USAGE,
    LakeOption,
    err,
    fail,
    lake_named,
    out,
    print_counts,
    print_facts,
    print_table,
    recording,
)
from usagecost.cli.summaries import summary_rows
from usagecost.lake import Lake, lake_root
from usagecost.lake import backup as copy_lake
from usagecost.lake import restore as lake_of_copy
from usagecost.schema import COLUMNS
from usagecost.vocabulary import METRICS
from usagecost.vocabulary.formats import age, clock_skew, counted, exact_count, percent


def sample(
    folder: Annotated[
        str | None, typer.Option("--lake", help="Where to write it, as for ingest. Default: the app's own folder for samples.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed and end give the same requests.")] = 7,
    end: Annotated[
        datetime | None, typer.Option(help="The newest instant, UTC. Default: now.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
    ] = None,
) -> None:
    """Write invented but believable traffic, to try the page with: 120 days of some 60,000 requests."""
    from usagecost.sample import ensure_sample, sample_root, write_sample

    now = datetime.now(UTC)
    if folder is None:
        out.print(f"The sample is in {ensure_sample(sample_root(), now)}")
        return
    if Lake(folder).exists:
        fail(f"There is a lake in {folder} already; a sample is never mixed with it. Name another folder.", WRONG_USAGE)
    report = write_sample(folder, end.replace(tzinfo=UTC) if end else now, seed)
    print_counts(f"Sample written to {folder}", report.counts())


def doctor(
    lake: LakeOption = None,
    repair: Annotated[
        bool,
        typer.Option(
            help="Compact small files, write the rollups and key indexes that large ones lack, and remove what is left over."
        ),
    ] = False,
    verify: Annotated[
        bool, typer.Option(help="Compare every file with its checksum, and set aside what is damaged; exit status 1 then.")
    ] = False,
) -> None:
    """Look at the lake's health: version, rows, days, size, freshness, unpriced requests, what two sources tell, small files."""
    root = lake or lake_root()
    handle = Lake(root)
    if verify:
        _verify(handle)
    if repair:
        with err.status("Looking after the files…"):
            compacted, tallied, removed = handle.compact(), handle.roll_up(), handle.vacuum()
        out.print(f"{compacted} files compacted, {tallied} summed up anew, {removed} left-over files removed")
    print_facts("", _health(root, handle))


def _verify(handle: Lake) -> None:
    """Says which files are not what was written; ends the program if there are any."""
    with err.status("Reading all files…"):
        verified = handle.verify()
    of_before = (
        f"; {counted(verified.unchecked, 'file')} of an earlier version of the app have no checksum" if verified.unchecked else ""
    )
    if not verified.damaged:
        out.print(f"{counted(verified.checked, 'file')} checked, none is damaged{of_before}.")
        return
    for name in verified.damaged:
        err.print(f"{name} is damaged: its numbers are not what was written.")
    fail(
        f"{len(verified.damaged)} of {counted(verified.checked, 'file')} damaged{of_before}: restore them from a backup, "
        "or move the lake away and ingest the logs again. Until then questions about them are not answered.",
    )


def upgrade(lake: LakeOption = None) -> None:
    """Bring a lake that an earlier version has made up to date: columns and rollups that are new are added, and its files are
    for their owner only. Nothing is lost.

    Such a lake is read as it is without it. Costs that are new columns are filled by `reprice` afterwards.
    """
    added = lake_named(lake).upgrade()
    words = f"{counted(added, 'column')} added; `python -m usagecost reprice` fills those of prices."
    out.print(words if added else "The lake is up to date.")


def columns() -> None:
    """List the columns of the canonical record, with type, unit and meaning: what a mapping can fill."""
    rows = [(column.name, column.type, column.unit, column.meaning) for column in COLUMNS]
    print_table(("column", "type", "unit", "meaning"), rows, folds=("meaning",))


def _health(root: str, lake: Lake) -> dict[str, str]:
    """What a person wants to know of a lake, in their words."""
    from usagecost import queries
    from usagecost.vocabulary.filters import EVERYTHING

    snapshot = lake.snapshot()
    span, now = queries.data_span(root, snapshot.version, EVERYTHING), datetime.now(UTC)
    facts = {
        "Lake": root,
        "Version": str(snapshot.version),
        "Requests": exact_count(snapshot.rows),
        "Days": "–" if not span else f"{span[0]:%Y-%m-%d} to {span[1]:%Y-%m-%d} (UTC)",
        "Size": f"{snapshot.bytes / 1e6:,.1f} MB in {len(snapshot.data_files)} files",
        "Newest request": "–" if not span else f"{span[1]:%Y-%m-%d %H:%M} UTC, {clock_skew(span[1], now) or age(span[1], now)}",
        "Rejected lines": exact_count(lake.rows("rejects").num_rows),
    }
    if span:
        whole = summary_rows(root, span[0].date(), span[1].date(), "UTC", None)[0]
        for name in ("incomplete_requests", "unpriced_requests"):
            facts[METRICS[name].label] = f"{exact_count(whole[name])} ({percent(whole[name] / whole['requests'])})"
    for place, overlap in enumerate(queries.overlaps.find_overlaps(root, snapshot.version) if span else (), start=1):
        facts[f"Counted twice? ({place})"] = overlap.text({})
    advice = "; `doctor --repair` makes one of each day" if snapshot.small_files else ""
    lacking = len(snapshot.rollups.lacking(snapshot.data_files))
    rollups = f"{lacking} large files lack them; `doctor --repair` writes them" if lacking else "every large file has them"
    return facts | {"Small files": f"{snapshot.small_files}{advice}", "Rollups": rollups}


def backup(
    to: Annotated[str, typer.Argument(help="An empty folder or s3://, gs:// or az:// URL, or one with an earlier backup.")],
    lake: LakeOption = None,
) -> None:
    """Copy the lake at its newest version, and what lies beside it; what an earlier backup there has is not copied again."""
    handle = lake_named(lake)
    with err.status("Copying…"), recording(handle, "backup", f"copy to {to}") as entry:
        copied = copy_lake(handle, to)
        entry.after = f"version {copied.version}, {counted(copied.files, 'file')}"
    out.print(f"Version {copied.version} is in {to}: {counted(copied.files, 'file')}, {copied.new} of them new.")


def restore(
    copy: Annotated[str, typer.Argument(help="What `backup` wrote: a folder or URL.")],
    lake: LakeOption = None,
) -> None:
    """Make a lake of a backup, where there is none."""
    handle = lake_named(lake)
    with err.status("Copying…"), recording(handle, "backup", f"restore from {copy}", makes_table=True) as entry:
        copied = lake_of_copy(copy, handle)
        entry.after = f"version {copied.version}, {counted(copied.files, 'file')}"
    out.print(f"{handle.name} is at version {copied.version}, with {counted(copied.files, 'file')}.")
