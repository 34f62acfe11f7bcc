"""A copy of a lake at one version, in another folder or store, from which a lake is made again.

Files of a table never change, so those that the copy has are not copied again. What no version names is left out; so are rollups
and indexes, which are made of requests anew. A note in the copy says that it is whole: it goes first and comes last, so that a copy
that was cut short is not taken for one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from deltalake import DeltaTable
from filelock import FileLock

from usagecost.lake.checksums import verify
from usagecost.lake.errors import LakeError
from usagecost.lake.handle import Lake
from usagecost.lake.storage import Storage, errors_explained, storage
from usagecost.lake.table import REQUESTS, SPECS, data_files, open_table
from usagecost.lake.texts import OF_PEOPLE, writing_explained

_NOTE, _TEXTS = "backup.json", "beside"
"""What a copy has of its own: the note, and the folder of what lies beside the lake."""
_ENTRY = re.compile(r"_delta_log/(\d{20})\.[\w.-]+")
_OF_MACHINE = ("staging", "copies")
"""Folders beside the tables that are of use to running processes only."""
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Copied:
    """What a copy of a lake has: the ``version`` of its requests, how many ``files``, and how many of them are ``new`` in it."""

    version: int
    files: int
    new: int


def backup(lake: Lake, to: str) -> Copied:
    """Copies the newest version of all tables, and what lies beside them, to an empty folder or store, or to an earlier copy.

    What lies beside goes first: what is committed meanwhile is in the tables, and reading it again changes nothing. Raises
    LakeError where the copy cannot lie there, or a file of the lake is not what was written.
    """
    place, copy = storage(lake.name), storage(to)
    with errors_explained(place / REQUESTS.name), writing_explained(to):
        _check_place(place, copy)
        _copy_texts(lake.texts_beside().place, copy / _TEXTS)
        return _copy(lake, copy)


def restore(copy: str, lake: Lake) -> Copied:
    """Makes a lake, of which there is none yet, of a copy that `backup` has made, and its rollups anew.

    What people have written beside it stays as it is. Raises LakeError where there is a lake, or no whole copy, or a file of it is
    damaged.
    """
    if lake.exists:
        raise LakeError(f"There is a lake in {lake.name}: move it away, or restore to another place.")
    if storage(copy).read(_NOTE) is None:
        raise LakeError(f"There is no whole backup in {copy}: name the folder that `backup` wrote, or make the backup again.")
    texts, beside, place = storage(copy) / _TEXTS, lake.texts_beside().place, storage(lake.name)
    with errors_explained(place / REQUESTS.name), writing_explained(lake.name):
        found = _copy(Lake(copy), place)
        for name in _texts_of(texts):
            beside.replace(name, texts.read(name) or b"", None)
        place.drop([_NOTE])
    lake.roll_up()
    return found


def _copy(lake: Lake, copy: Storage) -> Copied:
    """Copies a lake but for what people write beside it."""
    place = storage(lake.name)
    copy.make()
    copy.drop([_NOTE])
    _copy_state(place, copy)
    with FileLock(lake.root / "commit.lock"):
        tables = {name: open_table(place / name) for name in SPECS if name == REQUESTS.name or (place / name).has_table()}
    return _copy_tables(place, tables, copy)


def _check_place(lake: Storage, copy: Storage) -> None:
    """Raises LakeError where a copy of a lake cannot lie."""
    if f"{copy}/".startswith(f"{lake}/") or f"{lake}/".startswith(f"{copy}/"):
        raise LakeError(f"{copy} and {lake} lie in each other: name a folder beside the lake, or a store.")
    for name in SPECS:
        if (copy / name).has_table() and _identity(copy / name) != _identity(lake / name):
            raise LakeError(f"There is another lake in {copy}: name an empty folder, or one with an earlier copy of this lake.")


def _copy_state(lake: Storage, copy: Storage) -> None:
    """Copies prices, how far folders were read, and what waits in the spool; removes what is gone."""
    names = _state_of(lake)
    for name in names:
        if (content := lake.read(name)) is not None:
            _put(copy, name, content)
    copy.drop(name for name in _state_of(copy) if name not in names)


def _copy_texts(texts: Storage, copy: Storage) -> None:
    """Copies what people write beside a lake; removes what is gone."""
    names = _texts_of(texts)
    for name in names:
        if (content := texts.read(name)) is not None:
            _put(copy, name, content)
    copy.drop(name for name in _texts_of(copy) if name not in names)


def _copy_tables(lake: Storage, tables: dict[str, DeltaTable], copy: Storage) -> Copied:
    """Copies tables as they stood, and notes that all of them are there."""
    files = {name: [(file.name, file.bytes) for file in data_files(table, SPECS[name])] for name, table in tables.items()}
    damaged = [f"{name}/{file}" for name, some in files.items() for file in verify(lake / name, some).damaged]
    if damaged:
        raise LakeError(f"{damaged[0]} in {lake} is damaged: no file was copied, so that no good one goes. See `doctor --verify`.")
    new = 0
    for name, table in tables.items():
        new += _copy_files(lake / name, copy / name, files[name])
        _copy_log(lake / name, copy / name, table.version())
        (copy / name).settle()
    found = Copied(tables[REQUESTS.name].version(), sum(len(some) for some in files.values()), new)
    _put(copy, _NOTE, json.dumps({"version": found.version, "files": found.files}).encode())
    return found


def _identity(place: Storage) -> str | None:
    """What a table keeps as long as it lives, and its copies with it; None if there is none."""
    return str(open_table(place).metadata().id) if place.has_table() else None


def _state_of(lake: Storage) -> list[str]:
    """The names of the files beside a lake's tables, but for locks, what people write, and what a copy has of its own."""
    others = (*SPECS, *_OF_MACHINE, *(name.rstrip("/") for name in OF_PEOPLE), _NOTE, _TEXTS)
    return [name for name in lake.below() if name.split("/")[0] not in others and not _is_hidden(name)]


def _texts_of(place: Storage) -> list[str]:
    """The names of the texts that people write beside a lake."""
    folders = [name for name in OF_PEOPLE if name.endswith("/")]
    of_folders = [f"{folder}{name}" for folder in folders for name in (place / folder.rstrip("/")).names()]
    return [name for name in (*place.names(), *of_folders) if name.startswith(OF_PEOPLE) and not _is_hidden(name)]


def _is_hidden(name: str) -> bool:
    return name.endswith(".lock") or "/." in f"/{name}"


def _copy_files(place: Storage, to: Storage, files: Sequence[tuple[str, int]]) -> int:
    """Copies files that are not there yet; returns how many they were."""
    to.make()
    there = {name: size for name, (size, _) in to.below().items()}
    missing = [(name, size) for name, size in files if there.get(name) != size]
    for (name, _), path in zip(missing, place.paths(missing), strict=True):
        with open(path, "rb") as source, to.new_file(name).open("wb") as copy:  # noqa: PTH123 - it is a text in all storages
            while block := source.read(_BLOCK):
                copy.write(block)
        to.keep(name)
    return len(missing)


def _copy_log(place: Storage, to: Storage, version: int) -> None:
    """Copies the entries of a log up to a version."""
    there = to.below()
    for name in sorted(place.below()):
        found = _ENTRY.fullmatch(name)
        if found and int(found[1]) <= version and name not in there and (content := place.read(name)) is not None:
            _put(to, name, content)


def _put(place: Storage, name: str, content: bytes) -> None:
    """Writes a file whole, whatever is there."""
    while (there := place.read(name)) != content and not place.replace(name, content, there):
        pass
