"""Formats of one's own: a mapping beside the lake is recognised like those of the product, and said when it is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.source_rows import json_lines
from usagecost.ingest import WrongUsage, chosen_source, ingest, keep_format, known_formats
from usagecost.lake import Lake, LakeError
from usagecost.sources.mapping import MappingProblem

KEYS = {
    "source": "mesh",
    "title": "Our mesh",
    "recognise": ["call", "at", "used.in"],
    "columns": {
        "request_id": "call",
        "started_at": "at",
        "input_tokens": "used.in",
        "model": {"sql": "lower(engine)"},
        "status": "result",
    },
    "fields": {"engine": ["engine", "model"]},
}
CALL = {"call": "c-1", "at": "2026-05-01T10:00:00Z", "engine": "GPT-4o", "result": "ok", "used": {"in": 12}}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "home" / "lake")


def test_a_kept_mapping_is_a_format_that_recognises_its_files(lake: Lake, tmp_path: Path):
    keep_format(lake, KEYS)

    report = ingest([json_lines(tmp_path / "calls.jsonl", [CALL])], lake)

    assert (report.inserted, report.problems) == (1, ())
    assert known_formats(lake).sources["mesh"].title == "Our mesh"
    assert (tmp_path / "home" / "sources" / "mesh.toml").exists()
    chosen = chosen_source("mesh", None, lake)
    assert chosen
    assert chosen.name == "mesh"


def test_a_format_of_ones_own_takes_the_place_of_the_products(lake: Lake, tmp_path: Path):
    line = {"id": "1", "created_at": "2026-05-01", "tokens_in": 5, "tokens_out": 1, "cached": False, "model": "m", "success": True}
    keep_format(
        lake,
        {
            "source": "cloudflare",
            "recognise": ["tokens_in", "cached"],
            "columns": {"started_at": "created_at", "output_tokens": "tokens_in"},
        },
    )

    ingest([json_lines(tmp_path / "a.jsonl", [line])], lake)

    assert [known_formats(lake).sources[name].title for name in ("cloudflare", "portkey")] == ["cloudflare", "Portkey logs"]


def test_without_a_lake_the_products_formats_are_known(tmp_path: Path):
    known = known_formats(Lake(tmp_path / "none"))

    assert "openrouter" in known.sources
    assert known.problems == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[columns", "this is no TOML"),
        ('[columns]\nstarted_at = "t"\n', "recognise is missing: name the columns by which its files are known"),
        ('recognise = ["t"]\n[columns]\nstarted_at = {sql = "now()"}\n', "now does not give one and the same value each time."),
    ],
)
def test_a_broken_format_is_said_and_the_others_go_on(lake: Lake, tmp_path: Path, text: str, problem: str):
    keep_format(lake, KEYS)
    (tmp_path / "home" / "sources" / "broken.toml").write_text(text)

    report = ingest([json_lines(tmp_path / "calls.jsonl", [CALL])], lake)

    assert report.inserted == 1
    assert len(report.problems) == 1
    assert "The format broken.toml in" in report.problems[0]
    assert problem in report.problems[0]


def test_what_cannot_be_kept_is_said(lake: Lake, tmp_path: Path):
    with pytest.raises(MappingProblem, match="recognise is missing"):
        keep_format(lake, {"columns": {"started_at": "t"}})

    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "sources").write_text("a file")
    with pytest.raises(LakeError):
        keep_format(lake, KEYS)


def test_an_unknown_name_is_told_the_names_there_are(lake: Lake):
    keep_format(lake, KEYS)

    with pytest.raises(WrongUsage, match=r"--as mash is no format: use one of .*mesh"):
        chosen_source("mash", None, lake)
