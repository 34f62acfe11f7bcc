"""Cursor's exported usage."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from tests.source_rows import read, rejects, requests
from usagecost.sources import SOURCES, Head
from usagecost.sources.mapped import gateway

HEADER = "Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,Cost\n"
ROWS = (
    '"2026-08-01T10:00:00.000Z","Included","claude-4.6-sonnet-thinking","No","12000","300","50000","900","63200","Included"\n'
    '"2026-08-01T11:00:00.000Z","On-Demand","gpt-5.4","Yes","0","45000","20000","1500","66500","0.14"\n'
    '"2026-08-01T12:00:00.000Z","Errored, No Charge","gpt-5.4","No","0","0","0","0","0","-"\n'
)


def written(folder: Path, rows: str, header: str = HEADER) -> Path:
    path = folder / "usage.csv"
    path.write_text(header + rows)
    return path


def test_input_is_all_input_and_a_cost_in_words_is_not_known(tmp_path: Path):
    batch = read(gateway("cursor"), written(tmp_path, ROWS))

    assert rejects(batch) == []
    assert requests(batch, "model", "requested_model", "provider", "status", "reported_cost_usd") == [
        ("claude-sonnet-4-6", "claude-4.6-sonnet-thinking", "anthropic", "success", None),
        ("gpt-5.4", "gpt-5.4", "openai", "success", Decimal("0.14")),
        ("gpt-5.4", "gpt-5.4", "openai", "error", None),
    ]
    assert requests(batch, "input_tokens", "cache_write_tokens", "cache_read_tokens", "output_tokens")[:2] == [
        (62300, 12000, 50000, 900),
        (65000, 0, 20000, 1500),
    ]
    assert requests(batch, "attributes")[1] == ('{"kind":"On-Demand","max_mode":"Yes"}',)


def test_cursors_names_of_claude_become_anthropics(tmp_path: Path):
    names = {
        "claude-4.5-opus-high-thinking": "claude-opus-4-5",
        "claude-4-sonnet-1m": "claude-sonnet-4",
        "claude-3.7-sonnet-thinking": "claude-3-7-sonnet",
        "claude-3-opus": "claude-3-opus",
    }
    rows = "".join(f"2026-08-01T10:00:00.000Z,Included,{name},No,0,300,0,900,1200,-\n" for name in names)

    batch = read(gateway("cursor"), written(tmp_path, rows))

    assert dict(requests(batch, "requested_model", "model")) == names


def test_the_total_tells_whether_one_input_contains_the_other(tmp_path: Path):
    row = "2026-08-01T10:00:00.000Z,Included,claude-4-opus,No,12300,300,50000,900,63200,$1.50\n"

    batch = read(gateway("cursor"), written(tmp_path, row))

    columns = ("model", "input_tokens", "cache_write_tokens", "reported_cost_usd")
    assert requests(batch, *columns) == [("claude-opus-4", 62300, 12000, Decimal("1.5"))]


def test_counts_in_groups_of_thousands_are_counts(tmp_path: Path):
    start = "2026-08-01T10:00:00.000Z,Included,claude-4-opus,No,"
    plain, grouped = "12300,300,50000,900,63200,$1.50", '"12,300",300,"50,000",900,"63,200",$1.50'

    told = [read(gateway("cursor"), written(tmp_path, f"{start}{counts}\n")).requests for counts in (plain, grouped)]

    assert told[0].drop(["source_file"]).equals(told[1].drop(["source_file"]))
    assert told[0]["input_tokens"].to_pylist() == [62300]


def test_a_row_keeps_its_id_in_a_later_export(tmp_path: Path):
    newer = '"2026-08-02T10:00:00.000Z","On-Demand","gpt-5.4","No","0","1","0","1","2","0.01"\n'

    before = requests(read(gateway("cursor"), written(tmp_path, ROWS)), "request_id")
    after = requests(read(gateway("cursor"), written(tmp_path, newer + ROWS)), "request_id")

    assert after[1:] == before
    assert len(set(after)) == 4


def test_it_is_recognised_by_its_columns(tmp_path: Path):
    assert [source.name for source in SOURCES if source.recognise(Head.of(written(tmp_path, ROWS)))] == ["cursor"]
