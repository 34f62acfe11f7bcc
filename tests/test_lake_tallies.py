"""Which files have tallies, and which of them answer. That they say what the requests say is shown in test_queries."""

from __future__ import annotations

import os
import uuid
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lake_rows import Row, commit
from tests.views import days, instant, request, view
from usagecost import queries
from usagecost.filters import Condition
from usagecost.folds import rows
from usagecost.lake import Lake, Selection, Tallied, tallies, tally_content, tally_groupings, tally_steps, tiers
from usagecost.lake.tallies import Tallies
from usagecost.periods import instant_us

DAY = date(2026, 5, 1)
BY_MODEL = frozenset({"model"})


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake in which a file of forty requests is a large one."""
    monkeypatch.setattr(tallies, "LEAST_ROWS", 40)
    return Lake(tmp_path / "lake")


def of_a_day(count: int = 40, first: str = "2026-05-01 08:00", **columns: object) -> list[Row]:
    """Requests a minute apart, of three models unless one is given, each of another user."""
    return [
        request(instant(first) + timedelta(minutes=i), **{"model": f"m{i % 3}", "user_id": f"u{i}", "input_tokens": i, **columns})
        for i in range(count)
    ]


def asked(lake: Lake, dimension: str = "model", *cuts: str) -> Tallied:
    return lake.snapshot().tallied(DAY, DAY, [frozenset({dimension})], [instant_us(instant(cut)) for cut in cuts])


def tallied(lake: Lake) -> list[str]:
    folder = lake.root / "requests" / tallies.FOLDER / tally_content.DEFINITION
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def requests_of(lake: Lake) -> int:
    return queries.usage(view(str(lake.root), days(DAY)), "model").totals["requests"]


def test_a_large_file_has_a_tally_and_a_small_one_has_none(lake: Lake):
    commit(lake, *of_a_day(39))
    assert tallied(lake) == []

    commit(lake, *of_a_day(40, "2026-05-02 08:00"))
    (large,) = (file.name for file in lake.snapshot().data_files if file.rows == 40)
    assert [name.split("~")[:2] for name in tallied(lake)] == [[Path(large).stem, kind] for kind in ("pairs", "sums")]


def test_time_that_is_not_cut_is_told_by_the_day_else_by_the_coarsest_step_that_serves(lake: Lake):
    """Busy from eight to nine o'clock, and quiet before and after."""
    commit(lake, *of_a_day(60))

    def step(*cuts: str) -> list[str]:
        return list(asked(lake, "model", *cuts).tallies)

    assert step() == ["day"]
    assert step("2026-05-01 00:00", "2026-05-02 00:00", "2026-04-30 07:07") == ["day"]
    assert step("2026-05-01 22:00") == ["part"]
    assert step("2026-05-01 18:30", "2026-05-01 08:00") == ["part"]
    assert step("2026-05-01 09:00") == ["hour"], "no day of a zone begins then"
    assert step("2026-05-01 08:30") == ["quarter"]
    assert step("2026-05-01 22:00", "2026-05-01 18:15") == ["quarter"]
    assert step("2026-05-01 22:00", "2026-05-01 18:10") == []
    assert asked(lake, "model", "2026-05-01 18:15:00.000001").requests == lake.snapshot().files()


def test_a_day_that_is_never_quiet_is_not_parted(lake: Lake):
    commit(lake, *(row for half in range(48) for row in of_a_day(12, f"2026-05-01 {half // 2:02}:{half % 2 * 30:02}")))

    assert list(asked(lake, "model", "2026-05-01 22:00").tallies) == ["hour"]
    assert list(asked(lake, "model", "2026-05-01 22:00", "2026-05-01 18:30").tallies) == ["quarter"]
    assert asked(lake, "user", "2026-05-01 22:00").requests == lake.snapshot().files()


@given(st.dictionaries(st.integers(0, 47), st.integers(1, 1_000), min_size=1))
def test_days_are_parted_where_those_of_other_zones_begin_if_it_is_quiet_before_or_after(requests: dict[int, int]):
    parted = {place for place in range(48) if tally_steps.quiet_cuts(requests) >> place & 1}
    quiet = {place for place in range(48) if requests.get(place, 0) * 80 < sum(requests.values())}

    assert parted == {place for place in tally_steps.DAYS_BEGIN if {place - 1, place} & quiet}


def test_what_is_different_in_almost_every_request_is_read_from_the_requests(lake: Lake):
    commit(lake, *of_a_day())

    assert asked(lake, "user").requests == lake.snapshot().files()
    assert asked(lake, "user").tallies == {}


def test_a_file_whose_sums_are_not_worth_it_is_looked_at_once(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tally_groupings, "LEAST_SAVED", 1000)
    for day in ("2026-05-01", "2026-05-02"):
        commit(lake, *of_a_day(40, f"{day} 08:00"))

    assert [name.split("~")[1] for name in tallied(lake)] == ["sums", "sums"]
    assert lake.tally() == 0
    assert asked(lake).requests == lake.snapshot().files(DAY, DAY)
    assert requests_of(lake) == 40


def test_a_tally_is_read_in_the_place_of_its_file_alone(lake: Lake):
    commit(lake, *of_a_day(), *of_a_day(5, "2026-05-02 08:00"))
    found = lake.snapshot().tallied(DAY, date(2026, 5, 2), [BY_MODEL], [])

    assert [len(found.months["day"]), found.tallies, len(found.requests)] == [1, {}, 1]
    assert "day=2026-05-02" in found.requests[0]


def test_the_days_of_a_month_but_the_newest_are_told_together(lake: Lake):
    for day in ("2026-04-29", "2026-05-01", "2026-05-02", "2026-05-03"):
        commit(lake, *of_a_day(40, f"{day} 08:00"))
    told = {name[:7] for name in tallied(lake) if name.startswith("2026-")}
    whole = lake.snapshot().tallied(date(2026, 4, 1), date(2026, 5, 3), [BY_MODEL, frozenset({"status"})], [])
    parted, cut = (
        lake.snapshot().tallied(date(2026, 5, 1), date(2026, 5, 3), [BY_MODEL], [instant_us(instant(f"2026-05-01 {clock}"))])
        for clock in ("22:00", "22:15")
    )

    assert told == {"2026-04", "2026-05"}
    assert [len(whole.months["day"]), list(whole.tallies), whole.days_told_elsewhere] == [2, ["day"], ()]
    assert [len(parted.months["part"]), list(parted.tallies), parted.days_told_elsewhere] == [1, ["day"], ()]
    assert [len(cut.months["day"]), {step: len(files) for step, files in cut.tallies.items()}] == [1, {"quarter": 1, "day": 1}]
    assert cut.days_told_elsewhere == (date(2026, 5, 1),)


@pytest.mark.parametrize(
    ("zone", "interval"),
    [
        ("UTC", "day"),
        ("Europe/Berlin", "week"),
        ("Europe/Berlin", "period"),
        ("Asia/Kathmandu", "day"),
        ("America/Los_Angeles", "day"),
    ],
)
def test_days_months_and_requests_together_say_what_the_requests_say(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, zone: str, interval: str
):
    """A month with a day of two files, one of them small, and days before and after it."""
    dates = ("2026-04-28", "2026-05-01", "2026-05-02", "2026-05-09", "2026-05-10")
    starts = [f"{day} {hour:02}:00" for day in dates for hour in (0, 6, 12, 18, 23)]
    commit(lake, *(row for start in starts for row in of_a_day(45, start, list_cost_usd=Decimal("0.01"))))
    monkeypatch.setattr(tiers, "SMALL_ROWS", 0)
    commit(lake, *of_a_day(3, "2026-05-01 23:30", model="m1"))
    assert lake.snapshot().file_count == 6
    question = view(str(lake.root), days("2026-05-01", "2026-05-10", zone, now="2026-05-10 13:37"), interval)
    by_tallies = {by: queries.usage(question, by) for by in ("model", "status")}
    offered = queries.choices(question)

    monkeypatch.setattr(Tallies, "_known", lambda _: {})

    for by, usage in by_tallies.items():
        by_requests = queries.usage(question, by)
        assert rows(usage.by_value) == rows(by_requests.by_value)
        assert rows(usage.over_time) == rows(by_requests.over_time)
        assert usage.totals_before == by_requests.totals_before
    assert offered == queries.choices(question)


@pytest.mark.parametrize("strays", [0, 20], ids=["users of one team", "users of several"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_what_is_filtered_by_one_dimension_and_split_by_another_is_told_right(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, zone: str, strays: int
):
    """Users whose team and key follow from them, and some who are in two, of whom their tallies tell no team."""
    monkeypatch.setattr(tally_groupings, "LEAST_SAVED", 0.5)
    commit(
        lake,
        *(
            {
                **row,
                "user_id": f"u{i % 5}",
                "team_id": f"t{(i % 5 + (i < strays)) % 2}" if i % 5 else None,
                "virtual_key": f"k{i % 5}",
                "provider": f"p{i % 3 // 2}",
                "app": f"a{i % 3}" if i % 5 else None,
                "environment": "production" if i % 4 else "staging",
                "status": "error" if i % 6 == 1 else "success",
                "list_cost_usd": Decimal("0.01"),
            }
            for day in ("2026-04-29", "2026-05-01", "2026-05-02", "2026-05-03")
            for i, row in enumerate(of_a_day(80, f"{day} 21:00"))
        ),
    )
    plain = view(str(lake.root), days("2026-05-01", "2026-05-03", zone))
    filters = [Condition("team", ("t1", None)), Condition("key", ("k2",)), Condition("provider", ("p0",), excludes=True)]
    filters += [Condition("environment", ("staging",)), Condition("status", ("error",)), Condition("model", ("m1",))]
    filters += [Condition("user", ("u1", "u3")), Condition("app", ("a1",), excludes=True)]
    asked_for = [(plain.where(one), by) for one in filters for by in ("model", "user", "team", "status")]
    asked_for += [(plain.where(one).where(other), "user") for one, other in pairwise(filters)]
    by_tallies = [queries.usage(question, by) for question, by in asked_for]
    whole_days = lake.snapshot().tallied(DAY, date(2026, 5, 2), [frozenset({"team", "user"}), frozenset({"key", "model"})], [])

    monkeypatch.setattr(Tallies, "_known", lambda _: {})

    for (question, by), usage in zip(asked_for, by_tallies, strict=True):
        by_requests = queries.usage(question, by)
        assert rows(usage.by_value) == rows(by_requests.by_value)
        assert rows(usage.over_time) == rows(by_requests.over_time)
        assert usage.totals_before == by_requests.totals_before
    assert whole_days.has_tallies == (strays == 0)


@pytest.mark.parametrize("filtered", ["model", "provider", "app", "user", "team", "key", "environment", "status"])
def test_who_sent_what_is_filtered_is_told_by_sums_and_everything_by_the_fewest(lake: Lake, filtered: str):
    """Of users who each ask four models five times; who sent in one environment or with one outcome is told by fewer sums."""
    users = {"user_id": lambda i: f"u{i // 20}", "model": lambda i: f"m{i % 20 // 5}", "environment": lambda _: "production"}
    rows_of_day = [{**row, **{name: value(i) for name, value in users.items()}} for i, row in enumerate(of_a_day(400))]
    commit(lake, *rows_of_day)
    by_users, by_models, whole = frozenset({filtered, "user"}), frozenset({filtered, "model"}), frozenset({"user"})
    found = lake.snapshot().tallied(DAY, DAY, [by_users, by_models, whole], [])

    fewer = {"environment": "environment_user", "status": "status_user", "user": "user", "team": "user", "key": "user"}
    assert found.requests == ()
    assert found.groupings[by_users] == fewer.get(filtered, "user_model")
    assert (found.groupings[by_models] == "user_model") == (filtered == "user")
    assert found.groupings[whole] == "user"


def test_pairs_are_told_by_days_that_begin_in_a_quiet_hour_and_not_by_those_that_begin_in_a_busy_one(lake: Lake):
    sent = of_a_day(300, "2026-05-01 18:00", model="m1")
    commit(lake, *({**row, "user_id": f"u{i // 100}"} for i, row in enumerate(sent)))
    need = [frozenset({"user", "model"})]
    quiet, busy = (
        lake.snapshot().tallied(DAY, DAY, need, [instant_us(instant(f"2026-05-01 {midnight}"))]) for midnight in ("04:00", "20:00")
    )

    assert [list(quiet.tallies), quiet.requests] == [["part"], ()]
    assert [busy.tallies, busy.requests] == [{}, lake.snapshot().files()]


def test_rows_lie_in_the_order_of_what_is_asked_for(lake: Lake):
    """Users by their models, in buckets of users, by model first in each: of one user or model little else is read."""
    commit(lake, *({**row, "user_id": f"u{i % 7}", "provider": f"p{i % 3 // 2}"} for i, row in enumerate(of_a_day(400))))
    (path,) = lake.snapshot().tallied(DAY, DAY, [frozenset({"model", "user"})], []).tallies["day"]
    bucket = f"hash(user_id) % {tally_content.BUCKETS}"
    found = duckdb.sql(f"SELECT {bucket}, provider, model, user_id FROM '{path}' WHERE grouping = 'user_model'").fetchall()

    assert len(found) == 21
    assert found == sorted(found)


@pytest.mark.parametrize("kind", ["sums", "pairs"])
def test_a_file_s_name_has_room_for_all_that_its_tally_may_have(kind: str):
    told = {
        name: tally_groupings.Told(one.dimensions(tally_groupings.FOLLOWING), one.steps[0])
        for name, one in tally_groupings.GROUPINGS.items()
        if one.kind == kind
    }
    name = tally_groupings.named(told)

    assert tally_groupings.told_by(name) == told
    assert len(f"{uuid.uuid4()}~{kind}~{(1 << 48) - 1:x}~{name}{tallies.ENDING}") < 255


@pytest.mark.parametrize("name", ["notes.parquet", "a~sums~xyz~day+mod.parquet", "a~b~0~.parquet", "~~~.parquet"])
def test_files_that_are_no_tallies_are_not_read(lake: Lake, name: str):
    commit(lake, *of_a_day())
    (lake.root / "requests" / tallies.FOLDER / tally_content.DEFINITION / name).touch()

    assert requests_of(lake) == 40
    assert list(asked(lake).tallies) == ["day"]


def test_a_month_that_changes_is_put_together_anew_and_the_old_one_goes(lake: Lake):
    for day in ("2026-05-01", "2026-05-02"):
        commit(lake, *of_a_day(40, f"{day} 08:00"))
    before = lake.snapshot()
    commit(lake, *of_a_day(60, "2026-05-01 12:00"))
    months = {name for name in tallied(lake) if name.startswith("2026-05-")}
    assert len(months) == 2
    assert before.tallied(DAY, DAY, [BY_MODEL], []).months, "an old version has its own"

    lake.vacuum(grace_hours=0)

    (left,) = (name for name in tallied(lake) if name.startswith("2026-05-"))
    assert asked(lake).months == {"day": (str(lake.root / "requests" / tallies.FOLDER / tally_content.DEFINITION / left),)}


def test_rows_that_change_or_go_are_told_anew(lake: Lake):
    sent = of_a_day(60)
    commit(lake, *sent)
    assert requests_of(lake) == 60

    commit(lake, *({**row, "rank": 1, "model": "m9"} for row in sent[:10]))
    assert requests_of(lake) == 60
    assert queries.usage(view(str(lake.root), days(DAY)), "model").of_value("m9").totals["input_tokens"] == 45

    lake.remove(Selection(user="u59"))
    assert requests_of(lake) == 59
    assert asked(lake).requests == ()


def test_a_tally_that_cannot_be_written_is_nobodys_error(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def no_room(*_: object, **__: object) -> None:
        raise duckdb.IOException("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(tallies, "write_tally", no_room)
        commit(lake, *of_a_day())
    assert "could not be written" in caplog.text
    assert tallied(lake) == []
    assert requests_of(lake) == 40
    assert asked(lake).requests == lake.snapshot().files()

    assert lake.tally() == 1
    assert lake.tally() == 0
    assert list(asked(lake).tallies) == ["day"]


def test_a_commit_that_finds_no_room_for_its_tallies_is_a_commit(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Tallies, "write", no_room)
    commit(lake, *of_a_day())

    assert "could not be written" in caplog.text
    assert requests_of(lake) == 40


def test_a_month_that_is_not_together_is_put_together_though_no_file_lacks_its_tally(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(Tallies, "write_months", lambda *_: None)
        commit(lake, *of_a_day(), *of_a_day(40, "2026-05-02 08:00"))
    assert asked(lake).months == {}

    assert lake.tally() == 0
    assert len(asked(lake).months["day"]) == 1


def test_vacuum_takes_the_tallies_of_the_files_it_takes_and_what_a_killed_process_left(lake: Lake):
    commit(lake, *of_a_day())
    commit(lake, *of_a_day(41))
    left = lake.root / "requests" / tallies.FOLDER / tally_content.DEFINITION
    (left / "gone~1.part").touch()
    stopped, writing = (left / f"{tallied(lake)[0].partition('~')[0]}~{number}.part" for number in (2, 3))
    stopped.touch()
    os.utime(stopped, (0, 0))
    writing.touch()
    (lake.root / "requests" / tallies.FOLDER / "of-another-version").mkdir()
    (lake.root / "requests" / tallies.FOLDER / "of-another-version" / "gone~sums~0~.parquet").touch()
    assert len(tallied(lake)) == 7

    lake.vacuum(grace_hours=0)

    (sums,) = asked(lake).tallies["day"]
    assert {name.partition("~")[0] for name in tallied(lake)} == {Path(sums).name.partition("~")[0]}
    assert not stopped.exists()
    assert list(asked(lake).tallies) == ["day"]
    assert not (lake.root / "requests" / tallies.FOLDER / "of-another-version").exists()


def test_a_tally_of_a_dimension_that_is_no_more_is_not_mistaken(lake: Lake):
    commit(lake, *of_a_day())
    folder = lake.root / "requests" / tallies.FOLDER / tally_content.DEFINITION
    (name,) = (name for name in tallied(lake) if "~sums~" in name)
    (folder / name).rename(folder / name.replace("+sou", "+moo").replace("+few", "+rar"))

    assert asked(lake, "source").requests == lake.snapshot().files()
    assert list(asked(lake, "status").tallies) == ["day"]
