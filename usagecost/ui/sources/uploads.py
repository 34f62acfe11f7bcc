"""Files that a reader has handed over: kept in a temporary folder of the session, which goes with it."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import BinaryIO

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from usagecost.ingest import Formats, Looked, Preview, Report, look

_KEY, _ROUND = "_uploads", "_upload_round"


@dataclass(frozen=True)
class Group:
    """Files that are read alike: of one format, or with the same columns. `name` is theirs as long as they are there."""

    name: str
    files: tuple[Looked, ...]

    @property
    def first(self) -> Looked:
        """The file that speaks for all."""
        return self.files[0]


class Uploads:
    """The files, and what was found out about them. Its folder is removed when nobody holds it any more."""

    def __init__(self) -> None:
        self.folder = Path(mkdtemp(prefix="usagecost-"))
        self.files: list[Looked] = []
        self.previews: dict[tuple[Path, str], Preview | str] = {}
        self.checked: tuple[object, Report] | None = None
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def add(self, name: str, content: BinaryIO, formats: Formats) -> None:
        """Copies a file here, piece by piece, and looks what it is. Its name is only what it is called: on disk it has a number."""
        path, called = self.folder / str(len(self.files)), Path(name.replace("\\", "/")).name or "file"
        try:
            with path.open("wb") as copy:
                shutil.copyfileobj(content, copy, 1 << 20)
        except OSError as error:
            path.unlink(missing_ok=True)
            problem = f"The file cannot be kept in {self.folder} ({error.strerror}): free some room and drop it again."
            self.files.append(Looked(path, called, 0, problem=problem))
        else:
            self.files.append(look(path, called, formats))

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(file.bytes for file in self.files)

    def groups(self) -> list[Group]:
        """The files by what they seem to be, in the order in which they came."""
        alike: dict[tuple[object, ...], list[Looked]] = {}
        for file in self.files:
            formats = tuple(source.name for source, _ in file.fits)
            is_known = formats and formats != ("table",)
            alike.setdefault((formats, file.problem, None if is_known else file.columns), []).append(file)
        return [Group(f"{self.folder.name}-{place}", tuple(files)) for place, files in enumerate(alike.values())]


def current_uploads() -> Uploads | None:
    """What this session has handed over and not loaded or discarded yet."""
    return st.session_state.get(_KEY)


def uploader_key() -> str:
    """The name of the widget that takes the next files: each time another, so that it is empty again."""
    return f"upload_{st.session_state.get(_ROUND, 0)}"


def take_over(given: Sequence[UploadedFile], formats: Formats) -> None:
    """Copies what was dropped to disk and lets go of it in memory."""
    uploads = current_uploads() or Uploads()
    st.session_state[_KEY] = uploads
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    for file in given:
        uploads.add(file.name, file, formats)
    context = get_script_run_ctx()
    if context and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        for file in given:
            context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def discard() -> None:
    """Forgets the files; their folder goes at once."""
    uploads = st.session_state.pop(_KEY, None)
    if uploads:
        shutil.rmtree(uploads.folder, ignore_errors=True)
