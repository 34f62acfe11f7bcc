"""A copy of a lake at one version, in another folder or store, from which a lake is made again.

Files of a table never change, so those that the copy has are not copied again. What no version names is left out; so are rollups
and indexes, which are made of requests anew. A note in the copy says at which versions it is whole, and where it keeps what lies
beside the tables; it is replaced last, so a copy that is cut short is the one before. Nothing goes that a backup did not write.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from deltalake import DeltaTable
from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from usagecost import schema
from usagecost.lake.acts import RESTORING, WAITING, defer_acts
from usagecost.lake.checksums import verify
from usagecost.lake.errors import LakeError
from usagecost.lake.handle import Lake
from usagecost.lake.storage import PART, Storage, errors_explained, storage
from usagecost.lake.table import AUDIT, REQUESTS, SPECS, data_files, local_paths, log_entry, open_table
from usagecost.lake.texts import PEOPLE_TEXTS, writing_explained

_NOTE, _BESIDE = "backup.json", "kept-"
"""Names of a copy: its note, and how folders of what lies beside the tables begin."""
_STATE, _TEXTS = "state", "beside"
_ENTRY = re.compile(r"_delta_log/(\d{20})\.[\w.-]+")
_MACHINE_FILES = ("staging", "copies", RESTORING, WAITING)
"""What lies beside the tables and is of use to running processes only."""

Tables = Mapping[str, DeltaTable]


@dataclass(frozen=True)
class Copied:
    """What a copy of a lake has: the ``version`` of its requests, how many ``files``, and how many of them are ``new`` in it."""

    version: int
    files: int
    new: int


class _Note(BaseModel):
    """Of which lake a copy is, the ``versions`` of its tables, none before it is whole, and the folder with the rest."""

    model_config = ConfigDict(frozen=True)

    lake: str
    versions: dict[str, int] = {}
    kept: str = ""


def backup(lake: Lake, to: str) -> Copied:
    """Copies the newest version of all tables, and what lies beside them, to an empty folder or store, or to an earlier copy.

    What lies beside goes first: what is committed meanwhile is in the tables, and reading it again changes nothing. Raises
    LakeError, and leaves an earlier copy as it was, where the copy cannot lie there, or a file of the lake is not what was written.
    """
    store, copy = storage(lake.name), storage(to)
    with errors_explained(store / REQUESTS.name), writing_explained(to):
        tables = _tables(lake)
        lake_id = str(tables[REQUESTS.name].metadata().id)
        _check_apart(store, copy)
        _check_history(store, copy, tables, lake_id)
        verified = _check_files(store, tables, ())
        beside_folder = f"{_BESIDE}{uuid.uuid4().hex}"
        if copy.read(_NOTE) is None:
            _overwrite(copy, _NOTE, _Note(lake=lake_id).model_dump_json().encode())
        _copy_texts(store, copy / beside_folder / _STATE, _state_names(store))
        beside = lake.texts_beside()
        _copy_texts(beside.store, copy / beside_folder / _TEXTS, beside.names_of_people())
        tables = _tables(lake)
        files = _check_files(store, tables, verified)
        new = _copy_tables(store, copy, tables)
        versions = {name: table.version() for name, table in tables.items()}
        _overwrite(copy, _NOTE, _Note(lake=lake_id, versions=versions, kept=beside_folder).model_dump_json().encode())
        copy.drop([name for name in copy.below() if name.startswith(_BESIDE) and not name.startswith(f"{beside_folder}/")])
    return Copied(versions[REQUESTS.name], len(files), new)


def restore(copy: str, lake: Lake) -> Copied:
    """Makes a lake, of which there is none yet, of a copy that `backup` has made, and its rollups anew. Cut short, it goes on.

    What is there already, and what people have written beside it, stays as it is. Raises LakeError where there is a lake, or no
    whole copy, or a file of it is not what was written.
    """
    source, store = storage(copy), storage(lake.name)
    note = _read_note(source)
    if note is None or not note.versions:
        raise LakeError(f"There is no whole backup in {copy}: name the folder that `backup` wrote, or make the backup again.")
    if lake.exists and store.read(RESTORING) is None:
        raise LakeError(f"There is a lake in {lake.name}: move it away, or restore to another place.")
    with errors_explained(source / REQUESTS.name), writing_explained(lake.name):
        _check_apart(source, store)
        tables = {name: open_table(source / name, version) for name, version in note.versions.items()}
        files = _check_files(source, tables, ())
        if (store / AUDIT.name).read(log_entry(0)) != (source / AUDIT.name).read(log_entry(0)):
            defer_acts(lake.root, lake.rows("audit"))  # what was done before there is a lake
            (store / AUDIT.name).drop((store / AUDIT.name).below())
        _overwrite(store, RESTORING, b"")
        new = _copy_tables(source, store, tables)
        for folder, to in ((_STATE, store), (_TEXTS, lake.texts_beside().store)):
            texts = source / note.kept / folder
            for name in _names_below(texts):
                to.replace(name, texts.read(name) or b"", None)
        store.drop([RESTORING])
    lake.roll_up()
    lake.record(schema.AUDIT.empty_table())
    return Copied(note.versions[REQUESTS.name], len(files), new)


def _tables(lake: Lake) -> Tables:
    """The tables of a lake at their newest versions, as they stood together; that of requests last."""
    lake.version()  # raises LakeMissing
    store = storage(lake.name)
    lake.root.mkdir(parents=True, exist_ok=True)  # of a remote lake it may not be there yet
    with FileLock(lake.root / "commit.lock"):
        return {
            name: open_table(store / name)
            for name in sorted(SPECS, key=lambda name: name == REQUESTS.name)
            if name == REQUESTS.name or (store / name).has_table()
        }


def _read_note(copy: Storage) -> _Note | None:
    """The note of a copy; None if there is none."""
    content = copy.read(_NOTE)
    try:
        return None if content is None else _Note.model_validate_json(content)
    except ValidationError:
        raise LakeError(f"{_NOTE} in {copy} is not the note of a backup: name another folder.") from None


def _check_apart(lake: Storage, copy: Storage) -> None:
    if f"{lake}/".startswith(f"{copy}/") or f"{copy}/".startswith(f"{lake}/"):
        raise LakeError(f"{lake} and {copy} lie in each other: name a folder beside it, or a store.")


def _check_history(lake: Storage, copy: Storage, tables: Tables, lake_id: str) -> None:
    """Raises LakeError where the copy is no earlier version of this lake, or there is something else."""
    note = _read_note(copy)
    if note is None:
        if any(not _is_hidden(name) for name in copy.below()):
            raise LakeError(f"{copy} is not empty, and no earlier backup: name an empty folder.")
        return
    if note.lake != lake_id:
        raise LakeError(f"There is a backup of another lake in {copy}: name an empty folder, or an earlier backup of this one.")
    for name, version in note.versions.items():
        entries = [(store / name).read(log_entry(version)) for store in (lake, copy)]
        is_same = entries[0] is None or entries[0] == entries[1]  # an old log has its oldest entries no more
        if name not in tables or version > tables[name].version() or not is_same:
            raise LakeError(f"{copy} has what this lake never was, as if it was restored since: name another folder.")


def _check_files(store: Storage, tables: Tables, verified: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """The files of tables by table and name; raises LakeError if one that is not known to be is not what was written."""
    file_names = set()
    for table, opened in tables.items():
        files = [(file.name, file.bytes) for file in data_files(opened, SPECS[table])]
        if damaged := verify(store / table, [file for file in files if (table, file[0]) not in verified]).damaged:
            raise LakeError(f"{table}/{damaged[0]} in {store} is damaged: nothing was copied. See `doctor --verify`.")
        file_names |= {(table, name) for name, _ in files}
    return file_names


def _copy_tables(store: Storage, to: Storage, tables: Tables) -> int:
    """Copies tables at their versions; returns how many files were not there yet."""
    new = 0
    for name, table in tables.items():
        (to / name).make()
        present_sizes = {present: size for present, (size, _) in (to / name).below().items()}
        missing = [file for file in data_files(table, SPECS[name]) if present_sizes.get(file.name) != file.bytes]
        for file in missing:
            (path,) = local_paths(store / name, [file])
            (to / name).add(Path(path), file.name, copies=True)
        for entry in sorted((store / name).below()):
            match = _ENTRY.fullmatch(entry)
            if match and int(match[1]) <= table.version() and entry not in present_sizes:
                _overwrite(to / name, entry, (store / name).read(entry) or b"")
        new += len(missing)
    return new


def _copy_texts(store: Storage, to: Storage, names: Collection[str]) -> None:
    """Copies small files; what has gone in the meantime is in the tables by now."""
    for name in names:
        if (content := store.read(name)) is not None:
            _overwrite(to, name, content)


def _state_names(lake: Storage) -> list[str]:
    """The names of what lies beside a lake's tables: how far folders were read, and what waits in the spool."""
    others = (*SPECS, *_MACHINE_FILES, *(name.rstrip("/") for name in PEOPLE_TEXTS))
    return [name for name in _names_below(lake) if name.split("/")[0] not in others]


def _names_below(store: Storage) -> list[str]:
    return [name for name in store.below() if not _is_hidden(name)]


def _is_hidden(name: str) -> bool:
    return name.endswith((".lock", PART)) or "/." in f"/{name}"


def _overwrite(store: Storage, name: str, content: bytes) -> None:
    """Writes a file whole, whatever is there."""
    while (current := store.read(name)) != content and not store.replace(name, content, current):
        pass
