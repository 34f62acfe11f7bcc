"""LiteLLM: what is billed by the piece, how a call was asked for, and which lines are no calls of a model; in both of its logs."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from tests.litellm_rows import payload, spend_log, usage
from tests.source_rows import Row, json_lines, read, read_each, requests
from usagecost.sources import Batch
from usagecost.sources.litellm import LiteLLM


def call(counts: Row, call_type: str = "acompletion", **fields: object) -> list[Row]:
    """A call with a usage object, as the table has it and as a logger writes it."""
    prompt, completion = counts.get("prompt_tokens", 0), counts.get("completion_tokens", 0)
    said = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, "call_type": call_type}
    return [
        spend_log({"usage_object": counts}, **said | fields),
        spend_log({"additional_usage_values": counts}, **said | fields),
        payload({"usage_object": counts}, **said | fields),
        payload({"usage_object": None}, **said | fields, response={"usage": counts}),
    ]


def of_each(folder: Path, calls: Iterable[list[Row]]) -> list[tuple[Batch, ...]]:
    """The batches of each call, in all of its forms; those of one form are read after each other."""
    forms = list(zip(*calls, strict=True))
    found = read_each(LiteLLM(), folder, (line for lines in forms for line in lines))
    count = len(forms[0])
    return list(zip(*(found[start : start + count] for start in range(0, len(found), count)), strict=True))


def test_what_is_billed_by_the_piece_is_counted(tmp_path: Path):
    billed = [
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
    ]

    found = of_each(tmp_path, (call(counts, call_type) for counts, call_type, _ in billed))

    assert [[dict(batch.requests["units"][0].as_py() or []) for batch in batches] for batches in found] == [
        [units] * 4 for _, _, units in billed
    ]


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

    assert [requests(batch, *columns) for batch in read_each(LiteLLM(), tmp_path, call(counts))] == [[(9, 8, 6, 5, 4)]] * 4


def test_the_way_of_asking_is_said(tmp_path: Path):
    ways = [
        ({"speed": "fast", "inference_geo": "us", "service_tier": "priority"}, ("fast", "us", "priority")),
        ({"speed": "standard", "inference_geo": "not_available", "service_tier": "default"}, (None, None, "default")),
        ({}, (None, None, None)),
    ]

    found = of_each(tmp_path, (call(usage(100, 20, **said)) for said, _ in ways))

    columns = ("speed", "inference_region", "service_tier")
    assert [[requests(batch, *columns) for batch in batches] for batches in found] == [[[way]] * 4 for _, way in ways]


def test_a_project_is_a_project_and_an_application(tmp_path: Path):
    about = {"user_api_key_project_id": "p-1", "user_api_key_project_alias": "Search"}
    found = read_each(LiteLLM(), tmp_path, [spend_log(about), payload(about)])

    assert [requests(batch, "project", "app") for batch in found] == [[("Search", "Search")]] * 2


READS, MANAGES = "reads an earlier answer", "prepares or manages something, uses no model"


CALLS = [
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
]


def test_calls_that_use_no_model_are_skipped_and_say_why(tmp_path: Path):
    costs = [dict.fromkeys(("spend", "response_cost"), 0.001 if tokens else 0) for _, tokens, _ in CALLS]
    calls = (call(usage(tokens, 0), call_type, **cost) for (call_type, tokens, _), cost in zip(CALLS, costs, strict=True))

    for (call_type, tokens, reason), batches in zip(CALLS, of_each(tmp_path, calls), strict=True):
        for batch in batches:
            assert (call_type, [said for _, said in batch.skips]) == (call_type, [reason] if reason else [])
            assert batch.requests.num_rows == (reason is None)
            if reason is None and not tokens:
                assert requests(batch, "input_tokens", "output_tokens") == [(None, None)]


def test_a_payload_of_an_answer_asked_for_again_counts_if_it_was_made_in_the_background(tmp_path: Path):
    asked = [
        ({"response": {"background": True}}, 1),
        ({"response": {"background": False}}, 0),
        ({"cost_finalized": True}, 1),  # this version writes usage there only once
        ({}, 0),
    ]

    found = read_each(LiteLLM(), tmp_path, (payload(call_type="aget_responses", **fields) for fields, _ in asked))

    assert [(batch.requests.num_rows, batch.skipped) for batch in found] == [(count, 1 - count) for _, count in asked]


def test_a_search_that_costs_something_is_counted(tmp_path: Path):
    line = spend_log(call_type="avector_store_search", spend=0.0025, prompt_tokens=0, completion_tokens=0, total_tokens=0)

    batch = read(LiteLLM(), json_lines(tmp_path / "a.jsonl", [line]))

    assert requests(batch, "reported_cost_usd", "units") == [(Decimal("0.0025"), [("storage_searches", Decimal(1))])]
