"""Backups: a copy of the lake, and a lake of a copy."""

from __future__ import annotations

from typing import Annotated

import typer

from usagecost.cli.console import LakeOption, err, lake_named, out, recording
from usagecost.lake import backup as copy_lake
from usagecost.lake import restore as lake_of_copy
from usagecost.vocabulary.formats import counted


def backup(
    to: Annotated[str, typer.Argument(help="An empty folder or s3://, gs:// or az:// URL, or one with an earlier backup.")],
    lake: LakeOption = None,
) -> None:
    """Copy the lake at its newest version, and what lies beside it; what an earlier backup there has is not copied again."""
    handle = lake_named(lake)
    with err.status("Copying…"), recording(handle, "backup", f"copy to {to}") as entry:
        found = copy_lake(handle, to)
        entry.after = f"version {found.version}, {counted(found.files, 'file')}"
    said = f"Version {found.version} is in {to}: {counted(found.files, 'file')}, {found.new} of them new."
    out.print(said)


def restore(
    copy: Annotated[str, typer.Argument(help="What `backup` wrote: a folder or URL.")],
    lake: LakeOption = None,
) -> None:
    """Make a lake of a backup, where there is none."""
    handle = lake_named(lake)
    with err.status("Copying…"), recording(handle, "backup", f"restore from {copy}", makes_table=True) as entry:
        found = lake_of_copy(copy, handle)
        entry.after = f"version {found.version}, {counted(found.files, 'file')}"
    out.print(f"{handle.name} is at version {found.version}, with {counted(found.files, 'file')}.")
