"""What several tests need: lakes of literal requests, and the sample, made once."""

from __future__ import annotations

import gc
import logging
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from tests.engines import roll_up_everything
from tests.lake_rows import Row
from tests.object_store import BUCKET, SETTINGS, gs_server, s3_server
from tests.pages import quick_pages
from tests.postgres import Server, programs, running_server
from tests.questions import varied_rows
from tests.views import write_lake
from tests.webhook import Receiver, webhook
from usagecost.lake import keys, rollup_files

settings.register_profile("shared machine", deadline=None, max_examples=20, derandomize="CI" in os.environ)
settings.load_profile("shared machine")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What drives a Chromium is slow: that starts a server and a browser first."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """What is imported by now stays to the end: to look through it for garbage again and again takes longer than most tests. So it
    does to listen to sixty loggers of Streamlit three times a test; the one above them is enough.
    """
    gc.freeze()
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.propagate = True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """In the last minutes of a day waits for the next: a test asks twice what day it is, and each time means the same. Seconds ago
    is the same day then, too.
    """
    now = datetime.now(UTC)
    left = (now.replace(hour=0, minute=0, second=10, microsecond=0) + timedelta(days=1) - now).total_seconds()
    if left < 120:
        time.sleep(left)


@pytest.fixture(scope="session")
def lake_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Makes a new lake of the requests given and returns its folder: ``lake_of(request(...), request(...))``."""
    return lambda *rows: write_lake(tmp_path_factory.mktemp("lake"), rows)


class ManyRows(list[Row]):
    """Rows that a failing law does not print one by one."""

    def __repr__(self) -> str:
        return f"<{len(self)} rows>"


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run that all its workers share, for what takes long to make and is only read."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def varied(shared_folder: Path) -> tuple[str, list[Row]]:
    """A lake of some thousand varied requests, and the requests themselves, which are the same in every worker.

    Its fuller days, on which clocks change, have rollups; those around them are read from their requests.
    """
    rows = ManyRows({**row, "request_id": f"varied-{number}"} for number, row in enumerate(varied_rows()))
    folder = shared_folder / "varied"
    with FileLock(f"{folder}.lock"), pytest.MonkeyPatch.context() as patch:
        if not folder.exists():
            roll_up_everything(patch, least_rows=25)
            Path(write_lake(f"{folder}-in-the-making", rows)).rename(folder)
    return str(folder), rows


@pytest.fixture(scope="session")
def sample_lake(shared_folder: Path) -> str:
    """A lake of sample data that ends now."""
    from usagecost.sample import ensure_sample

    return str(ensure_sample(shared_folder / "sample", datetime.now(UTC)))


@pytest.fixture
def ops(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """The receiver of the channel ops."""
    with webhook() as receiver:
        monkeypatch.setenv("USAGECOST_ALERT_OPS", receiver.url)
        yield receiver


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The URL of an S3 server that lets everybody in."""
    with s3_server() as url:
        yield url


@pytest.fixture(scope="session")
def gs(s3: str) -> Iterator[str]:
    """The URL of a server that speaks as Google's store does."""
    with gs_server(s3) as url:
        yield url


@pytest.fixture
def new_lake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Gives URLs in a store, ``s3`` or ``gs``, at which there is no lake yet; the environment says how to get there."""
    monkeypatch.setenv("USAGECOST_CACHE", str(tmp_path / "cache"))

    def url(kind: str = "s3") -> str:
        if store := os.environ.get("USAGECOST_TEST_STORE"):
            return f"{store}/{uuid.uuid4()}/lake"
        for name, value in SETTINGS[kind](request.getfixturevalue(kind)).items():
            monkeypatch.setenv(name, value)
        return f"{kind}://{BUCKET}/{uuid.uuid4()}/lake"

    return url


@pytest.fixture(scope="module")
def key_indexes() -> Iterator[None]:
    """Every file has an index of its keys, however small it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "LEAST_ROWS", 1)
        yield


@pytest.fixture
def rolled_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lakes made from now on have rollups of every file, however small it is and however much room they take."""
    roll_up_everything(monkeypatch)


@pytest.fixture(autouse=True)
def engine_in_use(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[str]:
    """What answers in a test: DuckDB, or what `tests.engines` asks for. Answers that one engine gave are none of the other's, and
    where rollups answer they do so without help.
    """
    named = getattr(request, "param", None)
    if named is None:
        yield "duckdb"
        return
    if named == "clickhouse":
        pytest.importorskip("chdb", reason="ClickHouse within this process is not installed: pip install chdb")
        monkeypatch.setenv("USAGECOST_ENGINE", "chdb://memory")
    elif named == "rollups":
        roll_up_everything(monkeypatch)
    else:
        monkeypatch.setattr(rollup_files, "ROLLUPS", {})
    _forget_answers()
    yield named
    assert not [one for one in caplog.get_records("call") if "Rollups cannot be read" in one.message]
    _forget_answers()


def _forget_answers() -> None:
    from usagecost.ui.memory import forget

    forget()


@pytest.fixture(autouse=True)
def _asks_nobody() -> None:
    """A process that has asked for a sign-in asks ever after; one of tests has many apps."""
    if "usagecost.ui.reader" in sys.modules:
        sys.modules["usagecost.ui.reader"].door.clear()


@pytest.fixture(autouse=True, scope="session")
def _no_warnings_about_a_missing_app() -> None:
    """Streamlit's cache logs that no app is running; in tests that is meant."""
    logging.getLogger("streamlit.runtime.caching.cache_data_api").disabled = True


@pytest.fixture(autouse=True, scope="session")
def _no_wait_for_the_disk() -> Iterator[None]:
    """What is written need not outlive this machine here, and to wait until it would takes longer than to write it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def _quick_pages() -> Iterator[None]:
    with quick_pages():
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of these tests' own."""
    where = programs()
    if where is None:
        reason = "there is no PostgreSQL server here: apt-get install postgresql"
        assert not os.environ.get("USAGECOST_REQUIRE_POSTGRES"), reason
        pytest.skip(reason)
    with running_server(where) as server:
        yield server
