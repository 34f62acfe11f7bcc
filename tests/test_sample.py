"""The sample: lawful like any log, the same for the same seed and end, and with a story that a question can find."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest

from usagecost.lake import Lake
from usagecost.pricing import with_prices
from usagecost.sample import ensure_sample, sample_batches, sample_requests, sample_root
from usagecost.schema import PRICE_COLUMNS, REQUESTS

END = datetime(2026, 11, 23, 14, 32, tzinfo=UTC)


@pytest.fixture(scope="module")
def requests() -> pa.Table:
    return sample_requests(END)


@pytest.fixture(scope="module")
def ask(requests: pa.Table):
    """Answers a question over the priced sample with its rows."""
    con = duckdb.connect()
    con.execute("SET GLOBAL TimeZone = 'UTC'")
    con.register("unpriced", requests)
    con.execute(f"CREATE TABLE requests AS {with_prices(con, 'unpriced')}")
    yield lambda sql: con.execute(sql).fetchall()
    con.close()


def violations(table: pa.Table, end: datetime) -> dict[str, int]:
    """How many rows break each rule of the record."""
    rules = {
        "input is at least its cache tokens": "input_tokens < coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)",
        "writes for an hour are cache writes": "cache_write_1h_tokens > cache_write_tokens",
        "reasoning is output": "output_reasoning_tokens > output_tokens",
        "no count is negative": "least(input_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens,"
        " output_tokens, output_reasoning_tokens) < 0",
        "the first token comes before the last": "ttft_ms >= duration_ms OR ttft_ms <= 0 OR duration_ms <= 0",
        "only a streamed answer has a first token": "ttft_ms IS NOT NULL AND NOT (is_streaming AND output_tokens > 0)",
        "everything is over by the end": "started_at + to_microseconds(ceil(coalesce(duration_ms, 0) * 1000)::bigint) > $end",
        "nothing is older than the sample": "started_at < $end - INTERVAL 120 DAY",
        "the day is the date of the start": "day <> started_at::date",
        "a failure has a class and a status": "(status = 'error') <> (error_class IS NOT NULL AND http_status BETWEEN 400 AND 599)",
        "a failed request answers nothing": "status = 'error' AND coalesce(output_tokens, 0) > 0",
        "the gateway's cache answers, it does not fail": "is_gateway_cache_hit AND (status <> 'success' OR cache_write_tokens > 0)",
        "a person has a team": "user_id IS NOT NULL AND team_id IS NULL",
        "prices come later": " OR ".join(f"{column} IS NOT NULL" for column in PRICE_COLUMNS),
        "every request is the sample's": "source <> 'sample'",
    }
    con = duckdb.connect()
    con.execute("SET GLOBAL TimeZone = 'UTC'")
    con.register("requests", table)
    counts = ", ".join(f"count(*) FILTER ({broken})" for broken in rules.values())
    row = con.execute(f"SELECT {counts}, count(*) - count(DISTINCT request_id) FROM requests", {"end": end}).fetchone()
    con.close()
    return {rule: count for rule, count in zip([*rules, "a request has one row"], row, strict=True) if count}


def test_the_zone_of_the_end_does_not_matter():
    end = datetime(2026, 11, 23, 3, tzinfo=ZoneInfo("America/New_York"))

    assert sample_requests(end, requests=1_000).equals(sample_requests(end.astimezone(UTC), requests=1_000))


def test_another_seed_or_another_end_gives_other_rows():
    some = sample_requests(END, requests=1_000)

    assert not sample_requests(END, seed=8, requests=1_000).equals(some)
    assert not sample_requests(END + timedelta(hours=1), requests=1_000).equals(some)


def test_rows_are_canonical_and_in_order_of_their_start(requests):
    assert requests.schema == REQUESTS
    assert requests.num_rows == 60_000
    assert requests["started_at"].to_numpy().tolist() == sorted(requests["started_at"].to_numpy().tolist())


def test_every_row_keeps_the_rules_of_the_record(requests):
    assert violations(requests, END) == {}


@pytest.mark.parametrize(
    ("end", "seed"),
    [
        (datetime(2026, 10, 25, 0, 59, 59, 999_999, tzinfo=UTC), 1),  # the clocks of Berlin go back a moment later
        (datetime(2026, 3, 8, 7, 30, tzinfo=UTC), 2),  # those of New York have just gone forward
        (datetime(2028, 2, 29, 23, 59, tzinfo=UTC), 3),
        (datetime(2027, 1, 1, tzinfo=UTC), 4),
    ],
)
def test_the_rules_hold_whenever_the_sample_ends(end, seed):
    assert violations(sample_requests(end, seed, requests=4_000), end) == {}


@pytest.mark.parametrize("size", [{"days": 7}, {"requests": 10}])
def test_a_sample_too_small_for_its_story_is_refused(size):
    with pytest.raises(ValueError, match="at least 30 days and 1,000 requests"):
        sample_requests(END, **size)


def test_there_are_5_providers_14_models_40_users_and_6_teams(ask):
    columns = ("provider", "model", "user_id", "team_id", "environment")

    assert ask(f"SELECT {', '.join(f'count(DISTINCT {column})' for column in columns)} FROM requests") == [(5, 14, 40, 6, 3)]


def test_only_the_self_hosted_model_has_no_price(ask):
    assert ask("SELECT DISTINCT provider, model FROM requests WHERE price_status = 'unpriced'") == [
        ("self-hosted", "support-assistant-14b")
    ]
    assert ask("SELECT count(*) FROM requests WHERE (list_cost_usd IS NULL) <> (price_status = 'unpriced')") == [(0,)]


def test_the_broker_reports_costs_that_differ_a_little_from_the_list(ask):
    assert ask(
        "SELECT provider, sum(reported_cost_usd) / sum(list_cost_usd) BETWEEN 1.03 AND 1.08"
        " FROM requests WHERE reported_cost_usd IS NOT NULL GROUP BY provider"
    ) == [("mistral", True)]


def test_the_outage_is_four_hours_of_one_provider(ask):
    hours = ask(
        "SELECT provider, day, date_part('hour', started_at) FROM requests GROUP BY ALL"
        " HAVING count(*) >= 5 AND avg((status = 'error')::int) > 0.6 ORDER BY ALL"
    )

    assert {(provider, day.weekday(), hour) for provider, day, hour in hours} <= {("openai", 1, hour) for hour in (13, 14, 15, 16)}
    assert len(hours) >= 3
    assert timedelta(days=8) < END.date() - hours[0][1] < timedelta(days=17)


def test_in_the_outage_the_service_is_unavailable_and_some_requests_go_elsewhere(ask):
    during = "started_at >= '2026-11-10 13:00+00' AND started_at < '2026-11-10 17:00+00'"

    assert ask(f"SELECT mode(error_class) FROM requests WHERE provider = 'openai' AND status = 'error' AND {during}") == [
        ("ServiceUnavailableError",)
    ]
    assert ask("SELECT DISTINCT day::text, model FROM requests WHERE model <> requested_model") == [
        ("2026-11-10", "claude-sonnet-5")
    ]


def test_one_day_costs_far_more_than_its_neighbours_for_one_reason(ask):
    spend = dict(ask("SELECT day, sum(list_cost_usd) FROM requests GROUP BY day"))
    dearest = max(spend, key=spend.get)
    neighbours = [spend[dearest + timedelta(days=days)] for days in (-2, -1, 1, 2)]

    assert spend[dearest] > 3 * max(neighbours)

    cause, cost = ask(
        "SELECT (app, model, user_id), sum(list_cost_usd) FROM requests"
        f" WHERE day = DATE '{dearest}' GROUP BY ALL ORDER BY 2 DESC NULLS LAST LIMIT 1"
    )[0]

    assert tuple(cause) == ("research-agent", "claude-opus-5", "noah.stein@example.com")
    assert spend[dearest] - cost < 2 * max(neighbours)


def test_every_outcome_and_error_class_occurs(ask):
    assert ask("SELECT error_class, any_value(http_status) FROM requests WHERE status = 'error' GROUP BY 1 ORDER BY 1") == [
        ("AuthenticationError", 401),
        ("ContextWindowExceededError", 400),
        ("InternalServerError", 500),
        ("RateLimitError", 429),
        ("ServiceUnavailableError", 503),
        ("Timeout", 408),
    ]
    assert ask("SELECT count(*) FILTER (status = 'cancelled') > 300, avg((status = 'success')::int) > 0.95 FROM requests") == [
        (True, True)
    ]
    assert ask("SELECT avg((input_tokens = 0)::int) > 0.8 FROM requests WHERE status = 'error'") == [(True,)]


def test_the_gateways_cache_is_fast_and_free(ask):
    assert ask(
        "SELECT count(*) > 500, max(duration_ms) < 100, sum(list_cost_usd) = 0, coalesce(sum(reported_cost_usd), 0) = 0"
        " FROM requests WHERE is_gateway_cache_hit"
    ) == [(True, True, True, True)]


def test_the_same_seed_and_end_give_the_same_rows_in_a_batch_that_rejects_none(requests):
    (batch,) = sample_batches(END)

    assert batch.requests.equals(requests)
    assert (batch.lines, batch.skipped, batch.rejects.num_rows) == (60_000, 0, 0)


def test_the_folder_can_be_set_and_is_never_that_of_the_real_lake(monkeypatch):
    monkeypatch.setenv("USAGECOST_SAMPLE", "/somewhere/else")
    assert sample_root() == Path("/somewhere/else")

    monkeypatch.delenv("USAGECOST_SAMPLE")
    assert sample_root().parts[-2:] == ("data", "sample")


def test_a_sample_has_60_000_requests_until_now(sample_lake: str):
    snapshot = Lake(sample_lake).snapshot()

    assert (snapshot.rows, snapshot.last_day) == (60_000, datetime.fromisoformat(Path(sample_lake).name[:10]).date())


def test_a_sample_lake_is_made_when_none_is_fresh_and_what_is_old_goes(
    requests: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("usagecost.sample.lakes.sample_requests", lambda *_: requests.slice(59_900))
    stays = {"notes", "2026-11-22T09-00-00Z", "2026-11-24T00-00-00Z"}  # not ours, of yesterday, of a clock that is ahead
    goes = {"2026-11-20T09-00-00Z", ".making-2026-11-22T09-00-00Z"}  # three days old, left half made
    for name in stays | goes:
        (tmp_path / name).mkdir()

    folder = ensure_sample(tmp_path, END)
    snapshot = Lake(folder).snapshot()

    assert (folder.name, snapshot.rows, snapshot.last_day) == ("2026-11-23T14-32-00Z", 100, END.date())
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == stays | {folder.name}
    assert ensure_sample(tmp_path, END + timedelta(hours=9)) == folder


@pytest.mark.slow
def test_two_who_need_the_sample_at_once_make_one(tmp_path):
    code = (
        "import sys; from datetime import datetime; from pathlib import Path; from usagecost.sample import ensure_sample;"
        "ensure_sample(Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))"
    )
    repository = Path(__file__).parent.parent
    ends = (END, END + timedelta(seconds=1))
    runs = [subprocess.Popen([sys.executable, "-c", code, tmp_path, end.isoformat()], cwd=repository) for end in ends]

    assert [run.wait() for run in runs] == [0, 0]

    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())

    assert Lake(folder).snapshot().rows == 60_000
