"""What goes wrong between the app and an object store: one calm sentence with the cure, no secret, and no half commit."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.lake_rows import commit, row, rows_of
from tests.object_store import BUCKET, KEYS, s3_server, s3_settings
from tests.pages import opened
from tests.test_cli import TABLE, run
from tests.views import days, view
from usagecost import queries
from usagecost.lake import Lake, LakeError, LakeMissing, LakeUnreachable, bucket

pytestmark = pytest.mark.slow

HOME = Path(__file__).parents[1]

Use = Callable[[Lake], object]
USES: dict[str, Use] = {
    "exists": lambda lake: lake.exists,
    "version": lambda lake: lake.version(),
    "snapshot": lambda lake: lake.snapshot(),
    "history": lambda lake: lake.history(),
    "rejects": lambda lake: lake.rows("rejects"),
    "commit": lambda lake: commit(lake, row()),
    "compact": lambda lake: lake.compact(),
    "vacuum": lambda lake: lake.vacuum(),
    "write_text": lambda lake: lake.texts.put("prices.toml", "x", seen=None),
}
"""All that reaches out to the store first."""


def sentence(use: Use, lake: Lake) -> str:
    """What a person is told: one sentence and its cure, without a word of the keys or of the request."""
    with pytest.raises(LakeUnreachable) as raised:
        use(lake)
    text = str(raised.value)
    assert text.count("\n") == 0
    assert len(text) < 300
    for private in (*KEYS.values(), "127.0.0.1", "http", "Generic", "Error performing"):
        assert private not in text
    assert raised.value.__suppress_context__, "the error beneath may name the request"
    return text


@pytest.fixture(scope="module")
def refusing() -> Iterator[str]:
    """The URL of a store that knows none of our keys."""
    with s3_server(INITIAL_NO_AUTH_ACTION_COUNT="1") as url:
        yield url


@pytest.fixture
def locked_out(refusing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake whose store knows none of our keys."""
    for name, value in {**s3_settings(refusing), "USAGECOST_CACHE": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    return Lake(f"s3://{BUCKET}/{uuid.uuid4()}")


def test_without_credentials_the_variables_are_named(new_lake: Callable[[], str], monkeypatch: pytest.MonkeyPatch):
    lake = new_lake()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    for use in USES.values():
        assert sentence(use, Lake(lake)) == (
            f"There are no credentials for the lake in {lake}: set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, "
            "as environment variables or Streamlit secrets."
        )


def test_wrong_credentials_are_refused(locked_out: Lake):
    for use in USES.values():
        assert re.fullmatch(
            rf"The store refuses the credentials for the lake in {locked_out.name} \((InvalidAccessKeyId|403 Forbidden)\): "
            r"check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, and what they permit\.",
            sentence(use, locked_out),
        )


def test_a_bucket_that_is_not_there_is_named(new_lake: Callable[[], str]):
    new_lake()

    for use in USES.values():
        assert sentence(use, Lake("s3://no-such-bucket/lake")) == (
            "The bucket of the lake in s3://no-such-bucket/lake does not exist: create it, or correct the lake's name."
        )


def test_a_server_that_is_away_is_said_to_be_away_and_what_was_read_stays_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with s3_server() as url:
        for name, value in {**s3_settings(url), "USAGECOST_CACHE": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        lake = Lake(f"s3://{BUCKET}/{uuid.uuid4()}")
        commit(lake, row("a"))
        asked = view(lake.name, days("2026-05-01"))
        assert queries.usage(asked, "model").totals["requests"] == 1

    for use in USES.values():
        assert sentence(use, Lake(lake.name)) == (
            f"The store of the lake in {lake.name} does not answer: check the network, and AWS_ENDPOINT_URL if it is set; "
            "try again."
        )
    monkeypatch.setattr(bucket, "LISTED_EVERY", 1e-9)
    assert queries.usage(asked, "model").totals["requests"] == 1, "a version that is known is read from the copies"


def test_a_place_without_a_lake_says_how_to_make_one(new_lake: Callable[[], str]):
    lake = Lake(new_lake())

    assert not lake.exists
    assert lake.texts.read("prices.toml") is None
    for use in (USES["version"], USES["snapshot"], USES["history"]):
        with pytest.raises(LakeMissing, match=f"{lake.name}: load a log with `python -m usagecost ingest`"):
            use(lake)


@pytest.mark.parametrize("name", ["ftp://bucket/lake", "http://bucket", "s3://", "s3://key:secret@bucket/lake", "az://a@b/c"])
def test_a_url_that_names_no_bucket_of_ours_is_refused_without_repeating_it(name: str):
    with pytest.raises(LakeError) as raised:
        Lake(name)

    assert "secret" not in str(raised.value)
    assert "bucket" in str(raised.value)


def test_an_account_that_is_not_named_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("USAGECOST_CACHE", str(tmp_path))
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)

    with pytest.raises(LakeUnreachable, match="set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"):
        Lake("az://container/lake").version()


def test_copies_that_find_no_room_name_the_folder(new_lake: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file in the place of the folder: what a full or read-only disk is to root as well."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("USAGECOST_CACHE", str(tmp_path / "file"))

    with pytest.raises(LakeError, match="let USAGECOST_CACHE name another folder"):
        commit(Lake(new_lake()), row())


@pytest.mark.parametrize("said", ["much", "-1", "nan", "1e9"])
def test_room_that_is_no_number_is_refused(new_lake: Callable[[], str], monkeypatch: pytest.MonkeyPatch, said: str):
    monkeypatch.setenv("USAGECOST_CACHE_GB", said)

    with pytest.raises(LakeError, match="write a number of gigabytes"):
        Lake(new_lake())


# ---- answers that are lost


class _Forgetful(BaseHTTPRequestHandler):
    """Passes requests on to the server, and swallows the first answer to the writing of one object."""

    protocol_version = "HTTP/1.1"
    server: _Proxy

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        onward = HTTPConnection(self.server.behind)
        onward.request(self.command, self.path, body, dict(self.headers))
        answer = onward.getresponse()
        content = answer.read()
        if self.command == "PUT" and self.server.forgets in self.path:
            self.server.forgets = "nothing more"
            self.server.forgotten.append(answer.status)
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on  # noqa: N815 - the base's names

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class _Proxy(ThreadingHTTPServer):
    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Forgetful)
        self.behind, self.forgets, self.forgotten = behind.removeprefix("http://"), "nothing yet", []


@contextmanager
def proxy(behind: str) -> Iterator[_Proxy]:
    with _Proxy(behind) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def test_a_commit_whose_answer_was_lost_is_whole_and_can_be_repeated(
    s3: str, new_lake: Callable[[], str], monkeypatch: pytest.MonkeyPatch
):
    """The entry is in the log, but who wrote it was not told: the files that it names must not be taken for left-overs."""
    name = new_lake()
    with proxy(s3) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{between.server_port}")
        lake = Lake(name)
        commit(lake, row("a"))
        between.forgets = f"{2:020}.json"
        with suppress(LakeUnreachable):
            commit(lake, row("a", rank=1), row("b"))
        assert between.forgotten == [200]
        assert commit(lake, row("a", rank=1), row("b")).unchanged == 2

        assert lake.version() == 2
        assert rows_of(lake, "request_id", "rank") == [("a", 1), ("b", 0)]


def test_a_text_whose_answer_was_lost_is_not_taken_for_anothers(
    s3: str, new_lake: Callable[[], str], monkeypatch: pytest.MonkeyPatch
):
    name = new_lake()
    with proxy(s3) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{between.server_port}")
        lake = Lake(name)
        between.forgets = "prices.toml"
        with suppress(LakeUnreachable):
            lake.texts.put("prices.toml", "ours", seen=None)
        assert between.forgotten == [200]
        assert lake.texts.read("prices.toml") == "ours"


# ---- people


def test_the_commands_say_it_and_end(locked_out: Lake, tmp_path: Path):
    (tmp_path / "requests.csv").write_text(TABLE)
    commands = (
        ("ingest", tmp_path / "requests.csv"),
        ("doctor",),
        ("summary", "--start", "2026-05-01", "--end", "2026-05-01"),
        ("sample",),
    )
    for command in commands:
        done = run(*command, "--lake", locked_out.name)
        assert done.exit_code == 1
        assert "refuses the credentials" in done.output
        assert "Traceback" not in done.output


def test_the_page_says_it_calmly(locked_out: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("USAGECOST_LAKE", locked_out.name)

    assert "refuses the credentials" in opened().warning[0].value.replace("\\", "")


AS_THE_SERVER_STARTS = """
import streamlit
assert streamlit.secrets.load_if_toml_exists()
from usagecost.lake import Lake, lake_root
print(Lake(lake_root()).snapshot().rows)
"""
"""Streamlit reads its secrets before the first page; the top-level ones become environment variables."""


def test_credentials_may_be_secrets_of_streamlit(new_lake: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    name = new_lake()
    commit(Lake(name), row("a"), row("b"))
    (tmp_path / ".streamlit").mkdir()
    secrets = {"USAGECOST_LAKE": name, **KEYS}
    (tmp_path / ".streamlit" / "secrets.toml").write_text("\n".join(f'{key} = "{value}"' for key, value in secrets.items()))
    for variable in KEYS:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PYTHONPATH", str(HOME))
    started = subprocess.run(
        [sys.executable, "-c", AS_THE_SERVER_STARTS], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert started.stdout == "2\n"
