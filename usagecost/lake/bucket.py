"""A lake in an object store: S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage.

The store writes an object whole or not at all, and one that must not be there yet only if it is not. On that Delta's log relies:
of two machines that write the same entry, one is told that it came too late. Reading goes through copies: see copies.py.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Generator, Hashable, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from deltalake.exceptions import CommitFailedError
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import AzureStore, GCSStore, ObjectStore, S3Store

from usagecost.lake.copies import Copies
from usagecost.lake.errors import CREDENTIALS, LakeError, LakeUnreadable, LakeUnwritable, store_problem

if TYPE_CHECKING:
    from obstore import UpdateVersion

RETRIES, RETRY_SECONDS = 3, 15
TIMEOUT, CONNECT_TIMEOUT = "120s", "5s"
"""For one request: the second until the store answers at all. A page is to say soon that it does not."""

LISTED_EVERY = 15.0
"""Seconds for which a list of files is kept of which none has to be the newest."""

CHUNK_BYTES = 8 << 20
COPIES_GB = 4.0
_NUMBER = re.compile(r"\d{1,6}(\.\d{1,3})?")

_ENDPOINTS = (
    "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT", "AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT", "GOOGLE_BASE_URL",
)  # fmt: skip
_LOCATION_VARIABLES = (*_ENDPOINTS, "AZURE_STORAGE_ACCOUNT_NAME")
"""Environment variables that make the same URL another place."""


class _Store:
    """The store of one lake, and what this machine keeps of it. Nothing is asked of either before it is needed."""

    def __init__(self, scheme: str, bucket: str, prefix: str) -> None:
        self.url = f"{scheme}://{bucket}" + (f"/{prefix}" if prefix else "")
        self._scheme, self._bucket, self._prefix = scheme, bucket, prefix
        location = "\n".join([self.url, *(os.environ.get(name, "") for name in _LOCATION_VARIABLES)])
        self.work = _copies_home() / hashlib.sha256(location.encode()).hexdigest()[:16]
        self.copies = Copies(self.work / "copies", _copies_bytes())
        self.allows_http = any(os.environ.get(name, "").startswith("http://") for name in _ENDPOINTS)

    @cached_property
    def client(self) -> ObjectStore:
        """Finds endpoint, region and credentials in the environment, as Delta does."""
        settings = {
            "prefix": self._prefix or None,
            "client_options": {"timeout": TIMEOUT, "connect_timeout": CONNECT_TIMEOUT, "allow_http": self.allows_http},
            "retry_config": {"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
        }
        kind = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}[self._scheme]
        return kind(self._bucket, **settings)

    @property
    def options(self) -> dict[str, str]:
        return {
            "timeout": TIMEOUT,
            "connect_timeout": CONNECT_TIMEOUT,
            "allow_http": str(self.allows_http).lower(),
            "max_retries": str(RETRIES),
            "retry_timeout": f"{RETRY_SECONDS}s",
        }


@dataclass(frozen=True)
class Bucket:
    """A folder in an object store; see `Disk` for what each method means."""

    uri: str
    _store: _Store = field(compare=False, repr=False)
    _folder: str = field(default="", compare=False, repr=False)

    look_every = 1.0
    """Looking at the log is a request that takes some ten milliseconds, and that the store charges for."""

    def __truediv__(self, name: str) -> Bucket:
        return Bucket(f"{self.uri}/{name}", self._store, f"{self._folder}{name}/")

    def __str__(self) -> str:
        return self.uri

    @property
    def lake(self) -> str:
        return self._store.url

    @property
    def options(self) -> dict[str, str]:
        return self._store.options

    @property
    def work(self) -> Path:
        return self._store.work

    def has_table(self) -> bool:
        """Asks the store itself: Delta holds up all threads of the process while it waits for that answer."""
        with self.explained():
            return any(obstore.list(self._store.client, f"{self._folder}_delta_log/", chunk_size=1))

    def identity(self, name: str) -> Hashable | None:
        with self.explained(), suppress(FileNotFoundError):
            return obstore.head(self._store.client, self._folder + name)["e_tag"]
        return None

    def paths(self, files: Iterable[tuple[str, int]]) -> list[str]:
        """Fetches those that are not here yet; raises LakeError."""
        object_sizes = [(self._folder + name, size) for name, size in files]
        with self.explained():
            try:
                return self._store.copies.paths(object_sizes, self._fetch)
            except FileNotFoundError as error:
                unreadable = LakeUnreadable(
                    f"A file of the lake in {self.lake} is gone or damaged: try again with its newest version."
                )
                raise store_problem(error, self.lake) or unreadable from None

    def make(self) -> None:
        """Folders of a store are but names."""

    def add(self, file: Path, name: str, *, copies: bool = False) -> None:
        """Brings it to the store; what is moved stays as the copy."""
        if not copies:
            file = file.replace(self._store.copies.new(self._folder + name))
        with self.explained():
            obstore.put(self._store.client, self._folder + name, file)

    def discard(self, name: str) -> None:
        """Removes the copy alone: of a commit whose answer was lost nobody knows whether it counts. A vacuum takes the rest."""
        self.forget([name])

    def forget(self, names: Iterable[str]) -> None:
        self._store.copies.forget(self._folder + name for name in names)

    def tighten(self) -> None:
        """Leaves it to the store who may read it."""

    def set_aside(self, names: Iterable[str]) -> None:
        """Leaves objects as they are: a store checks them itself."""

    def sync(self, name: str = "") -> None:
        """What the store has acknowledged stays."""

    def read(self, name: str) -> bytes | None:
        with self.explained(), suppress(FileNotFoundError):
            return self._read(name)[0]
        return None

    def replace(self, name: str, content: bytes | None, seen: bytes | None) -> bool:
        """Stores cannot remove on a condition: what somebody writes between the look and the removal is lost."""
        with self.explained():
            try:
                current, version = self._read(name)
            except FileNotFoundError:
                current, version = None, None
            if current != seen:
                return False
            if content is None:
                obstore.delete(self._store.client, self._folder + name)
                return True
            try:
                obstore.put(self._store.client, self._folder + name, content, mode=version or "create")
            except (AlreadyExistsError, PreconditionError):
                return self.read(name) == content  # it was ours if the answer to a first try was lost
        return True

    def names(self) -> list[str]:
        with self.explained():
            entries = obstore.list_with_delimiter(self._store.client, self._folder)["objects"]
        return [entry["path"].rsplit("/", 1)[-1] for entry in entries]

    def below(self) -> dict[str, tuple[int, float]]:
        with self.explained():
            listed = [entry for page in obstore.list(self._store.client, self._folder) for entry in page]
        return {each["path"].removeprefix(self._folder): (each["size"], each["last_modified"].timestamp()) for each in listed}

    def state(self) -> Hashable:
        """A listing is kept for a while: it is a request that the store charges for."""
        return time.monotonic() // LISTED_EVERY

    def drop(self, names: Iterable[str]) -> None:
        if keys := [self._folder + name for name in names]:
            with self.explained():
                obstore.delete(self._store.client, keys)
            self._store.copies.forget(keys)

    @contextmanager
    def explained(self) -> Generator[None]:
        """Errors of the store, and of the folder of its copies, become LakeErrors."""
        try:
            yield
        except CommitFailedError:
            raise
        except Exception as error:
            problem = store_problem(error, self.lake) or self._work_problem(error)
            if problem:
                raise problem from None  # what the error says of the request is not for a log
            raise

    def _read(self, name: str) -> tuple[bytes, UpdateVersion]:
        """A small object, and what tells it from another: S3 and Azure know it by its tag, Google by its version."""
        response = obstore.get(self._store.client, self._folder + name)
        version: UpdateVersion = {}
        if tag := response.meta["e_tag"]:
            version["e_tag"] = tag
        if number := response.meta["version"]:
            version["version"] = number
        return bytes(response.bytes()), version

    def _fetch(self, key: str, path: Path) -> None:
        with path.open("wb") as file:
            for chunk in obstore.get(self._store.client, key).stream(min_chunk_size=CHUNK_BYTES):
                file.write(chunk)

    def _work_problem(self, error: BaseException | None) -> LakeUnwritable | None:
        if isinstance(error, LakeUnwritable):
            return self._work_problem(error.__cause__)
        if isinstance(error, OSError) and error.errno and str(error.filename or self.work).startswith(str(self.work)):
            return LakeUnwritable(
                f"Copies of the lake in {self.lake} cannot be kept in {self.work} ({error.strerror}): make room there, "
                "or let USAGECOST_CACHE name another folder."
            )
        return None


def open_bucket(scheme: str, location: str) -> Bucket:
    """The folder that a URL names, as scheme and rest; raises LakeError if it is none of ours."""
    if scheme not in CREDENTIALS:
        raise LakeError(f"A lake cannot lie in {scheme}://: it is a folder, or s3://, gs:// or az:// with the name of a bucket.")
    bucket, _, prefix = location.strip("/").partition("/")
    if not bucket or "@" in bucket or ":" in bucket:
        raise LakeError(f"{scheme}:// wants the name of a bucket, and perhaps of a folder in it; credentials have no place there.")
    store = _Store(scheme, bucket, prefix)
    return Bucket(store.url, store)


def _copies_home() -> Path:
    """Where copies of remote lakes are kept: USAGECOST_CACHE, else the user's own cache."""
    home = os.environ.get("USAGECOST_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "usagecost")
    return Path(home).expanduser().absolute()


def _copies_bytes() -> int:
    """How much room they may take: USAGECOST_CACHE_GB, else `COPIES_GB`."""
    gigabytes = os.environ.get("USAGECOST_CACHE_GB") or str(COPIES_GB)
    if not _NUMBER.fullmatch(gigabytes):
        raise LakeError(f"USAGECOST_CACHE_GB is {gigabytes!r}: write a number of gigabytes, such as 2.5.")
    return int(float(gigabytes) * 1e9)
