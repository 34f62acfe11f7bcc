"""Sample data in lakes of its own, so that the pages can be tried before any log is loaded.

One folder for each end of the sample, never mixed with real data. A folder appears whole and is not touched again.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from filelock import FileLock

from usagecost.ingest import Report, load
from usagecost.lake import Lake, LakeUnwritable
from usagecost.sample.table import DAYS, SEED, sample_requests
from usagecost.schema import REJECTS
from usagecost.sources import Batch

MAKING = ".making-"
BEGUN_SHARE, WRITTEN_SHARE = 0.1, 0.4
"""How far a sample is when its folder is there, and when its requests are made and priced; the rest is writing them."""
FOLDER_NAME = "%Y-%m-%dT%H-%M-%SZ"
FRESH_FOR = timedelta(days=1)
LIFETIME = timedelta(days=2)
"""Longer than fresh: a page that still shows yesterday's sample keeps its files."""
AHEAD = timedelta(minutes=1)
"""Who has waited for another to make the sample finds it a little ahead of the time they came."""


def sample_root() -> Path:
    """The folder of the sample lakes: USAGECOST_SAMPLE, else data/sample in the repository."""
    return Path(os.environ.get("USAGECOST_SAMPLE") or Path(__file__).parents[2] / "data" / "sample")


def ensure_sample(root: Path, now: datetime) -> Path:
    """The folder of a sample lake that ends less than a day before `now`; made when there is none.

    Of several processes that need it at once, one makes it and the others wait for it. Where the folder cannot be written to, it
    is made in one of the system's for temporary files; raises LakeUnwritable if that cannot be done either.
    """
    try:
        return _fresh_or_new(root, now)
    except (OSError, LakeUnwritable):
        spare = _spare_root()
    try:
        spare.mkdir(mode=0o700, parents=True, exist_ok=True)
        if hasattr(os, "getuid") and spare.stat().st_uid != os.getuid():
            raise PermissionError(errno.EPERM, "The folder belongs to another user")
        return _fresh_or_new(spare, now)
    except (OSError, LakeUnwritable) as problem:
        raise LakeUnwritable(
            f"The sample can be written neither to {root} nor to {spare}: set USAGECOST_SAMPLE to a folder that can be written to, "
            "or USAGECOST_LAKE to a lake of your own."
        ) from problem


def _fresh_or_new(root: Path, now: datetime) -> Path:
    fresh = _fresh(root, now)
    if fresh:
        return fresh
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / ".lock"):
        return _fresh(root, now) or _make(root, now)


def _spare_root() -> Path:
    """The user's own folder for samples among the system's temporary files."""
    return Path(tempfile.gettempdir(), f"usagecost-sample-{os.getuid() if hasattr(os, 'getuid') else 'user'}")


def sample_progress(root: Path) -> float:
    """About how far a sample is that is being made, from 0 to 1: its requests are made and priced, then written day by day."""
    making = next(root.glob(f"{MAKING}*"), None)
    if making is None:
        return 0.0
    written = sum(1 for _ in making.glob("requests/day=*")) / (DAYS + 1)
    return WRITTEN_SHARE + (1 - WRITTEN_SHARE) * min(1.0, written) if written else BEGUN_SHARE


def write_sample(folder: str | Path, end: datetime, seed: int = SEED) -> Report:
    """Makes one sample lake in a folder, the way every log takes: priced, then committed once."""
    return load(sample_batches(end, seed), Lake(folder))


def sample_batches(end: datetime, seed: int = SEED) -> Iterator[Batch]:
    """The sample as a source would read it: one batch, nothing rejected."""
    requests = sample_requests(end, seed)
    yield Batch(requests=requests, rejects=REJECTS.empty_table(), lines=requests.num_rows, bytes_read=0)


def _fresh(root: Path, now: datetime) -> Path | None:
    """The newest sample that is not a day old; those that end in the future are another clock's."""
    ages = {folder: now - end for folder, end in _lakes(root)}
    young = sorted((folder for folder, age in ages.items() if -AHEAD <= age < FRESH_FOR), reverse=True)
    return next((folder for folder in young if _has_todays_columns(folder)), None)


@cache
def _has_todays_columns(folder: Path) -> bool:
    """Whether a sample was made by this version of the app; it is never changed, so it is looked at once."""
    return not Lake(folder).lacks_columns()


def _make(root: Path, now: datetime) -> Path:
    """Builds a sample beside its place and renames it there. The caller holds the lock."""
    _remove_old(root, now)
    end = now.astimezone(UTC).replace(microsecond=0)
    making = root / f"{MAKING}{end.strftime(FOLDER_NAME)}"
    write_sample(making, end)
    return making.rename(root / end.strftime(FOLDER_NAME))


def _remove_old(root: Path, now: datetime) -> None:
    """Removes old samples, and what a killed process left half made."""
    old = [folder for folder, end in _lakes(root) if now - end > LIFETIME]
    for folder in [*old, *root.glob(f"{MAKING}*")]:
        shutil.rmtree(folder, ignore_errors=True)


def _lakes(root: Path) -> Iterator[tuple[Path, datetime]]:
    """Every sample lake and its end; what else lies in the folder is not ours."""
    for folder in root.glob("*"):
        try:
            yield folder, datetime.strptime(folder.name, FOLDER_NAME).replace(tzinfo=UTC)
        except ValueError:
            continue
