"""Bills of every vendor, small ones written from the documented shapes: each line's meaning, and totals worked by hand."""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.bill_rows import written
from usagecost.bills.formats.words import counted, described_model, meter_of
from usagecost.bills.reading import Bill, read_bill

NOV_3, NOV_4 = 1793664000, 1793750400  # 2026-11-03 and -04, 0:00 UTC


def bill_of(tmp_path: Path, content: Any, name: str = "bill.json", **options: Any) -> Bill:
    """The bill that a file of this content is: text, or what JSON writes."""
    return read_bill([written(tmp_path, content, name)], **options)


def told(bill: Bill, *names: str) -> list[tuple[Any, ...]]:
    """Some columns of all lines; days as ISO writes them, numbers as texts."""
    plain = [{name: tidy(value) for name, value in row.items()} for row in bill.lines.to_pylist()]
    return [tuple(row[name] for name in names) for row in plain]


def tidy(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value.isoformat() if isinstance(value, date) else value


def totals(bill: Bill) -> dict[str, str]:
    found: Counter[str] = Counter()
    for row in bill.lines.to_pylist():
        found[row["kind"]] += row["amount"]
    return {kind: tidy(amount) for kind, amount in found.items()}


def openai_page(*buckets: tuple[int, list[dict[str, Any]]], more: str | None = None) -> dict[str, Any]:
    data = [{"object": "bucket", "start_time": start, "end_time": start + 86400, "results": results} for start, results in buckets]
    return {"object": "page", "data": data, "has_more": more is not None, "next_page": more}


def openai_result(value: float, line_item: str | None, **more: Any) -> dict[str, Any]:
    amount = {"value": value, "currency": "usd"}
    return {"object": "organization.costs.result", "amount": amount, "line_item": line_item, "project_id": None, **more}


def test_costs_of_openai(tmp_path):
    first = openai_page(
        (NOV_3, [
            openai_result(0.1, "gpt-6-astra, input_tokens", project_id="proj_a", quantity=40_000.0, quantity_unit="tokens"),
            openai_result(0.2, "gpt-4o-2024-08-06, cached input", quantity=160.0, quantity_unit="1000_tokens"),
            openai_result(1.5, "web search tool calls", api_key_id="key_1"),
        ]),
        more="page_2",
    )  # fmt: skip
    second = openai_page((NOV_4, []))

    bill = bill_of(tmp_path, [first, second])

    assert told(bill, "first_day", "project", "key", "model", "meter", "quantity", "unit", "amount", "line") == [
        ("2026-11-03", "proj_a", None, "gpt-6-astra", "input", "40000", "tokens", "0.1", 1),
        ("2026-11-03", None, None, "gpt-4o-2024-08-06", "cache_read", "160000", "tokens", "0.2", 2),
        ("2026-11-03", None, "key_1", None, "web_searches", None, None, "1.5", 3),
    ]
    assert totals(bill) == {"usage": "1.8"}  # not 1.7999999999999998, which the floats add up to
    assert told(bill, "provider", "currency", "covers_first", "covers_last")[0] == ("openai", "USD", "2026-11-03", "2026-11-04")


def anthropic_row(group: dict[str, Any], amount: str, list_amount: str, day: int = 3) -> dict[str, Any]:
    cost = {"amount": amount, "list_amount": list_amount, "currency": "USD", "requests": None}
    return {"starting_at": f"2026-11-0{day}T00:00:00Z", "ending_at": f"2026-11-0{day + 1}T00:00:00Z", "group": group, "cost": cost}


def test_costs_of_anthropic_by_dimension(tmp_path):
    asked = {"workspace_id": "wrkspc_1", "api_key_id": "apikey_9", "model": "claude-opus-5-5", "cost_type": "tokens"}
    page = {
        "data": [
            anthropic_row(asked | {"token_type": "uncached_input_tokens", "service_tier": "batch"}, "123.45", "137.1667"),
            anthropic_row(asked | {"token_type": "cache_creation.ephemeral_1h_input_tokens"}, "0.5", "0.5"),
            anthropic_row({"model": None, "cost_type": "web_search", "token_type": None}, "1000", "1000", day=4),
        ],
        "has_more": False,
        "next_page": None,
        "data_refreshed_at": "2026-11-05T06:00:00Z",
    }

    bill = bill_of(tmp_path, page)

    assert told(bill, "first_day", "project", "key", "model", "sku", "meter", "amount", "list_amount") == [
        ("2026-11-03", "wrkspc_1", "apikey_9", "claude-opus-5-5", "claude-opus-5-5, uncached_input_tokens, batch", "input",
         "1.2345", "1.371667"),
        ("2026-11-03", "wrkspc_1", "apikey_9", "claude-opus-5-5", "claude-opus-5-5, cache_creation.ephemeral_1h_input_tokens",
         "cache_write", "0.005", "0.005"),
        ("2026-11-04", None, None, None, "web_search", "web_searches", "10", "10"),
    ]  # fmt: skip
    assert totals(bill) == {"usage": "11.2395"}
    assert bill.lines["as_of"][0].as_py().isoformat() == "2026-11-05T06:00:00+00:00"


CUR = (
    "line_item_usage_start_date", "line_item_usage_end_date", "line_item_line_item_type", "line_item_product_code", "product",
    "line_item_usage_type", "line_item_usage_amount", "pricing_unit", "line_item_unblended_cost", "pricing_public_on_demand_cost",
    "line_item_currency_code", "line_item_usage_account_id", "bill_payer_account_id", "bill_invoice_id",
    "line_item_line_item_description",
)  # fmt: skip
HOUR, MONTH = ("2026-11-03T05:00:00Z", "2026-11-03T06:00:00Z"), ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
BEDROCK_ROWS = [
    (*HOUR, "Usage", "AmazonBedrock", None, "USE1-Claude4.6Sonnet-cache-read-input-token-count", 1500.0, "1K tokens", 0.45, 0.45,
     "USD", "222", "111", "INV-1", "$0.0003 per 1K cache read tokens"),
    (*HOUR, "Usage", "abc123", {"product_name": "Claude Sonnet 4.5 (Amazon Bedrock Edition)"},
     "USE1-MP:USE1_OutputTokenCount_Global-Units", 0.25, "Units", 3.75, 3.75, "USD", "222", "111", "INV-1",
     "AWS Marketplace software usage|us-east-1|Million Response Tokens Global"),
    (*HOUR, "Usage", "AmazonEC2", None, "BoxUsage:t3.large", 1.0, "Hrs", 0.0832, 0.0832, "USD", "222", "111", "INV-1", "an hour"),
    (*MONTH, "Tax", "AmazonBedrock", None, "USE1-Claude4.6Sonnet-input-tokens", 1.0, None, 0.8, None, "USD", "222", "111",
     "INV-1", "VAT"),
    (*MONTH, "EdpDiscount", "AmazonBedrock", None, "USE1-Claude4.6Sonnet-input-tokens", 1.0, None, -0.42, None, "USD", "222", "111",
     "INV-1", "EDP"),
]  # fmt: skip


def cur_file(tmp_path: Path, kind: str) -> Path:
    """The rows of an AWS report as CSV (legacy names or not), packed, or Parquet with its map of products."""
    file = tmp_path / f"report.{kind}"
    if kind == "parquet":
        rows = [dict(zip(CUR, row, strict=True)) for row in BEDROCK_ROWS]
        table = pa.Table.from_pylist([row | {"product": list((row["product"] or {}).items())} for row in rows], parquet_schema())
        pq.write_table(table, file)
        return file
    lines = [
        ",".join("" if value is None else '"' + str(text(value)).replace('"', '""') + '"' for value in row) for row in BEDROCK_ROWS
    ]
    content = "\n".join([",".join(CUR), *lines]) + "\n"
    file.write_bytes(gzip.compress(content.encode()) if kind.endswith("gz") else content.encode())
    return file


def text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


def parquet_schema() -> pa.Schema:
    numbers = ("line_item_usage_amount", "line_item_unblended_cost", "pricing_public_on_demand_cost")
    types = dict.fromkeys(numbers, pa.float64()) | {"product": pa.map_(pa.string(), pa.string())}
    return pa.schema([(name, types.get(name, pa.string())) for name in CUR])


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_the_report_of_aws(tmp_path, kind):
    bill = read_bill([cur_file(tmp_path, kind)])

    assert told(bill, "kind", "first_day", "last_day", "model", "meter", "quantity", "unit", "amount", "list_amount") == [
        ("usage", "2026-11-03", "2026-11-03", "anthropic.claude-sonnet-4-6-v1:0", "cache_read", "1500000", "tokens",
         "0.45", "0.45"),
        ("usage", "2026-11-03", "2026-11-03", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", "output", "250000", "tokens",
         "3.75", "3.75"),
        ("tax", "2026-11-01", "2026-11-30", "anthropic.claude-sonnet-4-6-v1:0", None, None, None, "0.8", None),
        ("adjustment", "2026-11-01", "2026-11-30", "anthropic.claude-sonnet-4-6-v1:0", None, None, None, "-0.42", None),
    ]  # fmt: skip
    assert totals(bill) == {"usage": "4.2", "tax": "0.8", "adjustment": "-0.42"}  # 4.58, what the invoice says
    assert told(bill, "account", "project", "invoice", "covers_first", "covers_last")[0] == (
        "111", "222", "INV-1", "2026-11-03", "2026-11-03",
    )  # fmt: skip
    assert bill.left_out == {"another service: AmazonEC2": 1}


AZURE_EA = (
    "Date,BillingAccountId,SubscriptionId,MeterCategory,MeterSubCategory,MeterName,ProductName,Quantity,UnitOfMeasure,"
    "CostInBillingCurrency,BillingCurrencyCode,ChargeType\n"
    "11/03/2026,8608480,sub-1,Azure OpenAI,Azure OpenAI,gpt 4o 1120 cached Inp glbl Tokens,OpenAI,29.872,1K,0.03734,EUR,Usage\n"
    "11/03/2026,8608480,sub-1,Foundry Models,Azure OpenAI GPT5,5.4 mini Opt Gl 1M Tokens,Azure OpenAI GPT5,0.5,1M,2.25,EUR,Usage\n"
    "11/03/2026,8608480,sub-1,Virtual Machines,Dv3,D2 v3,VM,24,1 Hour,4.20,EUR,Usage\n"
    "11/04/2026,8608480,sub-1,Azure OpenAI,Azure OpenAI,Provisioned Managed,Azure OpenAI PTU,1,1/Month,260.00,EUR,Purchase\n"
)
AZURE_MCA = (
    "invoiceId,billingAccountId,SubscriptionId,date,meterCategory,meterSubCategory,meterName,unitOfMeasure,quantity,"
    "costInBillingCurrency,paygCostInBillingCurrency,billingCurrency,chargeType\n"
    "G012,acc:1,sub-2,11/03/2026,Azure OpenAI,Azure OpenAI,gpt 4.1 ultra Inp glbl Tokens,1K,10,0.9,1.0,USD,Usage\n"
    "G012,acc:1,sub-2,11/03/2026,Azure OpenAI,Azure OpenAI,gpt 4.1 ultra Inp glbl Tokens,1K,-1,-0.09,-0.1,USD,Refund\n"
)


GOOGLE = {
    "billing_account_id": "01-AB", "service": {"id": "C7E2", "description": "Vertex AI"},
    "sku": {"id": "A121", "description": "Gemini 2.5 Pro Text Input - Predictions"}, "usage_start_time": "2026-11-01 05:00:00 UTC",
    "usage_end_time": "2026-11-01 06:00:00 UTC", "project": {"id": "p-1", "name": "one"}, "export_time": "2026-11-02 09:00:00 UTC",
    "cost": 1.25, "cost_at_list": 1.5, "currency": "EUR", "usage": {"amount": 1000000.0, "unit": "count"},
    "credits": [{"name": "Trial", "full_name": "Free trial", "amount": -1.0}, {"name": "SUD", "amount": -0.05}],
    "invoice": {"month": "202610"}, "cost_type": "regular",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet", "csv"])
def test_the_export_of_google(tmp_path, kind):
    rows = [GOOGLE, GOOGLE | {"credits": [], "cost": 0.01, "cost_type": "rounding_error"}]
    other = GOOGLE | {"service": {"id": "6F81", "description": "Compute Engine"}}
    file = tmp_path / f"export.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist([*rows, other]), file)
    elif kind == "csv":
        file.write_text(google_csv([*rows, other]))
    else:
        file.write_text("\n".join(map(json.dumps, [*rows, other])) if kind == "jsonl" else json.dumps([*rows, other], indent=1))

    bill = read_bill([file])

    assert told(bill, "kind", "first_day", "invoice", "model", "meter", "quantity", "amount", "list_amount", "description") == [
        ("usage", "2026-11-01", "202610", "gemini-2.5-pro", "input", "1000000", "1.25", "1.5", "Vertex AI"),
        ("credit", "2026-11-01", "202610", "gemini-2.5-pro", None, None, "-1", None, "Free trial"),
        ("credit", "2026-11-01", "202610", "gemini-2.5-pro", None, None, "-0.05", None, "SUD"),
        ("adjustment", "2026-11-01", "202610", "gemini-2.5-pro", None, "1000000", "0.01", "1.5", "Vertex AI"),
    ]
    assert totals(bill) == {"usage": "1.25", "credit": "-1.05", "adjustment": "0.01"}
    assert bill.lines["as_of"][0].as_py().isoformat() == "2026-11-02T09:00:00+00:00"
    assert bill.left_out == {"another service: Compute Engine": 1}


def google_csv(rows: list[dict[str, Any]]) -> str:
    """As a query writes it that takes nested columns apart."""
    flat = [
        {key: value for key, value in row.items() if not isinstance(value, dict | list)}
        | {f"{key}_{name}": value for key, inner in row.items() if isinstance(inner, dict) for name, value in inner.items()}
        | {"credits": json.dumps(row["credits"])}
        for row in rows
    ]
    lines = [",".join('"' + str(value).replace('"', '""') + '"' for value in row.values()) for row in flat]
    return "\n".join([",".join(flat[0]), *lines])


FOCUS = {
    "BilledCost": "3.00", "BillingAccountId": "acct-1", "BillingCurrency": "USD", "BillingPeriodStart": "2026-11-01T00:00:00Z",
    "ChargeCategory": "Usage", "ChargeClass": "", "ChargeDescription": "claude-opus-5-5 output",
    "ChargePeriodStart": "2026-11-03T00:00:00Z", "ChargePeriodEnd": "2026-11-04T00:00:00Z", "ConsumedQuantity": "120000",
    "ConsumedUnit": "Tokens", "InvoiceId": "I-7", "ListCost": "3.60", "PricingQuantity": "0.12", "PricingUnit": "1000000 Tokens",
    "ServiceCategory": "AI and Machine Learning", "SkuMeter": "Output Tokens", "SubAccountId": "ws-1",
}  # fmt: skip


def focus_csv(*rows: dict[str, str]) -> str:
    return "\n".join([",".join(rows[0]), *(",".join(f'"{value}"' for value in row.values()) for row in rows)])


@pytest.mark.parametrize(
    ("seller", "provider"),
    [
        ({"ProviderName": "Anthropic, PBC", "PublisherName": "Anthropic"}, "anthropic"),  # 1.0 to 1.3
        ({"ServiceProviderName": "Amazon Web Services, Inc.", "ProviderName": "x"}, "aws"),  # 1.3
        ({"ServiceProviderName": "Microsoft Corporation", "HostProviderName": "Microsoft"}, "azure"),  # 1.4
        ({"ServiceProviderName": "Mistral AI"}, "mistral"),
        ({"ServiceProviderName": "Acme Models"}, "acme-models"),
    ],
)
def test_focus_files_of_every_version(tmp_path, seller, provider):
    rows = [FOCUS | seller | changed for changed in ({}, {"ChargeCategory": "Tax", "BilledCost": "0.57", "ConsumedQuantity": ""})]

    bill = bill_of(tmp_path, focus_csv(*rows), "focus.csv")

    assert told(bill, "provider", "kind", "meter", "amount", "list_amount", "project", "invoice") == [
        (provider, "usage", "output", "3", "3.6", "ws-1", "I-7"),
        (provider, "tax", None, "0.57", "3.6", "ws-1", "I-7"),
    ]


OPENAI_CSV = (
    "start_time,end_time,start_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,project_id,user_email\n"
    f'{NOV_3},{NOV_4},2026-11-03,0.10000000000000000000,usd,40,1000_tokens,"gpt-4o-2024-08-06, input",proj_a,a@b.c\n'
    f'{NOV_3},{NOV_4},2026-11-03,-0.05,eur,,,"file search storage",proj_a,\n'
    f"{NOV_4},{NOV_4 + 86400},2026-11-04,,,,,,,\n"
)
ANTHROPIC_CSV = (
    "usage_date_utc,model,workspace,api_key,token_type,cost_usd,list_price_usd,cost_type,api_key_id\n"
    "2026-11-03,Claude Haiku 4.5,Default,ci,input_no_cache,0.05,0.06,token,apikey_1\n"
    "2026-11-03,claude-sonnet-4-5-20250929,Default,ci,input_cache_write_1h,0.5,0.5,token,apikey_1\n"
    "2026-11-04,,Default,ci,,0.01,0.01,web_search,\n"
)
ANTHROPIC_LEGACY = {
    "amount": "123.45", "currency": "USD", "cost_type": "tokens", "token_type": "output_tokens", "model": "claude-sonnet-4-5",
    "context_window": "0-200k", "service_tier": "standard", "workspace_id": "wrkspc_1",
    "description": "Claude Sonnet 4.5 Usage - Output Tokens", "inference_geo": None,
}  # fmt: skip
ACTIVITY = {
    "date": "2026-11-03", "model": "openai/gpt-4.1", "model_permaslug": "openai/gpt-4.1-2025-04-14", "endpoint_id": "e1",
    "provider_name": "OpenAI", "usage": 0.015, "byok_usage_inference": 0.012, "requests": 5, "prompt_tokens": 50,
    "completion_tokens": 125, "reasoning_tokens": 25, "cached_tokens": 0,
}  # fmt: skip
GENERATIONS = (
    "\ufeffgeneration_id,created_at,cost_total,byok_usage_inference,tokens_prompt,model_permaslug,provider_name,api_key_name\n"
    "gen-1,2026-11-03 23:59:59.900,0.0125,0,50,openai/gpt-4.1-2025-04-14,OpenAI,ci\n"
    "gen-2,2026-11-04 00:00:00.100,0.5,0,50,nobody/knows-it,OpenAI,\n"
)
SOLD_BY_OPENAI = FOCUS | {"ServiceProviderName": "OpenAI", "SkuMeter": "", "ChargeDescription": "", "x_Model": ""}
DETAILS = '{""ModelId"": ""gpt-6-astra"", ""TokenDirection"": ""Input"", ""TokenCacheAction"": ""Read""}'
MARKETPLACE = FOCUS | {
    "ServiceCategory": "Other", "ServiceName": "Claude Sonnet 4.5 (Amazon Bedrock Edition)", "ProviderName": "AWS",
    "SkuMeter": "MP:USE1_CacheWrite1hInputTokenCount-Units", "ConsumedQuantity": "0.25", "ConsumedUnit": "Units",
    "ChargeDescription": "AWS Marketplace software usage|us-east-1|Million Cache Write Tokens",
    "ChargePeriodStart": "2026-11-01T00:00:00+01:00", "ChargePeriodEnd": "2026-12-01T00:00:00+01:00",
}  # fmt: skip
VERCEL = FOCUS | {
    "ChargePeriodStart": "2026-11-03T08:00:00.000Z", "ChargePeriodEnd": "2026-11-04T08:00:00.000Z", "BilledCost": 1.2,
    "ServiceProviderName": "Vercel", "ServiceName": "AI Gateway", "x_Model": "gpt-4o",
}  # fmt: skip
BILLS: dict[str, tuple[str, Any, str, list[tuple[Any, ...]]]] = {
    "the export of OpenAI's usage page": (
        "costs.csv", OPENAI_CSV, "first_day project model meter quantity amount currency covers_last",
        [("2026-11-03", "proj_a", "gpt-4o-2024-08-06", "input", "40000", "0.1", "USD", "2026-11-04"),
         ("2026-11-03", "proj_a", None, None, None, "-0.05", "EUR", "2026-11-04")],
    ),
    "the export of Anthropic's console": (
        "costs.csv", ANTHROPIC_CSV, "format first_day key model meter amount list_amount",
        [("anthropic-console", "2026-11-03", "apikey_1", "claude-haiku-4-5", "input", "0.05", "0.06"),
         ("anthropic-console", "2026-11-03", "apikey_1", "claude-sonnet-4-5-20250929", "cache_write", "0.5", "0.5"),
         ("anthropic-console", "2026-11-04", "ci", None, "web_searches", "0.01", "0.01")],
    ),
    "the legacy report of Anthropic": (
        "bill.json",
        {"data": [{"starting_at": "2026-11-03T00:00:00Z", "ending_at": "2026-11-04T00:00:00Z", "results": [ANTHROPIC_LEGACY]}]},
        "format model meter amount list_amount description",
        [("anthropic-costs", "claude-sonnet-4-5", "output", "1.2345", None, "Claude Sonnet 4.5 Usage - Output Tokens")],
    ),
    "activity of OpenRouter": (
        "bill.json", {"data": [ACTIVITY, ACTIVITY | {"endpoint_id": "e2", "usage": 1e-7}]},
        "provider first_day model meter quantity unit amount",
        [("openrouter", "2026-11-03", "openai/gpt-4.1-2025-04-14", None, "5", "requests", "0.015"),
         ("openrouter", "2026-11-03", "openai/gpt-4.1-2025-04-14", None, "5", "requests", "0.0000001")],
    ),
    "generations of OpenRouter": (
        "activity.csv", GENERATIONS, "first_day key model sku amount line",
        [("2026-11-03", "ci", "openai/gpt-4.1-2025-04-14", "openai/gpt-4.1-2025-04-14", "0.0125", 2),
         ("2026-11-04", None, None, "nobody/knows-it", "0.5", 3)],
    ),
    "details of an enterprise agreement of Azure": (
        "ea.csv", AZURE_EA, "provider first_day kind model meter quantity unit amount currency",
        [("azure", "2026-11-03", "usage", "gpt-4o", "cache_read", "29872", "tokens", "0.03734", "EUR"),
         ("azure", "2026-11-03", "usage", "gpt-5.4-mini", "output", "500000", "tokens", "2.25", "EUR"),
         ("azure", "2026-11-04", "commitment", None, None, "1", "1/Month", "260", "EUR")],
    ),
    "details of a customer agreement of Azure": (
        "mca.csv", AZURE_MCA, "account project invoice kind model meter amount list_amount",
        [("acc:1", "sub-2", "G012", "usage", None, "input", "0.9", "1"),
         ("acc:1", "sub-2", "G012", "refund", None, None, "-0.09", "-0.1")],
    ),
    "FOCUS whose details name the model, and a correction, which is an adjustment": (
        "focus.csv",
        focus_csv(SOLD_BY_OPENAI | {"SkuPriceDetails": DETAILS},
                  SOLD_BY_OPENAI | {"SkuPriceDetails": "", "ChargeClass": "Correction", "x_Model": "gpt-4o-2024-08-06"}),
        "kind model meter quantity unit",
        [("usage", "gpt-6-astra", "cache_read", "120000", "tokens"),
         ("adjustment", "gpt-4o-2024-08-06", None, "120000", "tokens")],
    ),
    "a model of a marketplace, in a month of another zone": (
        "focus.csv", focus_csv(MARKETPLACE), "first_day last_day model meter quantity unit",
        [("2026-11-01", "2026-11-30", "anthropic.claude-sonnet-4-5-20250929-v1:0", "cache_write", "250000", "tokens")],
    ),
    "charges of Vercel, of which only those of models count": (
        "charges.jsonl",
        "\n".join(map(json.dumps, [VERCEL, VERCEL | {"ServiceName": "Functions", "ServiceCategory": "Compute"}])),
        "provider first_day last_day model amount", [("vercel", "2026-11-03", "2026-11-03", "gpt-4o", "1.2")],
    ),
}  # fmt: skip
"""Bill -> its file, what stands in it, columns, and what these say of each line."""


@pytest.mark.parametrize("said", BILLS)
def test_a_bill_of_a_vendor(tmp_path: Path, said: str):
    file, content, columns, lines = BILLS[said]
    bill = bill_of(tmp_path, content, file)

    assert told(bill, *columns.split()) == lines
    others = {"ea.csv": "Virtual Machines", "charges.jsonl": "Compute"}
    assert bill.left_out == ({f"another service: {others[file]}": 1} if file in others else {})


@pytest.mark.skipif("USAGECOST_REAL_DATA" not in os.environ, reason="USAGECOST_REAL_DATA names no folder with real bills")
def test_the_examples_of_the_focus_project():
    folder = Path(os.environ["USAGECOST_REAL_DATA"]) / "focus-saas-examples"
    bills = {file.stem[-2:]: read_bill([file]) for file in sorted(folder.glob("*.csv"))}

    assert told(bills["a1"], "provider", "kind", "first_day", "last_day", "amount", "unit") == [
        ("acmecorp", "commitment", "2025-04-01", "2026-03-31", "200000", "Token")
    ]
    assert totals(bills["b1"]) == {"commitment": "100000"}
    assert told(bills["a2"], "kind", "first_day", "amount", "list_amount", "quantity", "unit") == [
        ("usage", "2025-04-01", "0", "490", "245", "Execution"),
        ("usage", "2025-04-01", "0", "20", "5", "Execution"),
        ("usage", "2025-04-01", "0", "720", "120", "Workflow operation"),
    ]
    assert told(bills["_c"], "first_day", "last_day", "amount") == [
        ("2025-04-01", "2025-09-30", "3000"), ("2025-10-01", "2026-03-31", "50000"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "words", "model", "meter"),
    [
        ("aws", "Nova2.0Lite-input-tokens-flex", "global.amazon.nova-2-lite-v1:0", "input"),
        ("aws", "openai.gpt-oss-120b-mantle-output-tokens-standard", "openai.gpt-oss-120b-1:0", "output"),
        ("aws", "Claude3.5Sonnet-input-tokens", None, "input"),  # two snapshots are called so
        ("azure", "gpt 4o 0513 Input global Tokens", "gpt-4o-2024-05-13", "input"),
        ("azure", "5.6 sol LongCo Cd Wr PP DZ 1M Tokens", "gpt-5.6-sol", "cache_write"),
        ("azure", "gpt 4.1 ultra Inp glbl Tokens", None, "input"),  # a word that is no mark: another model
        ("google", "Gemini 2.5 Flash Image Output - Predictions", "gemini-2.5-flash-image", "output"),
        ("google", "Gemini 2.5 Flash GA Input Text Caching", "gemini-2.5-flash", "cache_read"),
        ("google", "Gemini 3.0 Pro Text Input - Predictions", "gemini-3-pro-preview", "input"),
        ("google", "Gemini 3 Flash Text Input Caching Storage", "gemini-3-flash-preview", None),
    ],
)
def test_words_of_clouds_name_models_and_meters(provider, words, model, meter):
    assert (described_model(provider, words, "gpt" if provider == "azure" else ""), meter_of(words)) == (model, meter)


@pytest.mark.parametrize(
    ("quantity", "unit", "tokens"),
    [
        ("29.872", "1K tokens", 29_872), ("2", "1M Tokens", 2_000_000), ("5", "1000_tokens", 5_000),
        ("0.12", "1000000 Tokens", 120_000), ("3", "1K Input Tokens", 3_000), ("7", "requests", None),
    ],
)  # fmt: skip
def test_quantities_are_tokens_whatever_their_package(quantity, unit, tokens):
    assert counted(Decimal(quantity), unit) == ((tokens, "tokens") if tokens else (Decimal(quantity), unit))
