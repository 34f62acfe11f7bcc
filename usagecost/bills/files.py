"""Which files are one statement: those into which an export was cut, each other one by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_SHARD = re.compile(r"(?P<stem>.*?)[-_.]?(?<!\d)(?P<number>0\d{3,})(?P<end>\D*)")
"""Names that files into which an export is cut have: name-00001.csv.gz, part_0_0001.csv, name-000000000000.json.gz.

Days and accounts look like them, -0831 and -000123456789: parts are those whose numbers run from 0 or 1 without a gap.
"""


def statement_files(paths: Iterable[Path]) -> list[tuple[Path, ...]]:
    """The files of each statement in some files and folders: those into which an export was cut are one.

    One of several such files stands for all that lie beside it, as a part of a bill would replace the whole. Hidden files are not
    looked at.
    """
    files = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    found: dict[Path, tuple[Path, ...]] = {}
    for file in files:
        if file.is_dir() or file.name.startswith("."):
            continue
        parts = _parts(file)
        found.setdefault(parts[0], parts)
    return list(found.values())


def _parts(file: Path) -> tuple[Path, ...]:
    """The files of the export that a file is a part of, in their order; of a whole one the file."""
    cut = _SHARD.fullmatch(file.name)
    if not cut or not file.exists():
        return (file,)
    beside = ((other, _SHARD.fullmatch(other.name)) for other in sorted(file.parent.iterdir()))
    parts = {
        other: int(found["number"]) for other, found in beside if found and found.group("stem", "end") == cut.group("stem", "end")
    }
    numbers = sorted(parts.values())
    is_cut = numbers[0] <= 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return tuple(parts) if is_cut else (file,)
