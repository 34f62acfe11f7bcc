"""Times as logs write them, mixed in one column, with and without offsets, around every change of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usagecost.sources.moments import instant_sql

LATEST = datetime(2026, 11, 24, tzinfo=UTC)
ZONES = ["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe", "Africa/Casablanca"]


def instants(texts: list[str], unit: str | None = None, zone: str = "UTC") -> list[int | None]:
    """The microseconds since 1970 that some texts say."""
    with duckdb.connect() as con:
        con.execute("SET GLOBAL TimeZone = 'UTC'")
        con.register("given", pa.table({"row": range(len(texts)), "text": texts}))
        rows = con.execute(f"SELECT epoch_us({instant_sql('text', unit, zone, LATEST)}) FROM given ORDER BY row").fetchall()
    return [row[0] for row in rows]


def microseconds(text: str) -> int:
    return round((datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def test_formats_may_be_mixed_in_one_column():
    same = [
        "2026-05-01T10:00:00Z",
        "2026-05-01 10:00:00",
        "2026-05-01T12:00:00+02:00",
        "2026-05-01 04:00:00-0600",
        "2026-05-01 10:00:00 UTC",
        "2026-05-01T10:00",
        "2026-05-01T10:00:00.000000Z",
        "2026-05-01T10:00:00,000Z",
        "2026-05-01 12:00:00,0+02:00",
        "1777629600",
        "1777629600.0",
        "1.7776296e9",
        "1777629600000",
        "1777629600000000",
        "1777629600000000000",
    ]

    assert set(instants(same)) == {microseconds("2026-05-01T10:00:00+00:00")}


def test_digits_below_the_microsecond_are_cut_off():
    texts = ["2023-11-16 18:17:03.9799609", "2023-11-16T18:17:03.979960999Z", "1700158623979960999", "1700158623.9799609"]

    assert set(instants(texts)) == {microseconds("2023-11-16T18:17:03.979960+00:00")}


@pytest.mark.parametrize(("unit", "text"), [("s", "1777629600"), ("ms", "1777629600000"), ("us", "1777629600000000")])
def test_a_unit_says_how_numbers_are_meant(unit: str, text: str):
    assert instants([text, "2026-05-01T10:00:00Z"], unit) == [microseconds("2026-05-01T10:00:00+00:00")] * 2
    assert instants([text], "ns") != instants([text], unit)


def test_iso_means_that_plain_numbers_are_no_times():
    assert instants(["1777629600"], "iso") == [None]


def test_what_is_no_time_is_null():
    assert instants(["", "yesterday", "nan", "2026-02-30", "12:00", "05/01/2026 10:00"]) == [None] * 6


def test_a_day_alone_begins_in_its_zone():
    assert instants(["2026-05-01"], zone="Europe/Berlin") == [microseconds("2026-04-30T22:00:00+00:00")]


def test_an_offset_wins_over_the_zone():
    assert (
        instants(["2026-05-01T10:00:00Z", "2026-05-01T12:00:00+02:00"], zone="Asia/Kathmandu")
        == [microseconds("2026-05-01T10:00:00+00:00")] * 2
    )


def test_local_times_that_clocks_show_twice_are_the_first_and_skipped_ones_count_on():
    assert instants(["2026-10-25T02:30:00", "2026-03-29T02:30:00"], zone="Europe/Berlin") == [
        microseconds("2026-10-25T00:30:00+00:00"),
        microseconds("2026-03-29T01:30:00+00:00"),
    ]


@pytest.mark.parametrize("zone", ZONES)
def test_local_times_are_those_of_zoneinfo_in_every_quarter_of_an_hour_around_a_change(zone: str):
    tz = ZoneInfo(zone)
    start = datetime(2015, 1, 1)  # noqa: DTZ001 - local times are the matter here
    days = [start + timedelta(days=day) for day in range(365 * 11)]
    changing = [
        day for day in days if day.replace(tzinfo=tz).utcoffset() != (day + timedelta(days=1)).replace(tzinfo=tz).utcoffset()
    ]
    local = [day + timedelta(minutes=15 * quarter) for day in changing or days[:1] for quarter in range(-96, 192)]

    found = instants([at.isoformat() for at in local], zone=zone)

    assert found == [round(at.replace(tzinfo=tz).timestamp()) * 1_000_000 for at in local]


@settings(max_examples=20)
@given(
    st.lists(st.datetimes(datetime(2015, 1, 1), datetime(2026, 11, 23)), min_size=1),  # noqa: DTZ001
    st.sampled_from(["America/New_York", *ZONES]),
)
def test_any_local_time_is_that_of_zoneinfo(local: list[datetime], zone: str):
    found = instants([at.isoformat() for at in local], zone=zone)

    expected = [at.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for at in local]
    assert found == [(at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for at in expected]
