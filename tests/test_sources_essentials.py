"""Files of a known format in which what matters is missing everywhere: they say so."""

from __future__ import annotations

from pathlib import Path

from tests.codex_rows import counts, tokens, turn
from tests.source_rows import json_lines, read, rejects
from tests.test_sources_claude_code import COUNTS, answer
from usagecost.ingest import ingest
from usagecost.lake import Lake
from usagecost.sources.claude_code import ClaudeCode
from usagecost.sources.codex import Codex

NO_MODEL = "The file names no model in any of its 2 requests: they cannot be priced. Export it with the models' names."
NO_TOKENS = (
    "The file has no tokens for any of its 2 requests, though not all failed: their usage is not known. "
    "Export it with the counts of tokens."
)
NOTHING = dict.fromkeys(COUNTS, 0)


def test_a_session_without_a_model_says_so(tmp_path: Path):
    lines = [tokens(counts(1), counts(1)), tokens(counts(2), counts(3))]

    batch = read(Codex(), json_lines(tmp_path / "a.jsonl", lines))

    assert (batch.requests.num_rows, rejects(batch)) == (2, [(None, NO_MODEL)])


def test_one_model_is_enough(tmp_path: Path):
    lines = [tokens(counts(1), counts(1)), turn(), tokens(counts(2), counts(3))]

    assert rejects(read(Codex(), json_lines(tmp_path / "a.jsonl", lines))) == []


def test_a_transcript_whose_answers_all_count_zero_says_so_and_its_neighbour_does_not(tmp_path: Path):
    zeros = json_lines(tmp_path / "zeros.jsonl", [answer({"id": "m1"}, NOTHING), answer({"id": "m2"}, NOTHING)])
    whole = json_lines(tmp_path / "whole.jsonl", [answer({"id": "m3"}, NOTHING), answer({"id": "m4"})])

    batch = read(ClaudeCode(), zeros, whole)

    assert rejects(batch) == [(None, NO_TOKENS)]
    assert batch.rejects["source_file"].to_pylist() == [str(zeros)]


def test_failed_requests_lack_nothing(tmp_path: Path):
    lines = [answer(usage=NOTHING, isApiErrorMessage=True)]

    assert rejects(read(ClaudeCode(), json_lines(tmp_path / "a.jsonl", lines))) == []


def test_a_file_in_which_no_usage_has_counts_says_so_whatever_else_is_loaded(tmp_path: Path):
    renamed = json_lines(tmp_path / "renamed.jsonl", [answer(usage={**dict.fromkeys(COUNTS), "tokens_in": 5})] * 3)
    good = json_lines(tmp_path / "good.jsonl", [answer()])

    report = ingest([renamed, good], Lake(tmp_path / "lake"))

    assert report.problems == (f"Nothing was used of {renamed}: usage without counts of tokens.",)
