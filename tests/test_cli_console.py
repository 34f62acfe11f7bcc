"""What reaches a terminal: text of logs, and nothing in it that a terminal obeys."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from typer.testing import CliRunner

from tests.views import request
from usagecost.cli import app
from usagecost.cli.console import Terminal, cell, visible

HOSTILE = "a\x1b]0;gone\x07b\x9b2Jc\u202ed\u2066e\x7f\rf"
VISIBLE = r"a\x1b]0;gone\x07b\x9b2Jc\u202ed\u2066e\x7f\rf"
OBEYED = [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), *map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))]
DAYS = ("--start", "2026-05-01", "--end", "2026-05-01", "--by", "team")


def run(*arguments: object) -> str:
    return CliRunner().invoke(app, [str(argument) for argument in arguments]).output


@pytest.fixture(scope="module")
def lake(lake_of: Callable[..., str]) -> str:
    return lake_of(request(team_id=HOSTILE, virtual_key="＝1+1"))


def test_escapes_take_the_place_of_what_a_terminal_obeys():
    assert visible(HOSTILE) == VISIBLE
    assert visible("日本語 é 🙂 \\x1b\tx\n") == "日本語 é 🙂 \\x1b\tx\n"


@given(st.text(alphabet=st.one_of(st.sampled_from(OBEYED), st.characters())))
def test_a_table_prints_nothing_that_a_terminal_obeys(text: str):
    file = io.StringIO()
    table = Table(box=None)
    table.add_row(text.replace("[", ""), cell(text))
    Terminal(file=file, width=200, soft_wrap=True).print(table)

    assert not set(OBEYED) - {"\n", "\t"} & set(file.getvalue())


def test_a_summary_shows_escapes_in_its_table(lake: str):
    shown = run("summary", "--lake", lake, *DAYS)

    assert VISIBLE in shown
    assert not set(OBEYED) - {"\n"} & set(shown)


def test_json_reads_back_exactly_and_has_nothing_that_a_terminal_obeys(lake: str):
    shown = run("summary", "--lake", lake, *DAYS, "--format", "json")

    assert json.loads(shown)[0]["team"] == HOSTILE
    assert not set(OBEYED) - {"\n"} & set(shown)


def test_csv_keeps_the_text_and_disarms_full_width_formulas(lake: str):
    team = run("summary", "--lake", lake, *DAYS, "--format", "csv")
    key = run("summary", "--lake", lake, *DAYS[:-1], "key", "--format", "csv")

    assert next(csv.DictReader(io.StringIO(team, newline="")))["team"] == HOSTILE.replace("\r", "\n")
    assert next(csv.DictReader(io.StringIO(key, newline="")))["key"] == "'＝1+1"


def test_the_messages_of_an_ingest_show_escapes(tmp_path: Path):
    file = tmp_path / "a\x1b[2Jb\u202e[red].csv"
    file.write_text("neither,of,these\n1,2,3\n")

    shown = run("ingest", file, "--lake", tmp_path / "lake")

    assert r"a\x1b[2Jb\u202e[red].csv" in shown
    assert not set(OBEYED) - {"\n"} & set(shown)
