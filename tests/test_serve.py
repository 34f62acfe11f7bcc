"""The API: who may ask, what it answers, and that it answers what the pages show, of what a token may see only."""

from __future__ import annotations

import base64
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import pytest
import uvicorn
from starlette.testclient import TestClient

from tests.lake_rows import commit
from tests.loopback import free_port
from tests.receiver import wait_until
from tests.test_bill_lines import lines
from tests.test_cli import run
from tests.views import request, write_lake
from usagecost import engine
from usagecost.access import Grant, add_grant
from usagecost.lake import Lake
from usagecost.queries.requests import SORTS
from usagecost.serve.http import Allowance, Api
from usagecost.serve.tokens import make_token, read_tokens
from usagecost.ui.memory import forget
from usagecost.vocabulary import METRICS
from usagecost.vocabulary.filters import EVERYTHING

HOME = Path(__file__).parents[1]
DAYS = {"start": "2026-05-01", "end": "2026-05-02", "zone": "UTC"}
SPENT = {"team_id": "search", "reported_cost_usd": Decimal("1.25")}
OF_SEARCH = (
    request("2026-05-01 10:00", model="a", user_id="ann", duration_ms=100.0, **SPENT),
    request("2026-05-02 10:00", model="b", user_id="bob", status="error", **SPENT),
)
OF_ADS = (
    request("2026-05-02 11:00", team_id="ads", model="a", user_id="=cmd()", reported_cost_usd=Decimal("4.00")),
    request("2026-05-02 12:00", team_id="ads", model="c", price_status="unpriced"),
)
Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two teams: search spent 1.25 on each of two days, of two models; ads 4.00 on one, and something unknown."""
    return write_lake(tmp_path_factory.mktemp("serve") / "lake", [*OF_SEARCH, *OF_ADS])


@pytest.fixture(scope="module")
def tokens(root: str) -> dict[str, str]:
    today = date(2026, 5, 3)
    makes = {"all": {}, "search": {"team": ("search",)}, "old": {}}
    until = {"old": date(2026, 5, 4)}
    made = {name: make_token(Lake(root), name, today, until=until.get(name), only=only) for name, only in makes.items()}
    add_grant(Lake(root), Grant(to=("lea@example.com",), role="lead", teams=("search",)))
    return made | {who: make_token(Lake(root), who, today, only={}, person=f"{who}@example.com") for who in ("lea", "nob")}


@pytest.fixture(scope="module")
def ask(root: str, tokens: dict[str, str]) -> Iterator[Ask]:
    """Asks the API with a token by its name here, or as it stands, or with none."""
    with TestClient(Api(root, per_minute=10_000).app()) as client:

        def get(path: str, who: str | None = "all", seen: str = "", **query: Any) -> httpx.Response:
            headers = {"authorization": f"Bearer {tokens.get(who, who)}"} if who else {}
            return client.get(path, params=query, headers=headers | ({"if-none-match": seen} if seen else {}))

        yield get


@pytest.fixture
def own(root: str, tokens: dict[str, str], tmp_path: Path) -> str:  # noqa: ARG001 - the tokens are beside the other lake
    """A lake of one test's own, with search's requests and the same tokens."""
    lake = Lake(write_lake(tmp_path / "lake", OF_SEARCH))
    lake.texts_beside().put("tokens.toml", Lake(root).texts_beside().read("tokens.toml"), seen=None)
    return lake.name


def rows(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param(
            {"by": "team", "metrics": "spend_usd,requests,incomplete_requests"},
            [
                {"team": "ads", "spend_usd": 4.0, "requests": 2, "incomplete_requests": 1},
                {"team": "search", "spend_usd": 2.5, "requests": 2, "incomplete_requests": 0},
            ],
            id="one row a team, the dearest first",
        ),
        pytest.param(
            {"by": "model", "interval": "day", "metrics": "requests", "filter": "team=search", "zone": "Asia/Tokyo"},
            [
                {"start": "2026-05-01T00:00:00+09:00", "model": "a", "requests": 1},
                {"start": "2026-05-02T00:00:00+09:00", "model": "b", "requests": 1},
            ],
            id="a row an interval and value where something was sent",
        ),
        pytest.param(
            {"interval": "day", "metrics": "requests,avg_latency_ms", "end": "2026-05-03"},
            [
                {"start": "2026-05-01T00:00:00+00:00", "requests": 1, "avg_latency_ms": 100.0},
                {"start": "2026-05-02T00:00:00+00:00", "requests": 3, "avg_latency_ms": None},
                {"start": "2026-05-03T00:00:00+00:00", "requests": 0, "avg_latency_ms": None},
            ],
            id="without a split an interval without requests is there, and what is unknown is null",
        ),
    ],
)
def test_usage_is_told_in_rows(ask: Ask, query: dict[str, str], found: list[dict[str, Any]]):
    assert rows(ask("/v1/usage", **DAYS | query)) == found


def test_the_numbers_are_those_of_the_command(ask: Ask, root: str):
    asked = ["spend_usd", "requests", "success_rate", "latency_p95_ms"]
    said = run("summary", "--start", DAYS["start"], "--end", DAYS["end"], "--by", "model", "--lake", root, "--format", "json",
               *(word for name in asked for word in ("--metric", name)))  # fmt: skip
    of_command = [{name: row[name] for name in ("model", *asked)} for row in json.loads(said.stdout)]

    assert rows(ask("/v1/usage", by="model", metrics=",".join(asked), **DAYS)) == of_command


@pytest.mark.parametrize(("who", "teams"), [("lea", {"search"}), ("nob", set())])
def test_a_token_of_a_person_sees_what_they_see(ask: Ask, who: str, teams: set[str]):
    assert {row["team"] for row in rows(ask("/v1/usage", who, by="team", **DAYS))} == teams
    assert {row["team_id"] for row in rows(ask("/v1/requests", who, **DAYS))} == teams
    assert rows(ask("/v1/reconciliation", who)) == []


def test_a_token_sees_its_scope_whatever_it_asks(ask: Ask):
    assert [row["team"] for row in rows(ask("/v1/usage", "search", by="team", **DAYS))] == ["search"]
    assert rows(ask("/v1/usage", "search", by="team", filter="team=ads", **DAYS)) == []
    assert rows(ask("/v1/usage", "search", metrics="requests", filter="team!=search", **DAYS)) == [{"requests": 0}]
    assert {row["team_id"] for row in rows(ask("/v1/requests", "search", **DAYS))} == {"search"}
    assert rows(ask("/v1/usage", "search", filter="user=nobody", **DAYS))[0]["requests"] == 0
    assert ask("/healthz", "search").json() == {"status": "ok"}
    newest = rows(ask("/v1/requests", "search", limit="1", **DAYS))[0]["started_at"]
    assert f"_seconds {datetime.fromisoformat(newest).timestamp()!r}" in ask("/metrics", "search").text


def test_nothing_of_others_changes_what_a_token_is_told(root: str, tokens: dict[str, str], own: str):
    """The same requests without those of others, asked with the same token."""
    header = {"authorization": f"Bearer {tokens['search']}"}
    paths = [
        f"/v1/usage?start=2026-05-01&end=2026-05-02&{rest}"
        for rest in ("by=team", "by=user&interval=day", "by=weekday", "metrics=latency_p95_ms,active_users", "filter=user!=ann")
    ]
    paths += [f"/v1/requests?start=2026-05-01&end=2026-05-02&limit=1&sort={sort}" for sort in ("time", "cost")]
    with TestClient(Api(root, "team").app()) as one, TestClient(Api(own, "team").app()) as two:
        for path in (*paths, "/v1/budgets", "/metrics", "/healthz"):
            answers = [client.get(path, headers=header) for client in (one, two)]
            assert [answer.status_code for answer in answers] == [200, 200]
            assert answers[0].text == answers[1].text, path
            assert "etag" not in answers[0].headers


@pytest.mark.parametrize("token", [None, "uc_guessed", "old", ""])
def test_who_shows_no_token_in_use_is_told_nothing(ask: Ask, token: str | None):
    for path in ("/v1/usage", "/v1/requests", "/v1/budgets", "/v1/vocabulary", "/metrics"):
        answer = ask(path, token)
        assert (answer.status_code, list(answer.json()), answer.headers["www-authenticate"]) == (401, ["error"], "Bearer")
    assert ask("/healthz", None).json() == {"status": "ok"}
    assert ask("/healthz").json() == {"status": "ok", "version": 1, "newest_request": "2026-05-02T12:00:00+00:00"}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"metrics": "spend"}, "metrics: 'spend' is no metric; use requests"),
        ({"by": "teams"}, "by: 'teams' is no split"),
        ({"interval": "year"}, "interval: 'year' is no interval"),
        ({"interval": "hour", "start": "2026-01-01", "end": "2026-05-01"}, "121 days: ask for 31 at most"),
        ({"start": "1.5.2026"}, "start '1.5.2026' is no day: write it as 2026-11-23."),
        ({"start": "2026-05-03", "end": "2026-05-02"}, "exchange them"),
        ({"zone": "Mars"}, "no time zone"),
        ({"filter": "tame=search"}, "filter 'tame=search' is none"),
        ({"start": "9999-12-31", "end": "9999-12-31"}, "9999-12-31 is out of reach"),
        ({"end": "0001-01-05"}, "end 0001-01-05 is out of reach"),
        ({"by": ["team", "model"]}, "by is there twice: name one."),
        ({"filtre": "team=search"}, "the query: 'filtre' is no parameter"),
        ({"format": "xml"}, "format: 'xml' is none; use json or csv."),
    ],
)
def test_a_question_that_means_nothing_is_refused_with_a_sentence(ask: Ask, query: dict[str, Any], words: str):
    answer = ask("/v1/usage", **query)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize(("sort", "order"), [("time", "desc"), ("cost", "asc"), ("latency", "desc"), ("model", "asc")])
def test_pages_of_requests_follow_each_other(ask: Ask, sort: str, order: str):
    whole = rows(ask("/v1/requests", sort=sort, order=order, **DAYS))
    paged, cursor = [], ""
    while cursor is not None:
        answer = ask("/v1/requests", sort=sort, order=order, limit=1, cursor=cursor, **DAYS)
        paged += rows(answer)
        cursor = answer.json()["next"]

    assert len(whole) == 4
    assert paged == whole


def test_a_cursor_of_another_order_or_of_nobody_is_refused(ask: Ask):
    cursor = ask("/v1/requests", sort="cost", limit=1, **DAYS).json()["next"]

    assert ask("/v1/requests", sort="time", cursor=cursor, **DAYS).status_code == 400
    assert ask("/v1/requests", sort="cost", cursor="W10", **DAYS).status_code == 400
    for value, instant in (("x", 0), (1, 10**30), ([1], 1), (1.5, -(10**17))):
        place = json.dumps(["time", True, value, instant, "test", "a"]).encode()
        assert ask("/v1/requests", cursor=base64.urlsafe_b64encode(place).decode(), **DAYS).status_code == 400


def test_an_answer_links_to_the_page_of_the_same(ask: Ask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("USAGECOST_ADDRESS", "https://usage.example.com/")
    days = "range=custom&days=2026-05-01&days=2026-05-02&compare=before&zone=UTC"

    assert ask("/v1/usage", filter="team=ads", **DAYS).json()["page"] == f"https://usage.example.com/?{days}&team=ads"


def test_csv_runs_no_formula(ask: Ask):
    text = ask("/v1/usage", by="user", metrics="requests", format="csv", filter="team=ads", **DAYS).text

    assert text == "user,requests\n'=cmd(),1\n,1\n"


def test_an_answer_has_the_tag_of_the_lake_and_the_question(ask: Ask):
    tag = ask("/v1/usage", **DAYS).headers["etag"]

    assert ask("/v1/usage", seen=tag, **DAYS).status_code == 304
    assert ask("/v1/usage", "search", seen=tag, **DAYS).status_code == 200
    assert ask("/v1/usage", seen=ask("/v1/usage").headers["etag"]).status_code == 304
    assert ask("/v1/usage", by="team", seen=tag, **DAYS).status_code == 200


def test_who_asks_too_often_is_told_how_long_to_wait(root: str, tokens: dict[str, str]):
    allowance = Allowance(per_minute=2)
    assert [allowance.wait(name, at) for name, at in (("a", 0), ("a", 0), ("a", 0), ("b", 0), ("a", 31))] == [0, 0, 30, 0, 0]

    with TestClient(Api(root, per_minute=1).app()) as client:
        found = [client.get("/v1/vocabulary", headers={"authorization": f"Bearer {tokens['all']}"}) for _ in range(2)]

    assert [answer.status_code for answer in found] == [200, 429]
    assert 1 <= int(found[1].headers["retry-after"]) <= 60


def test_what_takes_too_long_is_given_up_and_leaves_room(root: str, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    def endless(*_: object) -> dict[str, Any]:
        sql = "SELECT sum(a.range * b.range) FROM {requests}, range(10000000) a, range(10000000) b"
        engine.table(sql, {}, engine.Slice(root, 1, EVERYTHING))
        return {}

    monkeypatch.setattr("usagecost.serve.answers.usage", endless)
    header = {"authorization": f"Bearer {tokens['all']}"}
    api = Api(root, seconds=0.3)
    with TestClient(api.app()) as client:
        asked = [client.get("/v1/usage", headers=header) for _ in range(5)]
        api.seconds = 60.0
        other = client.get("/v1/requests", headers=header)

    assert {answer.status_code for answer in asked} == {503}
    assert asked[0].headers["retry-after"] == "5"
    assert other.status_code == 200


def test_a_lake_that_is_gone_is_a_sentence_without_its_path(tmp_path: Path):
    lake = Lake(write_lake(tmp_path / "lake", [request()]))
    token = make_token(lake, "a", date(2026, 5, 1), only={})
    for file in (tmp_path / "lake" / "requests").rglob("*.json"):
        file.write_text("no log")
    with TestClient(Api(lake.name).app()) as client:
        answer = client.get("/v1/usage", headers={"authorization": f"Bearer {token}"})

    assert (answer.status_code, answer.json()) == (503, {"error": "The numbers cannot be read right now: try again."})


def test_budgets_and_bills_are_told_to_who_may_see_all_of_them(tokens: dict[str, str], own: str):
    text = """
[[budget]]
name = "Search"
amount = 100
only = { team = ["search"] }

[[budget]]
name = "All"
amount = 1000
"""
    Lake(own).texts_beside().put("budgets.toml", text, seen=None)
    Lake(own).keep_rows("bills", lines("november", "0.75", "0.25"))
    with TestClient(Api(own).app()) as client:
        found = {
            (path, name): rows(client.get(f"/v1/{path}", headers={"authorization": f"Bearer {tokens[name]}"}))
            for path in ("budgets", "reconciliation")
            for name in ("all", "search")
        }

    assert [row["name"] for row in found["budgets", "all"]] == ["Search", "All"]
    assert [(row["name"], row["amount_usd"], row["period"]) for row in found["budgets", "search"]] == [("Search", 100.0, "month")]
    (row,) = found["reconciliation", "all"]
    assert [row[name] for name in ("month", "provider", "billed_usd", "logged_usd", "difference_usd", "not_logged_usd")] == [
        "2026-11", "openai", 1.0, 0.0, 1.0, 1.0,
    ]  # fmt: skip
    assert found["reconciliation", "search"] == []


@pytest.mark.slow
def test_both_engines_answer_the_same(tokens: dict[str, str], own: str, monkeypatch: pytest.MonkeyPatch):
    """Metrics by intervals and values, and the pages of each order."""
    pytest.importorskip("chdb", reason="ClickHouse within this process is not installed: pip install chdb")
    commit(Lake(own), *OF_ADS)
    Lake(own).texts_beside().put("budgets.toml", '[[budget]]\nname = "All"\namount = 100\n', seen=None)
    Lake(own).keep_rows("bills", lines("november", "0.75", "0.25"))
    days = "start=2026-05-01&end=2026-05-02&zone=Asia/Tokyo"
    asked = [
        *(f"/v1/usage?{days}&{rest}" for rest in ("by=tag&interval=hour", f"by=user&metrics={','.join(list(METRICS)[:20])}")),
        *(f"/v1/requests?{days}&limit=1&sort={sort}" for sort in SORTS),
        "/v1/budgets", "/v1/reconciliation", "/metrics",
    ]  # fmt: skip

    def told(engine_named: str) -> list[str]:
        monkeypatch.setenv("USAGECOST_ENGINE", engine_named)
        forget()
        found = []
        with TestClient(Api(own, per_minute=1_000).app()) as client:
            for path in asked:
                answer = client.get(path, headers={"authorization": f"Bearer {tokens['all']}"})
                assert answer.status_code == 200, f"{path}: {answer.text}"
                found.append(re.sub('"period_share": [0-9.]+', path, answer.text))
                if "/v1/requests" in path:
                    found.append(client.get(f"{path}&cursor={answer.json()['next']}", headers=answer.request.headers).text)
        return found

    assert told("chdb://memory") == told("duckdb")


def test_prometheus_reads_the_counters(ask: Ask):
    from prometheus_client.parser import text_string_to_metric_families

    text = ask("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    series = [line.split(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(series) == len(set(series))
    spend = {sample.labels["model"]: sample.value for sample in families["usagecost_spend_usd"].samples}

    assert spend == {"a": 5.25, "b": 1.25}
    assert {sample.labels["model"]: sample.value for sample in families["usagecost_failed_requests"].samples}["b"] == 1.0
    (newest,) = families["usagecost_newest_request_timestamp_seconds"].samples
    assert newest.value == datetime(2026, 5, 2, 12, tzinfo=UTC).timestamp()


def test_the_document_names_what_can_be_asked(ask: Ask):
    document = ask("/openapi.json", None).json()
    names = {parameter["name"] for parameter in document["paths"]["/v1/usage"]["get"]["parameters"]}
    words = {"metrics": "spend_usd", "by": "team", "interval": "day", "filter": "team=ads", "basis": "list", "format": "json"}
    asked = words | DAYS

    assert names == set(asked)
    assert ask("/v1/usage", **asked).status_code == 200


# ---- tokens


def test_tokens_are_made_listed_and_removed_by_commands(tmp_path: Path):
    lake = write_lake(tmp_path / "lake", [request()])
    made = run("token", "add", "finance", "--only", "team=search", "--days", "90", "--lake", lake)

    token = made.stdout.strip()
    assert token.startswith("uc_")
    assert token not in (Lake(lake).texts_beside().read("tokens.toml") or "")
    (kept,) = read_tokens(Lake(lake))
    assert (kept.only, kept.until - kept.made) == ({"team": ("search",)}, timedelta(days=90))
    assert "finance" in run("token", "list", "--lake", lake).stdout
    assert run("token", "remove", "finance", "--lake", lake).exit_code == 0
    assert read_tokens(Lake(lake)) == ()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "a\nb"], "name: "),
        (["add", "a", "--only", "tame=x"], "--only tame=x is no filter"),
        (["remove", "a"], "There is no token 'a'"),
        (["add"], "Name the token"),
        (["list"], "tokens.toml, line 3, sha256"),
    ],
)
def test_what_is_no_token_is_a_sentence(tmp_path: Path, arguments: list[str], words: str):
    broken = '[[token]]\nname = "a"\nsha256 = "secret"\nmade = 2026-05-01\n' if arguments == ["list"] else ""
    (tmp_path / "tokens.toml").write_text(broken)
    done = run("token", *arguments, "--lake", tmp_path / "lake")

    assert done.exit_code > 0
    assert words in done.output


# ---- tools for assistants


def test_an_assistant_asks_by_tools_and_hears_what_is_wrong(root: str):
    from mcp import Client, StdioServerParameters

    async def talk() -> tuple[list[str], dict[str, Any], str]:
        arguments = ["-m", "usagecost", "mcp", "--lake", root, "--only", "team=search"]
        async with Client(StdioServerParameters(command=sys.executable, args=arguments, cwd=HOME)) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            found = await client.call_tool("usage", {"by": "team", "metrics": ["spend_usd"], **DAYS})
            wrong = await client.call_tool("usage", {"by": "teams"})
        assert wrong.is_error
        return names, json.loads(found.content[0].text), wrong.content[0].text

    names, found, wrong = anyio.run(talk)

    assert names == ["vocabulary", "usage", "requests", "budgets", "reconciliation"]
    assert found["rows"] == [{"team": "search", "spend_usd": 2.5}]
    assert "'teams' is no split; use" in wrong


def test_an_assistant_over_http_sees_what_its_token_may(root: str, tokens: dict[str, str]):
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    port = free_port()
    server = uvicorn.Server(uvicorn.Config(Api(root).app(), port=port, log_level="error"))
    running = threading.Thread(target=server.run)
    running.start()

    async def talk(name: str) -> dict[str, Any]:
        header = {"authorization": f"Bearer {tokens.get(name, name)}"}
        async with (
            httpx2.AsyncClient(headers=header) as http,
            Client(streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http)) as client,
        ):
            found = await client.call_tool("usage", {"by": "team", "metrics": ["spend_usd"], **DAYS})
        return json.loads(found.content[0].text)

    try:
        wait_until(lambda: server.started)
        found = {name: anyio.run(talk, name)["rows"] for name in ("all", "search")}
        refused = httpx.post(f"http://127.0.0.1:{port}/mcp", json={}, headers={"authorization": "Bearer uc_guessed"})
    finally:
        server.should_exit = True
        running.join()

    assert found["search"] == [{"team": "search", "spend_usd": 2.5}]
    assert found["all"] == [{"team": "ads", "spend_usd": 4.0}, {"team": "search", "spend_usd": 2.5}]
    assert refused.status_code == 401
