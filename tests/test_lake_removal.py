"""Taking requests out again, and how far a source has been read."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.copies import copied
from tests.lake_rows import at, commit, row, rows_of, stage
from usagecost.lake import Lake, LakeMissing, Selection


@copied
def lake(lake: Lake) -> None:
    commit(
        lake,
        row("a", ingest_id="i-1", user_id="ada", reported_cost_usd=Decimal("0.5")),
        row("b", ingest_id="i-2", user_id="ada", started_at="2026-05-02 10:00"),
        row("c", ingest_id="i-2", user_id="bob", started_at="2026-05-02 11:00", list_cost_usd=Decimal(2)),
    )


def test_a_removal_says_what_it_would_take_and_changes_nothing(lake: Lake):
    found = lake.removal(Selection(user="ada"))

    assert (found.requests, found.users, found.spend_usd, found.unpriced) == (2, 1, Decimal("0.5"), 1)
    assert (found.first, found.last) == ("2026-05-01 10:00:00+00", "2026-05-02 10:00:00+00")
    assert lake.version() == found.version == 1


@pytest.mark.parametrize(
    ("selection", "left"),
    [
        (Selection(ingest="i-2"), ["a"]),
        (Selection(user="ada"), ["c"]),
        (Selection(before=at("2026-05-02 10:00")), ["b", "c"]),
        (Selection(ingest="i-2", user="ada"), ["a", "c"]),
        (Selection(user="ada'; DROP TABLE lake; --"), ["a", "b", "c"]),
    ],
)
def test_a_removal_takes_what_is_meant(lake: Lake, selection: Selection, left: list[str]):
    lake.remove(selection)

    assert [request_id for (request_id,) in rows_of(lake, "request_id")] == left


def test_a_removal_is_one_version_which_says_what_it_was(lake: Lake):
    done = lake.remove(Selection(ingest="i-2"))

    assert (done.requests, done.version, lake.version()) == (2, 2, 2)
    assert lake.snapshot().rows == 1
    newest = lake.history()[0]
    assert (newest["removal"], newest["counts"]) == ({"ingest": "i-2"}, {"removed": 2, "days": 1})


def test_nothing_to_remove_is_no_version(lake: Lake):
    assert lake.remove(Selection(user="eve")).requests == 0
    assert lake.version() == 1


def test_what_was_removed_can_be_loaded_again(lake: Lake):
    lake.remove(Selection(ingest="i-1"))

    assert commit(lake, row("a", ingest_id="i-3")).inserted == 1


def test_a_removal_says_which_requests():
    with pytest.raises(ValueError, match="Say which requests"):
        Selection()


def test_a_watermark_is_part_of_the_version_and_stays(lake: Lake, tmp_path: Path):
    assert lake.watermark("litellm") is None

    lake.commit([stage(tmp_path, [row("d")])], watermarks={"litellm": 1_700_000_000_000_000})
    commit(lake, row("e"))

    assert Lake(lake.root).watermark("litellm") == 1_700_000_000_000_000
    assert lake.watermark("other") is None


def test_without_a_lake_there_is_no_watermark(tmp_path: Path):
    with pytest.raises(LakeMissing):
        Lake(tmp_path / "none").watermark("litellm")
