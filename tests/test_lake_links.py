"""A lake that is reached through a symbolic link is the same lake: with the same prices, boards and locks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.lake_rows import commit
from tests.views import request
from usagecost import ingest
from usagecost.boards import boards_folder
from usagecost.lake import Lake
from usagecost.pricebook import add_entry, current_book


@pytest.fixture
def both(tmp_path: Path) -> tuple[Lake, Lake]:
    """A lake by its own path, and through a link that lies elsewhere."""
    (tmp_path / "real" / "data" / "lake").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "lake"
    link.symlink_to(os.path.relpath(tmp_path / "real" / "data" / "lake", link.parent))
    return Lake(tmp_path / "real" / "data" / "lake"), Lake(link)


def test_both_ways_lead_to_one_price_book(both: tuple[Lake, Lake], tmp_path: Path):
    own, linked = both
    add_entry(linked, '[[price]]\nmodel = "m"\ninput = 1.0\noutput = 1.0')

    assert (tmp_path / "real" / "data" / "prices.toml").exists()
    assert len(current_book(own).book.prices) == 1
    assert current_book(own).place == current_book(linked).place
    assert list((tmp_path / "elsewhere").iterdir()) == [tmp_path / "elsewhere" / "lake"]


def test_both_ways_lead_to_the_same_boards(both: tuple[Lake, Lake]):
    own, linked = both
    boards_folder(linked).put("mine.toml", "title = 'mine'\n", seen=None)

    assert boards_folder(own).names() == ["mine.toml"]


def test_both_ways_wait_for_one_another(both: tuple[Lake, Lake]):
    own, linked = both
    commit(linked, request("2026-05-01 10:00"))
    commit(own, request("2026-05-01 11:00"))

    assert own.root == linked.root
    assert (linked.version(), linked.snapshot().rows) == (2, 2)


def test_a_lake_in_a_folder_of_logs_is_left_out_through_a_link(both: tuple[Lake, Lake], tmp_path: Path):
    own, _ = both
    commit(own, request("2026-05-01 10:00"))
    (own.root / "notes.jsonl").write_text("{}\n")
    link = tmp_path / "logs"
    link.symlink_to(tmp_path / "real")

    report = ingest.ingest([link], own)

    assert report.problems[0].startswith(f"{link} holds no logs")
