"""Files that a reader has handed over, in a temporary folder that goes with the session."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, BinaryIO

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from usagecost.ingest import Formats, Inspection, Preview, Report, Source, look

_KEY, _ROUND = "_uploads", "_upload_round"


@dataclass(frozen=True)
class Plan:
    """How the files of a group are read. `name` differs from that of every other way to read them.

    `keys` are those of a mapping that is to be remembered when the files are loaded; None where there is none.
    """

    source: Source
    name: str
    keys: dict[str, Any] | None = None


@dataclass(frozen=True)
class Group:
    """Files that are read alike: of one format, or with the same columns. `name` is theirs as long as they are there."""

    name: str
    files: tuple[Inspection, ...]

    @property
    def first(self) -> Inspection:
        """The file that speaks for all."""
        return self.files[0]

    @property
    def bytes(self) -> int:
        """The size of its files."""
        return sum(file.bytes for file in self.files)


class Uploads:
    """The files, and what was found out and decided about them. Its folder is removed when nobody holds it any more.

    By a group's name: `plans` are how the reader wants it to be read, `starts` the mappings with which its form begins.
    `opened` is the group whose preview and mapping are shown. `previews` and `reports` are kept for each way to read files.
    """

    def __init__(self) -> None:
        self.folder = Path(mkdtemp(prefix="usagecost-"))
        self.files: list[Inspection] = []
        self.plans: dict[str, Plan | None] = {}
        self.starts: dict[str, dict[str, Any]] = {}
        self.opened: str | None = None
        self.counts_all = False
        self.previews: dict[tuple[Path, str], Preview | str] = {}
        self.reports: dict[tuple[object, ...], Report] = {}
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def add(self, name: str, content: BinaryIO, formats: Formats) -> None:
        """Copies a file here, piece by piece, and looks what it is. Its name is only what it is called: on disk it has a number."""
        path, display_name = self.folder / str(len(self.files)), Path(name.replace("\\", "/")).name or "file"
        try:
            with path.open("wb") as copy:
                shutil.copyfileobj(content, copy, 1 << 20)
        except OSError as error:
            path.unlink(missing_ok=True)
            problem = f"The file cannot be kept in {self.folder} ({error.strerror}): free some room and drop it again."
            self.files.append(Inspection(path, display_name, 0, problem=problem))
        else:
            self.files.append(look(path, display_name, formats))

    def groups(self) -> list[Group]:
        """The files by what they seem to be, in the order in which they came."""
        alike: dict[tuple[object, ...], list[Inspection]] = {}
        for file in self.files:
            formats = tuple(source.name for source, _ in file.fits)
            is_known = formats and formats != ("table",)
            alike.setdefault((formats, file.problem, None if is_known else file.columns), []).append(file)
        return [Group(f"{self.folder.name}-{place}", tuple(files)) for place, files in enumerate(alike.values())]


def current_uploads() -> Uploads | None:
    """What this session has handed over and not loaded or discarded yet."""
    return st.session_state.get(_KEY)


def open_group(name: str | None) -> None:
    """Shows the preview and the mapping of a group, and of no other."""
    uploads = _uploads()
    uploads.opened = name
    plan = uploads.plans.get(name or "")
    if name and plan and plan.keys:
        uploads.starts[name] = plan.keys


def uploader_key() -> str:
    """The name of the widget that takes the next files: each time another, so that it is empty again."""
    return f"drop_logs_{st.session_state.get(_ROUND, 0)}"


def take_over(dropped: Sequence[UploadedFile], formats: Formats) -> None:
    """Copies what was dropped to disk and lets go of it in memory."""
    uploads = _uploads()
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    for file in dropped:
        uploads.add(file.name, file, formats)
    context = get_script_run_ctx()
    if context and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        for file in dropped:
            context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def discard() -> None:
    """Forgets the files; their folder goes at once."""
    uploads = st.session_state.pop(_KEY, None)
    if uploads:
        shutil.rmtree(uploads.folder, ignore_errors=True)


def _uploads() -> Uploads:
    return st.session_state.setdefault(_KEY, current_uploads() or Uploads())
