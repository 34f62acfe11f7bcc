"""Rollups say what the requests say, in every zone; which files have them, and what takes their place where they have not."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.make_lake import make_lake
from tests.engines import ON_ROLLUPS_BY_BOTH_ENGINES, roll_up_everything
from tests.lake_rows import Row, commit
from tests.views import days, instant, request, view
from usagecost import queries
from usagecost.lake import Lake, Rolled, Selection, rollup_files
from usagecost.lake.rollup_files import RollupFiles
from usagecost.lake.rollup_writing import RollupWriter
from usagecost.lake.rollups import ROLLUPS, Content, column_of
from usagecost.periods import instant_us
from usagecost.queries.folds import Usage, rows
from usagecost.vocabulary import DIMENSIONS, MEASURES, measures_of
from usagecost.vocabulary.filters import Condition, View

FIRST, LAST = date(2026, 3, 28), date(2026, 4, 1)
"""Clocks change in Berlin on the second of these days."""
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Los_Angeles")
METRICS = measures_of(["requests", "spend_usd", "avg_latency_ms", "total_tokens", "successful", "active_users"])

pytestmark = pytest.mark.usefixtures("rolled_up")


def of_a_day(day: date, count: int = 60) -> list[Row]:
    """Requests of the whole day, of users who are mostly in one team, with all kinds of unknowns."""
    return [
        request(
            instant(f"{day} 00:00") + timedelta(seconds=i * 86_000 // count),
            model=f"m{i % 4}",
            provider=f"p{i % 4 // 2}" if i % 9 else None,
            user_id=f"u{i % 7}" if i % 7 else None,
            team_id=f"t{(i % 7 + (i == 3)) % 2}",
            virtual_key=f"k{i % 3}",
            app=f"a{i % 2}",
            environment="production" if i % 5 else "staging",
            status=("success", "error", None)[i % 11 // 9],
            error_class="Timeout" if i % 11 == 9 else None,
            is_streaming=(True, False, None)[i % 3],
            input_tokens=i if i % 8 else None,
            output_tokens=2 * i,
            duration_ms=None if i % 10 == 3 else 7.5 * i,
            list_cost_usd=Decimal(i) / 1000 if i % 6 else None,
            reported_cost_usd=Decimal(i) / 800 if i % 4 else None,
            price_status="exact" if i % 6 else "unpriced",
        )
        for i in range(count)
    ]


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Lake]:
    """A lake of some days, the last of which has no rollups as it is small, by the zone that rollups are written in."""
    made = {}
    for zone in ZONES[:2]:
        with pytest.MonkeyPatch.context() as patch:
            roll_up_everything(patch, 30)
            patch.setenv("USAGECOST_ZONE", zone)
            made[zone] = Lake(tmp_path_factory.mktemp("lake"))
            sent = [row for place in range(-4, 5) for row in of_a_day(FIRST + timedelta(days=place))]
            commit(made[zone], *sent, *of_a_day(FIRST + timedelta(days=5), 20))
    return made


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def by_requests(question: View, *asked: object) -> Usage:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RollupFiles, "rolled", lambda _, files, columns, *__, **___: Rolled(frozenset(columns), tuple(files), {}))
        return queries.usage(question, *asked)


def said(usage: Usage) -> list[object]:
    """All that an answer says, in one order."""
    cells = [sorted(rows(table), key=repr) for table in (usage.by_value, usage.over_time)]
    return [usage.totals, usage.totals_before, *cells, *(sorted(table.to_pylist(), key=repr) for table in usage.exact.values())]


def told(lake: Lake, columns: Iterable[str], *cuts: str) -> dict[str, int]:
    """How many files of each rollup tell some columns, and how many files of requests (""), where time is cut."""
    found = lake.snapshot().rollups.rolled(lake.snapshot().data_files, set(columns), [instant_us(instant(cut)) for cut in cuts])
    files = Counter(one.rollup for of_folder in found.folders.values() for one in of_folder)
    return dict(files + Counter({"": len(found.requests)}))


def of_before(lake: Lake) -> Path:
    """Has the rollups of a lake say that an app of before wrote them; the folder of the first."""
    folders = {}
    for text in list((lake.root / "requests" / "_rollups").rglob("content.json")):
        content = Content.from_json(text.read_text())
        columns = {**content.columns, "successful": "count(*) FILTER (status = 'ok')"}
        columns.pop("errors", None)
        changed = replace(content, columns=columns)
        text.write_text(changed.to_json())
        folders[text.parent.parent.name] = text.parent.rename(text.parent.with_name(changed.name))
    return folders["outcome"]


CONDITIONS = st.sampled_from(
    [
        Condition("team", ("t1", None)),
        Condition("key", ("k2",)),
        Condition("provider", ("p0",), excludes=True),
        Condition("provider", (None,)),
        Condition("environment", ("staging",)),
        Condition("status", ("error", None)),
        Condition("streaming", ("streamed", None)),
        Condition("model", ("m1", "m3")),
        Condition("user", ("u1", None)),
        Condition("app", ("a1",), excludes=True),
        Condition("error", ("Timeout",)),
    ]
)


@pytest.mark.slow
@settings(max_examples=15)
@given(
    st.sampled_from(ZONES[:2]),
    st.sampled_from(ZONES),
    st.sampled_from(["hour", "day", "week", "period"]),
    st.lists(CONDITIONS, max_size=2, unique_by=lambda one: one.dimension),
    st.sampled_from([None, *DIMENSIONS, "weekday", "hour_of_day"]),
    st.sampled_from(["best", "reported", "list"]),
    st.sampled_from(["2026-04-01 13:37:12", "2026-05-01 00:00"]),
)
def test_rollups_say_what_the_requests_say(
    lakes: dict[str, Lake], written: str, zone: str, interval: str, filters: list, split: str | None, basis: str, now: str
):
    plain = view(str(lakes[written].root), days(FIRST, LAST, zone, now=now), interval, basis=basis)
    for one in filters:
        plain = plain.where(one)

    assert said(queries.usage(plain, split, METRICS)) == said(by_requests(plain, split, METRICS))


def test_every_measure_is_in_the_rollups(lakes: dict[str, Lake]):
    plain = view(str(lakes["UTC"].root), days(FIRST, LAST))
    by_rollups, asked = queries.usage(plain, "model", tuple(MEASURES)), by_requests(plain, "model", tuple(MEASURES))

    columns = {column_of(name, basis) for name in MEASURES for basis in ("best", "reported", "list")}
    assert told(lakes["UTC"], ["model", *columns]) == {"outcome": 9, "": 1}
    assert said(by_rollups) == said(asked)


@ON_ROLLUPS_BY_BOTH_ENGINES
def test_what_rollups_tell_is_asked_of_no_request(lake: Lake):
    """So it is answered though the requests are gone."""
    commit(lake, *of_a_day(FIRST))
    for file in lake.snapshot().files():
        Path(file).unlink()
    plain = view(str(lake.root), days(FIRST))

    assert queries.usage(plain, "model", METRICS).totals["requests"] == 60
    assert queries.usage(plain.where(Condition("streaming", ("streamed",))), "provider").totals["requests"] == 20
    assert queries.choices(plain)["app"] == ["a0", "a1"]


def test_days_that_are_cut_are_told_by_quarter_hours_and_what_these_are_cut_in_by_requests(lakes: dict[str, Lake]):
    lake = lakes["UTC"]

    assert told(lake, ["model"], "2026-03-28 00:00") == {"outcome": 9, "": 1}
    assert told(lake, ["model"], "2026-03-28 18:15") == {"outcome": 8, "model_quarter": 1, "": 1}
    assert told(lake, ["status"], "2026-03-28 18:15", "2026-03-30 10:00") == {"outcome": 7, "outcome_quarter": 2, "": 1}
    assert told(lake, ["model"], "2026-03-28 18:15:00.000001") == {"outcome": 8, "": 2}
    assert told(lake, ["user_id"], "2026-03-28 18:15") == {"user": 8, "": 2}


def test_days_are_those_of_the_reporting_zone_and_of_utc(lakes: dict[str, Lake]):
    """Midnight in Berlin is at 23:00 before clocks change on the 29th, and at 22:00 from then on."""
    lake = lakes["Europe/Berlin"]

    assert told(lake, ["user_id"], "2026-03-28 23:00", "2026-03-29 22:00", "2026-03-30 00:00") == {"user": 9, "": 1}
    assert told(lake, ["user_id"], "2026-03-28 22:00") == {"user": 8, "": 2}
    assert told(lakes["UTC"], ["user_id"], "2026-03-28 23:00") == {"user": 8, "": 2}


def test_a_large_file_has_rollups_and_a_small_one_has_none(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rollup_files, "LEAST_ROWS", 40)
    commit(lake, *of_a_day(FIRST, 39), *of_a_day(LAST, 40))

    assert told(lake, ["model"]) == {"outcome": 1, "": 1}
    assert lake.roll_up() == 0


def test_rows_that_change_or_go_are_told_anew(lake: Lake):
    sent = of_a_day(FIRST)
    commit(lake, *sent)
    assert queries.usage(view(str(lake.root), days(FIRST)), "model").totals["requests"] == 60

    commit(lake, *({**row, "rank": 1, "model": "m9"} for row in sent[:10]))
    assert queries.usage(view(str(lake.root), days(FIRST)), "model").of_value("m9").totals["requests"] == 10

    lake.remove(Selection(user="u1"))
    assert queries.usage(view(str(lake.root), days(FIRST)), "model").totals["requests"] == 60 - 9
    assert told(lake, ["model"]) == {"outcome": 1}


def test_what_a_rollup_lacks_is_asked_of_the_requests_and_all_else_of_the_rollup(lake: Lake):
    """A rollup of an app that knew one measure less, and meant another thing by a second."""
    commit(lake, *of_a_day(FIRST), *of_a_day(LAST))
    of_before(lake)
    there = Lake(lake.root)
    before = sorted((lake.root / "requests" / "_rollups").rglob("*.parquet"))

    assert told(there, ["model", "requests"]) == {"outcome": 2}
    assert told(there, ["model", "requests", "errors"]) == {"": 2}
    assert told(there, ["model", "successful"]) == {"": 2}

    commit(there, *of_a_day(FIRST + timedelta(days=1)))
    assert told(there, ["model", "errors"]) == {"outcome": 1, "": 2}
    assert set(before) < set((lake.root / "requests" / "_rollups").rglob("*.parquet")), "what was there stays"


def test_a_rollup_that_cannot_be_written_is_nobodys_error(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def no_room(*_: object) -> None:
        raise duckdb.IOException("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(RollupWriter, "_write_one", no_room)
        commit(lake, *of_a_day(FIRST))
    assert "could not be written" in caplog.text
    assert told(lake, ["model"]) == {"": 1}

    assert (lake.roll_up(), lake.roll_up()) == (1, 0)
    assert told(lake, ["model"]) == {"outcome": 1}


def test_a_vacuum_takes_the_rollups_of_files_that_are_gone_and_what_a_killed_process_left(lake: Lake):
    commit(lake, *of_a_day(FIRST))
    commit(lake, *of_a_day(FIRST, 61))
    folder = lake.root / "requests" / "_rollups" / "v1"
    (home,) = (folder / "outcome").iterdir()
    stopped, writing = home / "1.part", home / "2.part"
    stopped.touch()
    os.utime(stopped, (0, 0))
    writing.touch()
    assert len(list(home.glob("*.parquet"))) == 2

    lake.vacuum(grace_hours=0)

    (file,) = lake.snapshot().data_files
    assert {path.name[:41] for path in folder.rglob("*.parquet")} == {Path(file.name).stem}
    assert len(list(folder.rglob("*.parquet"))) == len(ROLLUPS)
    assert (stopped.exists(), writing.exists()) == (False, True)


def test_days_of_another_zone_take_the_place_of_those_before(lake: Lake, monkeypatch: pytest.MonkeyPatch):
    commit(lake, *of_a_day(FIRST))
    (home,) = (lake.root / "requests" / "_rollups" / "v1" / "user").iterdir()
    monkeypatch.setenv("USAGECOST_ZONE", "Europe/Berlin")
    assert told(lake, ["user_id"], "2026-03-28 23:00") == {"": 1}
    assert lake.roll_up() == 1
    assert told(lake, ["user_id"], "2026-03-28 23:00") == {"user": 1}
    for file in home.iterdir():
        os.utime(file, (0, 0))

    lake.vacuum()

    assert [path.name for path in home.iterdir()] == ["content.json"]
    assert told(lake, ["user_id"], "2026-03-28 23:00") == {"user": 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("users", "models"), [(40, 30), (20_000, 30), (400, 3)], ids=["few users", "many users with few requests", "coding agents"]
)
def test_rollups_take_less_room_than_the_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, users: int, models: int):
    monkeypatch.undo()
    made = make_lake(tmp_path / "lake", rows=120_000, days=2, models=models, users=users, end=LAST)
    room = sum(file.stat().st_size for file in (made.root / "requests" / "_rollups").rglob("*.*"))

    assert told(made, ["model"]) == {"outcome": 2}
    assert room < made.snapshot().bytes


def test_sums_that_are_too_large_for_a_rollup_are_read_from_the_requests(lake: Lake):
    commit(lake, *(request(model="m", list_cost_usd=Decimal(999_999_999)) for _ in range(2)))

    assert told(lake, [column_of("spend_usd", "best")]) == {"": 1}
    assert queries.usage(view(lake.name, days("2026-05-01")), "model").totals["spend_usd"] == 1_999_999_998
