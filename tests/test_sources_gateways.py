"""Logs of gateways, which mappings describe: what their columns mean."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.claims import Claims, says
from tests.gateway_rows import (
    BEDROCK,
    BIFROST,
    CLOUDFLARE,
    CURSOR,
    CURSOR_NAMES,
    HELICONE,
    HELICONE_EXPORT,
    NO_ID,
    OPENROUTER,
    OPENROUTER_ANSWER,
    PORTKEY,
)
from tests.source_rows import Row, json_lines, read, rejects, requests
from usagecost.sources import Head
from usagecost.sources.mapped import gateway

TOKENS = "input_tokens cache_read_tokens cache_write_tokens output_tokens output_reasoning_tokens"
NEGATIVE = "a count cannot be negative. Correct the log, or leave the value empty."
NO_JSON = "This line is no whole JSON object: it was cut off or damaged. Get a whole copy of the file."

# ---- Bedrock

AMAZON_NOVA = "arn:aws:bedrock:us-east-1:111122223333:inference-profile/eu.amazon.nova-pro-v1:0"
OF_MESSAGES = {"usage": {"cache_creation": {"ephemeral_1h_input_tokens": 70}}}
OF_CONVERSE = {"usage": {"cacheDetails": [{"ttl": "5m", "inputTokens": 1}, {"ttl": "1h", "inputTokens": 60}]}}


def answered(body: object) -> Row:
    return BEDROCK | {"output": {"outputTokenCount": 1, "outputBodyJson": body}}


OF_BEDROCK = {
    "an entry is a request with all input and the regional model": says(
        f"request_id provider model status {TOKENS} user_id project duration_ms",
        (
            BEDROCK,
            ("r-1", "aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "success", 8510, 8000, 500, 120, None,
             "arn:aws:sts::111122223333:assumed-role/app/i-1", "111122223333", 812.0),
        ),
    ),
    "a body says which writes are kept for an hour": says(
        "cache_write_1h_tokens",
        (answered(OF_MESSAGES), 70),
        (answered(OF_CONVERSE), 60),
        (answered([{"type": "message_start", "message": OF_MESSAGES}, {"type": "message_stop"}]), 70),
        (answered([{"type": "message_start"}]), None),
    ),
    "failures, ARNs and other entries": says(
        "status error_class model output_tokens is_streaming skipped",
        (
            [BEDROCK | {"errorCode": "ThrottlingException", "output": None, "input": {"inputTokenCount": None}},
             BEDROCK | {"modelId": AMAZON_NOVA, "operation": "ConverseStream"}, {"schemaType": "Permissions check"}],
            [("error", "ThrottlingException", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", None, False),
             ("success", None, "eu.amazon.nova-pro-v1:0", 120, True), {"no invocation of a model": 1}],
        ),
    ),
}  # fmt: skip

# ---- Bifrost

NO_TOKENS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
OF_API = {name: BIFROST[name] for name in BIFROST if name not in ("object_type", "prompt_tokens", "completion_tokens")} | {
    "object": "chat.completion",
    "token_usage": {
        "prompt_tokens": 100, "completion_tokens": 30, "prompt_tokens_details": {"image_tokens": 7},
        "completion_tokens_details": {"num_search_queries": 2, "image_tokens": 20}, "total_tokens": 130,
    },
    "cache_debug": {"cache_hit": True, "hit_type": "semantic"},
}  # fmt: skip

OF_BIFROST = {
    "a row says who, what, when and for how much": says(
        f"request_id provider model status user_id team_id end_user_id virtual_key is_streaming {TOKENS} reported_cost_usd "
        "duration_ms",
        (
            BIFROST,
            ("b-1", "openai", "gpt-4o", "success", "ada", "search", "c-7", "prod", True, 100, 40, None, 30, 10, Decimal("0.0005"),
             800.5),
        ),
    ),
    "without the parts it has its columns": says(
        TOKENS, (BIFROST | {"token_usage": None, "cached_read_tokens": 16}, (100, 16, None, 30, None))
    ),
    "what it is still working on, and calls that use no model, are skipped": says(
        "request_id skipped",
        ([BIFROST | {"status": "processing"}, BIFROST], [("b-1",), {"still running": 1}]),
        (
            [BIFROST | {"id": kind, "object_type": kind}
             for kind in ("list_models", "video_retrieve", "batch_list", "file_upload", "batch_create", "video_generation")],
            [("batch_create",), ("video_generation",), {"reads or manages what was made before": 4}],
        ),
    ),
    "its API calls the kind object and tells of searches, images and its cache": says(
        "operation input_tokens input_image_tokens output_image_tokens is_gateway_cache_hit units",
        (OF_API, ("chat completion", 100, 7, 20, True, {"web_searches": 2})),
    ),
    "a stream without usage has unknown tokens": says(
        TOKENS, *((BIFROST | NO_TOKENS | {"token_usage": usage}, (None,) * 5) for usage in ("", None, {"total_tokens": 0}))
    ),
    "what is wrong is said": says(
        "request_id",
        (
            [BIFROST, BIFROST | {"token_usage": None, "prompt_tokens": -4}, '{"id": '],
            [("b-1",), (2, f'input_tokens (column token_usage.prompt_tokens) is "-4": {NEGATIVE}'), (3, NO_JSON)],
        ),
    ),
}  # fmt: skip

# ---- Cloudflare

OF_CLOUDFLARE = {
    "a log says who, what, when and for how much": says(
        f"source request_id provider model status http_status user_id team_id environment route {TOKENS} reported_cost_usd "
        "duration_ms is_gateway_cache_hit attributes",
        (
            CLOUDFLARE,
            ("cloudflare", "01J", "openai", "gpt-4o", "success", 200, "ada", "search", "production", "chat/completions",
             100, None, None, 20, None, Decimal("0.00045"), 1234.0, False,
             {"step": 0, "model_type": "chat", "metadata": {"user": "ada", "team": "search", "env": "production"}}),
        ),
    ),
    "an answer out of the gateway's cache is one, and a failure is one with its status": says(
        "is_gateway_cache_hit status http_status",
        (CLOUDFLARE | {"cached": True}, (True, "success", 200)),
        (CLOUDFLARE | {"success": False, "status_code": 429, "tokens_in": 0, "tokens_out": 0}, (False, "error", 429)),
    ),
    "metadata that says nothing is no problem": says(
        "user_id input_tokens",
        *((CLOUDFLARE | {"metadata": said}, (None, 100)) for said in (None, "", "no json", {}, '{"user": "ada"')),
    ),
    "what is wrong is said": says(
        "request_id",
        ([CLOUDFLARE, CLOUDFLARE | {"tokens_in": -3}], [("01J",), (2, f'input_tokens (column tokens_in) is "-3": {NEGATIVE}')]),
    ),
}  # fmt: skip

# ---- Cursor

ROW = "2026-08-01T10:00:00.000Z,Included,claude-4-opus,No,"
OF_CURSOR = {
    "input is all input, a cost in words is not known, and Claude has Anthropic's names": says(
        f"model requested_model provider status reported_cost_usd {TOKENS} attributes",
        (
            [CURSOR_NAMES, *CURSOR],
            [
                ("claude-sonnet-4-6", "claude-4.6-sonnet-thinking", "anthropic", "success", None, 62300, 50000, 12000, 900, None,
                 {"kind": "Included", "max_mode": "No"}),
                ("gpt-5.4", "gpt-5.4", "openai", "success", Decimal("0.14"), 65000, 20000, 0, 1500, None,
                 {"kind": "On-Demand", "max_mode": "Yes"}),
                ("gpt-5.4", "gpt-5.4", "openai", "error", None, 0, 0, 0, 0, None,
                 {"kind": "Errored, No Charge", "max_mode": "No"}),
            ],
        ),
    ),
    "Cursor's names of Claude become Anthropic's": says(
        "model",
        *(
            ([CURSOR_NAMES, f"2026-08-01T10:00:00.000Z,Included,{name},No,0,300,0,900,1200,-"], model)
            for name, model in (
                ("claude-4.5-opus-high-thinking", "claude-opus-4-5"), ("claude-4-sonnet-1m", "claude-sonnet-4"),
                ("claude-3.7-sonnet-thinking", "claude-3-7-sonnet"), ("claude-3-opus", "claude-3-opus"),
            )
        ),
    ),
    "the total tells whether one input contains the other, and thousands may be in groups": says(
        "model input_tokens cache_write_tokens reported_cost_usd",
        *(
            ([CURSOR_NAMES, f"{ROW}{counts}"], ("claude-opus-4", 62300, 12000, Decimal("1.5")))
            for counts in ("12300,300,50000,900,63200,$1.50", '"12,300",300,"50,000",900,"63,200",$1.50')
        ),
    ),
}  # fmt: skip

# ---- Helicone

FRACTION = "that has a fraction, and billionths of a dollar are whole numbers. Split the file by the unit of its costs."
PLAIN_NAMES = [name for name in HELICONE if name != "properties"]
OF_THE_TOOL = [
    "response_id,response_created_at,response_status,request_created_at,request_properties,request_user_id,model,prompt_tokens,cost",
    '"r-1","2026-05-01T10:00:01.000Z","200","2026-05-01T10:00:01.000Z","{""""app"""":""""search""""}","ada",,"3000","1"',
]


def costing(request_id: str, cost: float, **more: object) -> Row:
    return HELICONE | {"request_id": request_id, "cost": cost, **more}


def csv_of(row: Row) -> str:
    return ",".join(str(row[name]) for name in PLAIN_NAMES)


OF_HELICONE = {
    "a row says who, what, when and for how much": says(
        "request_id provider model status user_id session_id app environment virtual_key route reported_cost_usd duration_ms "
        "ttft_ms is_gateway_cache_hit",
        (
            HELICONE,
            ("q-1", "anthropic", "claude-sonnet-4-5", "success", "ada", "s-1", "support", "production", None,
             "https://api.anthropic.com/v1/messages", Decimal("0.001234567"), 1200.0, 300.0, False),
        ),
    ),
    "its input becomes all input": says(
        TOKENS,
        (HELICONE, (730, 600, 30, 50, None)),  # Anthropic's input excludes both
        (HELICONE | {"prompt_tokens": 1000}, (1630, 600, 30, 50, None)),
        (HELICONE | {"provider": "OPENAI", "prompt_tokens": 1000, "reasoning_tokens": 20}, (1000, 600, 30, 50, 20)),
        (HELICONE | {"provider": "OPENAI", "prompt_tokens": 100}, (730, 600, 30, 50, None)),  # below its parts: they are not in it
    ),
    "outcomes and cache hits": says(
        "status http_status is_gateway_cache_hit",
        (HELICONE | {"status": 429}, ("error", 429, False)),
        (HELICONE | {"status": -3}, (None, None, False)),
        (HELICONE | {"cache_reference_id": NO_ID.replace("0", "5")}, ("success", 200, True)),
        (HELICONE | {"cache_reference_id": None}, ("success", 200, None)),
    ),
    "its export is in dollars and has names of its own": says(
        "request_id model user_id app environment status http_status duration_ms reported_cost_usd",
        (
            [HELICONE_EXPORT, HELICONE_EXPORT | {"request_id": "q-2", "response_status": 429, "cost": 2}],
            [("q-1", "gpt-4o", "ada", "support", "production", "success", 200, 1450.0, Decimal("0.0125")),
             ("q-2", "gpt-4o", "ada", "support", "production", "error", 429, 1450.0, Decimal(2))],
        ),
    ),
    "its tool's CSV has the answer's id only, and its quotes are doubled twice": says(
        "request_id app user_id model reported_cost_usd", (OF_THE_TOOL, ("r-1", "search", "ada", None, Decimal(1)))
    ),
    "a table whose first costs have fractions is in dollars": says(
        "reported_cost_usd",
        ([costing("a", 2), costing("b", 0.25)], [Decimal(2), Decimal("0.25")]),
        (
            [",".join(PLAIN_NAMES), csv_of(costing("a", 2)), csv_of(costing("b", 0.25))],
            [Decimal(2), Decimal("0.25")],
        ),
    ),
    "a fraction far below whole billionths is rejected and never read as billionths": says(
        "reported_cost_usd",
        (
            [*(costing(f"q-{place}", 1234567, properties={"app": "x" * 9000}) for place in range(40)), costing("c", 0.25),
             costing("d", 1.5e-7)],
            [*[Decimal("0.001234567")] * 40, (41, f'reported_cost_usd (column cost) is "0.25": {FRACTION}'),
             (42, f'reported_cost_usd (column cost) is "1.5e-07": {FRACTION}')],
        ),
    ),
    "what is wrong is said": says(
        "request_id",
        (
            [HELICONE | {"prompt_tokens": -4}, '{"id": '],
            [(1, f'input_tokens (column prompt_tokens) is "-4": {NEGATIVE}'), (2, NO_JSON)],
        ),
    ),
}  # fmt: skip

# ---- OpenRouter


def exported(*changes: Row) -> list[str]:
    """A CSV of activity."""
    rows = [OPENROUTER | changed for changed in changes]
    return ["\ufeff" + ",".join(OPENROUTER), *(",".join(str(row[name]) for name in OPENROUTER) for row in rows)]


def paid(**changed: object) -> Row:
    return OPENROUTER_ANSWER | {"native_tokens_completion": 1500, **changed}


def named(model: str, variant: str) -> list[str]:
    return exported({"model_permaslug": model, "variant": variant})


CLAUDE_4 = "anthropic/claude-4-sonnet-20250522"
NOTHING = dict.fromkeys(("tokens_prompt", "tokens_completion", "tokens_reasoning", "tokens_cached"), "0")
OF_OPENROUTER = {
    "an exported row says who, what, when and for how much": says(
        f"source request_id provider model status user_id virtual_key app route is_streaming {TOKENS} reported_cost_usd "
        "duration_ms ttft_ms started_at attributes.cost_cache",
        (
            exported({}),
            ("openrouter", "gen-1", "openrouter", CLAUDE_4, "success", "ada", "prod", "Support", "Anthropic", True, 1200, 1000,
             None, 300, 100, Decimal("0.0123"), 2500.0, 400.0, "2026-05-01T10:00:00.123000+00:00", -0.002),
        ),
    ),
    "an answer is counted in what is billed": says(
        f"request_id {TOKENS} reported_cost_usd user_id status",
        *(
            (answer, ("gen-1", 1200, 1000, None, 300, 100, Decimal("0.0123"), "ada", "success"))
            for answer in (OPENROUTER_ANSWER, {"data": OPENROUTER_ANSWER})
        ),
    ),
    "an amount that JSON cannot say is left out of the attributes": says(
        "attributes.cost_web_search attributes.upstream_cost",
        *((exported({"cost_web_search": amount}), (None, None)) for amount in ("1e999", "nan", "-inf", "much")),
        *((exported({"byok_usage_inference": amount}), (0.0, None)) for amount in ("nan", "-inf", "much")),
    ),
    "the outcome is how it finished": says(
        "status error_class",
        (exported({"cancelled": "true"}), ("cancelled", None)),
        (exported({"finish_reason_normalized": "error", "finish_reason_raw": "overloaded"}), ("error", "overloaded")),
        (exported({"finish_reason_normalized": "", "cancelled": ""}), (None, None)),
    ),
    "with a key of one's own the fee and the provider's part are the cost": says(
        "reported_cost_usd",
        (exported({"cost_total": "0.001", "byok_usage_inference": "0.02"}), Decimal("0.021")),
        (OPENROUTER_ANSWER | {"is_byok": True, "total_cost": 0.001}, Decimal("0.401")),
    ),
    "a variant with a price of its own is in the model's name": says(
        "model",
        (named("deepseek/deepseek-r1", "free"), "deepseek/deepseek-r1:free"),
        (named("deepseek/deepseek-r1:free", "free"), "deepseek/deepseek-r1:free"),
        (named("openai/gpt-4o", "extended"), "openai/gpt-4o:extended"),
        (named("openai/gpt-4o", "standard"), "openai/gpt-4o"),
        (named("openai/gpt-4o", ""), "openai/gpt-4o"),
        (named("openai/gpt-4o", "nitro"), "openai/gpt-4o"),
    ),
    "images, searches, files and what caching cost are counted, and a cancelled call has its zeros": says(
        "input_tokens output_image_tokens units",
        (paid(native_tokens_completion_images=1290, num_media_completion=1), (1200, 1290, {})),
        (paid(native_tokens_completion_images=0, num_media_completion=2), (1200, 0, {"images": 2})),
        (paid(num_search_results=5), (1200, None, {"web_searches": 1})),
        (paid(num_search_results=0, num_media_completion=0), (1200, None, {})),
        (paid(cache_discount=-0.0005), (1200, None, {"cache_writes": 1})),
        (paid(cache_discount=0.0005), (1200, None, {})),
        (
            exported({"cost_web_search": "0.02"}, {**NOTHING, "cancelled": "true"},
                     {"cost_cache": "0.0005", "cost_file_processing": "0.01"}),
            [(1200, None, {"web_searches": 1}), (0, None, {}), (1200, None, {"cache_writes": 1, "files": 1})],
        ),
    ),
    "a row with more cached than sent is rejected": says(
        "request_id",
        (
            exported({"tokens_cached": "5000"}, {"generation_id": ""}),
            [
                (2, "cache_read_tokens (column tokens_cached) is 5000, more than the 1200 of input_tokens (column tokens_prompt) "
                    "around it. If this log counts them apart, a mapping says so: "
                    "input_includes_cache_read or input_includes_cache_write = false."),
                (3, "request_id (column generation_id) is empty: a request needs an id of its own."),
            ],
        ),
    ),
}  # fmt: skip

# ---- Portkey


def counting(org: str, units: tuple[int, int, int | None], **usage: object) -> Row:
    """A row of one provider's with input, output and total, and the usage of its answer."""
    return (
        PORTKEY
        | dict(zip(("req_units", "res_units", "total_units"), units, strict=True))
        | {"ai_org": org, "response": {"usage": usage}}
    )


CACHE = {"cache_read_input_tokens": 600, "cache_creation_input_tokens": 30}
REASONED, CACHED = {"completion_tokens_details": {"reasoning_tokens": 405}}, {"prompt_tokens_details": {"cached_tokens": 500}}
OF_PORTKEY = {
    "a row says who, what and when, and its cost is no dollars": says(
        f"request_id trace_id provider model requested_model status http_status user_id team_id {TOKENS} reported_cost_usd "
        "duration_ms attributes.cost attributes.cost_currency",
        (
            PORTKEY,
            ("p-1", "t-1", "openai", "gpt-4o-2024-08-06", "gpt-4o", "success", 200, "ada", "search", 100, 64, None, 20, None, None,
             900.0, "0.045", "USD"),
        ),
    ),
    "the total tells what its counts leave out": says(
        TOKENS,
        # Gemini: thoughts are in the total only
        (counting("google", (20, 198, 623), **REASONED), (20, None, None, 603, 405)),
        (counting("vertex-ai", (20, 198, 623)), (20, None, None, 603, 405)),
        (counting("google", (20, 603, 623), **REASONED), (20, None, None, 603, 405)),
        (counting("google", (900, 100, 1200), **CACHED), (900, 500, None, 300, 200)),
        # Anthropic: so are cache reads and writes
        (counting("anthropic", (100, 50, 780), **CACHE), (730, 600, 30, 50, None)),
        (counting("anthropic", (1000, 50, 1680), **CACHE), (1630, 600, 30, 50, None)),
        (  # its own shape, in which the total leaves them out
            counting("anthropic", (1000, 50, 1050), input_tokens=1000, cache_read_input_tokens=600),
            (1600, 600, None, 50, None),
        ),
        (counting("openai", (1000, 50, 1050), **CACHED), (1000, 500, None, 50, None)),
        (counting("openai", (1000, 500, 1500), **REASONED), (1000, None, None, 500, 405)),
        (counting("openai", (1000, 50, None), **REASONED), (1000, None, None, 455, 405)),
        (counting("anthropic", (100, 20, 120), **CACHE), (730, 600, 30, 20, None)),  # input below its cached part excludes it
    ),
    "failures have their class": says(
        "status error_class http_status",
        (
            PORTKEY | {"is_success": False, "response_status_code": 429,
                       "response": {"error": {"type": "rate_limit", "message": "a secret"}}},
            ("error", "rate_limit", 429),
        ),
    ),
    "what is wrong is said": says(
        "request_id", (PORTKEY | {"req_units": -4}, [(1, f'input_tokens (column req_units) is "-4": {NEGATIVE}')])
    ),
}  # fmt: skip

GATEWAYS = {
    "bedrock": OF_BEDROCK,
    "bifrost": OF_BIFROST,
    "cloudflare": OF_CLOUDFLARE,
    "cursor": OF_CURSOR,
    "helicone": OF_HELICONE,
    "openrouter": OF_OPENROUTER,
    "portkey": OF_PORTKEY,
}
CLAIMS = {name: Claims(lambda name=name: gateway(name), claims) for name, claims in GATEWAYS.items()}


@pytest.mark.parametrize(("name", "claim"), [(name, claim) for name, claims in GATEWAYS.items() for claim in claims])
def test_a_gateways_log_is_read_as_claimed(name: str, claim: str):
    assert CLAIMS[name].actual(claim) == CLAIMS[name].expected(claim)


def test_a_row_of_cursor_keeps_its_id_in_a_later_export(tmp_path: Path):
    newer = '"2026-08-02T10:00:00.000Z","On-Demand","gpt-5.4","No","0","1","0","1","2","0.01"'

    before, after = (
        requests(read(gateway("cursor"), json_lines(tmp_path / name, [CURSOR_NAMES, *rows])), "request_id")
        for name, rows in (("a", CURSOR), ("b", (newer, *CURSOR)))
    )

    assert after[1:] == before
    assert len(set(after)) == 4


def test_a_table_of_helicones_tool_names_no_model_and_says_so(tmp_path: Path):
    ((line, reason),) = rejects(read(gateway("helicone"), json_lines(tmp_path / "a.csv", OF_THE_TOOL)))

    assert (line, "names no model in any of its 1 requests" in reason) == (None, True)


@pytest.mark.parametrize(
    "body",
    [
        {"id": "x", "model": "sonar", "created": 1, "usage": {"prompt_tokens": 1, "cost": {"total_cost": 0.01}}},
        {"id": "x", "model": "gpt-4o", "provider": "openai", "usage": {"prompt_tokens": 1, "cost": 0.01}},
        {"id": "x", "total_cost": 0.1, "provider_name": "p", "created_at": "2026-05-01"},
    ],
)
def test_what_only_has_a_cost_is_not_openrouters(tmp_path: Path, body: Row):
    assert gateway("openrouter").recognise(Head.of(json_lines(tmp_path / "a", [body]))) is None
