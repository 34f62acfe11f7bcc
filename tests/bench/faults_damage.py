"""A small lake with everything in it, of which each file in turn is cut, flipped or removed; and what is asked of it then."""

from __future__ import annotations

import importlib
import json
import os
import pickle
import pkgutil
import re
import shutil
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

import usagecost
from tests.bill_rows import bill, line
from tests.engines import roll_up_everything
from tests.lake_rows import commit
from tests.views import request
from usagecost import schema
from usagecost.cli import app
from usagecost.lake import Lake, keys
from usagecost.lake.table import open_table
from usagecost.serve.http import Api
from usagecost.serve.tokens import make_token

HOME = Path(__file__).parents[2]
TEXTS = {
    "budgets.toml": '[[budget]]\nname = "All"\namount = 100\nperiod = "month"\n\n[alerts]\nsilent_hours = 24\n',
    "prices.toml": '[[price]]\nmodel = "m0"\ninput = 2\noutput = 8\n',
    "annotations.toml": '[[note]]\nat = 2026-05-02\ntext = "Moved"\n',
    "currencies.toml": '[[rate]]\ncurrency = "EUR"\nfrom = 2026-04-01\nper_usd = 0.9\n',
    "chargeback.toml": '[[shared]]\nname = "Shared"\nonly = { team = ["t0"] }\nsplit = "proportional"\n',
    "access.toml": '[[grant]]\nto = ["lea@example.com"]\nrole = "lead"\nteams = ["t0"]\n',
    "boards/own.toml": 'title = "Own"\n[[panel]]\nmetrics = ["spend_usd"]\n',
}
"""What people write: file, from the folder of the lake's -> its content."""
RANGE = {"range": "custom", "days": ["2026-05-01", "2026-05-03"]}
HTTP = (
    "/v1/usage?by=team&metrics=requests,spend_usd,latency_p95_ms&start=2026-05-01&end=2026-05-31",
    "/v1/requests?limit=50&start=2026-05-01&end=2026-05-31",
    "/v1/budgets",
    "/v1/reconciliation",
    "/metrics",
)
PAGES = ("app.py", *sorted(f"pages/{file.name}" for file in (HOME / "pages").glob("*.py")))

Answers = dict[str, Any]
"""Who was asked -> the numbers, or a sentence that begins with SAID, or a traceback that begins with TRACED."""
AGO = re.compile(r"\d+\s\w+ ago")
SAID, TRACED = "said: ", "traced: "


def make(root: Path) -> str:
    """Makes the lake, and returns a token of its API. Its log has checkpoints, its files rollups and indexes of keys."""
    patch = pytest.MonkeyPatch()
    roll_up_everything(patch)
    patch.setattr(keys, "LEAST_ROWS", 1)
    lake = Lake(root)
    for name, text in TEXTS.items():
        (file := root.parent / name).parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    part = [
        request(f"2026-05-0{1 + i % 3} {i % 24:02}:10", request_id=f"r{i}", model=f"m{i % 3}", team_id=f"t{i % 2}",
                provider="openai", user_id=f"u{i % 5}", duration_ms=10.0 + i, input_tokens=1000 + i, output_tokens=i,
                price_status="exact", list_cost_usd=Decimal(i) / 100)
        for i in range(120)
    ]  # fmt: skip
    commit(lake, *part[:60])
    open_table(lake._requests).alter.set_table_properties({"delta.checkpointInterval": "3"})
    logs = root.parent / "logs"
    logs.mkdir()
    _ingest(logs / "a.jsonl", lake, '{"request_id": "x", "started_at": "2026-05-01T10:00:00Z", "model": "m9"}\n{"broken\n')
    commit(lake, *part[60:100])
    for words in (["reprice"], ["remove", "--user", "u4", "--yes"]):
        _command(*words, "--lake", str(root))
    commit(lake, *part[100:])
    called = {"source": "test", "field": "team_id", "id": "t0", "name": "Search", "seen_at": datetime.now(UTC)}
    lake.keep_rows("names", pa.Table.from_pylist([called], schema.NAMES))
    lake.keep_rows("bills", bill(line("9.50", day=date(2026, 5, 2), provider="openai", model="m0", covers_first=date(2026, 5, 1),
                              covers_last=date(2026, 5, 31))))  # fmt: skip
    lake.keep_rows("alerts", pa.Table.from_pylist([_alert()], schema.ALERTS))
    _command("close", "2026-05", "--lake", str(root))
    lake.vacuum(0)  # so that only files stay that a question may read
    return make_token(lake, "all", date(2026, 5, 4), only={})


def _alert() -> dict[str, Any]:
    """An alert of this month's budget, which the next round would resolve."""
    said = {
        "id": "a",
        "event": "raised",
        "rule": "budget",
        "subject": "All",
        "threshold": "80",
        "title": "All",
        "body": "",
        "tell": "[]",
    }
    now = datetime.now(UTC)
    return said | {"period": f"{now:%Y-%m-01}", "channel": None, "outcome": None, "attempt": 0, "happened_at": now}


def _ingest(file: Path, lake: Lake, text: str) -> None:
    file.write_text(text)
    _command("ingest", str(file), "--lake", str(lake.root))


def ask(root: Path, token: str, *, of_pages: bool) -> Answers:
    """What is asked of a lake: by commands, over HTTP, and by pages."""
    os.environ["USAGECOST_LAKE"] = str(root)
    days = ("--start", "2026-05-01", "--end", "2026-05-31")
    found: Answers = {
        "audit": _told(lambda: _command("audit", "--report", "csv")),  # first, as others are recorded in it
        "summary": _told(lambda: _command("summary", *days, "--by", "user", "--format", "json")),
        "doctor": _told(lambda: _facts(_command("doctor"))),
        "ingests": _told(lambda: _loads(_command("ingests", "--report", "json"))),
        "repricings": _told(lambda: _command("repricings")),
        "reconcile": _told(lambda: _command("bill", "--reconcile", "--month", "2026-05")),
        "bills": _told(lambda: _command("bill", "--list")),
        "close": _told(lambda: _command("close", "2026-05")),
        "alerts": _told(lambda: _command("alerts", "--dry-run")),
        "prices": _told(lambda: _command("prices")),
        "load": _told(lambda: _loaded(root)),
    }
    with TestClient(Api(str(root)).app(), headers={"authorization": f"Bearer {token}"}) as client:
        for path in (
            "usage?by=team&metrics=requests,spend_usd,latency_p95_ms&",
            "requests?limit=50&",
            "budgets?",
            "reconciliation?",
        ):
            asked = f"/v1/{path}" + ("start=2026-05-01&end=2026-05-31" if "&" in path else "")
            found[asked] = _told(lambda asked=asked: _http(client, asked))
        found["/metrics"] = _told(lambda: _http(client, "/metrics"))
    for page in PAGES if of_pages else ():
        found[page] = _told(lambda page=page: _page(page))
    return found


def _told(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except Exception:
        return TRACED + traceback.format_exc(limit=-6)


def _command(*words: str) -> Any:
    done = CliRunner().invoke(app, [*words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    if done.exit_code:
        return SAID + done.output
    return AGO.sub("", re.sub("damaged and read around.*", "", done.stdout))


def _facts(told: str) -> str:
    """What of the health of a lake are numbers of requests."""
    names = ("Requests", "Days", "Newest", "Rejected", "Spend incomplete", "No list price")
    return told if told.startswith(SAID) else "\n".join(row for row in told.splitlines() if row.strip().startswith(names))


def _loads(told: str) -> Any:
    """What the history says of each load by its id; its time comes from another clock where the log has it no more."""
    return told if told.startswith(SAID) else {row["id"]: row | {"time": None} for row in json.loads(told)}


def _loaded(root: Path) -> Any:
    """What the same file, loaded once more, comes to: nothing new."""
    done = _command("ingest", str(root.parent / "logs" / "a.jsonl"), "--report", "json", "--dry-run")
    return done if done.startswith(SAID) else json.loads(done)["inserted"]


def _http(client: TestClient, path: str) -> Any:
    answer = client.get(path)
    if answer.status_code == 200:
        return re.sub(r'"period_share": [0-9.]+', "", answer.text)
    return f"{SAID}{answer.text}" if answer.status_code in (400, 401, 503) else f"{TRACED}{answer.status_code} {answer.text}"


def _page(file: str) -> Any:
    """The cards, tables, charts and words of a page, or what it says instead."""
    page = AppTest.from_file(str(HOME / "app.py"), default_timeout=120)
    page = page if file == "app.py" else page.switch_page(file)
    for name, value in RANGE.items():
        page.query_params[name] = value
    page.run()
    if page.exception:
        return TRACED + page.exception[0].value + " ".join(page.exception[0].stack_trace or ())
    warned = " ".join(element.value for element in (*page.warning, *page.error))
    told = [*(metric.value for metric in page.metric), *(frame.value.to_csv() for frame in page.dataframe)]
    told += [AGO.sub("", element.value) for element in (*page.markdown, *page.caption)]
    told += [sha256(chart.proto.SerializeToString()).hexdigest() for chart in page.get("vega_lite_chart")]
    return [*told, SAID + warned if warned else ""]


@dataclass(frozen=True)
class Case:
    """A file, from the folder of the lake's, and what is done to it."""

    file: str
    damage: str

    def do(self, folder: Path) -> None:
        """Damages the file: cut after two thirds, a bit changed at a place of its own, or gone."""
        path = folder / self.file
        content = path.read_bytes()
        if self.damage == "removed" or not content:
            path.unlink()
        elif self.damage == "cut":
            path.write_bytes(content[: len(content) * 2 // 3])
        else:
            where = int(self.damage.split()[1]) * (len(content) - 1) // 100
            path.write_bytes(content[:where] + bytes([content[where] ^ 1]) + content[where + 1 :])


def cases(folder: Path, places: int) -> Iterator[Case]:
    """Each file three times; of rollups and requests, of which there are many alike, one a folder. Flips at so many places."""
    seen: set[str] = set()
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not path.is_file() or name.endswith(".lock"):
            continue
        is_alike = name.endswith((".parquet", ".npy")) and "_delta_log" not in name
        if is_alike and str(path.parent) in seen:
            continue
        seen.add(str(path.parent) if is_alike else name)
        yield Case(name, "cut")
        yield Case(name, "removed")
        for place in range(places):
            yield Case(name, f"flipped {(2 * place + 1) * 100 // (2 * places)}")


def import_everything() -> None:
    """Imports all modules, so that processes that are forked need not."""
    for module in pkgutil.walk_packages(usagecost.__path__, "usagecost."):
        if not module.name.endswith("__main__"):
            with suppress(ImportError):  # what only a part of the installations has
                importlib.import_module(module.name)


def in_a_process(work: Callable[[], Any]) -> Any:
    """What a function returns that runs in a process of its own: the threads of an engine do not survive a fork."""
    ours, theirs = os.pipe()
    if not os.fork():
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        found = _told(work)
        with os.fdopen(theirs, "wb") as told:
            pickle.dump(found, told)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as heard:
        said = heard.read()
    os.wait()
    return pickle.loads(said)  # noqa: S301 - of our own process


def answers_after(case: Case | None, whole: Path, token: str, *, of_pages: bool) -> Answers:
    """Damages a copy of the lake, looks for damage, and asks it."""
    copy = whole.parent / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(whole, copy)
    if case:
        case.do(copy)

    def verified_and_asked() -> Answers:
        verified = str(_told(lambda: _command("doctor", "--verify", "--lake", str(copy / "lake"))))
        found = ask(copy / "lake", token, of_pages=of_pages)
        return found | ({"verify": verified} if verified.startswith(TRACED) else {})

    return in_a_process(verified_and_asked)


def wrong(case: Case, right: Answers, found: Answers) -> Iterator[str]:
    """What is neither the right number nor a sentence. What people write may say another thing when it is changed, and without
    names ids are shown.
    """
    is_of_people = case.file in (*TEXTS, "tokens.toml") or case.file.startswith(("logs/", "lake/names/"))
    for who, told in found.items():
        text = str(told)
        if text.startswith(TRACED) or "Traceback" in text:
            yield f"{who}: {text[-600:]}"
        elif is_of_people or told == right.get(who) or (who == "ingests" and _is_less(told, right[who])):
            continue
        elif isinstance(told, list) and says(told, right.get(who)):
            yield from (f"{who}: {one[:300]}, beside a sentence" for one in told[:-1] if one not in right[who])
        elif not says(told, right.get(who)):
            yield f"{who}: {text[:300]} instead of {str(right.get(who))[:300]}"


def _is_less(told: Any, right: dict[str, dict[str, Any]]) -> bool:
    """Whether a history says of some facts that they are unknown, and the others are right."""
    return isinstance(told, dict) and all(
        value is None or value == right.get(load, {}).get(name) for load, row in told.items() for name, value in row.items()
    )


def says(told: Any, right: Any) -> bool:
    """Whether an answer is a sentence, which the right one is not; of a page its last words are."""
    said, before = (told[-1], right[-1]) if isinstance(told, list) and isinstance(right, list) else (told, right)
    return str(said).startswith(SAID) and said != before


def kind_of(file: str) -> str:
    """What kind of file it is, for counting: a table's log or data, rollups, indexes, or a text."""
    parts = Path(file).parts
    if parts[0] != "lake":
        return "beside the lake"
    inner = next((part for part in parts if part in ("_delta_log", "_rollups", "_keys")), "data")
    return f"{parts[1]}: {inner}" if len(parts) > 2 else "lake"
