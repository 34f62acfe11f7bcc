"""LiteLLM: what is billed by the piece, how a call was asked for, and which lines are no calls of a model; in both of its logs."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.litellm_rows import payload, spend_log, usage
from tests.source_rows import Row, json_lines, read, requests
from usagecost.sources import Batch
from usagecost.sources.litellm import LiteLLM


def of_both(tmp_path: Path, counts: Row, call_type: str = "acompletion", **fields: object) -> list[Batch]:
    """A call with a usage object, as the table has it and as a logger writes it."""
    prompt, completion = counts.get("prompt_tokens", 0), counts.get("completion_tokens", 0)
    said = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, "call_type": call_type}
    rows = [
        spend_log({"usage_object": counts}, **said | fields),
        spend_log({"additional_usage_values": counts}, **said | fields),
        payload({"usage_object": counts}, **said | fields),
        payload({"usage_object": None}, **said | fields, response={"usage": counts}),
    ]
    return [read(LiteLLM(), json_lines(tmp_path / f"{place}.jsonl", [row])) for place, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("counts", "call_type", "units"),
    [
        (usage(100, 20, server_tool_use={"web_search_requests": 2}), "acompletion", {"web_searches": 2}),
        (usage(100, 20, prompt_tokens_details={"web_search_requests": 3}), "aresponses", {"web_searches": 3}),
        (usage(0, 0, output_image_count=2), "aimage_generation", {"images": 2}),
        (usage(50, 1000, output_image_count=1), "aimage_generation", {}),  # billed by its tokens
        ({"type": "duration", "seconds": 12.5}, "atranscription", {"input_audio_seconds": Decimal("12.5")}),
        ({"search_units": 3}, "arerank", {"rerank_searches": 3}),
        (usage(0, 0, pages_processed=4), "aocr", {"input_document_pages": 4}),
        (usage(0, 0, prompt_tokens_details={"character_count": 90}), "aembedding", {"input_characters": 90}),
        (usage(0, 0, duration_seconds=8), "avideo_generation", {"video_seconds": 8}),
        (usage(100, 20), "acompletion", {}),
    ],
)
def test_what_is_billed_by_the_piece_is_counted(tmp_path: Path, counts: Row, call_type: str, units: dict[str, object]):
    for batch in of_both(tmp_path, counts, call_type):
        (found,) = batch.requests["units"].to_pylist()
        assert dict(found or []) == units


def test_rerankings_of_a_payload_say_their_units_in_the_answer(tmp_path: Path):
    line = payload({"usage_object": None}, call_type="arerank", response={"meta": {"billed_units": {"search_units": 2}}})

    (found,) = read(LiteLLM(), json_lines(tmp_path / "a.jsonl", [line])).requests["units"].to_pylist()

    assert found == [("rerank_searches", Decimal(2))]


def test_images_and_audio_have_columns(tmp_path: Path):
    parts = {"image_tokens": 9, "audio_tokens": 8, "cached_tokens": 7, "cached_tokens_details": {"audio_tokens": 6}}
    counts = usage(100, 20, prompt_tokens_details=parts, completion_tokens_details={"image_tokens": 5, "audio_tokens": 4})
    columns = (
        "input_image_tokens", "input_audio_tokens", "cache_audio_read_tokens", "output_image_tokens", "output_audio_tokens",
    )  # fmt: skip

    assert [requests(batch, *columns) for batch in of_both(tmp_path, counts)] == [[(9, 8, 6, 5, 4)]] * 4


@pytest.mark.parametrize(
    ("said", "columns"),
    [
        ({"speed": "fast", "inference_geo": "us", "service_tier": "priority"}, ("fast", "us", "priority")),
        ({"speed": "standard", "inference_geo": "not_available", "service_tier": "default"}, (None, None, "default")),
        ({}, (None, None, None)),
    ],
)
def test_the_way_of_asking_is_said(tmp_path: Path, said: Row, columns: tuple):
    found = [requests(batch, "speed", "inference_region", "service_tier") for batch in of_both(tmp_path, usage(100, 20, **said))]

    assert found == [[columns]] * 4


def test_a_project_is_a_project_and_an_application(tmp_path: Path):
    about = {"user_api_key_project_id": "p-1", "user_api_key_project_alias": "Search"}
    rows = [spend_log(about), payload(about)]

    found = [
        requests(read(LiteLLM(), json_lines(tmp_path / f"{place}", [row])), "project", "app") for place, row in enumerate(rows)
    ]

    assert found == [[("Search", "Search")]] * 2


READS, MANAGES = "reads an earlier answer", "prepares or manages something, uses no model"


@pytest.mark.parametrize(
    ("call_type", "tokens", "reason"),
    [
        ("aget_responses", 120, READS),
        ("get_responses", 0, READS),
        ("acancel_responses", 120, READS),
        ("adelete_responses", 0, READS),
        ("alist_input_items", 120, READS),
        ("acreate_batch", 0, MANAGES),
        ("aretrieve_batch", 0, MANAGES),
        ("acancel_batch", 0, MANAGES),
        ("afile_content", 0, MANAGES),
        ("acreate_file", 0, MANAGES),
        ("avector_store_search", 0, MANAGES),
        ("avector_store_file_list", 0, MANAGES),
        ("avideo_retrieve", 0, MANAGES),
        ("get_assistants", 0, MANAGES),
        ("acreate_fine_tuning_job", 0, MANAGES),
        ("alist_containers", 0, MANAGES),
        ("aretrieve_batch", 120, None),  # what a batch has cost
        ("acompletion", 0, None),
        ("aimage_generation", 0, None),
        ("amoderation", 0, None),
        ("aspeech", 0, None),
        ("arerank", 0, None),
        ("avideo_generation", 0, None),
        ("pass_through_endpoint", 0, None),
        ("_arealtime", 0, None),
    ],
)
def test_calls_that_use_no_model_are_skipped_and_say_why(tmp_path: Path, call_type: str, tokens: int, reason: str | None):
    counts = usage(tokens, 0)
    cost = {"spend": 0.001 if tokens else 0, "response_cost": 0.001 if tokens else 0}

    for batch in of_both(tmp_path, counts, call_type, **cost):
        assert [said for _, said in batch.skips] == ([reason] if reason else [])
        assert batch.requests.num_rows == (reason is None)
        if reason is None and not tokens:
            assert requests(batch, "input_tokens", "output_tokens") == [(None, None)]


@pytest.mark.parametrize(
    ("fields", "is_counted"),
    [
        ({"response": {"background": True}}, True),
        ({"response": {"background": False}}, False),
        ({"cost_finalized": True}, True),  # this version writes usage there only once
        ({}, False),
    ],
)
def test_a_payload_of_an_answer_asked_for_again_counts_if_it_was_made_in_the_background(
    tmp_path: Path, fields: Row, is_counted: bool
):
    batch = read(LiteLLM(), json_lines(tmp_path / "a.jsonl", [payload(call_type="aget_responses", **fields)]))

    assert batch.requests.num_rows == is_counted
    assert batch.skipped == (not is_counted)


def test_a_search_that_costs_something_is_counted(tmp_path: Path):
    line = spend_log(call_type="avector_store_search", spend=0.0025, prompt_tokens=0, completion_tokens=0, total_tokens=0)

    batch = read(LiteLLM(), json_lines(tmp_path / "a.jsonl", [line]))

    assert requests(batch, "reported_cost_usd", "units") == [(Decimal("0.0025"), [("storage_searches", Decimal(1))])]
